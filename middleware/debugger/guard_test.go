package debugger_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/debugger"
)

// A browser whose user the system does not report: it is behind a reverse proxy that adds no header
// field, or outside of the container.
type stranger struct {
	http.Handler
	cookies []*http.Cookie
}

func (s *stranger) do(r *http.Request) *httptest.ResponseRecorder {
	for _, cookie := range s.cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	s.cookies = append(s.cookies, w.Result().Cookies()...)
	return w
}

func (s *stranger) get(path string) *httptest.ResponseRecorder { return s.do(unknown("GET", path)) }

// try sends the form of a page with a PIN.
func (s *stranger) try(t *testing.T, page, pin string) *httptest.ResponseRecorder {
	t.Helper()
	secret, action := formSecret.FindStringSubmatch(page), regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(page)
	require.NotNil(t, secret)
	require.NotNil(t, action)
	r := unknown("POST", "/broken"+strings.ReplaceAll(action[1], "&amp;", "&"))
	r.Body = io.NopCloser(strings.NewReader(url.Values{"secret": {secret[1]}, "pin": {pin}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(r)
}

var (
	printedPIN  = regexp.MustCompile(`Debugger PIN: (\S+)\n`)
	printedLink = regexp.MustCompile(`Debugger link: (\S+)\n`)
)

func locked(t *testing.T) (http.Handler, *bytes.Buffer) {
	t.Helper()
	t.Setenv("ZEUG_DEBUG_PIN", "")
	out := &bytes.Buffer{}
	return debugger.Debugger{Output: out}.Wrap(http.HandlerFunc(fails)), out
}

func TestSourceIsShownToNobodyBeforeThePIN(t *testing.T) {
	h, out := locked(t)
	s := &stranger{Handler: h}
	w := s.get("/broken?a=1")
	require.Equal(t, 500, w.Code, "the request has failed")
	require.NotContains(t, w.Body.String(), "alert(1)")
	require.NotContains(t, w.Body.String(), "_test.go")
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "frame-ancestors 'self'")
	pin := printedPIN.FindStringSubmatch(out.String())
	require.NotNil(t, pin, out.String())
	require.NotContains(t, w.Body.String(), pin[1])

	plain := unknown("GET", "/broken")
	plain.Header.Set("Accept", "*/*")
	require.NotContains(t, s.do(plain).Body.String(), "secret", "a form is for browsers")

	require.Equal(t, 403, s.try(t, w.Body.String(), "111-111-111").Code)
	require.Equal(t, 403, func() int {
		r := unknown("POST", "/broken?__debugger__=pin")
		r.Body = io.NopCloser(strings.NewReader("pin=" + pin[1]))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return s.do(r).Code
	}(), "without the form's secret")
	entered := s.try(t, w.Body.String(), pin[1])
	require.Equal(t, 303, entered.Code)
	require.Equal(t, "http://localhost:5000/broken?a=1", entered.Header().Get("Location"))
	require.Contains(t, s.get("/broken?a=1").Body.String(), "guard_test.go")
	require.NotContains(t, (&stranger{Handler: h}).get("/broken").Body.String(), "guard_test.go", "another browser")
}

func TestTheLinkOfTheTerminalLetsIn(t *testing.T) {
	h, out := locked(t)
	s := &stranger{Handler: h}
	s.get("/broken")
	link := printedLink.FindStringSubmatch(out.String())
	require.NotNil(t, link, out.String())
	u, err := url.Parse(link[1])
	require.NoError(t, err)
	require.Equal(t, "localhost:5000", u.Host)

	wrong := s.get("/?__debugger__=guessed")
	require.Equal(t, 403, wrong.Code)
	require.Empty(t, wrong.Result().Cookies())

	w := s.get(u.RequestURI())
	require.Equal(t, 303, w.Code)
	require.Equal(t, "http://localhost:5000/", w.Header().Get("Location"))
	require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
	require.Contains(t, s.get("/broken").Body.String(), "guard_test.go")

	w = (&stranger{Handler: h}).do(unknown("GET", "//evil.example/?"+u.RawQuery))
	require.Equal(t, "http://localhost:5000//evil.example/", w.Header().Get("Location"), "it leads to no other host")
	far := unknown("GET", u.RequestURI())
	far.Host = "evil.example"
	require.Equal(t, 500, (&stranger{Handler: h}).do(far).Code, "under another name it is a request like any other")
}

// Werkzeug and others lock all clients out after ten wrong PINs. Then anyone who can reach the
// form can lock the developer out.
func TestWrongTriesLockNobodyOut(t *testing.T) {
	h, out := locked(t)
	page := (&stranger{Handler: h}).get("/broken").Body.String()
	pin := printedPIN.FindStringSubmatch(out.String())[1]
	for range 12 {
		require.Equal(t, 403, (&stranger{Handler: h}).try(t, page, "1").Code)
	}
	require.Equal(t, 303, (&stranger{Handler: h}).try(t, page, pin).Code)

	began := time.Now()
	require.Equal(t, 403, (&stranger{Handler: h}).try(t, page, "1").Code)
	require.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond, "tries are slowed down")

	// Many wrong tries from one source do not delay another one.
	var flood sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	codes := make(chan int, 100)
	for range cap(codes) {
		flood.Go(func() {
			r := unknown("POST", "/?__debugger__=pin")
			secret := formSecret.FindStringSubmatch(page)[1]
			r.Body = io.NopCloser(strings.NewReader(url.Values{"secret": {secret}, "pin": {"1"}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r.WithContext(ctx))
			codes <- w.Code
		})
	}
	require.Equal(t, 429, <-codes, "as many as may wait do")
	began = time.Now()
	r := own(unknown("POST", "/?__debugger__=pin"))
	r.Body = io.NopCloser(strings.NewReader(url.Values{"secret": {formSecret.FindStringSubmatch(page)[1]}, "pin": {pin}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, 303, w.Code)
	require.Less(t, time.Since(began), time.Second)
	stop()
	flood.Wait()
}

func TestWithoutAPIN(t *testing.T) {
	t.Setenv("ZEUG_DEBUG_PIN", "off")
	h := debugger.Debugger{Output: io.Discard}.Wrap(http.HandlerFunc(fails))
	ask := func(change func(*http.Request)) string {
		r := unknown("GET", "/broken")
		change(r)
		return (&stranger{Handler: h}).do(r).Body.String()
	}
	require.Contains(t, ask(func(*http.Request) {}), "guard_test.go", "this machine, on a system that tells no user")
	require.NotContains(t, ask(other), "guard_test.go")
	require.NotContains(t, ask(func(r *http.Request) { r.RemoteAddr = "172.17.0.1:1" }), "guard_test.go")
	require.NotContains(t, ask(func(r *http.Request) { r.RemoteAddr = "@" }), "guard_test.go")
}

// Over a real connection the kernel says that the browser belongs to the developer.
func TestTheDevelopersBrowserIsKnown(t *testing.T) {
	h, out := locked(t)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	r, err := http.NewRequest("GET", server.URL+"/broken", nil)
	require.NoError(t, err)
	r.Header.Set("Accept", "text/html")
	resp, err := (&http.Client{Jar: jar}).Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if runtime.GOOS == "linux" {
		require.Contains(t, string(body), "guard_test.go")
		require.NotContains(t, out.String(), "PIN")
	} else {
		require.NotContains(t, string(body), "guard_test.go")
		require.Contains(t, out.String(), "PIN")
	}
}
