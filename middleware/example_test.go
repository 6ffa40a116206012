package middleware_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/webtest"
	"github.com/zeugkit/zeug/wrappers"
)

func ExampleChain() {
	says := func(text string) middleware.Middleware {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Println(text)
				next.ServeHTTP(w, r)
			})
		}
	}
	app := middleware.Chain(says("outermost"), says("then"))(wrappers.Text("the application"))
	fmt.Println(webtest.New(nil, app).Get("/").Text())
	// Output:
	// outermost
	// then
	// the application
}

func ExampleProxyFix() {
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		return wrappers.Text(req.Client().Addr().String() + " asked for " + req.FullURL() + " by way of " + gateway.Received(req.Request).Client.Addr().String()), nil
	})
	// nginx in front of us appends to X-Forwarded-For and sets the others.
	behind := middleware.ProxyFix{
		For: 1, Proto: 1, Host: 1, Prefix: 1,
		Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}.Wrap(app)
	fmt.Println(webtest.New(nil, behind).Get("/page",
		webtest.Header("X-Forwarded-For", "203.0.113.66, 198.51.100.7"), // the first address is the one that the client claims
		webtest.Header("X-Forwarded-Proto", "https"),
		webtest.Header("X-Forwarded-Host", "example.org"),
		webtest.Header("X-Forwarded-Prefix", "/app"),
	).Text())
	// Output: 198.51.100.7 asked for https://example.org/app/page by way of 127.0.0.1
}

func ExampleDispatcher() {
	wiki := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		return wrappers.Text("the wiki at " + req.RootURL() + ", asked for " + req.URL.Path), nil
	})
	app := middleware.Dispatcher{Mounts: map[string]http.Handler{
		"/wiki":              wiki,
		"admin.example.com/": wrappers.Text("administration"),
		"/old":               middleware.RewriteLocation(http.RedirectHandler("/new", http.StatusMovedPermanently)),
	}}.Wrap(wrappers.Text("the rest"))
	c := webtest.New(nil, app)
	fmt.Println(c.Get("/wiki/Main_Page").Text())
	fmt.Println(c.Get("/wikis").Text())
	fmt.Println(c.Get("http://admin.example.com/wiki").Text())
	fmt.Println(c.Get("/old/x").Location())
	// Output:
	// the wiki at http://example.com/wiki/, asked for /Main_Page
	// the rest
	// administration
	// http://example.com/old/new
}

func ExampleLint() {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", "v1")
		w.WriteHeader(http.StatusNoContent)
	})
	lint := middleware.Lint{Report: func(r *http.Request, f middleware.Finding) { fmt.Println(f.Check + ": " + f.Message) }}
	webtest.New(nil, lint.Wrap(app)).Get("/")
	// Output: etag: the ETag v1 is not in quotes
}

func ExampleRecover() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "stack" {
			return slog.Attr{}
		}
		return a
	}}))
	app := middleware.Recover{Logger: log}.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("out of tea") }))
	fmt.Println(webtest.New(nil, app).Get("/pot").HTML("h1").Text())
	// Output:
	// level=ERROR msg=panic method=GET uri=/pot panic="out of tea"
	// Internal Server Error
}

func ExampleAccessLog() {
	var log bytes.Buffer
	app := middleware.Chain(
		middleware.RequestID{New: func() string { return "7" }}.Wrap,
		middleware.AccessLog{Logger: slog.New(slog.NewTextHandler(&log, nil))}.Wrap,
	)(wrappers.Text("hello"))
	webtest.New(nil, app).Get("/x")
	fmt.Println(strings.Fields(log.String())[2:9])
	// Output: [msg=request client=127.0.0.1 method=GET host=example.com uri=/x proto=HTTP/1.1 status=200]
}

func ExampleRequestID() {
	app := middleware.RequestID{New: func() string { return "b7e1" }}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "this is request ", middleware.RequestIDOf(r.Context()))
	}))
	resp := webtest.New(nil, app).Get("/")
	fmt.Println(resp.Text(), resp.Header.Get("X-Request-Id"))
	// Output: this is request b7e1 b7e1
}
