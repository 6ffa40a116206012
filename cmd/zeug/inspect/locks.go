package inspect

import (
	"fmt"

	"github.com/go-delve/delve/pkg/proc"
)

// The states of locks are those of Go's packages sync and internal/sync.

// maxReaders is subtracted from the readers of a sync.RWMutex while a writer has it or waits for it.
const maxReaders = 1 << 30

// mutexState is the state word of a mutex: bit 0 says that it is locked, those from 3 on count the goroutines that wait.
func mutexState(v *proc.Variable) (int64, bool) {
	if state, ok := integer(field(v, "mu", "state")); ok {
		return state, true
	}
	return integer(field(v, "state")) // before Go 1.24
}

func mutexForm(w *view, v *proc.Variable) (string, bool) {
	state, ok := mutexState(w.opened(v))
	if !ok {
		return "", false
	}
	text := "unlocked"
	if state&1 != 0 {
		text = "locked"
	}
	if waiters := uint32(state) >> 3; waiters > 0 {
		text += fmt.Sprintf(", %d waiting", waiters)
	}
	return text, true
}

func rwMutexForm(w *view, v *proc.Variable) (string, bool) {
	again := w.opened(v)
	readers, ok1 := integer(field(again, "readerCount", "v"))
	waited, ok2 := integer(field(again, "readerWait", "v"))
	writer, ok3 := mutexState(field(again, "w"))
	if !ok1 || !ok2 || !ok3 {
		return "", false
	}
	switch {
	case readers == 0 && writer&1 == 0:
		return "unlocked", true
	case readers > 0:
		return fmt.Sprintf("locked by %d readers", readers), true
	case readers < 0 && waited > 0:
		return fmt.Sprintf("locked by %d readers, a writer is waiting", waited), true
	case readers < 0 && readers+maxReaders > 0:
		return fmt.Sprintf("locked by a writer, %d readers are waiting", readers+maxReaders), true
	}
	return "locked by a writer", true
}

func onceForm(w *view, v *proc.Variable) (string, bool) {
	again := w.opened(v)
	done, ok := integer(field(again, "done", "v"))
	if !ok {
		return "", false
	}
	if done != 0 {
		return "done", true
	}
	return "not done", true
}

func waitGroupForm(w *view, v *proc.Variable) (string, bool) {
	again := w.opened(v)
	state, ok := integer(field(again, "state", "v"))
	if !ok {
		return "", false
	}
	// The state has the counter, a bit of package testing/synctest, and how many goroutines wait.
	return fmt.Sprintf("counter %d, %d waiting", int32(uint64(state)>>32), uint32(state)&^(1<<31)), true
}
