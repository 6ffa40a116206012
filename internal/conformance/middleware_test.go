package conformance_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/wrappers"
)

var _ = register(map[string]operation{
	"proxyfix":   answers(proxyFix),
	"dispatcher": answers(dispatcher),
})

// proxyFix returns the values that an application behind the fix sees. Werkzeug trusts one
// X-Forwarded-For and one X-Forwarded-Proto unless told otherwise.
func proxyFix(in struct {
	requestInput
	Headers map[string]string `json:"headers"`
	Options map[string]int    `json:"options"`
}) any {
	fix := middleware.ProxyFix{For: 1, Proto: 1}
	for name, field := range map[string]*int{
		"x_for": &fix.For, "x_proto": &fix.Proto, "x_host": &fix.Host, "x_port": &fix.Port, "x_prefix": &fix.Prefix,
	} {
		if n, set := in.Options[name]; set {
			*field = n
		}
	}
	for name, value := range in.Headers {
		in.requestInput.Headers = append(in.requestInput.Headers, [2]string{name, value})
	}
	var seen map[string]any
	fix.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		req := wrappers.NewRequest(r)
		host, err := req.Host()
		if err != nil {
			host = ""
		}
		addr := ""
		if client := req.Client(); client.IsValid() {
			addr = client.Addr().String()
		}
		seen = map[string]any{
			"access_route": req.ForwardedFor(), "host": host, "remote_addr": addr, "root_path": req.RootPath(),
			"scheme": req.Scheme(), "url": req.FullURL(),
		}
	})).ServeHTTP(httptest.NewRecorder(), in.requestInput.request().Request)
	return seen
}

// dispatcher returns the name of the application that gets the request ("default" if none of the
// mounts does), and the request that it gets.
func dispatcher(in struct {
	Mounts []string `json:"mounts"`
	Path   string   `json:"path"`
}) any {
	var seen map[string]any
	app := func(name string) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			root, err := url.PathUnescape(gateway.RootPath(r))
			if err != nil {
				panic(fmt.Sprintf("root path: %v", err))
			}
			seen = map[string]any{"app": name, "root_path": root, "path": r.URL.Path}
		})
	}
	d := middleware.Dispatcher{Mounts: map[string]http.Handler{}}
	for _, mount := range in.Mounts {
		d.Mounts[mount] = app(mount)
	}
	r := &http.Request{Method: http.MethodGet, Host: "localhost", URL: &url.URL{Path: in.Path}, Header: http.Header{}}
	d.Wrap(app("default")).ServeHTTP(httptest.NewRecorder(), r)
	return seen
}
