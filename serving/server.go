package serving

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/serving/listen"
	"github.com/zeugkit/zeug/serving/supervise"
)

// A Server serves one application at any number of addresses. [Run] makes one,
// and stops it when the process is told to; a program that does so itself, a
// test for example, uses it directly. It is Werkzeug's make_server.
type Server struct {
	options   Options
	app       http.Handler // with what the server adds
	http      *http.Server
	tls       *tls.Config // nil without TLS
	all       *connections
	listeners []*listener
	gateways  gateways
	upgraded  upgrades
	keeper    atomic.Pointer[supervise.Conn]  // who can read cores of failures
	terms     atomic.Pointer[supervise.Serve] // of the supervisor

	draining atomic.Bool   // no longer ready
	stopping chan struct{} // closed when streams are to end
	stop     sync.Once
	accept   sync.WaitGroup // the listeners
}

// A Companion serves a server's application by a transport of its own.
type Companion interface {
	// Start begins to serve app at addrs, the TCP addresses of the server, with
	// the certificates of config. It returns the header fields that announce
	// the companion in the server's own answers.
	Start(app http.Handler, config *tls.Config, addrs []net.Addr) (http.Header, error)
	// Shutdown takes no more requests, and returns when none runs any more or
	// ctx ends.
	Shutdown(ctx context.Context) error
}

// ErrStopped is what [Server.Serve] returns after [Server.Shutdown].
var ErrStopped = http.ErrServerClosed

// ErrCut is the error of a stop that had to cut requests off.
var ErrCut = errors.New("serving: the time to drain was over before every request was answered: Options.DrainTimeout gives them longer")

// New makes a server that listens nowhere yet. Its error is a mistake of the
// options, or a certificate that cannot be used.
func New(app http.Handler, o Options) (*Server, error) {
	if app == nil {
		return nil, errors.New("serving: there is no application: the handler is nil")
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Server{options: o, all: newConnections(o.MaxConnections), stopping: make(chan struct{})}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(o.TLS != nil)
	protocols.SetUnencryptedHTTP2(o.H2C)
	s.app = s.handler(app)
	s.gateways = newGateways(s)
	s.http = &http.Server{
		Handler:           s.app,
		Protocols:         protocols,
		ReadHeaderTimeout: max(o.HeaderTimeout, 0),
		IdleTimeout:       max(o.IdleTimeout, 0),
		MaxHeaderBytes:    o.MaxHeader,
		ConnState:         s.all.changed,
		BaseContext:       func(net.Listener) context.Context { return context.WithValue(context.Background(), serverKey{}, s) },
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
	}
	if o.MaxHeader < 0 {
		s.http.MaxHeaderBytes = 1 << 30
	}
	if o.IdleTimeout < 0 {
		// Zero would mean the header's.
		s.http.IdleTimeout = 100 * 365 * 24 * time.Hour
	}
	if o.TLS != nil {
		config, err := o.TLS()
		if err != nil {
			return nil, err
		}
		s.tls = config.Clone()
		for _, name := range []string{"h2", "http/1.1"} {
			if !slices.Contains(s.tls.NextProtos, name) {
				s.tls.NextProtos = append(s.tls.NextProtos, name)
			}
		}
		s.http.TLSConfig = s.tls
	}
	return s, nil
}

// Listen opens the addresses, in the forms of package listen. If one cannot be
// had none is kept.
func (s *Server) Listen(addrs ...string) error {
	for i, addr := range addrs {
		l, err := listen.Open(addr, s.options.SocketMode)
		if err != nil {
			for _, l := range s.listeners[len(s.listeners)-i:] {
				l.Close()
			}
			s.listeners = s.listeners[:len(s.listeners)-i]
			return err
		}
		s.Use(addr, l)
	}
	return nil
}

// Use adds a listener that is open already; addr is its name among those of
// [Server.Listen], and says by what protocol to serve there.
func (s *Server) Use(addr string, l net.Listener) { s.use(addr, l, false) }

func (s *Server) use(addr string, l net.Listener, shared bool) {
	raw := l
	protocol, _ := listen.Protocol(addr)
	if s.options.WrapListener != nil {
		l = s.options.WrapListener(l)
	}
	s.listeners = append(s.listeners, &listener{
		Listener: l, raw: raw, addr: addr, all: s.all, stall: s.options.StallTimeout, plain: s.tls == nil && protocol == "", shared: shared,
	})
}

// Addrs returns where the server listens: the ports that 0 stood for, too.
func (s *Server) Addrs() []net.Addr {
	var addrs []net.Addr
	for _, l := range s.listeners {
		addrs = append(addrs, l.Addr())
	}
	return addrs
}

// Serve serves until [Server.Shutdown] and then returns [ErrStopped]; any other
// error is of a listener or companion that failed.
func (s *Server) Serve() error {
	if len(s.listeners) == 0 {
		return errors.New("serving: the server listens nowhere: call Listen before Serve")
	}
	if err := s.startCompanions(); err != nil {
		return err
	}
	ended := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		if g := s.gateways[l.protocol()]; g != nil {
			s.accept.Go(func() {
				defer l.Close()
				ended <- g.Serve(l)
			})
			continue
		}
		var from net.Listener = l
		if s.tls != nil {
			from = tls.NewListener(l, s.tls)
		}
		s.accept.Go(func() { ended <- s.http.Serve(from) })
	}
	for range s.listeners {
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) && !s.isStopping() {
			s.http.Close()
			s.gateways.close()
			return fmt.Errorf("serving: %w", err)
		}
	}
	return ErrStopped
}

func (s *Server) startCompanions() error {
	announced := http.Header{}
	var addrs []net.Addr
	for _, l := range s.listeners {
		if l.protocol() == "" {
			addrs = append(addrs, l.Addr())
		}
	}
	for _, c := range s.options.Companions {
		h, err := c.Start(s.app, s.tls, addrs)
		if err != nil {
			return err
		}
		for name, values := range h {
			announced[name] = append(announced[name], values...)
		}
	}
	if len(announced) > 0 {
		app := s.http.Handler
		s.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, values := range announced {
				w.Header()[name] = values
			}
			app.ServeHTTP(w, r)
		})
	}
	return nil
}

// Handler returns the application with what the server adds to it, for a server
// of another kind.
func (s *Server) Handler() http.Handler { return s.app }
