package wsgi

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// process is a running Python, started by this program or forked by such a process.
type process interface {
	pid() int
	signal(os.Signal)
	kill()
	// ended is closed when the process has ended; then why says how.
	ended() <-chan struct{}
	why() string
}

//go:embed shim.py
var shim string

// bootstrap reads the configuration and the program from descriptor 3, so that neither needs a
// file. It compiles the program under a name that tracebacks can leave out.
const bootstrap = `import os
with os.fdopen(3, "rb") as f: config = f.readline(); text = f.read()
exec(compile(text, "<zeug>", "exec"), {"CONFIG": config, "__name__": "__zeug__"})`

// started is a process that this program has started.
type started struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// start runs the shim with the sockets from descriptor 4 on, which it closes here.
func start(c *Config, preload bool, sockets []*os.File) (*started, error) {
	defer closeAll(sockets)
	settings, err := json.Marshal(map[string]any{
		"app": c.App, "dir": c.Dir, "threads": c.Threads, "workers": c.Workers,
		"drain": c.DrainTimeout.Seconds(), "validate": c.Validate, "preload": preload,
	})
	if err != nil {
		return nil, fmt.Errorf("wsgi: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("wsgi: %w", err)
	}
	defer r.Close()
	cmd := exec.Command(c.Python, "-c", bootstrap)
	cmd.Dir = c.Dir
	cmd.Env = c.environment()
	cmd.ExtraFiles = append([]*os.File{r}, sockets...)
	output, err := c.output()
	if err != nil {
		w.Close()
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = output, output
	err = cmd.Start()
	if output != c.Output {
		output.Close()
	}
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("wsgi: start %s: %w", c.Python, err)
	}
	go func() {
		io.WriteString(w, string(settings)+"\n"+shim)
		w.Close()
	}()
	s := &started{cmd: cmd, done: make(chan struct{})}
	go func() {
		s.err = cmd.Wait()
		close(s.done)
	}()
	return s, nil
}

// environment is the environment of the workers. Flask passes exceptions on only in its debug
// mode, which FLASK_DEBUG switches on.
func (c *Config) environment() []string {
	list := append(os.Environ(), "PYTHONUNBUFFERED=1")
	if c.setsFlaskDebug() {
		list = append(list, flaskDebug+"1")
	}
	if !sharesMemory { // a worker on Linux has no shared memory if the server is built with the tag otherunix
		list = append(list, "ZEUG_NO_SHARED_MEMORY=1")
	}
	return append(list, c.Env...)
}

const flaskDebug = "FLASK_DEBUG="

// setsFlaskDebug reports whether workers get FLASK_DEBUG because it is not set.
func (c *Config) setsFlaskDebug() bool {
	set := func(variable string) bool { return strings.HasPrefix(variable, flaskDebug) }
	return c.Debug && !slices.ContainsFunc(os.Environ(), set) && !slices.ContainsFunc(c.Env, set)
}

// output is where a worker prints. A pipe is read until the last process has closed it. A child of
// the application may outlive the worker, so the end of the worker is not the end of the pipe. It
// is read even if Output fails: a worker that cannot print would fail too.
func (c *Config) output() (*os.File, error) {
	if f, ok := c.Output.(*os.File); ok {
		return f, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("wsgi: %w", err)
	}
	go func() {
		c.copyOutput(r)
		r.Close()
	}()
	return w, nil
}

// copyOutput writes the bytes of r to Output, and drops those that it does not accept. The first
// failure is logged.
func (c *Config) copyOutput(r io.Reader) {
	buffer, failed := make([]byte, 32<<10), false
	for {
		n, err := r.Read(buffer)
		if n > 0 {
			if _, err := c.Output.Write(buffer[:n]); err != nil && !failed {
				failed = true
				c.Logger.Error("wsgi: what a worker prints is lost: Config.Output fails", "err", err)
			}
		}
		if err != nil {
			return
		}
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func (s *started) pid() int { return s.cmd.Process.Pid }

func (s *started) signal(sig os.Signal) { s.cmd.Process.Signal(sig) }

func (s *started) kill() { s.cmd.Process.Kill() }

func (s *started) ended() <-chan struct{} { return s.done }

func (s *started) why() string {
	if s.err == nil {
		return "exit status 0"
	}
	return s.err.Error()
}

// starting is the message of a process on its control channel once it has
// imported the application.
func starting(c *Config, control *channel, p process) error {
	control.conn.SetReadDeadline(time.Now().Add(c.StartTimeout))
	defer control.conn.SetReadDeadline(time.Time{})
	kind, n, err := control.header()
	switch {
	case err == nil && kind == 'Y':
		return nil
	case err == nil && kind == 'Z':
		text, err := control.payload(n)
		if err != nil {
			return fmt.Errorf("wsgi: read the traceback of the import: %w", err)
		}
		<-p.ended()
		return &Traceback{Importing: true, Text: string(text)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		p.signal(dumpSignal) // to show where it hangs
		select {
		case <-p.ended():
		case <-time.After(printTime):
		}
		p.kill()
		return fmt.Errorf("%w: %s was not imported within %v (Config.StartTimeout)", ErrStartTimeout, c.App, c.StartTimeout)
	}
	p.kill()
	<-p.ended()
	return fmt.Errorf("%w: %s", ErrStartEnded, p.why())
}
