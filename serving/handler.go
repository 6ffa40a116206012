package serving

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/staticfiles"
)

// handler puts round app what the server does for each request, the outermost
// first: ending, health, bodies that stall, the log, panics or the debugger.
func (s *Server) handler(app http.Handler) http.Handler {
	o := &s.options
	if len(o.StaticFiles) > 0 {
		app = static(app, o)
	}
	if o.PassPanics {
		app = passing(app)
	}
	if o.Debug {
		app = s.debugger().Wrap(app)
	} else {
		app = middleware.Recover{Logger: o.Logger}.Wrap(app)
	}
	if !o.NoAccessLog {
		app = middleware.AccessLog{Logger: o.Logger}.Wrap(app)
	}
	if o.StallTimeout > 0 {
		app = unstalled(app, o.StallTimeout)
	}
	if o.Health != "" || o.Ready != "" {
		app = s.healthy(app)
	}
	return s.endable(app)
}

// static answers with the files of Options.StaticFiles. While the program is
// worked on, so are they.
func static(app http.Handler, o *Options) http.Handler {
	data := staticfiles.SharedData{Development: o.Debug || o.Reload || Supervised()}
	for _, prefix := range slices.Sorted(maps.Keys(o.StaticFiles)) {
		export := staticfiles.Export{Prefix: prefix, Dir: o.StaticFiles[prefix]}
		if info, err := os.Stat(export.Dir); err == nil && !info.IsDir() {
			export.File, export.Dir = export.Dir, ""
		}
		data.Exports = append(data.Exports, export)
	}
	return data.Wrap(app)
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
			ctx, cancel := context.WithTimeout(r.Context(), checkTime)
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

const checkTime = 5 * time.Second

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
