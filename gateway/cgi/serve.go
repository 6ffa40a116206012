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
	"runtime/debug"
	"strings"
	"time"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/secret"
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

// Started reports whether a web server has started the process for a request by
// CGI.
func Started() bool { return os.Getenv("GATEWAY_INTERFACE") != "" && os.Getenv("REQUEST_METHOD") != "" }

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
	r, err := NewRequest(ctx, vars, bufio.NewReaderSize(in, 32<<10))
	if err != nil {
		fmt.Fprint(out, "Status: 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBad Request\n")
		return err
	}
	err = Answer(s.Handler, NewWriter(out, r), r, maxBody, logger)
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

// Answer runs handler for r and completes the response in w. A body longer than maxBody bytes is
// answered with 413; a negative maxBody means no limit. If its length was not sent, reading beyond
// the limit returns an [http.MaxBytesError]. A panic is answered with 500 if nothing was sent, and
// its stack goes to logger. The error says why the response is not complete.
func Answer(handler http.Handler, w *Writer, r *http.Request, maxBody int64, logger *slog.Logger) (err error) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		err = fmt.Errorf("handler panicked: %v", value)
		if value == http.ErrAbortHandler {
			return
		}
		logger.ErrorContext(r.Context(), "handler panicked", "method", r.Method, "uri", secret.URI(r.RequestURI), "panic", value, "stack", string(debug.Stack()))
		if !w.Began() {
			err = w.fail()
		}
	}()
	if maxBody >= 0 && r.ContentLength > maxBody {
		httperror.Respond(w, r, httperror.ContentTooLarge)
		return w.Close()
	}
	if maxBody >= 0 && r.ContentLength < 0 {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	defer requestcopy.RemoveFiles(r, &http.Request{})
	handler.ServeHTTP(w, r)
	if r.Context().Err() == context.DeadlineExceeded && !w.Began() {
		httperror.Respond(w, r, httperror.ServiceUnavailable)
	}
	return w.Close()
}
