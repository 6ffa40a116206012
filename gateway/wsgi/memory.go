package wsgi

import (
	"fmt"
	"os"
	"time"
)

// memoryEvery is how often the memory of a worker is looked at.
const memoryEvery = 3 * time.Second

// memoryOf returns the resident set of a process in bytes, or 0 if the system does not say.
func memoryOf(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

// watchMemory replaces the worker once it uses too much memory. Called with mu held.
func (p *pool) watchMemory(w *worker) {
	w.memory = time.AfterFunc(memoryEvery, func() {
		if memoryOf(w.process.pid()) > p.config.MaxMemory {
			p.replace(w, "memory")
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if w.state == serving {
			w.memory.Reset(memoryEvery)
		}
	})
}
