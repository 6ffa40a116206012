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

	"github.com/zeugkit/zeug/internal/listen"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/supervise"
)

// publicListener is a socket to which clients connect. Nothing is accepted
// before it is known whether clients must speak TLS: until then they wait in
// the system's queue.
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

// open opens the addresses that are not open yet, and closes the open ones that are not listed.
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

// Addrs returns the addresses on which the supervisor listens.
func (s *Supervisor) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var addrs []net.Addr
	for _, l := range s.listeners {
		addrs = append(addrs, l.Addr())
	}
	return addrs
}

// openFor opens the addresses that the process asks for.
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

// accept begins to serve on every socket.
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

// acceptAnyway accepts connections for a program that has not reported its address yet: its failure
// is shown at the address in its arguments, or at listen.Default.
func (s *Supervisor) acceptAnyway() {
	s.mu.Lock()
	none := len(s.listeners) == 0
	s.mu.Unlock()
	if none {
		addr := addrOf(s.config.Program.Args)
		if addr == "" || s.open([]string{addr}, 0) != nil { // the program will say what is wrong with the address
			if err := s.open([]string{listen.Default}, 0); err != nil {
				s.config.Logger.Error("nowhere to show the failure", "err", err)
				return
			}
		}
		for _, at := range s.Addrs() {
			for _, url := range listen.URLs(at, "", false) {
				s.config.Logger.Info("the failure is shown until the program serves", "url", url)
			}
		}
	}
	s.accept()
}

// addrFlags are the usual names of the flag for the address at which a program listens.
var addrFlags = []string{"addr", "address", "listen", "bind", "http"}

// addrOf returns the address in the arguments of a program, "" if there is none.
func addrOf(args []string) string {
	for i, arg := range args {
		name, value, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !strings.HasPrefix(arg, "-") || !slices.Contains(addrFlags, name) {
			continue
		}
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		if _, port, err := net.SplitHostPort(value); err == nil && port != "" || strings.HasPrefix(value, "unix:") {
			return value
		}
	}
	return ""
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
		ConnContext:       peer.ConnContext,
		// Handlers of streams end when the front ends.
		BaseContext: func(net.Listener) context.Context { return s.live.context() },
	}
}

// stopFront accepts no more requests, and gives the running ones a short time.
func (s *Supervisor) stopFront() {
	s.live.end()
	ctx, cancel := context.WithTimeout(context.Background(), exitTime)
	defer cancel()
	if s.front.Shutdown(ctx) != nil {
		s.front.Close()
	}
}

// holdTime is how long a request waits for a build. After that the old process answers it, if
// there is one. After navigationTime, a browser gets a page that says what it waits for and reloads
// itself.
const (
	holdTime       = 2 * time.Minute
	navigationTime = 20 * time.Second
)

// ServeHTTP answers a client. The newest application answers, or else the
// supervisor does.
func (s *Supervisor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.config.Guard.Unlock(w, r) {
		return
	}
	if strings.HasPrefix(r.URL.Path, supervise.Prefix) {
		s.serveReserved(w, r)
		return
	}
	s.pass(w, r)
}

// pass lets the application answer.
func (s *Supervisor) pass(w http.ResponseWriter, r *http.Request) {
	answered := func(*http.Response) {}
	if s.config.Record != nil && !strings.HasPrefix(r.URL.Path, supervise.Prefix) {
		r, answered = s.config.Record(r)
		defer answered(nil) // after a response this has no effect
	}
	p, failure, version := s.acquire(r)
	switch {
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the client has gone
	case p == nil:
		s.serveFailure(w, r, failure, http.StatusServiceUnavailable, version)
		return
	}
	stale := s.stale(r)
	trip := &trip{s: s, r: r, began: time.Now(), process: p, version: version, body: replayable{from: r.Body}}
	p.serve(trip)
	defer func() { trip.process.done(trip) }()
	proxy := &httputil.ReverseProxy{
		Transport:     trip,
		Rewrite:       s.rewrite,
		FlushInterval: -1,
		ModifyResponse: func(resp *http.Response) error {
			answered(resp)
			if err := s.unlock(r, resp); err != nil {
				return err
			}
			if stale != "" {
				resp.Header.Set(StaleHeader, stale)
			}
			return s.inject(r, resp, trip.version)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { s.serveLost(w, r, trip, err) },
		ErrorLog:     s.front.ErrorLog,
	}
	proxy.ServeHTTP(w, r)
}

// StaleHeader is a field in responses of a program that is older than its source, because the
// newest source does not build or start: "X-Zeug-Stale: build failed".
const StaleHeader = "X-Zeug-Stale"

// stale says why the program that answers r is not the newest, or returns "" if it is. The terminal
// shows that once for each failure.
func (s *Supervisor) stale(r *http.Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.failure
	if f == nil {
		return ""
	}
	why := "start failed"
	if f.Kind == BuildFailed {
		why = "build failed"
	}
	if s.staled != f {
		s.staled = f
		s.config.Logger.Warn("the program before the change answers clients that are not browsers, with the header field "+StaleHeader,
			"why", why, "method", r.Method, "path", r.URL.Path)
	}
	return why
}

// acquire waits while the source is being built. It also waits while the loop does not know yet
// that the process has ended and may have to be started again. It returns the process that must
// answer r, and counts r among its requests. If there is none, it returns the reason. version is
// the version of the page that r gets.
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

// waiting describes what a request waits for. It is called under the lock.
func (s *Supervisor) waiting() *Failure {
	f := &Failure{Kind: Waiting, Command: s.commandLine()}
	if s.starting != nil {
		f.Output = s.starting.output.String()
	}
	return f
}

// hasUnknownDeath reports whether the serving process has ended and the loop has not yet decided
// what follows. It is called under the lock.
func (s *Supervisor) hasUnknownDeath() bool {
	p := s.current
	return p != nil && !p.alive() && s.failure == nil && !p.leaving.Load()
}

// rewrite passes on a request unchanged: with the same target, header and host. It adds facts about
// the connection that the process cannot see.
func (s *Supervisor) rewrite(pr *httputil.ProxyRequest) {
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
	client := peer.Of(in)
	client.Admitted = s.config.Guard.PIN != nil && s.config.Guard.PIN.Admits(in)
	out.Header.Set(supervise.OriginHeader, scheme+" "+in.RemoteAddr+" "+client.String())
	if isNavigation(in) {
		// Nothing can be added to a compressed body. A page in the browser's cache has the script
		// of the version with which it was loaded. If the response said that the page has not
		// changed, it would reload again and again.
		for _, name := range []string{"Accept-Encoding", "If-None-Match", "If-Modified-Since"} {
			out.Header.Del(name)
		}
	}
}

// isNavigation reports whether a browser asks for a document to show, not a
// script for data, a fragment or an image.
func isNavigation(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" {
		return true // even if a service worker asks for the document, with the destination "empty"
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "document", "iframe", "frame":
		return true
	case "":
		return strings.Contains(r.Header.Get("Accept"), "text/html") &&
			r.Header.Get("X-Requested-With") == "" && r.Header.Get("Hx-Request") == ""
	}
	return false
}
