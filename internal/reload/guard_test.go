//go:build unix

package reload_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/reload"
)

// strange is a listener for clients whose users the system does not report, as for those outside a
// container.
type strange struct{ net.Listener }

type strangeConn struct{ net.Conn }

func (l strange) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return strangeConn{c}, nil
}

func (c strangeConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(172, 17, 0, 1), Port: 1} }

// ask sends a request like a browser, and follows no redirect.
func (p *project) ask(method, path string, form url.Values, change func(*http.Request)) (*http.Response, string) {
	p.t.Helper()
	r, err := http.NewRequest(method, "http://"+p.addr+path, strings.NewReader(form.Encode()))
	require.NoError(p.t, err)
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(r)
	}
	resp, err := p.client.Transport.RoundTrip(r)
	require.NoError(p.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	return resp, string(b)
}

func showsFailuresToTheDeveloperAlone(t *testing.T, p *project) {
	resp, page := p.ask("GET", "/", nil, nil)
	require.Contains(t, page, "function main is undeclared")
	require.Contains(t, resp.Header.Get("Content-Security-Policy"), "frame-ancestors 'self'")
	for name, change := range map[string]func(*http.Request){
		"a host name that was made to point here": func(r *http.Request) { r.Host = "evil.test" },
		"a client behind a proxy":                 func(r *http.Request) { r.Header.Set("X-Forwarded-For", "8.8.8.8") },
		"a page of another site in a frame": func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "iframe")
		},
		"a script of another site": func(r *http.Request) { r.Header.Set("Origin", "https://evil.test") },
	} {
		t.Run(name, func(t *testing.T) {
			resp, page := p.ask("GET", "/", nil, change)
			require.Equal(t, 500, resp.StatusCode)
			require.Equal(t, "500 Internal Server Error\n", page)
			r, err := http.NewRequest("GET", "http://"+p.addr+"/.zeug/debugger/", nil)
			require.NoError(t, err)
			change(r)
			resp, err = p.client.Do(r)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, 403, resp.StatusCode)
		})
	}
}

// The supervisor asks for the PIN, and the application trusts its answer.
func TestUnknownClientsShowThePINToTheSupervisor(t *testing.T) {
	t.Parallel()
	p := run(t, func(dir string, c *reload.Config) {
		write(t, dir, ", Debug: true")
		c.WrapListener = func(l net.Listener) net.Listener { return strange{l} }
		c.LinkTools = true
	})
	local := func(r *http.Request) { r.Host = "localhost:5000" }
	p.eventually("/", "one")
	resp, page := p.ask("GET", "/panic", nil, local)
	require.Equal(t, 500, resp.StatusCode)
	require.NotContains(t, page, "broken: one")
	require.Empty(t, resp.Header.Get("Zeug-Locked"))
	require.Contains(t, page, `name="pin"`)
	resp, text := p.ask("GET", "/panic", nil, func(r *http.Request) { local(r); r.Header.Set("Accept", "*/*") })
	require.Equal(t, 500, resp.StatusCode)
	require.NotContains(t, text, "pin")

	pin := regexp.MustCompile(`Debugger PIN: (\S+)`).FindStringSubmatch(p.log.String())
	require.NotNil(t, pin)
	form := url.Values{"pin": {pin[1]}, "secret": {regexp.MustCompile(`name="secret" value="(\w+)"`).FindStringSubmatch(page)[1]}}
	resp, _ = p.ask("POST", "/panic?__debugger__=pin", form, local)
	require.Equal(t, 303, resp.StatusCode)
	entered := func(r *http.Request) { local(r); r.AddCookie(resp.Cookies()[0]) }
	_, page = p.ask("GET", "/panic", nil, entered)
	require.Contains(t, page, "broken: one")
	require.Contains(t, page, "main.go")
	_, page = p.ask("GET", "/.zeug/debugger/", nil, entered)
	require.Contains(t, page, "Goroutines")

	// No header of a client is trusted.
	_, page = p.ask("GET", "/panic", nil, func(r *http.Request) {
		local(r)
		r.Header.Set("Zeug-Origin", "http 127.0.0.1:1 127.0.0.1:1|127.0.0.1:2|0|true")
	})
	require.NotContains(t, page, "broken: one")

	// A failed build is protected as well.
	p.edit(`const answer = "one"`, `const answer = "one`)
	p.says("does not build")
	_, page = p.ask("GET", "/", nil, local)
	require.NotContains(t, page, "newline in string")
	require.Contains(t, page, `name="pin"`)
	_, page = p.ask("GET", "/", nil, entered)
	require.Contains(t, page, "newline in string")
}
