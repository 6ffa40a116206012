// Package reload is the supervisor of an application under development. It holds the sockets,
// builds the application, runs it, and restarts it when its source changes, so that no request is
// ever refused or lost.
//
// A request that arrives during a build waits, and the new process answers it. If the build fails,
// browsers are shown why, and the old process keeps serving other clients. Pages in a browser
// reload themselves when their content has changed.
//
// serving.Options.Reload and the command "zeug run" use [Supervisor]. Package supervise defines the
// messages between the supervisor and the application.
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

	"github.com/zeugkit/zeug/internal/listen"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/middleware/debugger"
)

// Config says what a [Supervisor] runs, and how.
type Config struct {
	Program Program
	// Listen holds the addresses to serve at; if it is empty, the addresses of
	// the application are opened when it names them.
	Listen []string
	// SocketMode is the permission of unix sockets; 0 means the mode that the application sets.
	SocketMode fs.FileMode
	// WrapListener changes each listener; see serving.Options.WrapListener.
	WrapListener func(net.Listener) net.Listener

	// Watch holds more files, folders and patterns whose change restarts the application; in
	// patterns "**/" stands for any folders. Exclude holds patterns, of whole paths or last
	// elements, whose change does nothing: fnmatch(3), where "*" matches slashes too. They are
	// relative to Program.WorkDir.
	Watch, Exclude []string
	// LinkTools makes the program link package serving/dev, if it uses package serving and does not
	// import the development tools itself.
	LinkTools bool
	// If Poll is above zero, the files are checked at this interval, instead of
	// waiting for events of the system.
	Poll time.Duration
	// NoInject keeps the script that reloads pages out of the pages.
	NoInject bool

	Logger *slog.Logger
	// Stdout and Stderr receive what the application prints; the supervisor's
	// own by default. Terminal says that Stderr is a terminal.
	Stdout, Stderr io.Writer
	Terminal       bool

	// Handle holds handlers for paths below supervise.Prefix. The keys leave
	// out the prefix: "frames/" handles /.zeug/frames/x.
	Handle map[string]http.Handler
	// Guard protects everything that shows source or output: pages of failures, and the program's
	// dashboard. Default: a guard with a PIN of its own.
	Guard *debugger.Debugger
	// Receive gets the messages of a process that package supervise does not
	// define. It is called by one goroutine for each process.
	Receive func(*Process, supervise.Message)
	// Record is called with each request for the application, and returns the request to pass on
	// instead. It also returns a function that is called with the response, before the supervisor
	// adds anything to it. It is called with nil if there is no response, and when the request is
	// over.
	Record func(*http.Request) (*http.Request, func(*http.Response))
	// Check looks for mistakes in the source that the compiler does not find, like "zeug vet". It
	// gets the flags with which the go command compiled the program. Pages show its findings. If it
	// returns an error, nothing is known. It runs while the program runs: after a build, and after
	// a change of a file that the program reads while it runs. There is only one call at a time.
	// Its context ends when the source changes again.
	Check func(ctx context.Context, buildFlags []string) ([]Problem, error)
	// Frames says that cores can be read: Receive handles
	// supervise.TypeFailure, and Handle has supervise.FramesPath.
	Frames bool
}

// A Supervisor runs one program.
type Supervisor struct {
	config  Config
	folder  string // mode 0700: sockets, executables, cores
	lock    io.Closer
	control net.Listener
	front   *http.Server
	watcher *watcher
	live    live
	tools   *addedImport // nil if the program is built unchanged

	restoreConsole func() // to its state before the program

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced when a field below changes
	busy      bool          // requests wait
	since     time.Time     // when that began
	current   *Process      // serves
	starting  *Process
	failure   *Failure // why the newest source is not being served
	staled    *Failure // the failure for which the terminal has shown that an older program answers
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
	if config.Guard == nil {
		pin, err := debugger.NewPIN(config.Stderr)
		if err != nil {
			return nil, err
		}
		config.Guard = &debugger.Debugger{PIN: pin}
	}
	removeStale(os.TempDir())
	folder, err := os.MkdirTemp("", folderPrefix)
	if err != nil {
		return nil, fmt.Errorf("serving: make a folder for the supervisor: set TMPDIR to one this user may write to: %w", err)
	}
	s := &Supervisor{
		config: config, folder: folder, busy: true, since: time.Now(), changed: make(chan struct{}),
		refusal: map[*Process]error{}, listeners: map[string]*publicListener{},
	}
	if config.LinkTools && config.Program.Executable == "" {
		s.tools = &addedImport{folder: folder, warn: s.warnWithoutTools}
	}
	s.front = s.newFront()
	s.lock = lockFolder(folder)
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

// Run builds and runs the program until ctx ends. Then it lets the program drain and returns nil.
// It returns an error if the start failed: the package is not a program, or there is no go command.
func (s *Supervisor) Run(ctx context.Context) error {
	defer s.close()
	listed, err := s.list(ctx)
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
	newCycle(ctx, s, listed).run()

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

// debounce is how long files must not change before they are built, or shown:
// editors empty files first, and formatters write them again.
const debounce = 30 * time.Millisecond

// patience is how long a build may take without a message.
const patience = time.Second

// attempt is the result of a build and start.
type attempt struct {
	process  *Process // ready
	compiled bool     // or a compilation was tried, so the program may now consist of other files
	began    time.Time
	err      error
}

// listing is the list of the program's files for an attempt that began at that time.
type listing struct {
	sources *sources
	since   time.Time
}

// list lists the packages and files of the program.
func (s *Supervisor) list(ctx context.Context) (*sources, error) {
	return s.tools.list(ctx, &s.config.Program)
}

// warnWithoutTools says what to do if the go command does not find the tools for a program.
func (s *Supervisor) warnWithoutTools(reason error) {
	s.config.Logger.Warn("the program runs without the debugger, since the go command does not link serving/dev into it: run \"go mod tidy\", and \"go mod vendor\" if there is a vendor folder",
		"reason", reason)
}

// attempt builds, unless only a restart is needed, and starts the program. It returns when the new
// process is ready or has failed.
func (s *Supervisor) attempt(ctx context.Context, number int, listed *sources, how effect, current *Process) attempt {
	a := attempt{began: time.Now()}
	executable := filepath.Join(s.folder, "program"+strconv.Itoa(number))
	switch {
	case s.config.Program.Executable != "":
		executable = s.config.Program.Executable
		a.compiled = true // for files that may have changed meanwhile
	case how == restart && current != nil:
		executable = current.Executable
	default:
		a.compiled = true
		if s.tools != nil && listed.shown == nil {
			// The list did not show that the program uses package serving. That may have changed.
			if now, err := s.list(ctx); err == nil {
				listed = now
			}
		}
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
		s.config.Logger.Warn("the program runs, and does not serve by package serving: it is reloaded only if it calls serving.Main, or serving.Run, in place of http.ListenAndServe", "pid", p.PID)
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

// settle updates the supervisor with the outcome of an attempt. If another
// process serves from now on, it returns that process. more says that another
// attempt follows at once; revived says that the program is the one that died.
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
			s.failure = failure // otherwise the process died meanwhile, and that stays the reason
		}
		if !same && !(revived && failure == nil) {
			// The pages already show the content of a revived program, and a request that killed
			// the program would do so again.
			s.live.send(refresh)
		}
	})
	switch {
	case failure != nil:
		s.report(failure)
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

// report logs a failure. The output of the program is already in the terminal.
func (s *Supervisor) report(f *Failure) {
	switch {
	case f.Kind == BuildFailed:
		s.config.Logger.Error(f.Error(), "output", strings.TrimRight(f.Output, "\n"))
	case f.Kind == Refused && strings.Contains(f.Output, f.Error()):
		s.config.Logger.Error("the program ended before it served, for the reason that it gave")
	default:
		s.config.Logger.Error(f.Error())
	}
}

// forget lets a process end and drops everything that is kept for it.
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

// died says why the serving process has ended, and reports whether to start it again. It is not
// started again if it ended by itself, or if it got no request and would end again.
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

// hold makes requests wait from now on.
func (s *Supervisor) hold() {
	s.update(func() {
		if !s.busy {
			s.busy, s.since = true, time.Now()
		}
	})
}

// update changes the state under the lock and wakes the goroutines that wait for it.
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
	terms := supervise.Serve{Socket: p.socket, Announce: !s.announced, Frames: s.config.Frames, Supervisor: ownBuild()}
	if info, err := os.Stat(p.Executable); err == nil {
		terms.Built = info.ModTime()
	}
	s.announced = true
	for _, l := range s.listeners {
		terms.URLs = append(terms.URLs, listen.URLs(l.Addr(), "", s.tls != nil)...)
	}
	return terms
}

// ownBuild describes this process and its build.
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
	removeFolder(s.folder)
	s.lock.Close()
}
