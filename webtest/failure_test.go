package webtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

// recorder is a test that is expected to fail.
type recorder struct {
	ctx      context.Context
	failed   bool
	text     strings.Builder
	cleanups []func()
}

func (r *recorder) Helper()                  {}
func (r *recorder) Failed() bool             { return r.failed }
func (r *recorder) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Logf(format string, args ...any) {
	fmt.Fprintf(&r.text, format+"\n", args...)
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = true
	r.Logf(format, args...)
	runtime.Goexit()
}

// failure runs f, which must fail its test, and returns what it printed.
func failure(t *testing.T, f func(tb *recorder)) string {
	t.Helper()
	r := &recorder{ctx: t.Context()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	require.True(t, r.failed, "the test did not fail")
	return r.text.String()
}

func TestFailure(t *testing.T) {
	app := http.NewServeMux()
	app.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", 302) })
	app.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/endless?"+r.URL.RawQuery+"x", 302)
	})
	app.HandleFunc("/out", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://other.example/", 302) })
	app.HandleFunc("/sub", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://www.example.com/", 302) })
	app.HandleFunc("/port", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://example.com:81/", 302) })
	app.HandleFunc("/script", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "javascript:alert(1)")
		w.WriteHeader(302)
	})
	app.HandleFunc("/again", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", 307) })
	app.HandleFunc("/json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{\"a\": 1")
	})
	app.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "plain\n\x00") })
	var v any
	for _, c := range []struct {
		name string
		do   func(c *webtest.Client)
		want []string
	}{
		{"of another status prints the exchange", func(c *webtest.Client) { c.Post("/", webtest.Form(url.Values{"a": {"b"}})).Expect(404) },
			[]string{"status 200, want 404", "> POST http://example.com/", "> Content-Type: application/x-www-form-urlencoded", "> a=b", "< HTTP/1.1 200 OK", "(7 bytes that are not text)"}},
		{"of a loop", func(c *webtest.Client) { c.Get("/loop", webtest.Follow) }, []string{"a loop of redirects: back at http://example.com/loop", "< Location: /loop"}},
		{"of too many redirects", func(c *webtest.Client) { c.Get("/endless", webtest.Follow) }, []string{"more than 20 redirects"}},
		{"of a redirect outside", func(c *webtest.Client) { c.Get("/out", webtest.Follow) }, []string{"leads outside, to http://other.example/ (allow it with webtest.Hosts)"}},
		{"of a redirect to a subdomain", func(c *webtest.Client) { c.Get("/sub", webtest.Follow) }, []string{"leads outside"}},
		{"of a redirect to another port", func(c *webtest.Client) { c.Get("/port", webtest.Follow) }, []string{"leads outside"}},
		{"of a redirect to a script", func(c *webtest.Client) { c.Get("/script", webtest.Follow) }, []string{"neither http nor https"}},
		{"of a redirect above the mount", func(c *webtest.Client) {
			c.With(webtest.BaseURL("http://example.com/app")).Get("/again", webtest.Follow)
		}, []string{"mounted at /app"}},
		{"of a body that cannot be sent again", func(c *webtest.Client) {
			c.Post("/again", webtest.Follow, webtest.Body("", io.MultiReader(strings.NewReader("x"))))
		}, []string{"cannot be sent again", "< HTTP/1.1 307 Temporary Redirect"}},
		{"of two bodies", func(c *webtest.Client) { c.Post("/", webtest.JSON(1), webtest.Field("a", "b")) }, []string{"not both"}},
		{"of a body that is not JSON", func(c *webtest.Client) { c.Post("/", webtest.JSON(func() {})) }, []string{"body as JSON"}},
		{"of an answer that is not JSON", func(c *webtest.Client) { c.Get("/").JSON(&v) }, []string{"not JSON"}},
		{"of an answer in bad JSON", func(c *webtest.Client) { c.Get("/json").JSON(&v) }, []string{"unexpected end of JSON input", "< {\"a\": 1"}},
		{"of an answer that is not HTML", func(c *webtest.Client) { c.Get("/json").HTML("p") }, []string{"not HTML"}},
		{"of a bad selector", func(c *webtest.Client) { c.Get("/").HTML("p[") }, []string{`the selector "p["`}},
		{"of a relative target", func(c *webtest.Client) { c.Get("x") }, []string{"neither a path that starts with a slash nor an absolute URL"}},
		{"of a bad base", func(c *webtest.Client) { c.Get("/", webtest.BaseURL("example.com")) }, []string{"base URL"}},
		{"of a base with a query", func(c *webtest.Client) { c.Get("/", webtest.BaseURL("http://example.com/?x")) }, []string{"has a query"}},
		{"of a bad method", func(c *webtest.Client) { c.Do("A B", "/") }, []string{"invalid method"}},
		{"of a cookie that no browser takes", func(c *webtest.Client) { c.SetCookie(&http.Cookie{Name: "__Host-x", Value: "1"}) }, []string{"prefix needs Secure"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := failure(t, func(r *recorder) { c.do(webtest.New(r, app)) })
			for _, want := range c.want {
				require.Contains(t, text, want)
			}
		})
	}
}

func TestFailedTestPrintsTheLastExchange(t *testing.T) {
	r := &recorder{ctx: t.Context()}
	c := webtest.New(r, http.NotFoundHandler())
	c.Get("/x?y=z")
	r.failed = true
	for _, f := range r.cleanups {
		f()
	}
	require.Contains(t, r.text.String(), "> GET http://example.com/x?y=z")
	require.Contains(t, r.text.String(), "< HTTP/1.1 404 Not Found")
}

func TestWithoutATestFailuresPanic(t *testing.T) {
	require.PanicsWithValue(t, "webtest: GET x: the target is neither a path that starts with a slash nor an absolute URL",
		func() { webtest.New(nil, http.NotFoundHandler()).Get("x") })
}
