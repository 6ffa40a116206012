package serving

import (
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/zeugkit/zeug/httperror"
)

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
