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

	"github.com/zeugkit/zeug/internal/listen"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/supervise"
)

// A Server serves one application at any number of addresses. [Run] makes a
// server, and stops it when the process is told to end. Programs that do this
// themselves, such as tests, use it directly. It corresponds to Werkzeug's
// make_server.
type Server struct {
	options      Options
	app          http.Handler // with everything that the server adds
	inner        http.Handler // app for gateways, which limit their connections themselves
	http         *http.Server
	tls          *tls.Config // nil without TLS
	all          *connections
	listeners    []*listener
	taken        []bool // for each socket of an older process, whether this one serves on it
	gateways     gateways
	announced    atomic.Pointer[http.Header] // the header fields that announce HTTP/3
	http3Started bool
	upgraded     upgrades
	keeper       atomic.Pointer[supervise.Conn]  // the supervisor, if it can read cores of failures
	terms        atomic.Pointer[supervise.Serve] // of the supervisor

	draining atomic.Bool   // no longer ready
	stopping chan struct{} // closed when streams must end
	stop     sync.Once
	accept   sync.WaitGroup // the listeners
	starting sync.Mutex     // locked while listeners are added to accept, for which Shutdown waits
}

// ErrCut is the error of a stop in which requests had to be cut.
var ErrCut = errors.New("serving: the time to drain was over before every request was answered: Options.DrainTimeout gives them longer")

// New makes a server without addresses. Its error is a mistake in the options,
// or a certificate that cannot be used.
func New(app http.Handler, o Options) (*Server, error) {
	if app == nil {
		return nil, errors.New("serving: there is no application: the handler is nil")
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Server{options: o, all: newConnections(o.MaxConnections%unlimited, o.Logger), stopping: make(chan struct{})}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(o.TLS != nil)
	protocols.SetUnencryptedHTTP2(o.H2C)
	s.inner = s.handler(app)
	s.app = s.bounded(s.inner)
	s.gateways = newGateways(s)
	s.http = &http.Server{
		Handler:           s.announcing(s.app),
		Protocols:         protocols,
		ReadHeaderTimeout: o.HeaderTimeout,
		IdleTimeout:       o.IdleTimeout,
		MaxHeaderBytes:    o.MaxHeader,
		ConnState:         s.all.changed,
		BaseContext: func(net.Listener) context.Context {
			return serverContext{context.Background(), s}
		},
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			if o.Debug {
				ctx = peer.ConnContext(ctx, nc) // the debugger checks to which user the client's process belongs
			}
			return context.WithValue(ctx, connKey{}, connOf(nc))
		},
		ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
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

// Listen opens the addresses, in the forms of package listen. If one of them cannot be opened, none
// is kept.
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

// Use adds a listener that is already open; addr is its name among those of [Server.Listen], and
// also sets the protocol to serve there.
func (s *Server) Use(addr string, l net.Listener) { s.use(addr, l, false) }

func (s *Server) use(addr string, l net.Listener, shared bool) {
	raw := l
	protocol, _ := listen.Protocol(addr)
	if s.options.WrapListener != nil {
		l = s.options.WrapListener(l)
		if logs, ok := l.(interface{ SetLogger(*slog.Logger) }); ok {
			logs.SetLogger(s.options.Logger) // the listener of package proxyprotocol
		}
	}
	s.listeners = append(s.listeners, &listener{
		Listener: l, raw: raw, addr: addr, all: s.all, stall: s.options.stall(), rate: s.options.rate(), plain: s.tls == nil && protocol == "", shared: shared,
	})
}

// Addrs returns the addresses of the server, with the real port for port 0.
func (s *Server) Addrs() []net.Addr {
	var addrs []net.Addr
	for _, l := range s.listeners {
		addrs = append(addrs, l.Addr())
	}
	return addrs
}

// Serve serves until [Server.Shutdown] and then returns [http.ErrServerClosed]; any other
// error says that a listener or HTTP/3 failed.
func (s *Server) Serve() error {
	if len(s.listeners) == 0 {
		return errors.New("serving: the server listens nowhere: call Listen before Serve")
	}
	if err := s.startHTTP3(); err != nil {
		return err
	}
	ended := make(chan error, len(s.listeners))
	if !s.acceptAll(ended) {
		return http.ErrServerClosed
	}
	for range s.listeners {
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) && !s.isStopping() {
			s.cut()
			return fmt.Errorf("serving: %w", err)
		}
	}
	return http.ErrServerClosed
}

// acceptAll makes each listener accept connections in its own goroutine. It reports false if the
// server has already been stopped.
func (s *Server) acceptAll(ended chan<- error) bool {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.isStopping() {
		return false
	}
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
	return true
}
