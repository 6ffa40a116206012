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

	"github.com/zeugkit/zeug/internal/devtools"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/staticfiles"
)

// handler puts around app what the server adds to each request. From the outside in, these are: the
// end of streams, health checks, the trusted proxies, the access log, panics or the debugger,
// static files.
func (s *Server) handler(app http.Handler) http.Handler {
	o := &s.options
	if len(o.StaticFiles) > 0 {
		app = static(app, o)
	}
	if o.PassPanics {
		app = passing(app)
	}
	if o.Debug {
		app = devtools.Linked().Debug(app, devtools.Server{Keeper: s.keeper.Load, Terms: s.terms.Load})
	} else {
		app = middleware.Recover{Logger: o.Logger}.Wrap(app)
	}
	if !o.NoAccessLog {
		app = o.AccessLog.Wrap(app)
	}
	app = o.ProxyFix.Wrap(app)
	if o.Health != "" || o.Ready != "" {
		app = s.healthy(app)
	}
	return s.endable(app)
}

// static serves the files of Options.StaticFiles. In development, static files
// change too.
func static(app http.Handler, o *Options) http.Handler {
	data := staticfiles.SharedData{Logger: o.Logger, Development: o.Debug || o.Reload || Supervised()}
	for _, prefix := range slices.Sorted(maps.Keys(o.StaticFiles)) {
		export := staticfiles.Export{Prefix: prefix, Dir: o.StaticFiles[prefix]}
		if info, err := os.Stat(export.Dir); err == nil && !info.IsDir() {
			export.File, export.Dir = export.Dir, ""
		}
		data.Exports = append(data.Exports, export)
	}
	return data.Wrap(app)
}

// healthy answers the health checks of load balancers and orchestrators.
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
			if !s.draining.Load() { // a stop is planned, so the probes need no warning
				o.Logger.WarnContext(r.Context(), "not ready", "cause", err)
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, "not ready\n")
			return
		}
		io.WriteString(w, "ok\n")
	})
}

const checkTime = 5 * time.Second
