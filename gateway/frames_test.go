//go:build unix

package gateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/gateway/internal/echo/app"
	"github.com/zeugkit/zeug/middleware"
)

// FuzzProtocolsAgree sends a request with each protocol, cut into pieces at some offsets, and
// compares what the application received.
func FuzzProtocolsAgree(f *testing.F) {
	f.Add("GET", "/app", "/a%2Fb", "q=1", "example.org", "text/plain", "", uint(1))
	f.Add("POST", "", "/", "", "[::1]:80", "", strings.Repeat("body", 5000), uint(7))
	f.Add("PUT", "/a b", "/ä", "?", "", "x\r\ny: z", "body", uint(3))
	f.Add("POST", "/x/", "//y/../z", "%zz", "_", "\x00", "b", uint(1000))
	f.Add("BAD METHOD", "", "/", "", "h", "", "", uint(2))
	dial := map[string]func(testing.TB) net.Conn{}
	for name, p := range protocols() {
		dial[name] = p.listening(f, "unix", app.New().ServeHTTP)
	}
	f.Fuzz(func(t *testing.T, method, script, uri, query, host, field, body string, cut uint) {
		if len(script)+len(uri)+len(query)+len(host)+len(field) > 20000 || len(body) > 100_000 ||
			strings.Contains(method+script+uri+query+host+field, "\x00") || strings.Contains(uri, "/cut") || strings.Contains(uri, "/big") {
			return // variables that SCGI cannot express, or that must not be compared
		}
		answers := map[string]string{}
		for name, p := range protocols() {
			conn := dial[name](t)
			require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
			vars := [][2]string{
				{"CONTENT_LENGTH", strconv.Itoa(len(body))}, {"SCGI", "1"}, {"REQUEST_METHOD", method}, {"SERVER_PROTOCOL", "HTTP/1.1"},
				{"SCRIPT_NAME", script}, {"REQUEST_URI", uri}, {"QUERY_STRING", query}, {"HTTP_HOST", host}, {"HTTP_X_FIELD", field},
			}
			raw := p.head(vars) + p.body(body) + p.end
			// Each cut starts a new piece on the connection.
			step := max(int(cut%uint(len(raw)+1)), len(raw)/50, 1)
			for len(raw) > 0 {
				n := min(step, len(raw))
				if _, err := io.WriteString(conn, raw[:n]); err != nil {
					break // it was refused
				}
				raw = raw[n:]
			}
			began := time.Now()
			answers[name] = p.answer(t, conn)
			require.Less(t, time.Since(began), 10*time.Second, "%s ends", name)
			_ = conn.Close()
		}
		require.Equal(t, answers["SCGI"], answers["uwsgi"])
		require.Equal(t, answers["SCGI"], answers["FastCGI"])
	})
}

// A request that could not have come over HTTP is refused, whatever the protocol.
func TestHostileVariables(t *testing.T) {
	for name, p := range protocols() {
		dial := p.listening(t, "unix", func(w http.ResponseWriter, r *http.Request) {
			t.Errorf("the application was asked: %v %v", r.URL, r.Header)
		})
		for what, extra := range map[string][][2]string{
			"a line break in a field":     {{"HTTP_X_A", "a\r\nX-Evil: 1"}},
			"a line break in a name":      {{"HTTP_X\r\nEVIL", "1"}},
			"a line break in the host":    {{"HTTP_HOST", "a\r\nX-Evil: 1"}},
			"two different lengths":       {{"CONTENT_LENGTH", "5"}},
			"two variables for one field": {{"HTTP_X_A", "a"}, {"HTTP_x_A", "b"}},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				conn := dial(t)
				require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
				vars := append([][2]string{{"CONTENT_LENGTH", "4"}, {"SCGI", "1"}, {"REQUEST_METHOD", "POST"}, {"PATH_INFO", "/"}}, extra...)
				_, err := io.WriteString(conn, p.head(vars)+p.body("body")+p.end)
				require.NoError(t, err)
				require.Contains(t, p.answer(t, conn), "400 Bad Request")
			})
		}
	}
}

// A web server states in variables of its own who the client is, and passes on
// the headers that a client made up.
func TestForwardedHeadersOverGateways(t *testing.T) {
	forged := [][2]string{
		{"HTTP_X_FORWARDED_FOR", "6.6.6.6"}, {"HTTP_X_FORWARDED_PROTO", "http"}, {"HTTP_X_FORWARDED_HOST", "evil.test"},
		{"HTTP_X_FORWARDED_PORT", "1"}, {"HTTP_X_FORWARDED_PREFIX", "/evil"}, {"HTTP_FORWARDED", "for=6.6.6.6;proto=http;host=evil.test"},
	}
	stated := "192.0.2.7:4711 https://example.org/app"
	for name, c := range map[string]struct {
		fix  middleware.ProxyFix
		want string
	}{
		"X-Forwarded-* is ignored":       {middleware.ProxyFix{For: 1, Proto: 1, Host: 1, Prefix: 1}, stated},
		"Forwarded is ignored":           {middleware.ProxyFix{Forwarded: 1}, stated},
		"a trusted network is ignored":   {middleware.ProxyFix{For: middleware.ByNetwork, Trusted: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}, stated},
		"the headers count if asked for": {middleware.ProxyFix{For: 1, Proto: 1, Host: 1, Prefix: 1, Gateways: true}, "6.6.6.6:0 http://evil.test/evil/app"},
	} {
		for protocol, p := range protocols() {
			t.Run(protocol+", "+name, func(t *testing.T) {
				conn := p.listening(t, "unix", c.fix.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					o := gateway.OriginOf(r)
					_, _ = fmt.Fprintf(w, "%s %s://%s%s", o.Client, o.Scheme, o.Host, o.RootPath)
				})).ServeHTTP)(t)
				vars := append([][2]string{
					{"CONTENT_LENGTH", "0"}, {"SCGI", "1"}, {"REQUEST_METHOD", "GET"}, {"SCRIPT_NAME", "/app"}, {"PATH_INFO", "/"},
					{"HTTP_HOST", "example.org"}, {"REMOTE_ADDR", "192.0.2.7"}, {"REMOTE_PORT", "4711"}, {"HTTPS", "on"},
				}, forged...)
				_, err := io.WriteString(conn, p.head(vars)+p.body("")+p.end)
				require.NoError(t, err)
				require.Equal(t, "200 OK\n"+c.want, p.answer(t, conn))
			})
		}
	}
}

// answer reads a response: its status, and the request that the application got.
func (p protocol) answer(t testing.TB, conn io.Reader) string {
	t.Helper()
	in := bufio.NewReader(conn)
	var text []byte
	if p.end == "" {
		text, _ = io.ReadAll(in)
	} else {
		for {
			head := make([]byte, 8)
			if _, err := io.ReadFull(in, head); err != nil {
				break
			}
			content := make([]byte, int(head[4])<<8+int(head[5])+int(head[6]))
			_, err := io.ReadFull(in, content)
			require.NoError(t, err)
			if head[1] == 3 {
				break
			}
			text = append(text, content[:len(content)-int(head[6])]...)
		}
	}
	header, body, _ := strings.Cut(string(text), "\r\n\r\n")
	_, status, _ := strings.Cut(header, " ")
	status, _, _ = strings.Cut(status, "\r\n")
	var asked app.Asked
	if json.Unmarshal([]byte(body), &asked) != nil {
		return status + "\n" + body
	}
	delete(asked.Header, http.CanonicalHeaderKey("Content-Length"))
	again, err := json.Marshal(asked)
	require.NoError(t, err)
	return status + "\n" + string(again)
}
