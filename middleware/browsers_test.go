package middleware_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/middleware"
)

var ok = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })

func header(pairs ...string) func(*http.Request) {
	return func(r *http.Request) {
		for i := 0; i < len(pairs); i += 2 {
			r.Header.Set(pairs[i], pairs[i+1])
		}
	}
}

func TestCrossOriginProtection(t *testing.T) {
	h := middleware.CrossOriginProtection{TrustedOrigins: []string{"https://partner.example"}, Bypass: []string{"POST /webhook/"}}.Wrap(ok)
	for _, c := range []struct {
		name, method, target string
		headers              []string
		status               int
	}{
		{"a form of this site", "POST", "/", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"a form of another site", "POST", "/", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{"a form of a sibling host", "POST", "/", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"an old browser on this site", "POST", "/", []string{"Origin", "http://example.com"}, 200},
		{"an old browser on another site", "POST", "/", []string{"Origin", "http://evil.example"}, 403},
		{"a trusted origin", "DELETE", "/", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://partner.example"}, 200},
		{"a link from another site", "GET", "/", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"a program", "POST", "/", nil, 200},
		{"a path that is not judged", "POST", "/webhook/x", []string{"Sec-Fetch-Site", "cross-site"}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.status, ask(h, c.method, c.target, header(c.headers...)).Code)
		})
	}
	t.Run("the host is the one that a proxy fix found", func(t *testing.T) {
		public := func(r *http.Request) {
			o := gateway.OriginOf(r)
			o.Host = "public.example"
			*r = *gateway.WithOrigin(r, o)
			r.Host = "inner:8000"
		}
		require.Equal(t, 200, ask(h, "POST", "/", header("Origin", "https://public.example"), public).Code)
	})
	require.Panics(t, func() { middleware.CrossOriginProtection{TrustedOrigins: []string{"partner.example"}}.Wrap(ok) })
}

func TestSecureHeaders(t *testing.T) {
	t.Run("the zero value breaks nothing", func(t *testing.T) {
		h := ask(middleware.SecureHeaders{}.Wrap(ok), "GET", "/").Header()
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Equal(t, "SAMEORIGIN", h.Get("X-Frame-Options"))
		require.Equal(t, "strict-origin-when-cross-origin", h.Get("Referrer-Policy"))
		require.Equal(t, "same-origin-allow-popups", h.Get("Cross-Origin-Opener-Policy"))
		require.Empty(t, h.Get("Content-Security-Policy"))
		require.Empty(t, h.Get("Strict-Transport-Security"))
		require.Empty(t, h.Get("Permissions-Policy"))
	})
	t.Run("a handler has the last word", func(t *testing.T) {
		h := ask(middleware.SecureHeaders{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Frame-Options", "DENY")
			w.Header().Del("Referrer-Policy")
		})), "GET", "/").Header()
		require.Equal(t, "DENY", h.Get("X-Frame-Options"))
		require.Empty(t, h.Get("Referrer-Policy"))
		require.Equal(t, "SAMEORIGIN", ask(middleware.SecureHeaders{}.Wrap(ok), "GET", "/").Header().Get("X-Frame-Options"))
	})
	t.Run("the nonce is the request's own", func(t *testing.T) {
		var nonces []string
		h := middleware.SecureHeaders{ContentSecurityPolicy: "default-src 'self'; script-src 'self' 'nonce'"}.Wrap(
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { nonces = append(nonces, middleware.Nonce(r)) }))
		for range 2 {
			w := ask(h, "GET", "/")
			require.Equal(t, "default-src 'self'; script-src 'self' 'nonce-"+nonces[len(nonces)-1]+"'", w.Header().Get("Content-Security-Policy"))
		}
		require.NotEqual(t, nonces[0], nonces[1])
		require.GreaterOrEqual(t, len(nonces[0]), 16)
	})
	t.Run("keywords of a policy have no case", func(t *testing.T) {
		h := middleware.SecureHeaders{ContentSecurityPolicy: "script-src 'NONCE' 'Nonce'; style-src 'nonce'"}.Wrap(
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Nonce", middleware.Nonce(r)) }))
		w := ask(h, "GET", "/")
		n := "'nonce-" + w.Header().Get("X-Nonce") + "'"
		require.Equal(t, "script-src "+n+" "+n+"; style-src "+n, w.Header().Get("Content-Security-Policy"))
	})
	t.Run("https alone is told to stay https", func(t *testing.T) {
		h := middleware.SecureHeaders{HSTS: time.Hour, HSTSSubdomains: true, ReportOnly: true, ContentSecurityPolicy: "img-src *", FrameOptions: "off"}.Wrap(ok)
		require.Empty(t, ask(h, "GET", "http://example.com/").Header().Get("Strict-Transport-Security"))
		w := ask(h, "GET", "https://example.com/")
		require.Equal(t, "max-age=3600; includeSubDomains", w.Header().Get("Strict-Transport-Security"))
		require.Equal(t, "img-src *", w.Header().Get("Content-Security-Policy-Report-Only"))
		require.Empty(t, w.Header().Get("X-Frame-Options"))
	})
	for name, s := range map[string]middleware.SecureHeaders{
		"a policy with a line break": {ContentSecurityPolicy: "img-src *\r\nX: y"},
		"a policy without directive": {ContentSecurityPolicy: " ; "},
		"a negative time":            {HSTS: -1},
		"a field with a line break":  {ReferrerPolicy: "a\nb"},
	} {
		t.Run("refused: "+name, func(t *testing.T) { require.Panics(t, func() { s.Wrap(ok) }) })
	}
}

func TestCORS(t *testing.T) {
	some := middleware.CORS{Origins: []string{"https://a.example", "https://*.b.example"}, Methods: []string{"PUT"}, Headers: []string{"X-Token"}, Exposed: []string{"X-Count"}, Credentials: true, MaxAge: time.Hour}
	for _, c := range []struct {
		name, origin string
		cors         middleware.CORS
		allowed      string
	}{
		{"a named origin", "https://a.example", some, "https://a.example"},
		{"a name below a named one", "https://x.b.example", some, "https://x.b.example"},
		{"another origin", "https://evil.example", some, ""},
		{"an origin that ends alike", "https://evila.example", some, ""},
		{"every origin", "https://evil.example", middleware.CORS{Origins: []string{"*"}}, "*"},
		{"nobody by default", "https://a.example", middleware.CORS{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(c.cors.Wrap(ok), "GET", "/", header("Origin", c.origin))
			require.Equal(t, "ok", w.Body.String())
			require.Equal(t, c.allowed, w.Header().Get("Access-Control-Allow-Origin"))
			if c.allowed != "*" {
				require.Contains(t, strings.Join(w.Header().Values("Vary"), ","), "Origin")
			}
		})
	}
	t.Run("a preflight is answered", func(t *testing.T) {
		w := ask(some.Wrap(ok), "OPTIONS", "/", header("Origin", "https://a.example", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "x-token"))
		require.Equal(t, 204, w.Code)
		require.Equal(t, "PUT", w.Header().Get("Access-Control-Allow-Methods"))
		require.Equal(t, "x-token", w.Header().Get("Access-Control-Allow-Headers"))
		require.Equal(t, "true", w.Header().Get("Access-Control-Allow-Credentials"))
		require.Equal(t, "3600", w.Header().Get("Access-Control-Max-Age"))
		require.Empty(t, w.Body.String())
	})
	t.Run("a preflight for another method is not allowed", func(t *testing.T) {
		w := ask(some.Wrap(ok), "OPTIONS", "/", header("Origin", "https://a.example", "Access-Control-Request-Method", "DELETE"))
		require.Empty(t, w.Header().Get("Access-Control-Allow-Methods"))
	})
	t.Run("a negative age is the longest", func(t *testing.T) {
		w := ask(middleware.CORS{Origins: []string{"*"}, MaxAge: -1}.Wrap(ok), "OPTIONS", "/", header("Origin", "https://a.example", "Access-Control-Request-Method", "GET"))
		require.Equal(t, "86400", w.Header().Get("Access-Control-Max-Age"))
	})
	for name, c := range map[string]middleware.CORS{
		"credentials for every origin":     {Origins: []string{"*"}, Credentials: true},
		"an origin without scheme":         {Origins: []string{"a.example"}},
		"an origin with a path":            {Origins: []string{"https://a.example/"}},
		"an origin with a query":           {Origins: []string{"https://a.example?x"}},
		"an origin with a user":            {Origins: []string{"https://u@a.example"}},
		"an origin without host":           {Origins: []string{"https://"}},
		"an origin in upper case":          {Origins: []string{"https://A.example"}},
		"an origin in other letters":       {Origins: []string{"https://bücher.example"}},
		"an origin with the scheme's port": {Origins: []string{"https://a.example:443"}},
		"an origin with a dot at the end":  {Origins: []string{"https://a.example."}},
		"two wildcards":                    {Origins: []string{"https://*.*.example"}},
		"a wildcard within a name":         {Origins: []string{"https://x*.example"}},
		"a wildcard at a name's end":       {Origins: []string{"https://a.*"}},
		"a wildcard for a part of a name":  {Origins: []string{"https://x*.test"}},
		"a wildcard for a scheme":          {Origins: []string{"*://a.example"}},
		"a wildcard without a name":        {Origins: []string{"https://*"}},
		"a wildcard before an address":     {Origins: []string{"https://*.[::1]"}},
		"credentials for no origin":        {Credentials: true},
		"methods for no origin":            {Methods: []string{"PUT"}},
		"two methods in one":               {Origins: []string{"*"}, Methods: []string{"PUT, PATCH"}},
		"two names in one":                 {Origins: []string{"*"}, Headers: []string{"X-A, X-B"}},
		"no name of a field":               {Origins: []string{"*"}, Exposed: []string{""}},
		"every field with credentials":     {Origins: []string{"https://a.example"}, Exposed: []string{"*"}, Credentials: true},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			defer func() { require.ErrorContains(t, recover().(error), "middleware.CORS: ") }()
			c.Wrap(ok)
		})
	}
	for _, origin := range []string{"http://localhost:5173", "https://127.0.0.1:8443", "https://*.a.example:8443", "http://[::1]:8000", "capacitor://localhost", "null"} {
		t.Run("taken: "+origin, func(t *testing.T) { middleware.CORS{Origins: []string{origin}}.Wrap(ok) })
	}
}
