package wrappers_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

const urlencoded = "application/x-www-form-urlencoded"

func request(method, target, contentType, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func TestRequestIsOnePerBody(t *testing.T) {
	req := wrappers.NewRequest(request("POST", "/", "", "x"))
	require.Same(t, req, wrappers.NewRequest(req.Request))
	req.Configure(wrappers.Settings{})
	require.Same(t, req, wrappers.NewRequest(req.Request))
}

func TestShallowRequestLeavesTheBodyAlone(t *testing.T) {
	r := request("POST", "/?a=1", multipartB, "--B--")
	req := wrappers.NewShallowRequest(r)
	require.Equal(t, "1", req.Query().Get("a"))
	_, err := req.Form()
	require.ErrorContains(t, err, "shallow")
	_, err = req.Files()
	require.ErrorContains(t, err, "shallow")
	_, err = req.Text()
	require.ErrorContains(t, err, "shallow")
	require.ErrorContains(t, req.JSONWith(new(any), wrappers.JSONRules{AnyType: true}), "shallow")
	for _, err := range req.Parts() {
		require.ErrorContains(t, err, "shallow")
	}
	require.NoError(t, req.Close())
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "--B--", string(body))
}

func TestConfiguredRequestHandsItsSettingsOn(t *testing.T) {
	for _, body := range []string{"", "x"} {
		req := wrappers.NewRequest(request("POST", "/", "", body))
		req.Configure(wrappers.Settings{Silent: true})
		require.True(t, wrappers.NewRequest(req.WithContext(req.Context())).Settings().Silent)
		require.True(t, wrappers.NewRequest(req.Request).Settings().Silent)
	}
}

func TestCopyOfARequestSharesWhatDidNotChange(t *testing.T) {
	type key struct{}
	outer := wrappers.NewRequest(request("POST", "/a?x=1", urlencoded, "f=2"))
	form, err := outer.Form()
	require.NoError(t, err)

	r := outer.Request.WithContext(context.WithValue(outer.Context(), key{}, "known"))
	u := *r.URL
	u.Path, u.RawQuery = "/b", "y=3"
	r.URL = &u
	inner := wrappers.NewRequest(r)
	require.NotSame(t, outer, inner)
	require.Equal(t, "known", inner.Context().Value(key{}))
	require.Equal(t, "3", inner.Query().Get("y"))
	require.Equal(t, "1", outer.Query().Get("x"))
	again, err := inner.Form()
	require.NoError(t, err)
	require.Same(t, form, again)

	r = outer.WithContext(outer.Context())
	r.Body, r.Form, r.PostForm = io.NopCloser(strings.NewReader("g=4")), nil, nil
	replaced, err := wrappers.NewRequest(r).Form()
	require.NoError(t, err)
	require.Equal(t, "g=4", replaced.Encode(), "another body is another form")
}

func TestArgsFollowTheURL(t *testing.T) {
	req := wrappers.NewRequest(request("GET", "/?a=1&b;c=%zz&a=%FF&=", "", ""))
	require.Equal(t, []string{"1", "%FF"}, req.Query().List("a"))
	require.Equal(t, "%zz", req.Query().Get("b;c"))
	req.URL.RawQuery = "a=2"
	require.Equal(t, "2", req.Query().Get("a"))
}

func TestMethodIsUpperCase(t *testing.T) {
	r := request("GET", "/", "", "")
	r.Method = "get"
	require.Equal(t, "GET", wrappers.NewRequest(r).Method)
	require.Equal(t, "get", r.Method)
}

func TestFormIsReadForAnyMethodAndShownToPlainHandlers(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "GET", "QUERY"} {
		t.Run(method, func(t *testing.T) {
			req := wrappers.NewRequest(request(method, "/?a=0&q=1", urlencoded, "a=1&b=2&a=3&c;d=4"))
			form, err := req.Form()
			require.NoError(t, err)
			require.Equal(t, []string{"1", "3"}, form.List("a"))

			r := req.Request
			require.NoError(t, r.ParseForm())
			require.Equal(t, []string{"1", "3", "0"}, r.Form["a"])
			require.Equal(t, []string{"1", "3"}, r.PostForm["a"])
			require.Equal(t, "4", r.PostFormValue("c;d"))
			require.Equal(t, "1", r.FormValue("q"))
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			require.Equal(t, "a=1&b=2&a=3&c;d=4", string(body), "the body is still readable")

			copied := wrappers.NewRequest(r.WithContext(r.Context()))
			_, err = copied.Form()
			require.NoError(t, err)
			require.Equal(t, r.Form, copied.Request.Form)
		})
	}
}

func TestFormThatAPlainHandlerParsedIsTheForm(t *testing.T) {
	req := wrappers.NewRequest(request("POST", "/?q=1", urlencoded, "b=2&a=1"))
	require.Equal(t, "1", req.FormValue("a"))
	require.Equal(t, []string{"a=1", "b=2"}, described(t, req))

	body := "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nhello\r\n--B--\r\n"
	req = wrappers.NewRequest(request("POST", "/", multipartB, body))
	require.NoError(t, req.ParseMultipartForm(2))
	require.Equal(t, []string{"a=1", "f:x=hello"}, described(t, req))
	require.NoError(t, req.MultipartForm.RemoveAll())
}

// However a form was parsed first, an inner plain handler finds the same form as with net/http
// alone.
func TestPlainHandlersFindTheFormOfNetHTTP(t *testing.T) {
	parts := "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nhello\r\n--B--\r\n"
	for name, first := range map[string]func(*wrappers.Request) error{
		"Form":           func(req *wrappers.Request) error { _, err := req.Form(); return err },
		"Form twice":     func(req *wrappers.Request) error { _, err := req.Form(); _, _ = req.Form(); return err },
		"Data, and Form": func(req *wrappers.Request) error { _, _ = req.Data(); _, err := req.Form(); return err },
		"ParseForm of net/http, and Form": func(req *wrappers.Request) error {
			if err := req.ParseForm(); err != nil {
				return err
			}
			_, err := req.Form()
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for contentType, body := range map[string]string{urlencoded: "a=1&a=2", multipartB: parts} {
				plain := request("POST", "/?a=0&q=1", contentType, body)
				req := wrappers.NewRequest(request("POST", "/?a=0&q=1", contentType, body))
				require.NoError(t, first(req))
				for _, r := range []*http.Request{plain, req.Request} {
					if err := r.ParseMultipartForm(1 << 20); contentType == multipartB {
						require.NoError(t, err)
						file, _, err := r.FormFile("f")
						require.NoError(t, err)
						text, err := io.ReadAll(file)
						require.NoError(t, err)
						require.Equal(t, "hello", string(text))
					}
				}
				require.Equal(t, plain.Form, req.Request.Form)
				require.Equal(t, plain.PostForm, req.Request.PostForm)
				require.Equal(t, plain.FormValue("a"), req.FormValue("a"))
			}
		})
	}
}

func TestFormIsEmptyForOtherBodies(t *testing.T) {
	for _, contentType := range []string{"", "text/plain", "application/json", "multipart/mixed; boundary=B", "application/x-url-encoded"} {
		req := wrappers.NewRequest(request("POST", "/", contentType, "a=1"))
		require.Empty(t, described(t, req))
		data, err := req.Data()
		require.NoError(t, err)
		require.Equal(t, "a=1", string(data), "and the body untouched")
	}
	require.Empty(t, described(t, wrappers.NewRequest(httptest.NewRequest("GET", "/", nil))))
	r := httptest.NewRequest("GET", "/", nil)
	r.Body = nil
	require.Empty(t, described(t, wrappers.NewRequest(r)))
}

func TestURLEncodedCharsets(t *testing.T) {
	for _, c := range []struct{ contentType, body, want string }{
		{urlencoded, "a=%C3%BC", "ü"},
		{urlencoded, "a=%FC", "%FC"},
		{urlencoded + "; charset=iso-8859-1", "a=%FC+%zz", "ü %zz"},
		{urlencoded + "; charset=x-none", "a=%C3%BC", "ü"},
		{urlencoded, "_charset_=ISO-8859-1&a=%FC", "ü"},
	} {
		form, err := wrappers.NewRequest(request("POST", "/", c.contentType, c.body)).Form()
		require.NoError(t, err)
		require.Equal(t, c.want, form.Get("a"), c.body)
	}
	_, err := wrappers.NewRequest(request("POST", "/", urlencoded, "a=\xfc")).Form()
	require.Equal(t, httperror.BadRequest, code(t, err))
}

func TestDataIsKept(t *testing.T) {
	req := wrappers.NewRequest(request("POST", "/", urlencoded, "a=1"))
	data, err := req.Data()
	require.NoError(t, err)
	require.Equal(t, "a=1", string(data))
	require.Equal(t, []string{"a=1"}, described(t, req))
	again, err := req.Data()
	require.NoError(t, err)
	require.Equal(t, data, again)

	body := "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B--\r\n"
	req = wrappers.NewRequest(request("POST", "/", multipartB, body))
	data, err = req.Data()
	require.NoError(t, err)
	require.Equal(t, body, string(data))
	require.Equal(t, []string{"a=1"}, described(t, req))
	data, err = req.Data()
	require.NoError(t, err, "kept although it was a form")
	require.Equal(t, body, string(data))
}

func TestDataAfterAMultipartFormIsAnErrorNotEmpty(t *testing.T) {
	req := wrappers.NewRequest(request("POST", "/", multipartB, "--B--"))
	_, err := req.Form()
	require.NoError(t, err)
	_, err = req.Data()
	require.ErrorContains(t, err, "was read as a multipart form")
}

type timeout struct{}

func (timeout) Error() string   { return "too slow" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return false }

func TestErrorsOfReadingAnswer(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want httperror.Code
	}{
		{"a client that goes away", io.ErrUnexpectedEOF, httperror.BadRequest},
		{"a client that is slow", timeout{}, httperror.RequestTimeout},
		{"a server's own limit", &http.MaxBytesError{Limit: 7}, httperror.ContentTooLarge},
		{"bad framing", errors.New("invalid byte in chunk length"), httperror.BadRequest},
		{"a middleware's answer", httperror.UnprocessableContent, httperror.UnprocessableContent},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("a="), iotest.ErrReader(c.err)))
			r.Header.Set("Content-Type", urlencoded)
			req := wrappers.NewRequest(r)
			_, err := req.Form()
			require.ErrorIs(t, err, c.err)
			require.ErrorIs(t, err, c.want)
			_, err = req.Data()
			require.ErrorIs(t, err, c.want, "and again")
		})
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ contentType, body, want string }{
		{"", "grün\xff", "grün\ufffd"},
		{"text/plain; charset=UTF-8", "grün", "grün"},
		{"text/plain; charset=latin1", "gr\xfcn", "grün"},
	} {
		text, err := wrappers.NewRequest(request("POST", "/", c.contentType, c.body)).Text()
		require.NoError(t, err)
		require.Equal(t, c.want, text)
	}
	_, err := wrappers.NewRequest(request("POST", "/", "text/plain; charset=x-none", "a")).Text()
	require.Equal(t, httperror.UnsupportedMediaType, code(t, err))
}

func TestValuesPreferTheQuery(t *testing.T) {
	values, err := wrappers.NewRequest(request("POST", "/?a=1", urlencoded, "a=2&b=3")).Values()
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2"}, values.List("a"))
	require.Equal(t, 3, values.Int("b", 0))

	values, err = wrappers.NewRequest(request("GET", "/?a=1", urlencoded, "a=2&b=3")).Values()
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, values.List("a"))
	require.False(t, values.Has("b"))

	values, err = wrappers.NewRequest(request("POST", "/?a=1", multipartB, "x")).Values()
	require.Equal(t, httperror.BadRequest, code(t, err))
	require.Equal(t, "1", values.Get("a"))
}

func TestSettingsReachEverythingBehindThem(t *testing.T) {
	read := func(limit int64) error {
		var err error
		app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
			_, err = req.Data()
			return wrappers.Text(""), nil
		})
		outer := wrappers.Settings{Limits: wrappers.Limits{Body: 2}}
		inner := wrappers.Settings{Limits: wrappers.Limits{Body: limit}}
		outer.Wrap(inner.Wrap(app)).ServeHTTP(httptest.NewRecorder(), request("POST", "/", "", "1234"))
		return err
	}
	require.NoError(t, read(4))
	require.Equal(t, httperror.ContentTooLarge, code(t, read(3)))
}

func TestSettingsBoundPlainHandlersToo(t *testing.T) {
	var data []byte
	var err error
	plain := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { data, err = io.ReadAll(r.Body) })
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		require.Equal(t, int64(2), req.Settings().Limits.Body)
		wrappers.Settings{Limits: wrappers.Limits{Body: 3}}.Wrap(plain).ServeHTTP(httptest.NewRecorder(), req.Request)
		return wrappers.Text(""), nil
	})
	r := request("POST", "/", "", "1234")
	r.ContentLength = -1
	wrappers.Settings{Limits: wrappers.Limits{Body: 2}}.Wrap(app).ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, "123", string(data))
	require.Equal(t, httperror.ContentTooLarge, code(t, err))
}

func TestURLs(t *testing.T) {
	for _, c := range []struct {
		name, target      string
		origin            gateway.Origin
		full, base, root  string
		hostURL, fullPath string
	}{
		{"a path and a query", "/a%20b?x=ü#y", gateway.Origin{Scheme: "http", Host: "example.org:80"},
			"http://example.org/a%20b?x=%C3%BC%23y", "http://example.org/a%20b", "http://example.org/", "http://example.org/", "/a%20b?x=%C3%BC%23y"},
		{"a mount", "/x", gateway.Origin{Scheme: "https", Host: "example.org:8443", RootPath: "/app"},
			"https://example.org:8443/app/x", "https://example.org:8443/app/x", "https://example.org:8443/app/", "https://example.org:8443/", "/x"},
		{"an encoded slash stays", "/a%2Fb", gateway.Origin{Scheme: "https", Host: "[::1]:443"},
			"https://[::1]/a%2Fb", "https://[::1]/a%2Fb", "https://[::1]/", "https://[::1]/", "/a%2Fb"},
		{"a path that looks like a host", "//evil.example/x", gateway.Origin{Scheme: "http", Host: "example.org"},
			"http://example.org//evil.example/x", "http://example.org//evil.example/x", "http://example.org/", "http://example.org/", "/.//evil.example/x"},
		{"no host to trust", "//evil.example/?q", gateway.Origin{Scheme: "http", Host: "a@b"},
			"/.//evil.example/?q", "/.//evil.example/", "/", "/", "/.//evil.example/?q"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			path, query, _ := strings.Cut(c.target, "?")
			r.URL.RawQuery = query
			r.URL.Path, r.URL.RawPath = strings.NewReplacer("%20", " ", "%2F", "/").Replace(path), path
			req := wrappers.NewRequest(gateway.WithOrigin(r, c.origin))
			require.Equal(t, c.full, req.FullURL())
			require.Equal(t, c.base, req.BaseURL())
			require.Equal(t, c.root, req.RootURL())
			require.Equal(t, c.hostURL, req.HostURL())
			require.Equal(t, c.fullPath, req.FullPath())
			require.Equal(t, "GET "+c.full, req.String())
		})
	}
}

func TestHosts(t *testing.T) {
	for _, c := range []struct {
		host    string
		trusted []string
		want    string
		refused bool
	}{
		{host: "example.org", want: "example.org"},
		{host: "example.org:443", want: "example.org"},
		{host: "example.org:80", want: "example.org:80"},
		{host: ""},
		{host: "", trusted: []string{"example.org"}, refused: true},
		{host: "user@example.org", refused: true},
		{host: "example.org:x", refused: true},
		{host: "EXAMPLE.org:8080", trusted: []string{".example.org"}, want: "EXAMPLE.org:8080"},
		{host: "www.example.org", trusted: []string{"example.net", ".example.org"}, want: "www.example.org"},
		{host: "wwwexample.org", trusted: []string{".example.org"}, refused: true},
		{host: "example.com", trusted: []string{"example.org"}, refused: true},
	} {
		t.Run(c.host+" of "+strings.Join(c.trusted, " "), func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Host = c.host
			r.TLS = &tls.ConnectionState{}
			req := wrappers.NewRequest(r)
			req.Configure(wrappers.Settings{TrustedHosts: c.trusted})
			host, err := req.Host()
			require.Equal(t, c.want, host)
			require.True(t, req.IsSecure())
			if c.refused {
				require.ErrorIs(t, err, wrappers.ErrUntrustedHost)
				require.ErrorIs(t, err, httperror.BadRequest)
			} else {
				require.NoError(t, err)
			}
		})
	}
}

func TestClientIsTheOrigins(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Forwarded-For", "203.0.113.7, 198.51.100.2")
	req := wrappers.NewRequest(r)
	require.Equal(t, netip.MustParseAddrPort("192.0.2.1:1234"), req.Client())
	require.Equal(t, []string{"203.0.113.7", "198.51.100.2"}, req.ForwardedFor())

	r.Header.Del("X-Forwarded-For")
	require.Equal(t, []string{"192.0.2.1"}, req.ForwardedFor())
	r.RemoteAddr = "@"
	require.False(t, wrappers.NewRequest(r).Client().IsValid())
	require.Empty(t, wrappers.NewRequest(r).ForwardedFor())
}

func TestHeadersAreValues(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	for name, value := range map[string]string{
		"Accept": "text/html;q=0.5, application/json", "Accept-Language": "de-AT, en;q=0.5", "Accept-Encoding": "gzip",
		"If-None-Match": `W/"a"`, "If-Range": `"a"`, "Range": "bytes=0-1", "Cache-Control": "max-age=5",
		"Authorization": "Basic w7w6cHc=", "Date": "Sun, 06 Nov 1994 08:49:37 GMT",
		"Access-Control-Request-Headers": "X-A, x-b", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "future",
		"Sec-Fetch-Dest": "empty", "Sec-Fetch-User": "?1",
	} {
		r.Header.Set(name, value)
	}
	r.Header["Cookie"] = []string{"a=1; b=é", `a=2; c="x\073y"`}
	req := wrappers.NewRequest(r)

	best, ok := req.Accept().Best("text/html", "application/json")
	require.True(t, ok)
	require.Equal(t, "application/json", best)
	language, ok := req.AcceptLanguage().Best("fr", "de")
	require.True(t, ok)
	require.Equal(t, "de", language)
	require.Equal(t, "gzip", req.AcceptEncoding().First())
	require.Len(t, req.Preconditions().IfNoneMatch.Tags, 1)
	_, ok = req.Range()
	require.True(t, ok)
	require.Equal(t, new(5*time.Second), req.CacheControl().MaxAge)
	authorization, ok := req.Authorization()
	require.True(t, ok)
	require.Equal(t, "ü", authorization.Username)
	require.Equal(t, wrappers.FetchMetadata{Site: "cross-site", Dest: "empty", User: true}, req.FetchMetadata())
	require.Equal(t, []string{"1", "2"}, req.Cookies().List("a"))
	require.Equal(t, "é", req.Cookies().Get("b"))
	require.Equal(t, "x;y", req.Cookies().Get("c"))

	require.NoError(t, req.CheckCrossOrigin(), "GET is safe")
	req.Method = "POST"
	require.ErrorIs(t, req.CheckCrossOrigin(), httperror.Forbidden)
}

func TestRequestIsLogged(t *testing.T) {
	var line strings.Builder
	log := slog.New(slog.NewTextHandler(&line, nil))
	log.Info("served", "request", wrappers.NewRequest(request("POST", "/x?y", "", "")))
	require.Contains(t, line.String(), `request.method=POST request.url=http://example.com/x?y request.client=192.0.2.1`)
}

func BenchmarkNewRequest(b *testing.B) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		wrappers.NewRequest(r)
	}
}
