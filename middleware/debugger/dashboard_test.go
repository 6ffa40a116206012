package debugger_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	_ "net/http/pprof"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/wrappers"
)

const at = "/_debug/"

// client sends requests to a debugger with a dashboard, and keeps its cookies.
type client struct {
	http.Handler
	out     bytes.Buffer
	cookies []*http.Cookie
}

func dashboarded(app http.Handler, change ...func(*debugger.Debugger)) *client {
	c := &client{}
	d := debugger.Debugger{Output: &c.out, Dashboard: debugger.Dashboard{Path: at}}
	for _, f := range change {
		f(&d)
	}
	c.Handler = d.Wrap(app)
	return c
}

func (c *client) do(r *http.Request) *httptest.ResponseRecorder {
	for _, cookie := range c.cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	c.cookies = append(c.cookies, w.Result().Cookies()...)
	return w
}

func (c *client) get(path string) *httptest.ResponseRecorder { return c.do(local("GET", path)) }

func (c *client) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := own(httptest.NewRequest("POST", path, strings.NewReader(form.Encode())))
	r.Host, r.RemoteAddr = "localhost:5000", "127.0.0.1:4711"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(r)
}

var formSecret = regexp.MustCompile(`name="secret" value="([^"]+)"`)

// enter enters the PIN for the client.
func (c *client) enter(t *testing.T, pin string) *httptest.ResponseRecorder {
	t.Helper()
	secret := formSecret.FindStringSubmatch(c.get(at).Body.String())
	require.NotNil(t, secret)
	return c.post(at, url.Values{"secret": {secret[1]}, "pin": {pin}})
}

func echo(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the application at "+r.URL.Path) }

// Cookies are shared by all ports of a host: a program that lets a browser in must not overwrite
// the cookie of another program on the same host.
func TestProgramsOfOneHostKeepTheirBrowsers(t *testing.T) {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}
	programs := map[string]*client{}
	for range 2 {
		c := dashboarded(http.HandlerFunc(echo))
		server := httptest.NewServer(c)
		t.Cleanup(server.Close)
		programs[server.URL+at] = c
	}
	ask := func(url string, form url.Values) (int, string) {
		resp, err := browser.Get(url)
		if form != nil {
			resp, err = browser.PostForm(url, form)
		}
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(b)
	}
	for address, c := range programs {
		_, page := ask(address, nil)
		pin := regexp.MustCompile(`\d{3}-\d{3}-\d{3}`).FindString(c.out.String())
		code, _ := ask(address, url.Values{"secret": {formSecret.FindStringSubmatch(page)[1]}, "pin": {pin}})
		require.Equal(t, 200, code)
	}
	for address := range programs {
		code, _ := ask(address, nil)
		require.Equal(t, 200, code)
	}
}

func TestTheCookieOfAPortIsNamedByIt(t *testing.T) {
	t.Setenv("ZEUG_DEBUG_PIN", "")
	pin, err := debugger.NewPIN(io.Discard)
	require.NoError(t, err)
	for host, want := range map[string]string{
		"localhost:5000": "zeug-pin-5000",
		"[::1]:5000":     "zeug-pin-5000",
		"localhost":      "zeug-pin",
		"[::1]":          "zeug-pin",
		"localhost:":     "zeug-pin",
		"localhost:a;b":  "zeug-pin",
		"":               "zeug-pin",
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil)
		r.Host = host
		pin.Admit(w, r)
		require.Equal(t, want, w.Result().Cookies()[0].Name, host)
		r.AddCookie(w.Result().Cookies()[0])
		require.True(t, pin.Admits(r))
	}
}

func TestTheDashboardWantsThePIN(t *testing.T) {
	c := dashboarded(http.HandlerFunc(echo))
	w := c.get(at)
	require.Equal(t, 401, w.Code)
	printed := regexp.MustCompile(`Debugger PIN: (\d{3}-\d{3}-\d{3})`).FindStringSubmatch(c.out.String())
	require.NotNil(t, printed, c.out.String())
	require.NotContains(t, w.Body.String(), printed[1])
	c.get(at)
	require.Equal(t, 1, strings.Count(c.out.String(), printed[1]), "once")

	require.Equal(t, 403, c.enter(t, "1234").Code)
	require.Equal(t, 403, c.post(at, url.Values{"pin": {printed[1]}}).Code, "without the form's secret")
	secret := formSecret.FindStringSubmatch(c.get(at).Body.String())[1]
	require.Contains(t, c.post(at, url.Values{"secret": {secret}, "print": {"yes"}}).Body.String(), "once more")
	require.Equal(t, 2, strings.Count(c.out.String(), printed[1]))
	require.Equal(t, 401, c.get(at+"f1").Code, "and no failure is shown")

	w = c.enter(t, printed[1])
	require.Equal(t, 303, w.Code)
	require.Equal(t, "http://localhost:5000"+at, w.Header().Get("Location"))
	cookie := w.Result().Cookies()[0]
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
	require.Equal(t, "/", cookie.Path, "failures are anywhere")
	w = c.get(at)
	require.Equal(t, 200, w.Code)
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, 405, c.post(at, nil).Code)

	again := dashboarded(http.HandlerFunc(echo))
	again.cookies = []*http.Cookie{cookie}
	require.Equal(t, 401, again.get(at).Code, "another program has another PIN")
}

func TestForWhomThereIsNoDashboard(t *testing.T) {
	t.Setenv("ZEUG_DEBUG_PIN", "off")
	c := dashboarded(http.HandlerFunc(echo))
	for name, change := range map[string]func(*http.Request){
		"another user":             other,
		"another machine":          func(r *http.Request) { other(r); r.RemoteAddr = "192.0.2.1:1" },
		"another host":             func(r *http.Request) { r.Host = "evil.example" },
		"somebody behind a proxy":  func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") },
		"a page elsewhere":         func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"a frame elsewhere":        func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a request for a neighbor": func(r *http.Request) { r.URL.Path = "/_debugger" },
	} {
		t.Run(name, func(t *testing.T) {
			r := local("GET", at)
			change(r)
			w := c.do(r)
			require.Equal(t, 200, w.Code)
			require.Contains(t, w.Body.String(), "the application at")
		})
	}
	w, _ := serve(t, http.HandlerFunc(echo), local("GET", "/.zeug/debugger/"))
	require.Contains(t, w.Body.String(), "the application", "unless it is asked for")
	require.Contains(t, c.get(at).Body.String(), "Goroutines")
	t.Setenv("ZEUG_DEBUG_PIN", "")
	passed := unknown("GET", at)
	passed = passed.WithContext(peer.With(passed.Context(), peer.Peer{Supervised: true}))
	require.Equal(t, 200, dashboarded(http.HandlerFunc(echo)).do(passed).Code, "the supervisor has asked")
}

func TestWhereADashboardCanBe(t *testing.T) {
	for path, ok := range map[string]bool{"": true, at: true, "/a/b/": true, "/": false, "//": false, "debug/": false, "/debug": false} {
		t.Run(path, func(t *testing.T) {
			err := debugger.Debugger{Dashboard: debugger.Dashboard{Path: path}}.Check()
			require.Equal(t, ok, err == nil, "%v", err)
		})
	}
	t.Setenv("ZEUG_DEBUG_PIN", "secret")
	require.ErrorContains(t, debugger.Debugger{Dashboard: debugger.Dashboard{Path: at}}.Check(), "ZEUG_DEBUG_PIN")
	require.ErrorContains(t, debugger.Debugger{}.Check(), "ZEUG_DEBUG_PIN", "pages ask for it as well")
}

func TestWhatTheDashboardShows(t *testing.T) {
	t.Setenv("ZEUG_DEBUG_PIN", "off")
	urls := routing.MustMap(routing.Rule[string]{Path: "/orders/<int:id>", Endpoint: "order<i>", Methods: []string{"POST"}})
	word := "hunter" + "2"
	c := dashboarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stream":
			w.(http.Flusher).Flush()
			answers(errors.New("in the middle")).ServeHTTP(w, r)
		case "/debug/pprof/":
			http.Error(w, "not here", http.StatusNotFound)
		default:
			panic(errors.New("<i>late</i>\x1b[2J"))
		}
	}), func(d *debugger.Debugger) {
		d.Dashboard.Process = func() []debugger.Field { return []debugger.Field{{Name: "supervisor", Value: "<b>none</b>"}} }
	})
	require.Contains(t, c.get(at).Body.String(), "None yet.")
	require.Contains(t, c.get("/?password="+word).Body.String(), `href="/_debug/"`, "a failure leads there")
	func() {
		defer func() { require.Equal(t, http.ErrAbortHandler, recover()) }()
		c.get("/stream")
	}()
	far := local("GET", "/far")
	other(far)
	far.RemoteAddr = "192.0.2.1:1"
	require.NotContains(t, c.do(far).Body.String(), "late")

	wait := make(chan struct{})
	defer close(wait)
	for range 3 {
		go waits(wait)
	}
	require.Eventually(t, func() bool {
		return regexp.MustCompile(`<b>3 ×</b> <code>debugger_test\.waits</code> <span class="place">chan receive`).MatchString(c.get(at).Body.String())
	}, 10e9, 1e6)
	page := c.get(at).Body.String()
	for _, want := range []string{
		`<a href="/_debug/f1">panic: &lt;i&gt;late&lt;/i&gt;\x1b[2J</a>`, `<a href="/_debug/f2">in the middle</a>`, `<a href="/_debug/f3">`,
		"/orders/&lt;int:id&gt;", "order&lt;i&gt;", "POST", "dashboard_test.go:", "vscode://file/", "heap in use", "&lt;b&gt;none&lt;/b&gt;", "go1.",
	} {
		require.Contains(t, page, want)
	}
	require.Less(t, strings.Index(page, "/_debug/f3"), strings.Index(page, "/_debug/f1"), "newest first")
	require.NotContains(t, page, word)
	elements(t, page, func(n *html.Node) {
		require.NotEqual(t, "script", n.Data)
		for _, a := range n.Attr {
			require.False(t, strings.HasPrefix(a.Key, "on"))
		}
	})

	first := c.get(at + "f1")
	require.Equal(t, 200, first.Code)
	require.Contains(t, first.Body.String(), "&lt;i&gt;late&lt;/i&gt;")
	require.NotContains(t, first.Body.String(), word)
	require.Contains(t, c.get(at+"f2").Body.String(), "The answer had begun")
	require.Contains(t, c.get(at+"f3").Body.String(), "192.0.2.1")
	for range 9 {
		c.get("/")
	}
	require.Equal(t, 404, c.get(at+"f1").Code, "the last ten are kept")
	require.Equal(t, 200, c.get(at+"f12").Code)
	require.Equal(t, 404, c.get(at+"../f12").Code)
	require.Empty(t, c.do(local("HEAD", at)).Body.Bytes())
	require.NotEmpty(t, urls)
}

//go:noinline
func waits(wait chan struct{}) { <-wait }

func TestTheDashboardSendsTheApplicationNoRequest(t *testing.T) {
	t.Setenv("ZEUG_DEBUG_PIN", "off")
	asked := 0
	c := dashboarded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	require.Contains(t, c.get(at).Body.String(), `href="/debug/pprof/"`, "this test links net/http/pprof")
	require.Zero(t, asked)
}

func TestStreamsThatReturnAnErrorAreListed(t *testing.T) {
	t.Setenv("ZEUG_DEBUG_PIN", "off")
	c := dashboarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wrappers.Stream("text/plain", func(w *wrappers.StreamWriter) error {
			_, _ = io.WriteString(w, "the first part")
			_ = w.Flush()
			return errors.New("the source is gone")
		}).ServeHTTP(w, r)
	}))
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { c.get("/stream") })
	require.Equal(t, 1, strings.Count(c.out.String(), "the source is gone"))
	page := c.get(at).Body.String()
	require.Contains(t, page, "the source is gone")
	require.Contains(t, c.get(at+"f1").Body.String(), "The answer had begun")
}
