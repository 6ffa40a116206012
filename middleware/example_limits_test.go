package middleware_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/webtest"
	"github.com/zeugkit/zeug/wrappers"
)

func ExampleBodyLimit() {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintln(w, len(body), err)
	})
	client := webtest.New(nil, middleware.BodyLimit{Bytes: 4}.Wrap(app))
	fmt.Print(client.Post("/", webtest.Text("tea")).Text())
	fmt.Println(client.Post("/", webtest.Text("coffee")).Status)
	// Output:
	// 3 <nil>
	// 413
}

func ExampleTimeout() {
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		select {
		case <-time.After(time.Minute):
			return wrappers.Text("found"), nil
		case <-req.Context().Done(): // the time is up: stop working
			return nil, req.Context().Err()
		}
	})
	client := webtest.New(nil, middleware.Timeout{Limit: 10 * time.Millisecond, RetryAfter: 5 * time.Second}.Wrap(app))
	answer := client.Get("/")
	fmt.Println(answer.Status, "Retry-After:", answer.Header.Get("Retry-After"))
	// Output: 503 Retry-After: 5
}

func ExampleConcurrencyLimit() {
	begun, finish := make(chan struct{}), make(chan struct{})
	app := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-finish
	})
	client := webtest.New(nil, middleware.ConcurrencyLimit{Requests: 1}.Wrap(app))
	first := make(chan int)
	go func() { first <- client.Get("/").Status }()
	<-begun
	fmt.Println("the second:", client.Get("/").Status)
	close(finish)
	fmt.Println("the first:", <-first)
	// Output:
	// the second: 503
	// the first: 200
}

func ExampleCORS() {
	api := middleware.CORS{Origins: []string{"https://app.example.org"}, Methods: []string{"PUT"}}.Wrap(wrappers.Text("data"))
	client := webtest.New(nil, api)
	for _, origin := range []string{"https://app.example.org", "https://elsewhere.example"} {
		answer := client.Get("/", webtest.Header("Origin", origin))
		fmt.Printf("%s may read: %t\n", origin, answer.Header.Get("Access-Control-Allow-Origin") == origin)
	}
	// Output:
	// https://app.example.org may read: true
	// https://elsewhere.example may read: false
}

func ExampleCrossOriginProtection() {
	app := middleware.CrossOriginProtection{Bypass: []string{"POST /webhook/"}}.Wrap(wrappers.Text("done"))
	elsewhere := webtest.New(nil, app).With(webtest.FromPage("https://elsewhere.example/"))
	fmt.Println("reads:", elsewhere.Get("/account").Status)
	fmt.Println("changes:", elsewhere.Post("/account").Status)
	fmt.Println("calls what is there for it:", elsewhere.Post("/webhook/paid").Status)
	// Output:
	// reads: 200
	// changes: 403
	// calls what is there for it: 200
}

func ExampleSecureHeaders() {
	page := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		return wrappers.HTML(`<!doctype html><script nonce="` + middleware.Nonce(req.Request) + `">start()</script>`), nil
	})
	app := middleware.SecureHeaders{ContentSecurityPolicy: "default-src 'self'; script-src 'nonce'"}.Wrap(page)
	answer := webtest.New(nil, app).Get("/")
	nonce := answer.HTML("script").AttrOr("nonce", "")
	fmt.Println(strings.ReplaceAll(answer.Header.Get("Content-Security-Policy"), nonce, "…"))
	fmt.Println(answer.Header.Get("X-Content-Type-Options"), answer.Header.Get("X-Frame-Options"))
	// Output:
	// default-src 'self'; script-src 'nonce-…'
	// nosniff SAMEORIGIN
}

func ExampleHTTPProxy() {
	search := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "the search engine, asked for", r.URL, "for", r.Header.Get("X-Forwarded-For"))
	}))
	defer search.Close()
	app := middleware.HTTPProxy{Targets: map[string]middleware.ProxyTarget{
		"/search": {URL: search.URL, RemovePrefix: true},
	}}.Wrap(wrappers.Text("the application"))
	client := webtest.New(nil, app, webtest.RemoteAddr("192.0.2.7:1234"))
	fmt.Print(client.Get("/search/tea?page=2").Text())
	fmt.Println(client.Get("/searching").Text())
	// Output:
	// the search engine, asked for /tea?page=2 for 192.0.2.7
	// the application
}
