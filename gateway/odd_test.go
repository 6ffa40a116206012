//go:build unix

package gateway_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/internal/echo/app"
)

// odd has the exact bytes of unusual requests. {} stands for the path where the application is
// mounted, {host} for the web server.
var odd = map[string]string{
	"encoded slashes":              "GET {}/a%2Fb//c?x=%2F HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"an encoded percent":           "GET {}/50%25 HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"letters beyond ASCII":         "GET {}/%C3%A4/%e2%82%ac?q=%C3%A4 HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"characters that need none":    "GET {}/a;b=c/d+e/~f!$&'()*,:@ HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"an empty query":               "GET {}/x? HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"a query of question marks":    "GET {}/x???a=1?b HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"a long address":               "GET {}/" + strings.Repeat("p", 3000) + "?" + strings.Repeat("q", 3000) + " HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"a field twice":                "GET {}/x HTTP/1.1\r\nHost: {host}\r\nX-Two: a\r\nX-Two: b\r\n\r\n",
	"a field with an underscore":   "GET {}/x HTTP/1.1\r\nHost: {host}\r\nX_Under: evil\r\nX-Under: good\r\n\r\n",
	"two cookies":                  "GET {}/x HTTP/1.1\r\nHost: {host}\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
	"an empty field":               "GET {}/x HTTP/1.1\r\nHost: {host}\r\nX-Empty:\r\n\r\n",
	"a field in Latin-1":           "GET {}/x HTTP/1.1\r\nHost: {host}\r\nX-Latin: caf\xe9\r\n\r\n",
	"a long field":                 "GET {}/x HTTP/1.1\r\nHost: {host}\r\nX-Long: " + strings.Repeat("x", 4000) + "\r\n\r\n",
	"credentials":                  "GET {}/x HTTP/1.1\r\nHost: {host}\r\nX-Authorization: Basic YTpi\r\n\r\n",
	"HTTP/1.0":                     "GET {}/x HTTP/1.0\r\nHost: {host}\r\n\r\n",
	"the absolute form":            "GET http://{host}{}/x?y HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"a host in IPv6":               "GET {}/x HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n",
	"a host of other letters":      "GET {}/x HTTP/1.1\r\nHost: EXAMPLE.org\r\n\r\n",
	"OPTIONS":                      "OPTIONS {}/x HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"a method of its own":          "PROPFIND {}/x HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"HEAD":                         "HEAD {}/big?n=100 HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"DELETE with a body":           "DELETE {}/x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\n\r\nbody",
	"GET with a body":              "GET {}/x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\n\r\nbody",
	"a body of nothing":            "POST {}/x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
	"no body":                      "POST {}/x HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"a body in pieces":             "POST {}/x HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n7\r\n pieces\r\n0\r\n\r\n",
	"a body in pieces, of nothing": "POST {}/x HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"a body that asks first":       "POST {}/x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody",
	"a body that nobody reads":     "POST {}/unread HTTP/1.1\r\nHost: {host}\r\nContent-Length: 90000\r\n\r\n" + strings.Repeat("x", 90000),
	"304 with a length":            "GET {}/length-of-none HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"204 with a body":              "GET {}/status?s=204 HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"a status without a name":      "GET {}/status?s=299 HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"a status of the proxy's":      "GET {}/status?s=502 HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"an interim answer":            "GET {}/interim HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"a trailer":                    "GET {}/trailer HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"an answer that is too short":  "GET {}/too-short HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"an answer that is too long":   "GET {}/too-long HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"an answer that is cut":        "GET {}/cut HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"an answer without a type":     "GET {}/untyped HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"odd fields":                   "GET {}/odd-fields HTTP/1.1\r\nHost: {host}\r\n\r\n",
	"dots":                         "GET {}/a/../b/./c HTTP/1.1\r\nHost: {host}\r\n\r\n",
}

// differences are what a web server or a protocol does differently, with the beginning of the
// response for each.
var differences = []struct{ server, request, protocol, answer, why string }{
	{"Apache", "a body in pieces", "scgi|uwsgi", "411", "Apache wants a length"},
	{"Apache", "a field with an underscore", "", "200, whole", "no variable can tell it from a hyphen: Apache leaves it out"},
	{"Apache", "an encoded percent", "fastcgi|scgi|uwsgi", "400", "Apache's"},
	{"Apache", "encoded slashes", "uwsgi", "500", "Apache's"},
	{"Apache", "an answer that is cut", "cgi|uwsgi over unix", "200, whole", "the end of a program or a unix socket looks as any other"},
	{"Apache", "an answer that is (cut|too short)", "fastcgi", "(200, cut|503)", "Apache may not have begun the answer"},
	{"Apache", "an answer that is (cut|too short)", "scgi", "(200|500), cut", "Apache may add a page of its own"},
	{"Apache", "an answer that is (cut|too short)", "uwsgi over tcp", "200, (cut|whole)", "Apache may take a failure to read for the end"},
	{"Apache", "an answer that is too short", "cgi", "200, whole", "Apache does not count"},
	{"nginx", "an answer that is (cut|too short)", "fastcgi", "(200, cut|no answer)", "nginx may not have begun the answer"},
	{"nginx", "an answer that is cut", "(scgi|uwsgi) over unix", "200, whole", "the end of a unix socket looks as any other"},
}

// One application behind one web server gives the same responses over each protocol.
func TestOddRequestsAreAnsweredAlike(t *testing.T) {
	if testing.Short() {
		t.Skip("starts web servers")
	}
	for name, start := range map[string]func(*testing.T) front{
		"nginx": startNginx,
		"Apache with mod_cgid": func(t *testing.T) front {
			return startApache(t, "mpm_event", "cgid", "http", "fastcgi", "scgi", "uwsgi")
		},
		"Apache with mod_cgi": func(t *testing.T) front { return startApache(t, "mpm_prefork", "cgi", "http") },
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			for _, request := range slices.Sorted(maps.Keys(odd)) {
				want := f.answer(t, f.plain, odd[request], "tcp")
				for _, protocol := range slices.Sorted(maps.Keys(f.mounted)) {
					t.Run(request+" by "+protocol, func(t *testing.T) {
						got := f.answer(t, f.mounted[protocol], odd[request], "tcp")
						for _, d := range differences {
							here := regexp.MustCompile("^" + d.server + ".*/" + d.request + ".*/(" + d.protocol + ")")
							if here.MatchString(name + "/" + request + "/" + protocol) {
								require.Regexp(t, "^"+d.answer, got, d.why)
								return
							}
						}
						require.Equal(t, want, got)
					})
				}
			}
		})
	}
}

// A client at a unix socket has no address.
func TestAClientWithoutAnAddress(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a web server")
	}
	f := startNginx(t)
	const known, none = `"Client":"127.0.0.1"`, `"Client":"invalid IP"`
	want := f.answer(t, f.plain, odd["an empty query"], "tcp")
	require.Contains(t, want, known)
	want = strings.Replace(want, known, none, 1)
	for protocol, prefix := range f.mounted {
		t.Run(protocol, func(t *testing.T) {
			require.Equal(t, want, f.answer(t, prefix, odd["an empty query"], "unix"))
		})
	}
}

// answer sends a request, and returns the response without the fields that the web server adds.
func (f *front) answer(t *testing.T, prefix, request, network string) string {
	t.Helper()
	address := strings.TrimPrefix(f.url, "http://")
	raw := strings.NewReplacer("{}", prefix, "{host}", address).Replace(request)
	if network == "unix" {
		address = f.local
	}
	conn, err := net.Dial(network, address)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(conn, strings.Replace(raw, "\r\n", "\r\nConnection: close\r\n", 1))
	require.NoError(t, err)
	method, _, _ := strings.Cut(raw, " ")
	in := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return "no answer"
		}
		require.NoError(t, err)
		if resp.StatusCode < 200 {
			continue // the protocols have no such fields
		}
		body, err := io.ReadAll(resp.Body)
		end := "whole"
		if err != nil {
			end = "cut"
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%d, %s\n", resp.StatusCode, end)
		for _, name := range []string{"Date", "Server", "Connection", "Content-Length", "Keep-Alive", "Accept-Ranges", "Upgrade", "Status", "Trailer"} {
			resp.Header.Del(name)
		}
		if end == "cut" { // the rest then depends on chance
			return b.String()
		}
		join(resp.Header)
		_ = resp.Header.Write(&b)
		var asked app.Asked
		if json.Unmarshal(body, &asked) == nil {
			asked.Path, asked.Root = strings.TrimPrefix(asked.Root+asked.Path, prefix), ""
			for name := range asked.Header {
				switch {
				case strings.HasPrefix(name, "X-Forwarded"), name == "Connection", name == "Expect", name == "Content-Length":
					delete(asked.Header, name)
				}
			}
			join(asked.Header)
			body, err = json.Marshal(asked)
			require.NoError(t, err)
		}
		b.Write(body)
		return b.String()
	}
}

// join makes one field of several with the same name, as in CGI.
func join(h http.Header) {
	for name, values := range h {
		separator := ", "
		if name == "Cookie" {
			separator = "; "
		}
		h[name] = []string{strings.Join(values, separator)}
	}
}
