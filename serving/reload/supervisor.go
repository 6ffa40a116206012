// Package reload is the supervisor of an application under development: it holds
// the sockets, builds the application, runs it, and runs it anew when its source
// changes, so that no request is ever refused or lost.
//
// A request that comes while the source is built waits, and is answered by the
// new process. When the build fails, browsers are shown why, and the old process
// goes on for everybody else. Pages in a browser load themselves again when what
// they show has changed.
//
// [Supervisor] is used by serving.Options.Reload and by the command "zeug run".
// What it and the application say to each other is package supervise.
package reload

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zeugkit/zeug/serving/listen"
	"github.com/zeugkit/zeug/serving/supervise"
)

// Config says what a [Supervisor] runs, and how.
type Config struct {
	Program Program
	// Listen holds the addresses to serve at; empty, the application's own are
	// opened when it names them.
	Listen []string
	// SocketMode is the permission of unix sockets; 0 is what the application
	// asks for.
	SocketMode fs.FileMode
	// WrapListener changes each listener, as serving.Options.WrapListener.
	WrapListener func(net.Listener) net.Listener

	// Watch holds more files, folders and patterns whose change restarts the
	// application, in whose patterns "**/" stands for any folders; Exclude
	// patterns, of whole paths or last elements, whose
	// change does nothing: fnmatch(3), where "*" matches slashes too. They are
	// relative to Program.WorkDir.
	Watch, Exclude []string
	// Poll above zero looks at the files in this interval instead of waiting
	// for the system to tell.
	Poll time.Duration
	// NoInject leaves the script that reloads pages out of them.
	NoInject bool

	Logger *slog.Logger
	// Stdout and Stderr take what the application prints; the supervisor's own
	// by default. Terminal says that Stderr is one.
	Stdout, Stderr io.Writer
	Terminal       bool

	// Handle holds handlers for paths below supervise.Prefix, without it:
	// "frames/" answers /.zeug/frames/x.
	Handle map[string]http.Handler
	// Guard stands before the program's dashboard, at supervise.DebuggerPath, and
	// asks for the PIN. Default: the program asks by itself.
	Guard func(http.Handler) http.Handler
	// Receive takes the messages of a process that package supervise does not
	// define. It is called by one goroutine for each process.
	Receive func(*Process, supervise.Message)
	// Frames says that Receive takes supervise.TypeFailure, and that Handle has
	// supervise.FramesPath: that somebody can read cores.
	Frames bool
}

// A Supervisor runs one program.
type Supervisor struct {
	config  Config
	folder  string // 0700: sockets, executables
	control net.Listener
	front   *http.Server
	watcher *watcher
	live    live

	restoreConsole func() // to what it was before the program

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced when what is below changes
	busy      bool          // requests wait
	since     time.Time     // when that began
	current   *Process      // serves
	starting  *Process
	failure   *Failure // why the newest source is not what serves
	processes []*Process
	refusal   map[*Process]error
	listeners map[string]*publicListener
	tls       *tls.Config
	hello     supervise.Hello // of the newest process
	announced bool
}

// New prepares a supervisor, opens the addresses of config, and makes a folder
// for it, which [Supervisor.Run] removes.
func New(config Config) (*Supervisor, error) {
	config.Program.complete()
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	if config.Stdout == nil {
		config.Stdout = os.Stdout
	}
	if config.Stderr == nil {
		config.Stderr = os.Stderr
	}
	folder, err := os.MkdirTemp("", "zeug")
	if err != nil {
		return nil, fmt.Errorf("serving: make a folder for the supervisor: set TMPDIR to one this user may write to: %w", err)
	}
	s := &Supervisor{
		config: config, folder: folder, busy: true, since: time.Now(), changed: make(chan struct{}),
		refusal: map[*Process]error{}, listeners: map[string]*publicListener{},
	}
	s.front = s.newFront()
	s.control, err = net.Listen("unix", filepath.Join(folder, "control"))
	if err == nil {
		err = s.open(config.Listen, config.SocketMode)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// Folder returns the supervisor's folder, which only its user may enter.
func (s *Supervisor) Folder() string { return s.folder }

// Run builds and runs the program until ctx ends, then has it drain and returns
// nil. An error is of the start: the package is no program, there is no go
// command.
func (s *Supervisor) Run(ctx context.Context) error {
	defer s.close()
	listed, err := s.config.Program.list(ctx)
	if err == nil {
		err = s.config.Program.check(listed)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	s.restoreConsole = console(os.Stdin)
	defer s.restoreConsole()
	s.watcher = newWatcher(s.scope(listed), s.config.Poll, s.config.Logger)
	defer s.watcher.close()
	go s.serveControl()
	s.loop(ctx, listed)

	s.update(func() { s.busy = false })
	s.stopFront()
	s.mu.Lock()
	processes := slices.Clone(s.processes)
	s.mu.Unlock()
	var ended sync.WaitGroup
	for _, p := range processes {
		if p.alive() {
			ended.Go(p.end)
		}
	}
	ended.Wait()
	return nil
}

// debounce is how long files must be left alone before they are built, or shown:
// editors empty them first, and formatters write again.
const debounce = 30 * time.Millisecond

// patience is how long a build may take without a word.
const patience = time.Second

// attempt is how a build and start ended.
type attempt struct {
	process  *Process // ready
	compiled bool     // or tried to: what the program is made of may be other files
	began    time.Time
	err      error
}

// listing is what the program is made of since an attempt that began then.
type listing struct {
	sources *sources
	since   time.Time
}

// loop is the life of the supervisor: changes cause attempts, attempts cause
// swaps.
func (s *Supervisor) loop(ctx context.Context, listed *sources) {
	attempts := make(chan attempt)
	deaths := make(chan *Process)
	var cancel context.CancelFunc
	var settled, still <-chan time.Time
	var wanted, shown effect // of sources, of what is read while the program runs
	var lost *Process        // died during an attempt, and is to be started again if that keeps it
	revived := false         // what is tried is that
	number := 0
	var trying sync.WaitGroup
	listings := make(chan listing)
	endListing := func() {} // of an older attempt
	var unlisted time.Time  // when the last build began that is not listed yet

	// The go command lists while the new process serves already.
	relist := func(since time.Time) {
		listCtx, stop := context.WithCancel(ctx)
		endListing = stop
		trying.Go(func() {
			defer stop()
			sources, err := s.config.Program.list(listCtx)
			if err != nil {
				return
			}
			select {
			case listings <- listing{sources, since}:
			case <-listCtx.Done():
			}
		})
	}
	try := func(how effect, current *Process) {
		slow := time.AfterFunc(patience, func() { s.config.Logger.Info("building", "package", s.config.Program.Package) })
		attemptCtx, stop := context.WithCancel(ctx)
		cancel = stop
		endListing() // it would be of what changes now
		number++
		n, sources := number, listed
		trying.Go(func() {
			a := s.attempt(attemptCtx, n, sources, how, current)
			slow.Stop()
			select {
			case attempts <- a:
			case <-ctx.Done():
			}
		})
	}
	abandon := func() {
		if cancel == nil {
			return
		}
		cancel()
		cancel = nil
		if a := <-attempts; a.process != nil && !s.serves(a.process) {
			a.process.kill() // it became ready just now
		}
	}
	defer func() {
		if cancel != nil {
			cancel()
		}
		trying.Wait()
	}()

	try(recompile, nil)
	for {
		select {
		case <-ctx.Done():
			return

		case c := <-s.watcher.changes:
			if c.effect <= restyle {
				if shown != refresh { // which brings the styles too
					shown = c.effect
				}
				still = time.After(debounce)
				continue
			}
			if wanted == nothing {
				s.config.Logger.Info("detected change, reloading", "file", c.name)
			}
			wanted = max(wanted, c.effect)
			s.hold()
			settled = time.After(debounce)

		case <-still:
			s.live.send(shown)
			shown, still = nothing, nil

		case <-settled:
			settled = nil
			if cancel != nil {
				wanted = recompile // what was under way may have been that
			}
			abandon()
			s.mu.Lock()
			current := s.current
			s.mu.Unlock()
			revived = false
			try(wanted, current)
			wanted = nothing

		case a := <-attempts:
			cancel()
			cancel = nil
			again := lost != nil && lost == a.process && wanted == nothing
			if p := s.settle(a, wanted != nothing || again, revived); p != nil {
				go func() {
					<-p.gone
					select {
					case deaths <- p:
					case <-ctx.Done():
					}
				}()
			}
			if a.compiled {
				unlisted = a.began
			}
			s.watcher.set(s.scope(listed)) // the new process may want more to be watched
			if revived = again; again {
				try(restart, lost)
			} else if !unlisted.IsZero() {
				relist(unlisted)
			}
			lost = nil

		case l := <-listings:
			listed, unlisted = l.sources, time.Time{}
			s.watcher.set(s.scope(listed))
			if c, ok := s.watcher.changedSince(l.since); ok && wanted == nothing {
				// A file that was not watched yet when it changed.
				wanted, settled = c.effect, time.After(debounce)
				s.hold()
			}

		case p := <-deaths:
			if !s.serves(p) || p.leaving.Load() {
				continue
			}
			switch again := s.died(p); {
			case again && cancel != nil:
				lost = p
			case again && wanted == nothing:
				revived = true
				try(restart, p)
			}
		}
	}
}

// attempt builds, unless only a restart is asked for, and starts; it returns when
// the new process is ready or has failed.
func (s *Supervisor) attempt(ctx context.Context, number int, listed *sources, how effect, current *Process) attempt {
	a := attempt{began: time.Now()}
	executable := filepath.Join(s.folder, "program"+strconv.Itoa(number))
	switch {
	case s.config.Program.Executable != "":
		executable = s.config.Program.Executable
		a.compiled = true // as far as files are concerned that may have changed meanwhile
	case how == restart && current != nil:
		executable = current.Executable
	default:
		a.compiled = true
		if a.err = s.config.Program.build(ctx, listed, executable); a.err != nil {
			return a
		}
		if current != nil && current.alive() && how == recompile && s.isHealthy() && sameContent(current.Executable, executable) {
			os.Remove(executable)
			a.process = current // nothing that counts has changed
			return a
		}
	}
	p, err := s.start(number, executable)
	if err != nil {
		a.err = &Failure{Kind: StartFailed, Command: executable, Err: err}
		return a
	}
	late := time.AfterFunc(navigationTime/2, func() {
		s.config.Logger.Warn("the program runs, and does not serve yet: requests wait until it calls serving.Run", "pid", p.PID)
	})
	defer late.Stop()
	select {
	case <-p.ready:
		a.process = p
	case <-p.gone:
		s.mu.Lock()
		refused := s.refusal[p]
		s.mu.Unlock()
		if refused != nil {
			a.err = &Failure{Kind: Refused, Err: refused, Output: p.output.String()}
		} else {
			a.err = s.failureOf(p, StartFailed)
		}
	case <-ctx.Done():
		p.kill()
		a.err = ctx.Err()
	}
	return a
}

func (s *Supervisor) commandLine() string {
	return strings.Join(append([]string{s.config.Program.Package}, s.config.Program.Args...), " ")
}

func (s *Supervisor) isHealthy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure == nil
}

func (s *Supervisor) serves(p *Process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current == p
}

// settle makes the outcome of an attempt the state of the supervisor, and returns
// the process that serves from now on if it is another one. More says that
// another attempt follows at once, revived that the program is the one that died.
func (s *Supervisor) settle(a attempt, more, revived bool) (next *Process) {
	var failure *Failure
	var old *Process
	if a.err != nil && !errors.As(a.err, &failure) {
		if errors.Is(a.err, context.Canceled) {
			return nil
		}
		failure = &Failure{Kind: BuildFailed, Command: "go build " + s.config.Program.Package, Err: a.err, Output: a.err.Error()}
	}
	same := false
	s.update(func() {
		s.starting = nil
		s.busy = more
		same = failure == nil && s.current == a.process
		if failure == nil && !same {
			old, s.current = s.current, a.process
		}
		if !same || s.current.alive() {
			s.failure = failure // else it died meanwhile, which stays the reason
		}
		if !same && !(revived && failure == nil) {
			// What a program that was revived shows is in the pages already, and one
			// that killed it would do so again by itself.
			s.live.send(refresh)
		}
	})
	switch {
	case failure != nil:
		s.config.Logger.Error(failure.Error(), "output", strings.TrimRight(failure.Output, "\n"))
		s.acceptAnyway()
	case !same:
		next = a.process
		s.accept()
		if old != nil {
			go s.forget(old)
		}
	}
	s.forgetDead()
	return next
}

// forget lets a process end and drops what is kept of it.
func (s *Supervisor) forget(p *Process) {
	p.retire()
	s.forgetDead()
}

func (s *Supervisor) forgetDead() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.processes = slices.DeleteFunc(s.processes, func(p *Process) bool {
		if p.alive() || p == s.current || p == s.starting {
			return false
		}
		delete(s.refusal, p)
		if s.config.Program.Executable == "" && !slices.ContainsFunc(s.processes, func(q *Process) bool { return q != p && q.Executable == p.Executable }) {
			os.Remove(p.Executable)
		}
		return true
	})
}

// died says why the process that served does so no more, and reports whether it
// is to be started again: not when it ended by itself, nor when it was sent no
// request and would end again.
func (s *Supervisor) died(p *Process) (again bool) {
	f := s.failureOf(p, Died)
	s.config.Logger.Error(f.Error(), "pid", p.PID)
	again = p.asked.Load() && p.err.Error() != "exit status 0"
	s.update(func() {
		s.failure = f
		if again {
			s.busy, s.since = true, time.Now()
		} else {
			s.live.send(refresh)
		}
	})
	return again
}

// hold has requests wait from now on.
func (s *Supervisor) hold() {
	s.update(func() {
		if !s.busy {
			s.busy, s.since = true, time.Now()
		}
	})
}

// update changes the state under the lock and wakes whoever waits for it.
func (s *Supervisor) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Supervisor) scope(listed *sources) *scope {
	s.mu.Lock()
	defer s.mu.Unlock()
	return newScope(s.config.Program.WorkDir, listed,
		slices.Concat(s.config.Watch, s.hello.Watch), s.hello.Assets, slices.Concat(s.config.Exclude, s.hello.Exclude))
}

func (s *Supervisor) processOf(run int) *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.processes {
		if p.Number == run && p.conn.Load() == nil {
			return p
		}
	}
	return nil
}

func (s *Supervisor) terms(p *Process) supervise.Serve {
	s.mu.Lock()
	defer s.mu.Unlock()
	terms := supervise.Serve{Socket: p.socket, Announce: !s.announced, Frames: s.config.Frames, Guarded: s.config.Guard != nil, Supervisor: ownBuild()}
	if info, err := os.Stat(p.Executable); err == nil {
		terms.Built = info.ModTime()
	}
	s.announced = true
	for _, l := range s.listeners {
		terms.URLs = append(terms.URLs, listen.URLs(l.Addr(), "", s.tls != nil)...)
	}
	return terms
}

// ownBuild says what this process is, and what built it.
func ownBuild() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return filepath.Base(os.Args[0])
	}
	name := info.Path
	if info.Main.Version != "" {
		name += " " + info.Main.Version
	}
	return name + ", " + info.GoVersion
}

func (s *Supervisor) close() {
	if s.control != nil {
		s.control.Close()
	}
	s.front.Close()
	s.mu.Lock()
	for _, l := range s.listeners {
		l.Close()
	}
	s.mu.Unlock()
	os.RemoveAll(s.folder)
}
