package middleware_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/webtest"
	"github.com/zeugkit/zeug/wrappers"
)

// The examples of docs/middleware.md, which TestTheGuideShowsCodeThatRuns compares.

// stableLog prints records without what differs at each run.
func stableLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.MessageKey, slog.TimeKey, slog.LevelKey, "took", "host", "proto", "bytes", "user_agent":
			return slog.Attr{}
		}
		return a
	}}))
}

func Example_chain() {
	var app http.Handler = wrappers.Text("hello")
	app = middleware.Chain(
		middleware.RequestID{}.Wrap,
		middleware.Timeout{Limit: 10 * time.Second}.Wrap,
		middleware.BodyLimit{Bytes: 1 << 20}.Wrap,
	)(app)
	options := serving.Options{
		ProxyFix: middleware.ProxyFix{For: 1, Proto: 1, Host: 1},
	}
	fmt.Println(len(webtest.New(nil, app).Get("/").Header.Get("X-Request-Id")), options.ProxyFix.Check())
	// Output: 26 <nil>
}

func Example_chainUnderAnotherServer() {
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(stableLog())
	var app http.Handler = httperror.NotFound
	app = middleware.Chain(
		middleware.ProxyFix{For: 1, Proto: 1, Host: 1}.Wrap,
		middleware.RequestID{New: func() string { return "7" }}.Wrap,
		middleware.AccessLog{}.Wrap,
		middleware.Recover{}.Wrap,
	)(app)
	webtest.New(nil, app).Get("/x", webtest.Header("X-Forwarded-For", "203.0.113.9"))
	// Output: client=203.0.113.9 method=GET uri=/x status=404 request_id=7
}

func Example_byNetwork() {
	fix := middleware.ProxyFix{
		For:     middleware.ByNetwork,
		Proto:   1,
		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}
	app := fix.Wrap(wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		return wrappers.Text(req.Client().Addr().String()), nil
	}))
	client := webtest.New(nil, app, webtest.RemoteAddr("10.0.0.1:80"))
	fmt.Println(client.Get("/", webtest.Header("X-Forwarded-For", "192.0.2.1, 203.0.113.9, 10.0.0.2")).Text())
	// Output: 203.0.113.9
}

func Example_mounts() {
	wiki, api, admin, tenants := wrappers.Text("wiki"), wrappers.Text("api"), wrappers.Text("admin"), wrappers.Text("a tenant")
	shop := http.RedirectHandler("/cart", http.StatusSeeOther)
	var app http.Handler = wrappers.Text("the rest")
	app = middleware.Dispatcher{Mounts: map[string]http.Handler{
		"/wiki":              wiki,
		"/wiki/api":          api,
		"admin.example.com/": admin,
		"*.example.com/":     tenants,
		"/shop":              middleware.RewriteLocation(shop), // gin, chi, a ServeMux
	}}.Wrap(app)
	client := webtest.New(nil, app, webtest.BaseURL("http://other.test/"))
	fmt.Println(client.Get("/wiki/api/7").Text(), client.Get("/wikis").Text(), client.Get("http://a.example.com/").Text())
	fmt.Println(client.Get("/shop/").Header.Get("Location"))
	// Output:
	// api the rest a tenant
	// /shop/cart
}

func Example_limits() {
	var app http.Handler = wrappers.Text("hello")
	app = middleware.Chain(
		middleware.ConcurrencyLimit{Requests: 200, Waiting: 100}.Wrap,
		middleware.Timeout{Limit: 10 * time.Second}.Wrap,
		middleware.BodyLimit{Bytes: 8 << 20}.Wrap,
	)(app)
	fmt.Println(webtest.New(nil, app).Get("/").Status)
	// Output: 200
}

func Example_lint() {
	var t printing
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		w.WriteHeader(http.StatusOK)
	})
	lint := middleware.Lint{Report: func(r *http.Request, f middleware.Finding) { t.Error(r.URL, f) }}
	client := webtest.New(nil, lint.Wrap(app))
	client.Get("/x")
	// Output:
	// /x status
}

// printing is the t of a test, as far as the example needs it.
type printing struct{}

func (printing) Error(args ...any) { fmt.Println(args[0], args[1].(middleware.Finding).Check) }
