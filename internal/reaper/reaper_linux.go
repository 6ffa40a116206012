// Package reaper collects orphans in process 1 of a container. If a process
// dies whose parent has died before it, process 1 must wait for it. Until then
// it stays in the process table as a zombie.
//
// A plain wait for any child would take the status of children away from the code that started
// them. Package os holds a descriptor (pidfd) of each process that it started and that was not
// waited for yet. So a zombie without such a descriptor is an orphan, or a child that C code or
// package syscall started. Code of that kind waits for its children at once, so such a zombie is
// left alone for a second.
package reaper

import (
	"bytes"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// grace is how long a zombie is left to code that waits for it without a pidfd.
const grace = time.Second

// Start begins to collect orphans, if this is process 1 and the system has pidfds.
// It returns a function that ends the collecting.
func Start() (stop func()) {
	if os.Getpid() != 1 || !canTell() {
		return func() {}
	}
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGCHLD)
	go collect(signals, done)
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// canTell reports whether package os uses pidfds here, and /proc shows the
// processes of this namespace.
func canTell() bool {
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return false
	}
	p, err := os.FindProcess(os.Getpid())
	if err != nil {
		return false
	}
	defer p.Release()
	return p.WithHandle(func(uintptr) {}) == nil
}

func collect(signals <-chan os.Signal, done <-chan struct{}) {
	seen := map[int]bool{}
	for {
		var again <-chan time.Time
		if len(seen) > 0 {
			again = time.After(grace)
		}
		select {
		case <-signals:
			if again != nil {
				select {
				case <-again:
				case <-done:
					return
				}
			}
		case <-again:
		case <-done:
			return
		}
		seen = reap(seen)
	}
}

// reap waits for the zombies that were there at the last call too, and returns the new ones.
func reap(seen map[int]bool) map[int]bool {
	found := zombies()
	if len(found) == 0 {
		return nil
	}
	waited := awaited()
	fresh := map[int]bool{}
	for _, pid := range found {
		switch {
		case waited[pid]:
		case seen[pid]:
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		default:
			fresh[pid] = true
		}
	}
	return fresh
}

// zombies returns the children of this process that have ended.
func zombies() (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	own := strconv.Itoa(os.Getpid())
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// 4711 (name) Z 1 …; the name may hold anything.
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if len(fields) < 2 || string(fields[0]) != "Z" || string(fields[1]) != own {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// awaited returns the processes of which this one holds a pidfd.
func awaited() map[int]bool {
	pids := map[int]bool{}
	files, _ := filepath.Glob("/proc/self/fdinfo/*")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		_, after, ok := bytes.Cut(b, []byte("\nPid:\t"))
		number, _, _ := bytes.Cut(after, []byte("\n"))
		if pid, err := strconv.Atoi(string(number)); ok && err == nil {
			pids[pid] = true
		}
	}
	return pids
}
