package webtest_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

// redirecting answers /<status>?to=<location> with a redirect, and all other requests with a
// description of the request.
var redirecting = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if status, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/")); err == nil {
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(status)
		return
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s%s %s|%s|%s", r.Method, r.Host, r.URL, body, r.Header.Get("Content-Type"), r.Header.Get("X-Own"))
})

func TestRedirectKeepsOrChangesTheMethod(t *testing.T) {
	c := webtest.New(t, redirecting, webtest.Follow)
	for _, row := range []struct {
		method string
		status int
		want   string
	}{
		{"GET", 301, "GET example.com/x ||own"},
		{"POST", 301, "GET example.com/x ||own"},
		{"POST", 302, "GET example.com/x ||own"},
		{"PUT", 302, "PUT example.com/x b|text/plain; charset=utf-8|own"},
		{"PUT", 303, "GET example.com/x ||own"},
		{"DELETE", 303, "GET example.com/x ||own"},
		{"POST", 307, "POST example.com/x b|text/plain; charset=utf-8|own"},
		{"PATCH", 308, "PATCH example.com/x b|text/plain; charset=utf-8|own"},
	} {
		t.Run(fmt.Sprint(row.method, row.status), func(t *testing.T) {
			options := []webtest.Option{webtest.Header("X-Own", "own")}
			if row.method != "GET" {
				options = append(options, webtest.Text("b"))
			}
			resp := c.Do(row.method, fmt.Sprintf("/%d?to=/x", row.status), options...)
			require.Equal(t, row.want, resp.Text())
			require.Len(t, resp.History, 1)
			require.Equal(t, row.status, resp.History[0].Status)
			require.Equal(t, row.method, resp.History[0].Request.Method)
			require.Equal(t, "http://example.com/x", resp.History[0].Location())
		})
	}
	require.Equal(t, 303, c.Head("/303?to=/x", webtest.NoFollow).Status)
	require.Equal(t, "HEAD", c.Head("/303?to=/x").Request.Method)
}

func TestRedirectIsNotFollowed(t *testing.T) {
	c := webtest.New(t, redirecting)
	require.Equal(t, 302, c.Get("/302?to=/x").Status, "unless asked for")
	for _, status := range []int{300, 304, 305, 306} {
		require.Equal(t, status, c.Get(fmt.Sprintf("/%d?to=/x", status), webtest.Follow).Status)
	}
	require.Equal(t, 302, c.Get("/302", webtest.Follow).Status, "without a Location")
}

func TestRedirectLeads(t *testing.T) {
	for _, row := range []struct{ to, host, want string }{
		{"y", "", "example.com/y"},
		{"//example.com/z?q", "", "example.com/z?q"},
		{"?n=1", "", "example.com/302?n=1"},
		{"/ü b%2F", "", "example.com/%C3%BC%20b%2F"},
		{"https://EXAMPLE.com/up", "", "example.com/up"},
		{"http://www.example.com/", "*.example.com", "www.example.com/"},
		{"http://api.example:81/", "api.example:81", "api.example:81/"},
	} {
		t.Run("to "+row.to, func(t *testing.T) {
			c := webtest.New(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/302" && r.URL.RawQuery == "" {
					w.Header().Set("Location", row.to)
					w.WriteHeader(302)
					return
				}
				fmt.Fprint(w, r.Host, r.URL)
			}), webtest.Hosts(row.host))
			require.Equal(t, row.want, c.Get("/302", webtest.Follow).Text())
		})
	}
}

func TestRedirectToAnotherOriginLeavesCredentialsBehind(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/same", 302)
		case "/same":
			http.Redirect(w, r, "http://www.example.com/other", 302)
		}
		fmt.Fprint(w, r.Header.Get("Authorization"))
	})
	resp := webtest.New(t, app).Get("/", webtest.Follow, webtest.Header("Authorization", "Bearer t"), webtest.Hosts("www.example.com"))
	require.Equal(t, "Bearer t", resp.History[1].Request.Header.Get("Authorization"))
	require.Empty(t, resp.Request.Header.Get("Authorization"))
}

func TestRedirectThatSetsACookieIsNoLoop(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("seen"); err != nil {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
			http.Redirect(w, r, "/", 302)
			return
		}
		io.WriteString(w, "hello again")
	})
	require.Equal(t, "hello again", webtest.New(t, app).Get("/", webtest.Follow).Text())
}

func TestRedirectBelowAMount(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/go" {
			http.Redirect(w, r, "/app/there", 302)
			return
		}
		io.WriteString(w, r.URL.Path)
	})
	require.Equal(t, "/there", webtest.New(t, app, webtest.BaseURL("http://example.com/app")).Get("/go", webtest.Follow).Text())
}
