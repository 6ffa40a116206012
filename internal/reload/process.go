package reload

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/middleware/debugger"
)

// A Process is a run of the application.
type Process struct {
	// Number counts the runs from 1.
	Number int
	// Executable is the file that runs. It stays until the supervisor ends, so
	// that a debugger can read it.
	Executable string
	// PID is the number of the process.
	PID int

	cmd      *exec.Cmd
	socket   string
	requests *http.Transport
	output   *tail
	conn     atomic.Pointer[supervise.Conn]

	heard    chan struct{} // closed when its last message has been handled
	ready    chan struct{} // closed when it serves
	gone     chan struct{} // closed when it has ended; err is set then
	err      error
	asked    atomic.Bool // a request was sent to it
	inFlight sync.WaitGroup
	tripsMu  sync.Mutex
	trips    []*trip     // the requests that are counted in inFlight, the oldest first
	leaving  atomic.Bool // it was told to end
	dying    atomic.Bool // it has begun to end, or has ended

	// The output of a process that died, set before gone is closed; nil if it printed nothing.
	report *debugger.Report
	live   debugger.Live
	lost   []debugger.Field // the requests that were running
}

// start runs the executable. Its output goes to the supervisor's own standard output and error.
func (s *Supervisor) start(number int, executable string) (*Process, error) {
	p := &Process{
		Number: number, Executable: executable,
		socket: filepath.Join(s.folder, "app"+strconv.Itoa(number)),
		output: &tail{}, heard: make(chan struct{}), ready: make(chan struct{}), gone: make(chan struct{}),
	}
	p.requests = &http.Transport{
		DialContext:         dialer(p.socket),
		DisableCompression:  true,
		MaxIdleConnsPerHost: 512,
		IdleConnTimeout:     0, // the process keeps its end until it is told to end
	}
	p.cmd = exec.Command(executable, s.config.Program.Args...)
	p.cmd.Dir = s.config.Program.WorkDir
	p.cmd.Env = append(os.Environ(), supervise.Env+"="+s.control.Addr().String(), supervise.EnvRun+"="+strconv.Itoa(number))
	if s.config.Terminal {
		p.cmd.Env = append(p.cmd.Env, supervise.EnvTerminal+"=1")
	}
	if os.Getenv("GOTRACEBACK") == "" {
		// The other goroutines show which goroutine waits for which.
		p.cmd.Env = append(p.cmd.Env, "GOTRACEBACK=all")
	}
	crashes, last, err := heldPipe()
	if err == nil {
		defer last.Close()
		p.cmd.ExtraFiles = []*os.File{last} // as descriptor 3
		p.cmd.Env = append(p.cmd.Env, supervise.EnvCrash+"=3")
	}
	p.cmd.Stdin = os.Stdin
	p.cmd.Stdout = io.MultiWriter(s.config.Stdout, p.output)
	p.cmd.Stderr = io.MultiWriter(withoutComplaint{s.config.Stderr}, p.output)
	p.cmd.WaitDelay = time.Second // its children may keep its output open
	s.mu.Lock()
	s.processes = append(s.processes, p)
	s.starting = p
	s.mu.Unlock()
	s.restoreConsole() // the previous process may have left the terminal without echo
	if err := p.cmd.Start(); err != nil {
		if crashes != nil {
			crashes.Close()
		}
		p.err = err
		close(p.gone)
		return nil, err
	}
	p.PID = p.cmd.Process.Pid
	crashed := make(chan *crash, 1)
	go func() {
		if crashes == nil {
			crashed <- &crash{}
			return
		}
		crashed <- p.watchCrash(crashes, s.corePath(number))
	}()
	go func() {
		p.err = p.cmd.Wait()
		p.dying.Store(true)
		p.lost = p.onTheirWay()
		if errors.Is(p.err, exec.ErrWaitDelay) {
			p.err = nil
		}
		if p.err == nil {
			p.err = errors.New("exit status 0")
		}
		if crashes != nil {
			// A child of the program may have inherited the pipe.
			_ = crashes.SetReadDeadline(time.Now().Add(lastWordsTime))
		}
		s.lastWords(p, <-crashed)
		p.requests.CloseIdleConnections()
		if c := p.conn.Load(); c != nil {
			select {
			case <-p.heard:
			case <-time.After(lastWordsTime): // another process keeps the connection open
				c.Close()
				<-p.heard
			}
		}
		s.removeCores(number)
		os.Remove(p.socket)
		close(p.gone)
	}()
	return p, nil
}

// withoutComplaint removes a line that Go's runtime prints: serving/dev sets the rate of a profile
// before package pprof sets its own, and there is no other way to get a profile of a short request.
type withoutComplaint struct{ io.Writer }

var rateLine = []byte("runtime: cannot set cpu profile rate until previous profile has finished.\n")

func (w withoutComplaint) Write(b []byte) (int, error) {
	left := bytes.ReplaceAll(b, rateLine, nil)
	if len(left) == 0 && len(b) > 0 {
		return len(b), nil
	}
	if _, err := w.Writer.Write(left); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Send sends the process a message.
func (p *Process) Send(kind string, data any) error {
	c := p.conn.Load()
	if c == nil {
		return errors.New("the process has not connected")
	}
	return c.Send(kind, data)
}

// How long a process may finish its requests after another one has replaced it, and how long it may
// take to exit after that.
const (
	finishTime = 10 * time.Second
	exitTime   = 5 * time.Second
)

// retire ends a process that another one replaces: running requests are
// finished, and then the process exits, or is killed.
func (p *Process) retire() {
	if p.leaving.Swap(true) {
		return
	}
	p.Send(supervise.TypeFinish, nil)
	idle := make(chan struct{})
	go func() {
		p.inFlight.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-p.gone:
		return
	case <-time.After(finishTime):
	}
	p.end()
}

// end makes the process exit, by force if necessary.
func (p *Process) end() {
	p.leaving.Store(true)
	if p.Send(supervise.TypeDrain, nil) != nil {
		p.cmd.Process.Signal(os.Interrupt)
	}
	select {
	case <-p.gone:
	case <-time.After(exitTime):
		p.cmd.Process.Kill()
		<-p.gone
	}
}

// kill ends a process that does not serve yet.
func (p *Process) kill() {
	p.leaving.Store(true)
	p.cmd.Process.Kill()
	<-p.gone
}

func (p *Process) alive() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// tail keeps the end of the output of a process.
type tail struct {
	mu    sync.Mutex
	bytes []byte
}

const tailSize = 64 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes = append(t.bytes, b...)
	if over := len(t.bytes) - tailSize; over > 0 {
		t.bytes = append(t.bytes[:0], t.bytes[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.bytes)
}

// serveControl accepts the connections of processes and reads their messages.
func (s *Supervisor) serveControl() {
	for {
		c, err := s.control.Accept()
		if err != nil {
			return
		}
		go s.converse(supervise.NewConn(c))
	}
}

// converse reads all messages of a process.
func (s *Supervisor) converse(c *supervise.Conn) {
	defer c.Close()
	m, err := c.Receive()
	if err != nil || m.Type != supervise.TypeHello {
		return
	}
	var hello supervise.Hello
	if err := m.Into(&hello); err != nil {
		c.Send(supervise.TypeRefuse, supervise.Refuse{Error: err.Error()})
		return
	}
	p := s.processOf(hello.Run)
	if p == nil {
		c.Send(supervise.TypeRefuse, supervise.Refuse{Error: "serving: the supervisor does not know this process: only the program it started can be served, once"})
		return
	}
	p.conn.Store(c)
	defer close(p.heard)
	if err := s.openFor(p, &hello); err != nil {
		s.mu.Lock()
		s.refusal[p] = err
		s.mu.Unlock()
		c.Send(supervise.TypeRefuse, supervise.Refuse{Error: err.Error()})
		return
	}
	c.Send(supervise.TypeServe, s.terms(p))
	for isReady := false; ; {
		m, err := c.Receive()
		if err != nil {
			return
		}
		if m.Type == supervise.TypeReady {
			if !isReady {
				isReady = true
				close(p.ready)
			}
		} else if s.config.Receive != nil {
			s.config.Receive(p, m)
		}
	}
}
