package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/serving"
)

// control is the control socket of a server. A client can ask for the server's status there, or for
// new workers. The protocol is HTTP on a unix socket that only the server's user may use, so none of
// it can be reached at the public addresses.
//
//	GET  /status   a serverStatus
//	POST /reload   200, or 500 and why the workers are not replaced
type control struct {
	path string
	link string      // to path, in the user's folder; or ""
	file fs.FileInfo // of the socket, which another process may replace
	http *http.Server
}

// serverStatus is what a server says of itself.
type serverStatus struct {
	App      string         `json:"app"`
	Dir      string         `json:"dir"`
	URLs     []string       `json:"urls"`
	PID      int            `json:"pid"`
	Since    time.Time      `json:"since"`
	Memory   int64          `json:"memory"` // bytes of the server itself
	Threads  int            `json:"threads"`
	Requests int            `json:"requests"`
	Waiting  int            `json:"waiting"`
	Started  int            `json:"started"`
	Crashed  int            `json:"crashed"`
	TimedOut int            `json:"timed_out"`
	Recycled int            `json:"recycled"`
	Reloads  int            `json:"reloads"`
	Workers  []workerStatus `json:"workers"`
}

type workerStatus struct {
	Number   int       `json:"number"`
	PID      int       `json:"pid"`
	Since    time.Time `json:"since"`
	Requests int       `json:"requests"`
	Busy     int       `json:"busy"`
	Memory   int64     `json:"memory"`
	Leaving  bool      `json:"leaving"`
}

// checkControl returns an error if another server answers at the socket that this
// one would take. The process that hands over to this one is not another server.
func checkControl(s *pythonServer) error {
	path := s.controlPath
	switch {
	case path == "off", path == "" && s.pidFile == "":
		return nil // by the number of the process, which no other server has
	case path == "":
		path = besidePIDFile(s.pidFile)
	}
	if !isSocket(path) {
		return nil
	}
	status, err := askStatus(path)
	switch {
	case errors.Is(err, errNoServer), err == nil && status.PID == os.Getppid():
		return nil
	case err != nil:
		return fmt.Errorf("%w: choose another place by --control", err)
	}
	return &exitError{fmt.Errorf("%s is the control socket of process %d, which serves %s: stop it, or choose another place by --control", path, status.PID, status.App), exitTaken}
}

// openControl opens the socket of a server that is about to serve. There is none if --control is
// off.
func openControl(s *pythonServer) (*control, error) {
	dir, err := ownFolder()
	c := &control{path: s.controlPath}
	byNumber := filepath.Join(dir, fmt.Sprint(os.Getpid())+controlSuffix)
	switch {
	case c.path == "off":
		return nil, nil
	case c.path == "" && s.pidFile == "":
		if err != nil {
			return nil, err
		}
		c.path = byNumber
	default:
		if c.path == "" {
			c.path = besidePIDFile(s.pidFile)
		}
		if c.path, err = filepath.Abs(c.path); err != nil {
			return nil, err
		}
		os.Remove(byNumber) // of an older process with the same number
		if os.Symlink(c.path, byNumber) == nil {
			c.link = byNumber
		}
	}
	l, err := listenPrivately(c.path)
	if err != nil {
		return nil, err
	}
	if c.file, err = os.Lstat(c.path); err != nil {
		l.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(s.status())
	})
	mux.HandleFunc("POST /reload", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.replaceWorkers(); err != nil {
			serving.DefaultLogger().Error("what zeug reload asked for failed; the server goes on as before", "err", err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	c.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go c.http.Serve(l)
	return c, nil
}

// listenPrivately makes a socket that no other user can use at any moment, and then moves it to
// path in one step. It replaces a socket that is there: an older process of the server keeps its
// own open.
func listenPrivately(path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket == 0 {
		return nil, fmt.Errorf("%s is there already, and no socket: choose another place by --control", path)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".zeug")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	at := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(at, 0o600); err == nil {
		err = os.Rename(at, path)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// close removes the socket, unless it belongs to a process that took over.
func (c *control) close() {
	c.http.Close()
	if c.link != "" {
		os.Remove(c.link)
	}
	if now, err := os.Lstat(c.path); err == nil && os.SameFile(now, c.file) {
		os.Remove(c.path)
	}
}

func (s *pythonServer) status() serverStatus {
	stats := s.application.Stats()
	dir, _ := filepath.Abs(s.dir)
	status := serverStatus{
		App: s.app, Dir: dir, URLs: s.urls, PID: os.Getpid(), Since: s.begun, Memory: residentSet(), Threads: s.threads,
		Requests: stats.Requests, Waiting: stats.Waiting, Started: stats.Started, Crashed: stats.Crashed,
		TimedOut: stats.TimedOut, Recycled: stats.Recycled, Reloads: stats.Reloads, Workers: []workerStatus{},
	}
	for _, w := range stats.Workers {
		status.Workers = append(status.Workers, workerStatusOf(w))
	}
	return status
}

func workerStatusOf(w wsgi.WorkerStats) workerStatus {
	return workerStatus{
		Number: w.Number, PID: w.PID, Since: w.Since, Requests: w.Requests, Busy: w.Busy, Memory: w.Memory, Leaving: w.Leaving,
	}
}

// residentSet is the memory of this process in bytes, 0 if the system does not say.
func residentSet() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	var size, resident int64
	if err != nil {
		return 0
	}
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}
