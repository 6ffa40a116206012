// Package cgi serves one request by CGI (RFC 3875), as a web server starts the program for it:
//
//	func main() { log.Fatal(cgi.Serve(newApp())) }
//
// The request's context ends when the web server stops the program by SIGTERM, and
// on Linux when it closes the program's output.
//
// The request's [gateway.Origin] has the place where the application is mounted (SCRIPT_NAME), the
// client and the scheme, so that the application builds the right URLs. [Variables] returns the
// variables that have no place in a request. The other gateway protocols use the same variables.
package cgi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/zeugkit/zeug/gateway/internal/exchange"
	"github.com/zeugkit/zeug/internal/limits"
)

// Server answers the one request for which a web server has started the program. Its zero value,
// with a Handler, is usable.
type Server struct {
	Handler http.Handler
	// Timeout is how long the request may take. Then its context ends, and the
	// response is 503 if nothing of it was sent. 0 means 5 minutes, a negative
	// duration no limit.
	Timeout time.Duration
	// MaxBody is the size of the request's body, in bytes. A longer body is answered with 413. 0
	// means 1 GiB, a negative number no limit.
	MaxBody int64
	// Logger receives failures. Web servers keep what a program writes to standard
	// error. Nil means [slog.Default].
	Logger *slog.Logger

	// Env, In and Out replace the process's environment ("NAME=value"),
	// standard input and output.
	Env []string
	In  io.Reader
	Out io.Writer
}

// Serve answers the request in the process's environment with handler.
func Serve(handler http.Handler) error { return (&Server{Handler: handler}).Serve() }

// Serve answers the request. Its error says why there is no request, or why the response is not
// complete.
func (s *Server) Serve() error {
	env, in, out, logger := s.Env, s.In, s.Out, s.Logger
	if env == nil {
		env = os.Environ()
	}
	if in == nil {
		in = os.Stdin
	}
	if out == nil {
		out = os.Stdout
	}
	if logger == nil {
		logger = slog.Default()
	}
	timeout, maxBody := s.Timeout, s.MaxBody
	if err := errors.Join(
		limits.Set(&timeout, "cgi: Server.Timeout", 5*time.Minute, limits.Forever),
		limits.Set(&maxBody, "cgi: Server.MaxBody", 1<<30, math.MaxInt64),
	); err != nil {
		return err
	}
	vars := map[string]string{}
	for _, entry := range env {
		if name, value, ok := strings.Cut(entry, "="); ok {
			vars[name] = value
		}
	}
	// A web server stops a program that takes too long by SIGTERM.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, terminate)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer watch(out, cancel)()
	r, err := exchange.NewRequest(ctx, vars, bufio.NewReaderSize(in, 32<<10))
	if err != nil {
		fmt.Fprint(out, "Status: 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBad Request\n")
		return err
	}
	err = exchange.Answer(s.Handler, exchange.NewWriter(out, r), r, maxBody, logger)
	if err == nil {
		drain(r.Body)
	}
	return err
}

// drain reads the rest of a body for a moment: Apache's mod_cgid loses a response if it cannot send
// the whole body.
func drain(body io.Reader) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.CopyN(io.Discard, body, 64<<20)
	}()
	select {
	case <-ended:
	case <-time.After(2 * time.Second):
	}
}

// Variables returns the variables of CGI that a request was made of, or nil for a request that came
// in another way. They must not be changed.
func Variables(r *http.Request) map[string]string { return exchange.Variables(r) }
