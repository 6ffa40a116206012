package serving

import (
	"context"
	"net"
	"net/http"

	"github.com/zeugkit/zeug/gateway/cgi"
	"github.com/zeugkit/zeug/gateway/fastcgi"
	"github.com/zeugkit/zeug/gateway/scgi"
	"github.com/zeugkit/zeug/gateway/uwsgi"
	"github.com/zeugkit/zeug/internal/listen"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/starterror"
)

// gateways maps the name of a protocol other than HTTP to a server for the web
// servers that speak it. These servers use the listeners and limits of the Server.
type gateways map[string]gatewayServer

type gatewayServer interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

func newGateways(s *Server) gateways {
	o := &s.options
	settings := fastcgi.Settings{
		HeaderTimeout: o.HeaderTimeout,
		StallTimeout:  o.StallTimeout,
		MaxHeader:     o.MaxHeader,
		MaxBody:       -1, // the application limits the body, as over HTTP
		Logger:        o.Logger,
		// The listeners limit the number of connections, for all protocols together.
		MaxConnections: -1,
	}
	app := s.asOwn(s.inner)
	return gateways{
		listen.FastCGI: &fastcgi.Server{Handler: app, Settings: settings},
		listen.SCGI:    &scgi.Server{Handler: app, Settings: scgi.Settings(settings)},
		listen.UWSGI:   &uwsgi.Server{Handler: app, Settings: uwsgi.Settings(settings)},
	}
}

// asOwn gives requests their server, as net/http's BaseContext does.
func (s *Server) asOwn(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := r.WithContext(serverContext{r.Context(), s})
		defer requestcopy.RemoveFiles(c, r)
		app.ServeHTTP(w, c)
	})
}

// shutdown shuts down all of them, and reports whether every request was completed.
func (g gateways) shutdown(ctx context.Context) <-chan bool {
	each := make(chan error, len(g))
	for _, server := range g {
		go func() { each <- server.Shutdown(ctx) }()
	}
	uncut := make(chan bool, 1)
	go func() {
		all := true
		for range g {
			if isEnd(<-each) {
				all = false
			}
		}
		uncut <- all
	}()
	return uncut
}

// close cuts them off.
func (g gateways) close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	<-g.shutdown(ctx)
}

// runCGI answers the one request for which the process was started. That web server has the
// sockets, the certificates and an access log.
func runCGI(app http.Handler, o Options) error {
	o.TLS, o.HTTP3, o.WrapListener, o.NoAccessLog = nil, nil, nil, true
	s, err := New(app, o)
	if err != nil {
		return &starterror.Error{Err: err}
	}
	if err := o.start(nil); err != nil {
		return &starterror.Error{Err: err}
	}
	server := cgi.Server{Handler: s.asOwn(s.inner), MaxBody: -1, Logger: s.options.Logger}
	return server.Serve()
}
