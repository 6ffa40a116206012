// Package http3 serves an application by HTTP/3 beside HTTP/1.1 and HTTP/2.
//
//	serving.Main(":443", app, serving.Options{
//		TLS:        certs.Files("app.crt", "app.key"),
//		Companions: []serving.Companion{http3.Companion()},
//	})
//
// It listens at the UDP ports of the server's TCP addresses, and the server's
// answers tell clients of it (Alt-Svc, RFC 7838). QUIC is
// github.com/quic-go/quic-go; the package is a module of its own, so that only
// programs which use it depend on that.
//
// A process that takes the TCP sockets over (SIGHUP) listens at the UDP ports as
// soon as the old one has let go of them; clients use HTTP/2 meanwhile.
package http3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/zeugkit/zeug/serving"
)

// Companion returns what serves by HTTP/3, for serving.Options.Companions. It is
// for one server.
func Companion() serving.Companion { return &companion{} }

type companion struct {
	server *http3.Server
	cancel context.CancelFunc

	mu    sync.Mutex
	conns []net.PacketConn
}

// Limits of a client: how long it may say nothing, and how many requests it may
// have under way.
const (
	idleTime = 2 * time.Minute
	streams  = 100
)

// Start begins to serve.
func (c *companion) Start(app http.Handler, config *tls.Config, addrs []net.Addr) (http.Header, error) {
	if c.server != nil {
		return nil, errors.New("http3: a companion is for one server: make another one")
	}
	c.server = &http3.Server{
		Handler:        app,
		TLSConfig:      http3.ConfigureTLSConfig(config),
		MaxHeaderBytes: 64 << 10,
		IdleTimeout:    idleTime,
		QUICConfig:     &quic.Config{MaxIdleTimeout: idleTime, MaxIncomingStreams: streams},
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	announced := http.Header{}
	for _, addr := range addrs {
		tcp, ok := addr.(*net.TCPAddr)
		if !ok {
			continue // a unix socket has no UDP beside it
		}
		at := &net.UDPAddr{IP: tcp.IP, Port: tcp.Port, Zone: tcp.Zone}
		udp, err := net.ListenUDP("udp", at)
		switch {
		case err == nil:
			c.serve(udp)
		case errors.Is(err, syscall.EADDRINUSE):
			go c.serveLater(ctx, at)
		default:
			cancel()
			return nil, fmt.Errorf("http3: listen at UDP %s: %w", at, err)
		}
		announced.Add("Alt-Svc", `h3=":`+strconv.Itoa(tcp.Port)+`"; ma=86400`)
	}
	if len(announced) == 0 {
		cancel()
		return nil, errors.New("http3: the server has no TCP address for HTTP/3 to stand beside")
	}
	return announced, nil
}

func (c *companion) serve(udp net.PacketConn) {
	c.mu.Lock()
	c.conns = append(c.conns, udp)
	c.mu.Unlock()
	go c.server.Serve(udp)
}

// patience is how long the process that had the port may still drain.
const patience = 10 * time.Minute

// serveLater waits for a port that another process still has.
func (c *companion) serveLater(ctx context.Context, at *net.UDPAddr) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	give := time.After(patience)
	for {
		select {
		case <-ticker.C:
			if udp, err := net.ListenUDP("udp", at); err == nil {
				if ctx.Err() != nil {
					udp.Close()
					return
				}
				c.serve(udp)
				return
			}
		case <-give:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Shutdown tells clients to leave, and waits for what runs.
func (c *companion) Shutdown(ctx context.Context) error {
	c.cancel()
	err := c.server.Shutdown(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, udp := range c.conns {
		udp.Close()
	}
	return err
}
