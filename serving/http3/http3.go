// Package http3 serves an application over HTTP/3, in addition to HTTP/1.1 and
// HTTP/2.
//
//	serving.MainWith(":443", app, serving.Options{
//		TLS:   certs.Files("app.crt", "app.key"),
//		HTTP3: http3.New(),
//	})
//
// It listens on the UDP ports with the numbers of the server's TCP ports, and
// the server's responses announce them to clients (Alt-Svc, RFC 7838). QUIC is
// implemented by github.com/quic-go/quic-go. The package is a separate module,
// so that only programs that use it depend on quic-go.
//
// A process that takes over the TCP sockets (SIGHUP) listens on the UDP ports
// as soon as the old process has closed them; until then, clients use HTTP/2.
package http3

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/zeugkit/zeug/internal/http3server"
	"github.com/zeugkit/zeug/serving"
)

// New returns the value for serving.Options.HTTP3. It is for one server, and uses that server's
// MaxHeader, IdleTimeout, MaxConnections and logger.
func New() http3server.Server { return &server{} }

// The value fits into the options of serving. A program that gets this module gets what serving needs with it.
var _ = func() serving.Options { return serving.Options{HTTP3: New()} }

type server struct {
	http3server.Config
	server *http3.Server
	ctx    context.Context // until no more connections are accepted
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	ports  map[string]*net.UDPConn // the ports that are served, by address
	conns  map[*quic.Conn]http3server.Conn
}

// streams is how many concurrent requests a client may have.
const streams = 100

// Start begins to serve.
func (c *server) Start(config http3server.Config) error {
	if c.server != nil {
		return errors.New("http3: the value of http3.New is for one server: make another one")
	}
	c.Config = config
	c.ports, c.conns = map[string]*net.UDPConn{}, map[*quic.Conn]http3server.Conn{}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.server = &http3.Server{
		Handler:        config.Handler,
		MaxHeaderBytes: config.MaxHeader,
		IdleTimeout:    config.IdleTimeout,
		ConnContext:    c.connContext,
	}
	found := false
	for _, addr := range config.Addrs {
		tcp, ok := addr.(*net.TCPAddr)
		if !ok {
			continue // a unix socket has no UDP port
		}
		found = true
		at := &net.UDPAddr{IP: tcp.IP, Port: tcp.Port, Zone: tcp.Zone}
		udp, err := net.ListenUDP("udp", at)
		switch {
		case err == nil:
			err = c.serve(udp)
		case errors.Is(err, syscall.EADDRINUSE):
			config.Logger.Info("HTTP/3 waits until another process closes its UDP port", "addr", at.String())
			go c.serveLater(at)
			continue
		default:
			err = fmt.Errorf("http3: listen at UDP %s: %w", at, err)
		}
		if err != nil {
			c.Close()
			return err
		}
	}
	if !found {
		c.Close()
		return errors.New("http3: the server has no TCP address: HTTP/3 uses the UDP port of the same number")
	}
	return nil
}

// serve serves on a port, and announces the port for that time.
func (c *server) serve(udp *net.UDPConn) error {
	addr := udp.LocalAddr().String()
	l, err := quic.ListenEarly(udp, http3.ConfigureTLSConfig(c.TLS), &quic.Config{
		MaxIdleTimeout: c.IdleTimeout, MaxIncomingStreams: streams,
	})
	if err != nil {
		udp.Close()
		return fmt.Errorf("http3: serve at UDP %s: %w", addr, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		l.Close()
		return udp.Close()
	}
	c.ports[addr] = udp
	c.announce()
	go func() {
		err := c.server.ServeListener(&listener{l, c})
		l.Close()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.ports, addr)
		c.announce()
		if c.ctx.Err() == nil {
			udp.Close()
			c.Logger.Error("HTTP/3 is not served any more", "addr", addr, "err", err)
		}
	}()
	return nil
}

// announce announces the ports that are served to clients (RFC 7838).
func (c *server) announce() {
	announced := http.Header{}
	for _, addr := range slices.Sorted(maps.Keys(c.ports)) {
		service := `h3=":` + strconv.Itoa(c.ports[addr].LocalAddr().(*net.UDPAddr).Port) + `"; ma=86400`
		if !slices.Contains(announced["Alt-Svc"], service) {
			announced.Add("Alt-Svc", service)
		}
	}
	c.Announce(announced)
}

// listener counts connections together with those of the server.
type listener struct {
	*quic.EarlyListener
	c *server
}

func (l *listener) Accept(ctx context.Context) (*quic.Conn, error) {
	q, err := l.EarlyListener.Accept(ctx)
	if err != nil {
		return nil, err
	}
	conn := l.c.Accept(func() error {
		return q.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	})
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.c.conns[q] = conn
	context.AfterFunc(q.Context(), func() {
		conn.Close()
		l.c.mu.Lock()
		defer l.c.mu.Unlock()
		delete(l.c.conns, q)
	})
	return q, nil
}

func (c *server) connContext(ctx context.Context, q *quic.Conn) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn := c.conns[q]; conn != nil {
		return conn.Context(ctx)
	}
	return ctx // the connection has already ended
}

// patience is how long the process that had the port may still drain.
const patience = 10 * time.Minute

// serveLater waits for a port that another process still uses.
func (c *server) serveLater(at *net.UDPAddr) {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			udp, err := net.ListenUDP("udp", at)
			if err != nil {
				continue
			}
			if err := c.serve(udp); err != nil {
				c.Logger.Error("HTTP/3 is not served", "addr", at.String(), "err", err)
				return
			}
			c.Logger.Info("HTTP/3 is served", "addr", at.String())
			return
		case <-ctx.Done():
			if c.ctx.Err() == nil {
				c.Logger.Error("HTTP/3 is not served: another process keeps its UDP port", "addr", at.String(), "waited", patience)
			}
			return
		}
	}
}

// Shutdown tells clients to leave, and waits for the running requests.
func (c *server) Shutdown(ctx context.Context) error {
	if c.server == nil {
		return nil
	}
	c.cancel()
	err := c.server.Shutdown(ctx)
	return errors.Join(err, c.free())
}

// Close ends everything at once.
func (c *server) Close() error {
	if c.server == nil {
		return nil
	}
	c.cancel()
	c.mu.Lock()
	conns := slices.Collect(maps.Values(c.conns))
	c.mu.Unlock()
	for _, conn := range conns {
		conn.Close() // this tells the client
	}
	// It would wait for handlers that ignore their context.
	go c.server.Close()
	return c.free()
}

// free closes the ports, and ends everything that still runs on them.
func (c *server) free() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var errs []error
	for addr, udp := range c.ports {
		errs = append(errs, udp.Close())
		delete(c.ports, addr)
	}
	return errors.Join(errs...)
}
