package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/webtest"
)

// origin responds with the request's origin as one string.
var origin = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	o := gateway.OriginOf(r)
	fmt.Fprintf(w, "%s %s://%s%s", o.Client, o.Scheme, o.Host, o.RootPath)
})

func networks(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

const direct = "10.0.0.1:99 http://app.internal"

func TestProxyFix(t *testing.T) {
	everything := middleware.ProxyFix{For: 1, Proto: 1, Host: 1, Port: 1, Prefix: 1}
	two := middleware.ProxyFix{For: 2, Proto: 2, Host: 2, Port: 2, Prefix: 2}
	forwarded := middleware.ProxyFix{Forwarded: 1, Prefix: 1}
	walk := middleware.ProxyFix{For: middleware.ByNetwork, Proto: 1, Trusted: networks("10.0.0.0/8", "fd00::/8")}
	for _, c := range []struct {
		name   string
		fix    middleware.ProxyFix
		header http.Header
		want   string
	}{
		{"trusts nobody by default", middleware.ProxyFix{}, http.Header{"X-Forwarded-For": {"1.1.1.1"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil"}, "X-Forwarded-Port": {"1"}, "X-Forwarded-Prefix": {"/x"}, "Forwarded": {"for=2.2.2.2"}}, direct},
		{"takes the address", everything, http.Header{"X-Forwarded-For": {"1.1.1.1"}}, "1.1.1.1:0 http://app.internal"},
		{"takes the last address", everything, http.Header{"X-Forwarded-For": {"6.6.6.6, 1.1.1.1"}}, "1.1.1.1:0 http://app.internal"},
		{"takes the last address of all lines", everything, http.Header{"X-Forwarded-For": {"6.6.6.6", "5.5.5.5 ,\t1.1.1.1 "}}, "1.1.1.1:0 http://app.internal"},
		{"takes the last but one", two, http.Header{"X-Forwarded-For": {"6.6.6.6, 1.1.1.1", "10.0.0.2"}}, "1.1.1.1:0 http://app.internal"},
		{"takes an address with a port", everything, http.Header{"X-Forwarded-For": {"1.1.1.1:5678"}}, "1.1.1.1:5678 http://app.internal"},
		{"takes an IPv6 address", everything, http.Header{"X-Forwarded-For": {"2001:db8::1"}}, "[2001:db8::1]:0 http://app.internal"},
		{"takes an IPv6 address in brackets", everything, http.Header{"X-Forwarded-For": {"[2001:db8::1]"}}, "[2001:db8::1]:0 http://app.internal"},
		{"takes an IPv6 address with a port", everything, http.Header{"X-Forwarded-For": {"[2001:db8::1]:7"}}, "[2001:db8::1]:7 http://app.internal"},
		{"takes IPv4 out of IPv6", everything, http.Header{"X-Forwarded-For": {"::ffff:1.1.1.1"}}, "1.1.1.1:0 http://app.internal"},
		{"takes the scheme in any case", everything, http.Header{"X-Forwarded-Proto": {"http, HTTPS"}}, "10.0.0.1:99 https://app.internal"},
		{"takes a websocket's scheme", everything, http.Header{"X-Forwarded-Proto": {"wss"}}, "10.0.0.1:99 https://app.internal"},
		{"takes the host", everything, http.Header{"X-Forwarded-Host": {"evil.example, example.org:8443"}}, "10.0.0.1:99 http://example.org:8443"},
		{"leaves dots that are not a name", everything, http.Header{"X-Forwarded-Host": {".."}}, direct},
		{"leaves a dot", everything, http.Header{"X-Forwarded-Host": {"."}}, direct},
		{"leaves a hyphen", everything, http.Header{"X-Forwarded-Host": {"-"}}, direct},
		{"leaves port 0 of a host", everything, http.Header{"X-Forwarded-Host": {"example.org:0"}}, direct},
		{"leaves port 0", everything, http.Header{"X-Forwarded-Port": {"0"}}, direct},
		{"leaves them in Forwarded too", forwarded, http.Header{"Forwarded": {"host=.."}}, direct},
		{"takes the host and another port", everything, http.Header{"X-Forwarded-Host": {"[::1]:81"}, "X-Forwarded-Port": {"8080"}}, "10.0.0.1:99 http://[::1]:8080"},
		{"takes the port alone", everything, http.Header{"X-Forwarded-Port": {"8080"}}, "10.0.0.1:99 http://app.internal:8080"},
		{"leaves the scheme's own port out", everything, http.Header{"X-Forwarded-Host": {"example.org:81"}, "X-Forwarded-Port": {"443"}, "X-Forwarded-Proto": {"https"}}, "10.0.0.1:99 https://example.org"},
		{"takes the prefix", everything, http.Header{"X-Forwarded-Prefix": {"/a, /b/c%20d/"}}, "10.0.0.1:99 http://app.internal/b/c%20d"},
		{"puts a slash before the prefix", everything, http.Header{"X-Forwarded-Prefix": {"a"}}, "10.0.0.1:99 http://app.internal/a"},
		{"takes a slash for no prefix", everything, http.Header{"X-Forwarded-Prefix": {"/"}}, direct},
		{"ignores what has too few values", two, http.Header{"X-Forwarded-For": {"1.1.1.1"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"h"}, "X-Forwarded-Port": {"1"}, "X-Forwarded-Prefix": {"/x"}}, direct},
		{"does not count what is empty for something else", two, http.Header{"X-Forwarded-For": {", 192.168.0.3"}}, direct},

		{"takes a Forwarded element", forwarded, http.Header{"Forwarded": {`for=6.6.6.6, For="[2001:db8::1]:4711";proto=https;by=203.0.113.43;HOST="example.org:81"`}}, "[2001:db8::1]:4711 https://example.org:81"},
		{"takes a Forwarded element among lines", forwarded, http.Header{"Forwarded": {"for=6.6.6.6;proto=https", "for=1.1.1.1"}}, "1.1.1.1:0 http://app.internal"},
		{"takes a quoted comma and semicolon", forwarded, http.Header{"Forwarded": {`for=1.1.1.1;ext="a,\"b;c";proto=https`}}, "1.1.1.1:0 https://app.internal"},
		{"takes Forwarded and a prefix", forwarded, http.Header{"Forwarded": {"for=1.1.1.1"}, "X-Forwarded-Prefix": {"/app"}}, "1.1.1.1:0 http://app.internal/app"},
		{"keeps the address where the proxy knows none", forwarded, http.Header{"Forwarded": {"for=unknown;proto=https"}}, "10.0.0.1:99 https://app.internal"},
		{"keeps the address where the proxy hides it", forwarded, http.Header{"Forwarded": {"for=_hidden-1;proto=https"}}, "10.0.0.1:99 https://app.internal"},

		{"walks the networks", walk, http.Header{"X-Forwarded-For": {"6.6.6.6, 1.1.1.1", "10.1.1.1, 10.2.2.2:80"}}, "1.1.1.1:0 http://app.internal"},
		{"walks networks of either kind", walk, http.Header{"X-Forwarded-For": {"1.1.1.1, fd00::1, ::ffff:10.1.1.1"}}, "1.1.1.1:0 http://app.internal"},
		{"stays in the networks to the end", walk, http.Header{"X-Forwarded-For": {"10.1.1.1"}}, "10.1.1.1:0 http://app.internal"},
		{"stops at an invalid address", walk, http.Header{"X-Forwarded-For": {"6.6.6.6, nonsense, 10.1.1.1"}}, "10.1.1.1:0 http://app.internal"},
		{"walks Forwarded", middleware.ProxyFix{Forwarded: middleware.ByNetwork, Trusted: networks("10.0.0.0/8")},
			http.Header{"Forwarded": {"for=6.6.6.6;host=evil, for=1.1.1.1;proto=https;host=example.org, for=10.2.2.2;proto=http;host=inner"}}, "1.1.1.1:0 https://example.org"},
		{"walks Forwarded to what is hidden", middleware.ProxyFix{Forwarded: middleware.ByNetwork, Trusted: networks("10.0.0.0/8")},
			http.Header{"Forwarded": {"for=6.6.6.6;proto=http, for=_x;proto=https, for=10.2.2.2"}}, "10.0.0.1:99 https://app.internal"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, fixed(t, c.fix, c.header)) })
	}
}

func fixed(t *testing.T, fix middleware.ProxyFix, header http.Header) string {
	var options []webtest.Option
	for name, values := range header {
		options = append(options, webtest.Header(name, values...))
	}
	c := webtest.New(t, fix.Wrap(origin), webtest.BaseURL("http://app.internal"), webtest.RemoteAddr("10.0.0.1:99"))
	return c.Get("/", options...).Text()
}

func TestProxyFixIgnoresWhatIsNotValid(t *testing.T) {
	for name, c := range map[string]struct {
		header string
		values []string
	}{
		"addresses": {"X-Forwarded-For", []string{"", "not an ip", "1.1.1", "1.1.1.1:", "1.1.1.1:x", "1.1.1.1:70000", "[1.1.1.1]", "[::1", "::1]", "fe80::1%eth0", "[fe80::1%eth0]:1", `"1.1.1.1"`, `"`, "unknown", "01.1.1.1", "1.1.1.1 2.2.2.2"}},
		"schemes":   {"X-Forwarded-Proto", []string{"", "javascript", "https:", "http\t s", "ftp", `"https"`}},
		"hosts":     {"X-Forwarded-Host", []string{"", "a b", "a/b", "a@b", "a\\b", "a?b", "a#b", "h:", "h:x", "h:65536", "bücher.example", "::1", "[::1"}},
		"ports":     {"X-Forwarded-Port", []string{"", "0", "65536", "-1", "+80", "8 0", "http"}},
		"prefixes":  {"X-Forwarded-Prefix", []string{"//evil.example", "/a//b", "/..", "/a/./b", "/%2e%2E/x", "/a\\b", "/a?b", "/a#b", "/a b", "/ü", "/%", "/%zz", "/a//", "http://x"}},
		"elements": {"Forwarded", []string{"", "for", "for=", "=x", "for=nonsense", "for=1.1.1.1;for=2.2.2.2", "for=1.1.1.1;proto=javascript", "for=1.1.1.1;host=a/b", `for="1.1.1.1`, `for=1.1.1.1"`,
			`for="1.1.1.1"x`, "f or=1.1.1.1", "for=_", "for=_a b", "for=unknown:x", "ext=1", `for="1.1.1.1\`}},
	} {
		fix := middleware.ProxyFix{For: 1, Proto: 1, Host: 1, Port: 1, Prefix: 1}
		if c.header == "Forwarded" {
			fix = middleware.ProxyFix{Forwarded: 1}
		}
		for _, value := range c.values {
			t.Run(fmt.Sprintf("%s: %q", name, value), func(t *testing.T) {
				require.Equal(t, direct, fixed(t, fix, http.Header{c.header: {value}}))
			})
		}
	}
}

// Attacks that were reported for other implementations (chi's GHSA-rjr7-jggh-pgcp,
// GHSA-9g5q-2w5x-hmxf and GHSA-3fxj-6jh8-hvhx), and values that a client can put into its part of a
// header.
func TestProxyFixIsNotSpoofed(t *testing.T) {
	one := middleware.ProxyFix{For: 1, Proto: 1, Host: 1, Port: 1, Prefix: 1}
	forwarded := middleware.ProxyFix{Forwarded: 1}
	gated := middleware.ProxyFix{For: 1, Proto: 1, Trusted: networks("192.0.2.0/24")}
	for _, c := range []struct {
		name   string
		fix    middleware.ProxyFix
		header http.Header
		want   string
	}{
		{"by headers of other products", one, http.Header{"True-Client-Ip": {"6.6.6.6"}, "X-Real-Ip": {"6.6.6.6"}, "X-Client-Ip": {"6.6.6.6"}, "Client-Ip": {"6.6.6.6"}}, direct},
		{"by the first value", one, http.Header{"X-Forwarded-For": {"6.6.6.6, 1.1.1.1"}}, "1.1.1.1:0 http://app.internal"},
		{"by a first line", one, http.Header{"X-Forwarded-For": {"6.6.6.6", "1.1.1.1"}, "X-Forwarded-Proto": {"https", "http"}}, "1.1.1.1:0 http://app.internal"},
		{"by a quote that is never closed", one, http.Header{"X-Forwarded-For": {`", 1.1.1.1`}}, "1.1.1.1:0 http://app.internal"},
		{"by a quote over two lines", one, http.Header{"X-Forwarded-For": {`"6.6.6.6`, `1.1.1.1`}}, "1.1.1.1:0 http://app.internal"},
		{"by a quote in Forwarded", forwarded, http.Header{"Forwarded": {`for="6.6.6.6, for=1.1.1.1`}}, "1.1.1.1:0 http://app.internal"},
		{"by a quote and a backslash in Forwarded", forwarded, http.Header{"Forwarded": {`for="6.6.6.6\, for="1.1.1.1"`}}, "1.1.1.1:0 http://app.internal"},
		{"by a Forwarded line", forwarded, http.Header{"Forwarded": {`for=6.6.6.6;x="`, `for=1.1.1.1;y=""`}}, "1.1.1.1:0 http://app.internal"},
		{"by X-Forwarded beside Forwarded", forwarded, http.Header{"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Host": {"evil"}}, direct},
		{"by Forwarded beside X-Forwarded", one, http.Header{"Forwarded": {"for=6.6.6.6;host=evil;proto=https"}}, direct},
		{"by empty values", middleware.ProxyFix{For: 2}, http.Header{"X-Forwarded-For": {"6.6.6.6,, 1.1.1.1"}}, direct},
		{"from outside the networks", gated, http.Header{"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Proto": {"https"}}, direct},
		{"by addresses of the networks", middleware.ProxyFix{For: middleware.ByNetwork, Trusted: networks("10.0.0.0/8")}, http.Header{"X-Forwarded-For": {"6.6.6.6, 10.9.9.9, 1.1.1.1"}}, "1.1.1.1:0 http://app.internal"},
		{"by a host for a redirect", one, http.Header{"X-Forwarded-Prefix": {"//evil.example/x"}}, direct},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, fixed(t, c.fix, c.header)) })
	}
}

func TestProxyFixAtAUnixSocket(t *testing.T) {
	for fix, want := range map[*middleware.ProxyFix]string{
		{For: 1}: "1.1.1.1:0", {For: 1, Trusted: networks("10.0.0.0/8")}: "invalid AddrPort",
		{For: 1, TrustSockets: true}: "1.1.1.1:0", {For: middleware.ByNetwork, TrustSockets: true}: "1.1.1.1:0",
	} {
		got := webtest.New(t, fix.Wrap(origin), webtest.RemoteAddr("@")).Get("/", webtest.Header("X-Forwarded-For", "1.1.1.1")).Text()
		require.Equal(t, want+" http://example.com", got, "%+v", fix)
	}
	// A TCP address does not belong to a unix socket.
	require.Equal(t, direct, fixed(t, middleware.ProxyFix{For: 1, TrustSockets: true}, http.Header{"X-Forwarded-For": {"1.1.1.1"}}))
}

func TestProxyFixChangesNothingOthersRead(t *testing.T) {
	r := httptest.NewRequest("GET", "/x", nil)
	r.Header.Set("X-Forwarded-For", "1.1.1.1")
	r.Header.Set("X-Forwarded-Host", "example.org")
	r.Header.Set("X-Forwarded-Prefix", "/app")
	header, addr := r.Header.Clone(), r.RemoteAddr
	middleware.ProxyFix{For: 1, Host: 1, Prefix: 1}.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, seen *http.Request) {
		require.Equal(t, "1.1.1.1:0", seen.RemoteAddr)
		require.Equal(t, "example.org", seen.Host)
		require.Equal(t, "/x", seen.URL.Path)
		require.Equal(t, gateway.Origin{Scheme: "http", Host: "example.com", Client: netip.MustParseAddrPort(addr)}, gateway.Received(seen))
		require.Equal(t, header, seen.Header)
	})).ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, addr, r.RemoteAddr)
	require.Equal(t, "example.com", r.Host)

	plain := httptest.NewRequest("GET", "/x", nil)
	middleware.ProxyFix{For: 1}.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, seen *http.Request) {
		require.Same(t, plain, seen, "nothing to correct, nothing to copy")
	})).ServeHTTP(httptest.NewRecorder(), plain)
}

func TestProxyFixRefusesSettings(t *testing.T) {
	for text, fix := range map[string]middleware.ProxyFix{
		"Trusted names no network":    {For: middleware.ByNetwork},
		"For is negative":             {For: -2},
		"Host is negative":            {Host: middleware.ByNetwork, Trusted: networks("10.0.0.0/8")},
		"a client can send the other": {Forwarded: 1, For: 1},
		"invalid network":             {For: 1, Trusted: []netip.Prefix{{}}},
	} {
		require.PanicsWithValue(t, text, func() {
			defer func() {
				p := fmt.Sprint(recover())
				if strings.Contains(p, text) {
					panic(text)
				}
				t.Error(p)
			}()
			fix.Wrap(origin)
		})
	}
}

func FuzzProxyFix(f *testing.F) {
	for _, seed := range []string{"1.1.1.1", `for="[::1]:1";proto=https;host=a`, `", for=1.1.1.1`, "6.6.6.6,,", `a="\\",for=_x`, "//evil", "[::1%25x]"} {
		f.Add(seed, "example.org")
	}
	x := middleware.ProxyFix{For: 1, Proto: 1, Host: 1, Port: 1, Prefix: 1}
	forwarded := middleware.ProxyFix{Forwarded: 1}
	f.Fuzz(func(t *testing.T, client, honest string) {
		see := func(fix middleware.ProxyFix, h http.Header) (o gateway.Origin) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header = h
			fix.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { o = gateway.OriginOf(r) })).ServeHTTP(nil, r)
			return o
		}
		// For any input, the result can be put in a URL.
		o := see(x, http.Header{"X-Forwarded-For": {client}, "X-Forwarded-Proto": {client}, "X-Forwarded-Host": {client}, "X-Forwarded-Port": {client}, "X-Forwarded-Prefix": {client}})
		require.True(t, hosts.Valid(o.Host), o.Host)
		require.Contains(t, []string{"http", "https"}, o.Scheme)
		require.True(t, o.RootPath == "" || o.RootPath[0] == '/' && !strings.HasPrefix(o.RootPath, "//") && !strings.HasSuffix(o.RootPath, "/"), o.RootPath)
		require.True(t, o.Client.IsValid())
		require.True(t, hosts.Valid(see(forwarded, http.Header{"Forwarded": {client}}).Host))

		// Nothing that a client writes shifts the value that the proxy appends to it.
		want := see(x, http.Header{"X-Forwarded-For": {"192.0.2.1"}})
		require.Equal(t, want, see(x, http.Header{"X-Forwarded-For": {client + ", 192.0.2.1"}}))
		require.Equal(t, want, see(x, http.Header{"X-Forwarded-For": {client, "192.0.2.1"}}))
		element := `for="192.0.2.1:7";proto=https`
		want = see(forwarded, http.Header{"Forwarded": {element}})
		require.Equal(t, want, see(forwarded, http.Header{"Forwarded": {client + "," + element}}))
		require.Equal(t, want, see(forwarded, http.Header{"Forwarded": {client, element}}))
	})
}
