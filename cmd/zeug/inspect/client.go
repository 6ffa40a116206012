package inspect

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Client asks questions of a core, which another process answers by [Serve]. The process is started
// with the first question, and again whenever it has ended. Its methods may be called from any
// goroutine; they take turns.
type Client struct {
	// Command is the program that calls Serve; the executable and the core are
	// appended to it.
	Command []string
	// Program is the executable, File its core.
	Program, File string
	// Timeout is how long an answer may take; the first answer of a process may
	// take ten times as long. 0 means 10 seconds.
	Timeout time.Duration

	mu      sync.Mutex
	reader  *reader
	retired atomic.Bool
	process atomic.Pointer[os.Process] // of reader; it can be read during a question
}

// reader is the process that answers.
type reader struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	stderr  bytes.Buffer
	started bool // it has answered once
}

// ErrNoAnswer says that the reading of a core took too long or ended. The next
// question is asked of another process.
var ErrNoAnswer = errors.New("the core could not be read")

var errRetired = fmt.Errorf("%w: it is not kept any more", ErrNoAnswer)

// Ask asks, and decodes the answer into value. Every error except [ErrNoAnswer]
// is the answer of the process.
func (c *Client) Ask(q Question, value any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retired.Load() {
		return errRetired
	}
	if c.reader == nil {
		r, err := start(append(append([]string{}, c.Command...), c.Program, c.File))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoAnswer, err)
		}
		c.reader = r
		c.process.Store(r.cmd.Process)
		if c.retired.Load() { // Close was called before there was a process to kill
			c.end()
			return errRetired
		}
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	if !c.reader.started {
		timeout *= 10 // for the debug information
	}
	late := time.AfterFunc(timeout, func() { _ = c.reader.cmd.Process.Kill() })
	a, err := c.reader.ask(q)
	if inTime := late.Stop(); err != nil {
		why := c.reader.end()
		c.reader = nil
		c.process.Store(nil)
		if c.retired.Load() {
			return errRetired
		}
		if !inTime {
			why = fmt.Sprintf("no answer in %v", timeout)
		}
		return fmt.Errorf("%w: %s", ErrNoAnswer, why)
	}
	c.reader.started = true
	if a.Error != "" {
		return errors.New(a.Error)
	}
	return json.Unmarshal(a.Value, value)
}

// Rest ends the process, if it is not reading a core, until the next question.
func (c *Client) Rest() {
	if !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	c.end()
}

// Close ends the process for good, even while it answers a question.
func (c *Client) Close() {
	c.retired.Store(true)
	if p := c.process.Load(); p != nil {
		_ = p.Kill() // it may have ended by itself
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end()
}

func (c *Client) end() {
	if c.reader != nil {
		c.reader.end()
		c.reader = nil
		c.process.Store(nil)
	}
}

func start(command []string) (*reader, error) {
	r := &reader{cmd: exec.Command(command[0], command[1:]...)}
	r.cmd.Stderr = &r.stderr
	r.cmd.WaitDelay = time.Second
	in, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.in, r.out = in, bufio.NewReader(out)
	return r, r.cmd.Start()
}

func (r *reader) ask(q Question) (a answer, err error) {
	line, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	if _, err := r.in.Write(append(line, '\n')); err != nil {
		return a, err
	}
	if line, err = r.out.ReadBytes('\n'); err != nil {
		return a, err
	}
	return a, json.Unmarshal(line, &a)
}

// end ends the process and says how it ended.
func (r *reader) end() string {
	_ = r.in.Close()
	_ = r.cmd.Process.Kill()
	err := r.cmd.Wait()
	if said, _, _ := strings.Cut(r.stderr.String(), "\n"); said != "" {
		return said
	}
	if err == nil {
		return "its reader ended"
	}
	return "its reader ended: " + err.Error()
}
