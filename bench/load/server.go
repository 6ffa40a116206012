package load

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/internal/freeport"
)

// Tool is a program that a comparison needs.
type Tool struct {
	// Package is the package of Debian that has it.
	Package string
	// Check is the name of the program, or a command that succeeds if the tool is there.
	Check []string
	// Peer is how the names of the peers begin that need it. If it is empty, all of them do.
	Peer string
}

// Wrk are the tools that every Row needs.
var Wrk = []Tool{{Package: "wrk", Check: []string{"wrk"}}, {Package: "util-linux", Check: []string{"taskset"}}}

// need returns an error that names the packages of the missing tools, of those that the peers need;
// no peers are all peers.
func need(tools []Tool, peers []string) error {
	var missing []string
	for _, tool := range tools {
		if len(peers) > 0 && !slices.ContainsFunc(peers, func(peer string) bool { return strings.HasPrefix(peer, tool.Peer) }) {
			continue
		}
		_, err := exec.LookPath(tool.Check[0])
		if err == nil && len(tool.Check) > 1 {
			err = exec.Command(tool.Check[0], tool.Check[1:]...).Run()
		}
		if err != nil {
			missing = append(missing, tool.Package)
		}
	}
	if missing == nil {
		return nil
	}
	return errors.New("these packages of Debian are missing: apt install " + strings.Join(missing, " "))
}

// Server is a program that answers by HTTP. In Command, Env and Files, ADDR stands for the address where
// it is to listen, and DIR for its folder.
type Server struct {
	Name    string
	Command []string
	Env     []string // further variables
	Files   map[string]string
	Core    string // the processor of the server; "" is any

	// Addr is set by Start.
	Addr string

	process *exec.Cmd
	output  *os.File
	err     error         // of Start
	ended   chan struct{} // is closed when the process has ended
}

var (
	mu      sync.Mutex
	dir     string
	started []*Server
	stopped bool
)

// Main runs f with a folder that is removed at the end, and in memory if the system has such a
// place. If a tool is missing that the peers of
// the settings need, Main says so instead. The servers end when f ends, and when
// a signal ends the program.
func Main(settings *measure.Settings, tools []Tool, f func(dir string) error) {
	log.SetFlags(0)
	if err := need(tools, settings.Peers); err != nil {
		log.Fatal(err)
	}
	if settings.Check {
		return
	}
	// Linux kills the servers when the thread ends that started them.
	runtime.LockOSThread()
	if err := run(f); err != nil {
		log.Fatal(err)
	}
}

func run(f func(dir string) error) (err error) {
	memory := "/dev/shm"
	if _, err := os.Stat(memory); err != nil {
		memory = ""
	}
	if dir, err = os.MkdirTemp(memory, "bench"); err != nil {
		return err
	}
	defer stop()
	if err := os.Chmod(dir, 0o755); err != nil { // servers may have a user of their own
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		os.Exit(1)
	}()
	return f(dir)
}

// stop ends all servers.
func stop() {
	mu.Lock()
	stopped = true
	running := slices.Clone(started)
	mu.Unlock()
	for _, s := range running {
		s.Stop()
	}
	os.RemoveAll(dir)
}

// Stop ends the server, which runs.
func (s *Server) Stop() {
	mu.Lock()
	started = slices.DeleteFunc(started, func(other *Server) bool { return other == s })
	mu.Unlock()
	killGroup(s.Pid())
	<-s.ended
}

// Start starts the server unless it runs, and waits until it answers.
func (s *Server) Start() error {
	if s.ended == nil {
		s.ended = make(chan struct{})
		if s.err = s.begin(); s.err == nil {
			s.err = s.wait()
		}
		return s.err
	}
	if s.err != nil {
		return errors.New("it did not start, as was said before")
	}
	return nil
}

// begin starts the process, unless the program ends.
func (s *Server) begin() error {
	mu.Lock()
	defer mu.Unlock()
	if stopped {
		return errors.New("the program ends")
	}
	ports, err := freeport.Choose(1)
	if err != nil {
		return err
	}
	s.Addr = "127.0.0.1:" + ports[0]
	own := filepath.Join(dir, ports[0])
	if err := os.Mkdir(own, 0o755); err != nil {
		return err
	}
	fill := strings.NewReplacer("ADDR", s.Addr, "DIR", own)
	for name, text := range s.Files {
		if err := os.WriteFile(filepath.Join(own, name), []byte(fill.Replace(text)), 0o644); err != nil {
			return err
		}
	}
	var command []string
	if s.Core != "" {
		command = []string{"taskset", "-c", s.Core}
	}
	for _, word := range s.Command {
		command = append(command, fill.Replace(word))
	}
	s.output, err = os.OpenFile(filepath.Join(own, "output"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	s.process = exec.Command(command[0], command[1:]...)
	s.process.Dir, s.process.Env = own, os.Environ()
	for _, variable := range s.Env {
		s.process.Env = append(s.process.Env, fill.Replace(variable))
	}
	s.process.Stdout, s.process.Stderr = s.output, s.output
	s.process.SysProcAttr = Child(syscall.SIGKILL)
	if err := s.process.Start(); err != nil {
		return err
	}
	started = append(started, s)
	go func() {
		_ = s.process.Wait() // it is killed in the end
		close(s.ended)
	}()
	return nil
}

// wait waits until the server answers.
func (s *Server) wait() error {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	patience := time.After(30 * time.Second)
	for {
		if resp, err := client.Get("http://" + s.Addr + "/"); err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
			continue
		case <-s.ended:
		case <-patience:
		}
		said, _ := io.ReadAll(io.NewSectionReader(s.output, 0, 4<<10))
		return fmt.Errorf("%s does not answer, and says: %s", s.Command[0], said)
	}
}

// Pid is the process of the server, and the group of its processes.
func (s *Server) Pid() int { return s.process.Process.Pid }
