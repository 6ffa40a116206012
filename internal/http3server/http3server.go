// Package http3server is what package serving and the module serving/http3 share. Package serving
// cannot import the implementation, because every program that serves would then link QUIC.
package http3server

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Server serves an application over HTTP/3, beside a serving.Server that serves it over TCP.
type Server interface {
	// Start begins to serve. Start is called once, before the other server accepts its first connection.
	Start(Config) error
	// Shutdown accepts no more requests, and returns when no request is running any more. It
	// returns an error if ctx ends first.
	Shutdown(ctx context.Context) error
	// Close ends everything at once, and frees the ports.
	Close() error
}

// Config is what a Server gets from the serving.Server beside it.
type Config struct {
	// Handler is the application, with the access log and the limits for each request.
	Handler http.Handler
	// TLS has the certificates.
	TLS *tls.Config
	// Addrs are the addresses that speak HTTP over TCP or a unix socket.
	Addrs []net.Addr
	// MaxHeader and IdleTimeout are the options of serving, with their defaults set.
	MaxHeader   int
	IdleTimeout time.Duration
	// Logger receives the messages.
	Logger *slog.Logger
	// Accept counts a connection against serving.Options.MaxConnections, and waits
	// while the limit is reached. hangUp closes the connection. It is called
	// when another client gets the place of a connection that is idle or slow.
	Accept func(hangUp func() error) Conn
	// Announce replaces the header fields of all responses that announce HTTP/3 (RFC 7838).
	// nil announces nothing.
	Announce func(http.Header)
}

// Conn is a connection that Config.Accept has counted.
type Conn interface {
	// Context returns the context that the requests of the connection must have.
	Context(ctx context.Context) context.Context
	// Close closes the connection if it is still open, and frees its place.
	Close() error
}
