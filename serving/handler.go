package serving

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/zeugkit/zeug/httperror"
)

// handler puts round app what the server does for each request, the outermost
// first: ending, health, bodies that stall, the log, panics.
func (s *Server) handler(app http.Handler) http.Handler {
	o := &s.options
	app = recovered(app, o)
	if !o.NoAccessLog {
		app = logged(app, o.Logger)
	}
	if o.StallTimeout > 0 {
		app = unstalled(app, o.StallTimeout)
	}
	if o.Health != "" || o.Ready != "" {
		app = s.healthy(app)
	}
	return s.endable(app)
}

// healthy answers the questions of load balancers and orchestrators.
func (s *Server) healthy(app http.Handler) http.Handler {
	o := &s.options
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		switch path := r.URL.Path; {
		case path == "" || path != o.Health && path != o.Ready:
			app.ServeHTTP(w, r)
			return
		case path == o.Ready && s.draining.Load():
			err = errors.New("draining")
		case path == o.Ready && o.Check != nil:
			ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
			defer cancel()
			err = o.Check(ctx)
		}
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		if err != nil {
			o.Logger.WarnContext(r.Context(), "not ready", "cause", err)
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, "not ready\n")
			return
		}
		io.WriteString(w, "ok\n")
	})
}

// unstalled ends the reading of a body that stops coming.
func unstalled(app http.Handler, stall time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 && r.Body != nil {
			r.Body = &body{ReadCloser: r.Body, control: http.NewResponseController(w), stall: stall}
		}
		app.ServeHTTP(w, r)
	})
}

// body moves the read deadline on with each read, and lifts it at the end: what
// net/http reads then is the next request.
type body struct {
	io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
	armed   time.Time
}

func (b *body) Read(p []byte) (int, error) {
	if now := time.Now(); now.Sub(b.armed) > b.stall/4 {
		b.armed = now
		b.control.SetReadDeadline(now.Add(b.stall + b.stall/4))
	}
	n, err := b.ReadCloser.Read(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, &httperror.Error{Code: httperror.RequestTimeout, Description: "The body of the request stopped coming.", Err: err}
	}
	b.control.SetReadDeadline(time.Time{})
	return n, err
}

// recovered answers a panic of app with 500, or with its traceback under Debug.
// When part of an answer is out already the connection is cut, so that the
// client can tell.
func recovered(app http.Handler, o *Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		watched := &writer{ResponseWriter: w}
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler)
			}
			stack := debug.Stack()
			o.Logger.ErrorContext(r.Context(), "panic", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(cause), "stack", string(stack))
			if watched.status != 0 {
				panic(http.ErrAbortHandler)
			}
			clear(w.Header())
			if !o.Debug {
				httperror.Respond(w, r, httperror.InternalServerError)
				return
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, "<!doctype html>\n<html lang=en>\n<title>%[1]s</title>\n<h1>%[1]s</h1>\n<pre>%[2]s</pre>\n",
				html.EscapeString(fmt.Sprint(cause)), html.EscapeString(string(stack)))
		}()
		app.ServeHTTP(watched, r)
	})
}

// logged writes a record for each request.
func logged(app http.Handler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		watched := &writer{ResponseWriter: w}
		defer func() {
			logger.InfoContext(r.Context(), "request", "client", r.RemoteAddr, "method", r.Method, "uri", r.RequestURI,
				"status", watched.status, "bytes", watched.bytes, "took", time.Since(start))
		}()
		app.ServeHTTP(watched, r)
	})
}

// writer remembers what was answered.
type writer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *writer) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	preset(&w.status, http.StatusOK)
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	preset(&w.status, http.StatusOK)
	n, err := io.Copy(w.ResponseWriter, r)
	w.bytes += n
	return n, err
}

func (w *writer) Flush() {
	preset(&w.status, http.StatusOK)
	http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
