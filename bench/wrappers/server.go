package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// serve runs a whole net/http server on a connection in memory that sends the
// same request n times and throws the answers away: the cost is the server's
// and the handler's, and nothing else.
func serve(handler http.Handler, request string, n int) {
	conn := &conn{request: request, left: n, closed: make(chan struct{})}
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	err := server.Serve(&listener{conn: conn})
	if err != io.EOF {
		panic(err)
	}
	if conn.answers != n {
		panic("not every request was answered")
	}
}

// listener gives out one connection, and ends once it is closed.
type listener struct {
	conn  *conn
	given bool
}

func (l *listener) Accept() (net.Conn, error) {
	if l.given {
		<-l.conn.closed
		return nil, io.EOF
	}
	l.given = true
	return l.conn, nil
}

func (l *listener) Close() error   { return nil }
func (l *listener) Addr() net.Addr { return address{} }

type conn struct {
	request string
	at      int // in request
	left    int // requests to send
	answers int
	closed  chan struct{}
}

func (c *conn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.request[c.at:])
	if c.at += n; c.at == len(c.request) {
		c.at = 0
		c.left--
	}
	return n, nil
}

func (c *conn) Write(p []byte) (int, error) {
	if start := string(p[:min(len(p), 10)]); start == "HTTP/1.1 2" || start == "HTTP/1.1 3" {
		c.answers++
	}
	return len(p), nil
}

func (c *conn) Close() error {
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
	return nil
}

func (c *conn) LocalAddr() net.Addr              { return address{} }
func (c *conn) RemoteAddr() net.Addr             { return address{} }
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

type address struct{}

func (address) Network() string { return "tcp" }
func (address) String() string  { return "192.0.2.1:1234" }
