//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a program that this one started.
type process struct {
	name    string
	command *exec.Cmd
	output  output
	ended   chan struct{}
}

// start starts a program, in the folder dir.
func start(dir, name string, args ...string) (*process, error) {
	p := &process{name: name, command: exec.Command(name, args...), ended: make(chan struct{})}
	p.command.Dir = dir
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s (Debian's packages haproxy and redis-server are needed): %w", name, err)
	}
	go func() {
		defer close(p.ended)
		p.command.Wait()
	}()
	return p, nil
}

// signal sends a signal. A process that has ended gets no signal.
func (p *process) signal(sig os.Signal) { p.command.Process.Signal(sig) }

// kill ends the process at once and waits for its end.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// output keeps the last part of what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() > 1<<20 {
		o.text.Reset()
	}
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// eventually waits until reached returns nil, a minute at most.
func eventually(ctx context.Context, what string, reached func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := reached(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w", what, err)
		case <-ticker.C:
		}
	}
}

// readPID returns the number in a PID file, 0 if there is none.
func readPID(name string) int {
	text, _ := os.ReadFile(name)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// runs reports whether a process runs. A process that has ended, but is still a zombie, does not
// count.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	after := stat[bytes.LastIndexByte(stat, ')')+1:]
	return !bytes.HasPrefix(bytes.TrimSpace(after), []byte("Z"))
}

// signalPID sends a signal to a process that is not a child of this one.
func signalPID(pid int, sig os.Signal) error {
	if pid <= 0 {
		return errors.New("no process has this number")
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Signal(sig)
}
