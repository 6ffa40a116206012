package cgi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"time"

	"github.com/zeugkit/zeug/httperror"
)

// Server answers the one request that a web server has started the program for.
// Its zero value, with a Handler, is usable.
type Server struct {
	Handler http.Handler
	// Timeout is how long the request may take; then its context ends, and a
	// client that got nothing gets 503. 0 means 5 minutes, below 0 no limit.
	Timeout time.Duration
	// MaxBody is the longest body that is taken, in bytes; a longer one is
	// answered by 413. 0 means 1 GiB, below 0 no limit.
	MaxBody int64
	// Logger is told of failures: what a web server keeps of standard error.
	// Default: [slog.Default].
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

// Serve answers the request in the process's environment by handler.
func Serve(handler http.Handler) error { return (&Server{Handler: handler}).Serve() }

// Serve answers the request. Its error says why there is none, or why the
// answer is not whole.
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
	vars := map[string]string{}
	for _, entry := range env {
		if name, value, ok := strings.Cut(entry, "="); ok {
			vars[name] = value
		}
	}
	// A web server stops a program that takes too long by SIGTERM.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, terminate)
	defer stop()
	if timeout := s.Timeout; timeout >= 0 {
		if timeout == 0 {
			timeout = 5 * time.Minute
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer watch(out, cancel)()
	r, err := NewRequest(ctx, vars, bufio.NewReaderSize(in, 32<<10))
	if err != nil {
		fmt.Fprint(out, "Status: 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBad Request\n")
		return err
	}
	err = Answer(s.Handler, NewWriter(out, r), r, s.maxBody(), logger)
	if err == nil {
		drain(r.Body)
	}
	return err
}

// drain reads what a web server still sends of a body, for a moment: Apache's
// mod_cgid loses an answer to the failure to send what nobody reads.
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

func (s *Server) maxBody() int64 {
	if s.MaxBody == 0 {
		return 1 << 30
	}
	return s.MaxBody
}

// Answer runs handler for r and ends the answer in w. A body longer than maxBody
// bytes is answered by 413 (below 0 there is no limit; reading more of one whose
// length was not said is an [http.MaxBytesError]), a panic by 500 where
// nothing was sent; its stack goes to logger. The error says why the answer is
// not whole.
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
		logger.ErrorContext(r.Context(), "handler panicked", "method", r.Method, "uri", r.RequestURI, "panic", value, "stack", string(debug.Stack()))
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
	handler.ServeHTTP(w, r)
	if r.Context().Err() == context.DeadlineExceeded && !w.Began() {
		httperror.Respond(w, r, httperror.ServiceUnavailable)
	}
	return w.Close()
}
