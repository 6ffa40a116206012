//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/internal/freeport"
)

// instance is a process of shortly, or a series of processes that hand over to each other.
type instance struct {
	name, addr, pidFile string
	args                []string
	binary, dir         string
	process             *process // the instance that was started here
}

// fleet is the instances behind the balancer.
type fleet struct {
	instances []*instance
	binary    string
}

// build compiles shortly to a file.
func build(ctx context.Context, file string) error {
	command := exec.CommandContext(ctx, "go", "build", "-o", file, "github.com/zeugkit/zeug/examples/shortly")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// startFleet starts n instances.
func startFleet(ctx context.Context, dir string, n int, args ...string) (*fleet, error) {
	f := &fleet{binary: filepath.Join(dir, "shortly")}
	if err := build(ctx, f.binary); err != nil {
		return nil, err
	}
	ports, err := freeport.Choose(n)
	if err != nil {
		return nil, err
	}
	for i, port := range ports {
		name := fmt.Sprintf("shortly%d", i+1)
		in := &instance{name: name, addr: "127.0.0.1:" + port, binary: f.binary, dir: dir, pidFile: filepath.Join(dir, name+".pid")}
		in.args = append(args, "-addr", in.addr, "-pid-file", in.pidFile)
		f.instances = append(f.instances, in)
		if err := in.start(ctx); err != nil {
			f.stop(ctx)
			return nil, err
		}
	}
	return f, nil
}

func (in *instance) start(ctx context.Context) (err error) {
	if in.process, err = start(in.dir, in.binary, in.args...); err != nil {
		return err
	}
	return eventually(ctx, in.name+" to be ready", in.ready)
}

// ready returns an error as long as the instance must not be sent requests.
func (in *instance) ready(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+in.addr+"/-/ready", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/-/ready answers %d", resp.StatusCode)
	}
	return nil
}

// kill kills the process, and starts a new one when it is gone, as a supervisor does.
func (in *instance) kill(ctx context.Context) error {
	pid := readPID(in.pidFile)
	if err := signalPID(pid, syscall.SIGKILL); err != nil {
		return err
	}
	if err := in.gone(ctx, pid); err != nil {
		return err
	}
	return in.start(ctx)
}

func (in *instance) gone(ctx context.Context, pid int) error {
	return eventually(ctx, in.name+" to end", func(context.Context) error {
		if runs(pid) {
			return fmt.Errorf("it runs: %s", in.process.output.String())
		}
		return nil
	})
}

// pause stops the process for a time. The balancer has to notice that by itself.
func (in *instance) pause(ctx context.Context, d time.Duration) error {
	pid := readPID(in.pidFile)
	if err := signalPID(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	if err := signalPID(pid, syscall.SIGCONT); err != nil {
		return err
	}
	return eventually(ctx, in.name+" to be ready", in.ready)
}

// rollOut replaces the old binary by a new one and makes each instance in turn
// hand its socket over to it.
func (f *fleet) rollOut(ctx context.Context) error {
	fresh := f.binary + ".new"
	if err := copyFile(f.binary, fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, f.binary); err != nil {
		return err
	}
	for _, in := range f.instances {
		old := readPID(in.pidFile)
		if err := signalPID(old, syscall.SIGHUP); err != nil {
			return err
		}
		if err := in.gone(ctx, old); err != nil {
			return err
		}
		now := readPID(in.pidFile)
		if now == old || !runs(now) {
			return fmt.Errorf("%s: no process followed %d: %s", in.name, old, in.process.output.String())
		}
		if err := eventually(ctx, in.name+" to be ready", in.ready); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o700)
}

// stop makes all instances drain at once, and end.
func (f *fleet) stop(ctx context.Context) error {
	pids := map[*instance]int{}
	for _, in := range f.instances {
		if pid := readPID(in.pidFile); pid != 0 && runs(pid) {
			signalPID(pid, syscall.SIGTERM)
			pids[in] = pid
		}
	}
	var err error
	for in, pid := range pids {
		if e := in.gone(ctx, pid); e != nil {
			signalPID(pid, syscall.SIGKILL)
			err = errors.Join(err, e)
		}
	}
	return err
}
