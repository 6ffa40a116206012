package wrappers_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/serverlog"
	"github.com/zeugkit/zeug/wrappers"
)

func TestFields(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 30, 5, 900, time.FixedZone("", 3600))
	cc := datastructures.ResponseCacheControl{Public: true, MaxAge: new(time.Hour)}
	var csp datastructures.ContentSecurityPolicy
	require.NoError(t, csp.Set("default-src", "'self'"))
	basic := datastructures.NewChallenge("basic", "realm", "a b")
	bearer := datastructures.NewChallenge("bearer")
	for _, c := range []struct {
		field string
		set   func(*wrappers.Response) error
		want  string
	}{
		{"Last-Modified", func(r *wrappers.Response) error { r.SetLastModified(at); return nil }, "Sat, 21 Nov 2026 11:30:05 GMT"},
		{"Expires", func(r *wrappers.Response) error { return r.Set("Expires", datastructures.FormatDate(at)) }, "Sat, 21 Nov 2026 11:30:05 GMT"},
		{"Date", func(r *wrappers.Response) error { return r.Set("Date", datastructures.FormatDate(at)) }, "Sat, 21 Nov 2026 11:30:05 GMT"},
		{"Age", func(r *wrappers.Response) error { return r.Set("Age", datastructures.FormatAge(90*time.Second)) }, "90"},
		{"Retry-After", func(r *wrappers.Response) error { r.SetRetryAfter(1001 * time.Millisecond); return nil }, "2"},
		{"Allow", func(r *wrappers.Response) error {
			return r.Set("Allow", datastructures.HeaderSet{"GET", "HEAD"}.String())
		}, "GET, HEAD"},
		{"Content-Language", func(r *wrappers.Response) error {
			return r.Set("Content-Language", datastructures.HeaderSet{"de", "en-GB"}.String())
		}, "de, en-GB"},
		{"Accept-Ranges", func(r *wrappers.Response) error { return r.Set("Accept-Ranges", "none") }, "none"},
		{"Etag", func(r *wrappers.Response) error { return r.SetETag(datastructures.ETag{Value: "v1", Weak: true}) }, `W/"v1"`},
		{"Cache-Control", func(r *wrappers.Response) error { return r.SetCacheControl(cc) }, "public, max-age=3600"},
		{"Content-Security-Policy", func(r *wrappers.Response) error { return r.Set("Content-Security-Policy", csp.String()) }, "default-src 'self'"},
		{"Content-Security-Policy-Report-Only", func(r *wrappers.Response) error { return r.Set("Content-Security-Policy-Report-Only", csp.String()) }, "default-src 'self'"},
		{"Www-Authenticate", func(r *wrappers.Response) error {
			r.Header().Del("WWW-Authenticate")
			return errors.Join(r.Add("WWW-Authenticate", basic.String()), r.Add("WWW-Authenticate", bearer.String()))
		}, `Basic realm="a b"|Bearer`},
		{"Content-Range", func(r *wrappers.Response) error {
			return r.Set("Content-Range", datastructures.ContentRange{Unit: "bytes", Span: datastructures.Span{Stop: 5}, Length: 36}.String())
		}, "bytes 0-4/36"},
		{"Cross-Origin-Opener-Policy", func(r *wrappers.Response) error { return r.SetCrossOriginPolicies("same-origin", "", "") }, "same-origin"},
		{"Cross-Origin-Embedder-Policy", func(r *wrappers.Response) error { return r.SetCrossOriginPolicies("", "require-corp", "") }, "require-corp"},
		{"Cross-Origin-Resource-Policy", func(r *wrappers.Response) error { return r.SetCrossOriginPolicies("", "", "same-site") }, "same-site"},
		{"Cross-Origin-Opener-Policy", func(r *wrappers.Response) error { return r.SetCrossOriginPolicies("", "", "") }, ""},
		{"Access-Control-Expose-Headers", func(r *wrappers.Response) error {
			return r.Set("Access-Control-Expose-Headers", datastructures.HeaderSet{"ETag", "X-B"}.String())
		}, "ETag, X-B"},

		// The zero value removes the field.
		{"Last-Modified", func(r *wrappers.Response) error { r.SetLastModified(time.Time{}); return nil }, ""},
		{"Etag", func(r *wrappers.Response) error { return r.SetETag(datastructures.ETag{}) }, ""},
		{"Cache-Control", func(r *wrappers.Response) error { return r.SetCacheControl(datastructures.ResponseCacheControl{}) }, ""},
	} {
		resp := wrappers.Text("")
		resp.Header().Set(c.field, "before")
		require.NoError(t, c.set(resp), c.field)
		require.Equal(t, c.want, strings.Join(resp.Header()[c.field], "|"), c.field)
		_, there := resp.Header()[c.field]
		require.Equal(t, c.want != "", there, c.field)
	}
}

func TestFieldsThatCannotBeSent(t *testing.T) {
	csp := datastructures.ParseContentSecurityPolicy("default-src a\nb")
	for name, set := range map[string]func(*wrappers.Response) error{
		"Vary":              func(r *wrappers.Response) error { return r.AddVary("Accept\r\nX: y") },
		"ETag":              func(r *wrappers.Response) error { return r.SetETag(datastructures.ETag{Value: `a"b`}) },
		"ETag line":         func(r *wrappers.Response) error { return r.SetETag(datastructures.ETag{Value: "a\nb"}) },
		"ETag space":        func(r *wrappers.Response) error { return r.SetETag(datastructures.ETag{Value: "a b"}) },
		"CSP":               func(r *wrappers.Response) error { return r.Set("Content-Security-Policy", csp.String()) },
		"disposition":       func(r *wrappers.Response) error { return r.SetContentDisposition("a; b", "") },
		"CORS origin":       func(r *wrappers.Response) error { return r.SetCORS(wrappers.CORS{Origin: "a\n"}) },
		"CORS method":       func(r *wrappers.Response) error { return r.SetCORS(wrappers.CORS{Methods: []string{"a b"}}) },
		"an unknown policy": func(r *wrappers.Response) error { return r.SetCrossOriginPolicies("same-origin", "", "none") },
		"CORS credentials of all": func(r *wrappers.Response) error {
			return r.SetCORS(wrappers.CORS{Origin: "*", Credentials: true})
		},
		"origin": func(r *wrappers.Response) error { return r.Set("Access-Control-Allow-Origin", "a\n") },
	} {
		resp := wrappers.Text("")
		require.ErrorContains(t, set(resp), "header field cannot be sent", name)
		require.Len(t, resp.Header(), 1, name)
	}
}

func TestVaryMerges(t *testing.T) {
	resp := wrappers.Text("")
	require.NoError(t, resp.AddVary("Accept", "Origin"))
	resp.Header().Add("Vary", "X-A")
	require.NoError(t, resp.AddVary("accept", "Cookie"))
	require.Equal(t, []string{"Accept, Origin, X-A, Cookie"}, resp.Header()["Vary"])
	require.NoError(t, resp.AddVary("*"))
	require.NoError(t, resp.AddVary("Accept"))
	require.Equal(t, []string{"*"}, resp.Header()["Vary"])
}

func TestCacheControlIsChanged(t *testing.T) {
	resp := wrappers.Text("")
	require.NoError(t, resp.Set("Cache-Control", "public, max-age=60, community=\"UCI\""))
	cc := resp.CacheControl()
	require.Equal(t, new(time.Minute), cc.MaxAge)
	cc.Private, cc.MaxAge = true, new(5*time.Minute)
	require.NoError(t, resp.SetCacheControl(cc))
	require.Equal(t, "private, max-age=300, community=UCI", resp.Header().Get("Cache-Control"))
}

func TestContentDisposition(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"", "attachment"},
		{"index.html", "attachment; filename=index.html"},
		{"two words.txt", `attachment; filename="two words.txt"`},
		{`a"b\c.txt`, `attachment; filename="a\"b\\c.txt"; filename*=UTF-8''a%22b%5Cc.txt`},
		{"100%.txt", `attachment; filename=100%.txt`},
		{"100%2.txt", `attachment; filename=100%2.txt`},
		{"100%25.txt", `attachment; filename=100%25.txt; filename*=UTF-8''100%2525.txt`},
		{"%aF", `attachment; filename=%aF; filename*=UTF-8''%25aF`},
		{"=?utf-8?q?x?=", `attachment; filename="=?utf-8?q?x?="; filename*=UTF-8''%3D%3Futf-8%3Fq%3Fx%3F%3D`},
		{"latin\xe9.txt", "attachment; filename=latin.txt; filename*=UTF-8''latin%EF%BF%BD.txt"},
		{"te:st.txt", `attachment; filename="te:st.txt"`},
		{"Imágenes.txt", "attachment; filename=Imagenes.txt; filename*=UTF-8''Im%C3%A1genes.txt"},
		{"“quotes”.txt", "attachment; filename=quotes.txt; filename*=UTF-8''%E2%80%9Cquotes%E2%80%9D.txt"},
		{"文.pdf", "attachment; filename=.pdf; filename*=UTF-8''%E6%96%87.pdf"},
		{"文", "attachment; filename=\"\"; filename*=UTF-8''%E6%96%87"},
		{"a\r\nSet-Cookie: b.txt", "attachment; filename=\"aSet-Cookie: b.txt\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b.txt"},
		{"ﬁle (1)'*%.txt", "attachment; filename=\"file (1)'*%.txt\"; filename*=UTF-8''%EF%AC%81le%20%281%29%27%2A%25.txt"},
	} {
		resp := wrappers.Text("")
		require.NoError(t, resp.SetContentDisposition("attachment", c.name))
		require.Equal(t, c.want, resp.Header().Get("Content-Disposition"))
		require.Equal(t, 200, serve(resp, "GET", nil).Code)
	}
	resp := wrappers.Text("")
	require.NoError(t, resp.SetContentDisposition("inline", "a.txt"))
	require.Equal(t, "inline; filename=a.txt", resp.Header().Get("Content-Disposition"))
}

func TestSetCookie(t *testing.T) {
	secure := httptest.NewRequest("GET", "/", nil)
	secure.TLS = new(tls.ConnectionState)
	behind := gateway.WithOrigin(httptest.NewRequest("GET", "/", nil), gateway.Origin{Scheme: "https", Host: "a", RootPath: "/app"})
	for _, c := range []struct {
		name   string
		r      *http.Request
		cookie datastructures.Cookie
		want   string
	}{
		{"the path is all of the host", nil, datastructures.Cookie{Name: "a", Value: "b"}, "a=b; Path=/"},
		{"a path is kept", nil, datastructures.Cookie{Name: "a", Path: "/x"}, "a=; Path=/x"},
		{"any value is carried", nil, datastructures.Cookie{Name: "a", Value: "x,y z;é"}, `a="x\054y z\073\303\251"; Path=/`},
		{"https makes it secure", secure, datastructures.Cookie{Name: "a", Value: "b"}, "a=b; Secure; Path=/"},
		{"a mount gives the path", behind, datastructures.Cookie{Name: "a", Value: "b"}, "a=b; Secure; Path=/app/"},
		{"a host's cookie has the host's path", behind, datastructures.Cookie{Name: "__Host-a", Value: "b"}, "__Host-a=b; Secure; Path=/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := wrappers.Text("")
			if c.r == nil {
				require.NoError(t, resp.SetCookie(c.cookie))
			} else {
				require.NoError(t, resp.SetCookieFor(wrappers.NewRequest(c.r), c.cookie))
			}
			require.Equal(t, []string{c.want}, resp.Header()["Set-Cookie"])

			if c.r == nil {
				require.NoError(t, resp.DeleteCookie(c.cookie))
			} else {
				c.cookie.Value, c.cookie.MaxAge = "", -1
				require.NoError(t, resp.SetCookieFor(wrappers.NewRequest(c.r), c.cookie))
			}
			deleted, ok := datastructures.ParseSetCookie(resp.Header()["Set-Cookie"][1])
			require.True(t, ok)
			set, _ := datastructures.ParseSetCookie(c.want)
			require.Equal(t, set.Path, deleted.Path)
			require.Empty(t, deleted.Value)
			require.Equal(t, c.r == nil, deleted.Expires.Equal(time.Unix(0, 0)), "DeleteCookie is for clients that do not know Max-Age too")
			require.Negative(t, deleted.MaxAge)
		})
	}
}

func TestSetCookieLosesNothingSilently(t *testing.T) {
	resp := wrappers.Text("")
	for name, cookie := range map[string]datastructures.Cookie{
		"a name with a semicolon":  {Name: "k;x", Value: "v"},
		"no name":                  {Value: "v"},
		"more than browsers keep":  {Name: "k", Value: strings.Repeat("v", 4096)},
		"an invalid host":          {Name: "k", Domain: "a b"},
		"a prefix without Secure":  {Name: "__Secure-k"},
		"an attribute of no value": {Name: "k", SameSite: 9},
	} {
		require.Error(t, resp.SetCookie(cookie), name)
	}
	require.Empty(t, resp.Header()["Set-Cookie"])

	var log bytes.Buffer
	require.NoError(t, resp.SetCookie(datastructures.Cookie{Name: "k", Value: strings.Repeat("v", 4090)}))
	r := httptest.NewRequest("GET", "/", nil)
	resp.ServeHTTP(httptest.NewRecorder(), r.WithContext(serverlog.With(r.Context(), slog.New(slog.NewTextHandler(&log, nil)))))
	require.Contains(t, log.String(), "cookie is too large for some browsers\" name=k", "in the log of the server")
	require.Len(t, resp.Header()["Set-Cookie"], 1)
}

// FuzzContentDisposition checks that the standard library reads the same file
// name, as far as it is UTF-8.
func FuzzContentDisposition(f *testing.F) {
	for _, name := range []string{"a.txt", "two words", `a"b\c`, "Grüße.pdf", "文\x00\r\n", "%22", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		resp := wrappers.Text("")
		require.NoError(t, resp.SetContentDisposition("attachment", name))
		require.Equal(t, 200, serve(resp, "GET", nil).Code)
		kind, params, err := mime.ParseMediaType(resp.Header().Get("Content-Disposition"))
		require.NoError(t, err)
		require.Equal(t, "attachment", kind)
		require.Equal(t, strings.ToValidUTF8(name, "\ufffd"), params["filename"])
	})
}

func TestCORS(t *testing.T) {
	resp := wrappers.Text("")
	require.NoError(t, resp.SetCORS(wrappers.CORS{
		Origin: "https://example.org", Credentials: true, Methods: []string{"GET", "PUT"},
		Headers: []string{"X-A"}, Expose: []string{"ETag", "X-B"}, MaxAge: time.Hour,
	}))
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":      "https://example.org",
		"Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods":     "GET, PUT",
		"Access-Control-Allow-Headers":     "X-A",
		"Access-Control-Expose-Headers":    "ETag, X-B",
		"Access-Control-Max-Age":           "3600",
		"Vary":                             "Origin",
	} {
		require.Equal(t, want, resp.Header().Get(name), name)
	}
	require.NoError(t, resp.SetCORS(wrappers.CORS{Origin: "*"}))
	require.Len(t, resp.Header(), 3, "Content-Type, Vary and the origin")
}
