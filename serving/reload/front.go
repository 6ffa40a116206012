package reload

import (
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"time"

	"github.com/zeugkit/zeug/serving/listen"
	"github.com/zeugkit/zeug/serving/supervise"
)

// publicListener is a socket that clients connect to. Nothing is accepted before
// it is known whether they are to speak TLS: until then they wait in the system's
// queue.
type publicListener struct {
	net.Listener
	s         *Supervisor
	accepting bool
}

func (l *publicListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.s.mu.Lock()
	config := l.s.tls
	l.s.mu.Unlock()
	if config != nil {
		c = tls.Server(c, config)
	}
	return c, nil
}

// open opens the addresses that are not open yet, and closes those that are and
// are not among them.
func (s *Supervisor) open(addrs []string, mode fs.FileMode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, addr := range addrs {
		if s.listeners[addr] != nil {
			continue
		}
		if protocol, _ := listen.Protocol(addr); protocol != "" {
			return fmt.Errorf("serving: a supervisor (\"zeug run\", Options.Reload) serves HTTP alone, and not at %s: give another address while developing, such as %s", addr, listen.Default)
		}
		l, err := listen.Open(addr, mode)
		if err != nil {
			return err
		}
		if s.config.WrapListener != nil {
			l = s.config.WrapListener(l)
		}
		s.listeners[addr] = &publicListener{Listener: l, s: s}
		s.announced = false
	}
	for addr, l := range s.listeners {
		if !slices.Contains(addrs, addr) {
			l.Close()
			delete(s.listeners, addr)
		}
	}
	return nil
}

// Addrs returns where the supervisor listens.
func (s *Supervisor) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var addrs []net.Addr
	for _, l := range s.listeners {
		addrs = append(addrs, l.Addr())
	}
	return addrs
}

// openFor opens what the process asks for.
func (s *Supervisor) openFor(p *Process, hello *supervise.Hello) error {
	var config *tls.Config
	if hello.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(hello.Cert), []byte(hello.Key))
		if err != nil {
			return err
		}
		config = &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	}
	addrs, mode := s.config.Listen, s.config.SocketMode
	if len(addrs) == 0 {
		addrs = hello.Listen
	}
	if mode == 0 {
		mode = fs.FileMode(hello.SocketMode)
	}
	if err := s.open(addrs, mode); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tls, s.hello = config, *hello
	return nil
}

// accept begins to serve at every socket.
func (s *Supervisor) accept() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		if !l.accepting {
			l.accepting = true
			go s.front.Serve(l)
		}
	}
}

// acceptAnyway does so for a program that has not yet said where it wants to be
// served: its failure is to be seen somewhere.
func (s *Supervisor) acceptAnyway() {
	s.mu.Lock()
	none := len(s.listeners) == 0
	s.mu.Unlock()
	if none {
		if err := s.open([]string{listen.Default}, 0); err != nil {
			s.config.Logger.Error("nowhere to show the failure", "err", err)
			return
		}
		s.config.Logger.Info("the failure is shown until the program serves", "url", "http://"+listen.Default)
	}
	s.accept()
}

func (s *Supervisor) newFront() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           s,
		Protocols:         protocols,
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug),
		// Handlers of streams end when the front does.
		BaseContext: func(net.Listener) context.Context { return s.live.context() },
	}
}

// stopFront takes no more requests, and gives those that run a moment.
func (s *Supervisor) stopFront() {
	s.live.end()
	ctx, cancel := context.WithTimeout(context.Background(), exitTime)
	defer cancel()
	if s.front.Shutdown(ctx) != nil {
		s.front.Close()
	}
}

// holdTime is how long a request waits for a build. The old process answers it
// after that, or nobody. A browser is shown after navigationTime what is waited
// for, in a page that loads itself again.
const (
	holdTime       = 2 * time.Minute
	navigationTime = 20 * time.Second
)

// ServeHTTP answers a client: from the application, once it is the newest, or by
// itself.
func (s *Supervisor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, supervise.Prefix) {
		s.serveReserved(w, r)
		return
	}
	s.pass(w, r)
}

// pass has the application answer.
func (s *Supervisor) pass(w http.ResponseWriter, r *http.Request) {
	p, failure, version := s.acquire(r)
	switch {
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the client is gone
	case p == nil:
		s.serveFailure(w, r, failure, http.StatusServiceUnavailable, version)
		return
	}
	trip := &trip{s: s, r: r, process: p, version: version, body: replayable{from: r.Body}}
	defer func() { trip.process.inFlight.Done() }()
	proxy := &httputil.ReverseProxy{
		Transport:     trip,
		Rewrite:       rewrite,
		FlushInterval: -1,
		ModifyResponse: func(resp *http.Response) error {
			return s.inject(r, resp, trip.version)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { s.serveLost(w, r, trip, err) },
		ErrorLog:     s.front.ErrorLog,
	}
	proxy.ServeHTTP(w, r)
}

// acquire waits while the source is being built, and while the end of the process
// is not yet known to the loop, which may start it again; it returns the process
// that is to answer r, counted among its requests, or why there is none, and the
// version of the page that r gets.
func (s *Supervisor) acquire(r *http.Request) (p *Process, f *Failure, version string) {
	patience := holdTime
	shows := r.Method == http.MethodGet && isNavigation(r)
	if shows {
		patience = navigationTime
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for waited := false; ; {
		s.mu.Lock()
		if !s.busy && !s.hasUnknownDeath() || waited {
			defer s.mu.Unlock()
			if s.busy && shows {
				return nil, s.waiting(), s.live.version()
			}
			shown := s.failure != nil && isNavigation(r)
			if s.current == nil || shown || !s.current.alive() {
				return nil, s.failure, s.live.version()
			}
			s.current.inFlight.Add(1)
			return s.current, nil, s.live.version()
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-r.Context().Done():
			return nil, nil, ""
		case <-timeout.C:
			waited = true
		}
	}
}

// waiting says what a request waits for. It is called under the lock.
func (s *Supervisor) waiting() *Failure {
	f := &Failure{Kind: Waiting, Command: s.commandLine()}
	if s.starting != nil {
		f.Output = s.starting.output.String()
	}
	return f
}

// hasUnknownDeath reports whether the process that serves has ended and the loop
// has not said yet what follows. It is called under the lock.
func (s *Supervisor) hasUnknownDeath() bool {
	p := s.current
	return p != nil && !p.alive() && s.failure == nil && !p.leaving.Load()
}

// rewrite passes a request on as it came: the same target, header and host. Of
// the connection it says what the process cannot see.
func rewrite(pr *httputil.ProxyRequest) {
	in, out := pr.In, pr.Out
	out.URL.Scheme, out.URL.Host = "http", "app"
	out.Host = in.Host
	target, query, _ := strings.Cut(in.RequestURI, "?")
	out.URL.RawQuery = query
	out.URL.ForceQuery = strings.HasSuffix(in.RequestURI, "?")
	if strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "//") || target == "*" {
		out.URL.Opaque = target
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, ok := in.Header[name]; ok {
			out.Header[name] = values
		}
	}
	scheme := "http"
	if in.TLS != nil {
		scheme = "https"
	}
	out.Header.Set(supervise.OriginHeader, scheme+" "+in.RemoteAddr)
	if isNavigation(in) {
		// What is compressed cannot be added to. And a page that the browser keeps
		// holds the script of the version that it was loaded with: it would load
		// itself again and again as long as the answer is that it has not changed.
		for _, name := range []string{"Accept-Encoding", "If-None-Match", "If-Modified-Since"} {
			out.Header.Del(name)
		}
	}
}

// isNavigation reports whether a browser asks for a document to show, not a
// script for data, a fragment or an image.
func isNavigation(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "document", "iframe", "frame":
		return true
	case "":
		return strings.Contains(r.Header.Get("Accept"), "text/html") &&
			r.Header.Get("X-Requested-With") == "" && r.Header.Get("Hx-Request") == ""
	}
	return false
}
