package webtest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/webtest"
)

// echo responds with a description of the request.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(echoed{
		r.Method, r.RequestURI, r.Host, r.Proto, r.RemoteAddr, gateway.OriginOf(r).Scheme, gateway.RootPath(r),
		r.URL.EscapedPath(), string(body), r.ContentLength, r.Header,
	})
})

type echoed struct {
	Method, Target, Host, Proto, RemoteAddr, Scheme, Root, Path, Body string
	Length                                                            int64
	Header                                                            http.Header
}

func ask(t *testing.T, method, target string, options ...webtest.Option) echoed {
	t.Helper()
	var e echoed
	webtest.New(t, echo).Do(method, target, options...).Expect(200).JSON(&e)
	return e
}

func TestTheApplicationSeesTLS(t *testing.T) {
	var seen *tls.ConnectionState
	client := webtest.New(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.TLS }))
	given := &tls.ConnectionState{Version: tls.VersionTLS13, PeerCertificates: []*x509.Certificate{{}}}
	client.Get("https://example.org/", webtest.TLS(given)).Expect(200)
	require.Same(t, given, seen, "as it was given")
	client.Get("https://example.org/").Expect(200)
	require.NotNil(t, seen, "of its own for https")
	client.Get("http://example.org/").Expect(200)
	require.Nil(t, seen, "none for http")
}

func TestRequest(t *testing.T) {
	for _, c := range []struct {
		name, method, target string
		options              []webtest.Option
		want                 func(t *testing.T, e echoed)
	}{
		{"is a browser's that knows nothing", "GET", "/", nil, func(t *testing.T, e echoed) {
			require.Equal(t, http.Header{"User-Agent": {"zeug-webtest"}}, e.Header)
			e.Header = nil
			require.Equal(t, echoed{Method: "GET", Target: "/", Host: "example.com", Proto: "HTTP/1.1", RemoteAddr: "127.0.0.1:40000", Scheme: "http", Path: "/"}, e)
		}},
		{"keeps the target as it stands", "GET", "/a%2fb//c;d='$'?x=%zz&y=1;2", nil, func(t *testing.T, e echoed) {
			require.Equal(t, "/a%2fb//c;d='$'?x=%zz&y=1;2", e.Target)
		}},
		{"encodes what is not ASCII", "GET", "/ü/%2F x?q=ä b", nil, func(t *testing.T, e echoed) {
			require.Equal(t, "/%C3%BC/%2F%20x?q=%C3%A4%20b", e.Target)
		}},
		{"may ask for the server itself", "OPTIONS", "*", nil, func(t *testing.T, e echoed) { require.Equal(t, "*", e.Target) }},
		{"keeps two slashes", "GET", "//x/y", nil, func(t *testing.T, e echoed) { require.Equal(t, "//x/y", e.Target) }},
		{"takes an absolute URL", "GET", "https://Bücher.example:8443/x?y", nil, func(t *testing.T, e echoed) {
			require.Equal(t, "xn--bcher-kva.example:8443", e.Host)
			require.Equal(t, "/x?y", e.Target)
			require.Equal(t, "https", e.Scheme)
		}},
		{"adds to the query", "GET", "/?a=1", []webtest.Option{webtest.Query(url.Values{"b": {"ü"}, "c": {"x y"}})}, func(t *testing.T, e echoed) {
			require.Equal(t, "/?a=1&b=%C3%BC&c=x+y", e.Target)
		}},
		{"is below the base URL", "GET", "/x", []webtest.Option{webtest.BaseURL("https://app.example/a%2Fb/c/")}, func(t *testing.T, e echoed) {
			require.Equal(t, "/a%2Fb/c", e.Root)
			require.Equal(t, "/x", e.Path)
			require.Equal(t, "/a%2Fb/c/x", e.Target)
			require.Equal(t, "app.example", e.Host)
			require.Equal(t, "https", e.Scheme)
		}},
		{"has the headers, and the last value given", "GET", "/", []webtest.Option{webtest.Header("x-a", "1"), webtest.Header("X-A", "2", "3"), webtest.Header("user-agent"), webtest.Header("Host", "h.example")}, func(t *testing.T, e echoed) {
			require.Equal(t, []string{"2", "3"}, e.Header["X-A"])
			require.Equal(t, "h.example", e.Host)
		}},
		{"has credentials", "GET", "/", []webtest.Option{webtest.BasicAuth("ann", "ü:x")}, func(t *testing.T, e echoed) {
			require.Equal(t, "Basic YW5uOsO8Ong=", e.Header.Get("Authorization"))
		}},
		{"has a token", "GET", "/", []webtest.Option{webtest.Header("Authorization", "Bearer t")}, func(t *testing.T, e echoed) {
			require.Equal(t, "Bearer t", e.Header.Get("Authorization"))
		}},
		{"comes from an address", "GET", "/", []webtest.Option{webtest.RemoteAddr("@")}, func(t *testing.T, e echoed) { require.Equal(t, "@", e.RemoteAddr) }},
		{"comes by HTTP/2", "POST", "/x%2Fy?z", []webtest.Option{webtest.HTTP2, webtest.Text("hi"), webtest.RemoteAddr("192.0.2.1:5")}, func(t *testing.T, e echoed) {
			require.Equal(t, "HTTP/2.0", e.Proto)
			require.Equal(t, "/x%2Fy?z", e.Target)
			require.Equal(t, "hi", e.Body)
			require.Equal(t, "192.0.2.1:5", e.RemoteAddr)
		}},
		{"has a text", "PUT", "/", []webtest.Option{webtest.Text("hi")}, func(t *testing.T, e echoed) {
			require.Equal(t, "hi", e.Body)
			require.EqualValues(t, 2, e.Length)
			require.Equal(t, "text/plain; charset=utf-8", e.Header.Get("Content-Type"))
		}},
		{"has JSON", "POST", "/", []webtest.Option{webtest.JSON([]int{1})}, func(t *testing.T, e echoed) {
			require.Equal(t, "[1]", e.Body)
			require.Equal(t, "application/json", e.Header.Get("Content-Type"))
		}},
		{"keeps a content type that is set", "POST", "/", []webtest.Option{webtest.JSON([]int{1}), webtest.Header("Content-Type", "application/x-own")}, func(t *testing.T, e echoed) {
			require.Equal(t, "application/x-own", e.Header.Get("Content-Type"))
		}},
		{"has an empty form", "POST", "/", []webtest.Option{webtest.Form(nil)}, func(t *testing.T, e echoed) {
			require.Equal(t, "application/x-www-form-urlencoded", e.Header.Get("Content-Type"))
			require.EqualValues(t, 0, e.Length)
		}},
		{"has a form in its order", "POST", "/", []webtest.Option{webtest.Field("b", "ü &"), webtest.Field("a", "1"), webtest.Field("b", "")}, func(t *testing.T, e echoed) {
			require.Equal(t, "b=%C3%BC+%26&a=1&b=", e.Body)
		}},
		{"is sent in chunks without a length", "POST", "/", []webtest.Option{webtest.Body("", io.MultiReader(strings.NewReader("a"), strings.NewReader("b")))}, func(t *testing.T, e echoed) {
			require.EqualValues(t, -1, e.Length)
			require.Equal(t, "ab", e.Body)
			require.NotContains(t, e.Header, "Content-Type")
		}},
		{"is one of a page of the same origin", "POST", "/x", []webtest.Option{webtest.FromPage("http://example.com/form?a#b")}, func(t *testing.T, e echoed) {
			require.Equal(t, "http://example.com", e.Header.Get("Origin"))
			require.Equal(t, "http://example.com/form?a", e.Header.Get("Referer"))
			require.Equal(t, "same-origin", e.Header.Get("Sec-Fetch-Site"))
		}},
		{"is one of another site's page", "GET", "/x", []webtest.Option{webtest.FromPage("http://evil.example/form?a")}, func(t *testing.T, e echoed) {
			require.NotContains(t, e.Header, "Origin")
			require.Equal(t, "http://evil.example/", e.Header.Get("Referer"))
			require.Equal(t, "cross-site", e.Header.Get("Sec-Fetch-Site"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) { c.want(t, ask(t, c.method, c.target, c.options...)) })
	}
}

func TestUpload(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts, err := r.MultipartReader()
		if err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		fmt.Fprintln(w, r.ContentLength > 0)
		for {
			p, err := parts.NextPart()
			if err != nil {
				return
			}
			text, _ := io.ReadAll(p)
			fmt.Fprintf(w, "%s|%s|%s\n", p.Header.Get("Content-Disposition"), p.Header.Get("Content-Type"), text)
		}
	})
	c := webtest.New(t, app)
	got := c.Post("/", webtest.Field("title", "ü"), webtest.File("doc", "naïve \"x\".txt", strings.NewReader("one")),
		webtest.FileOfType("empty", "e", "image/png", strings.NewReader(""))).Expect(200).Text()
	require.Equal(t, `true
form-data; name="title"||ü
form-data; name="doc"; filename="naïve %22x%22.txt"|text/plain; charset=utf-8|one
form-data; name="empty"; filename="e"|image/png|
`, got)
	require.Equal(t, "false\nform-data; name=\"f\"; filename=\"a\"|application/octet-stream|x\n",
		c.Post("/", webtest.File("f", "a", io.MultiReader(strings.NewReader("x")))).Text(), "a reader without an end is sent in chunks")
}

func TestPanicOfTheApplicationPanicsInTheTest(t *testing.T) {
	boom := errors.New("boom")
	for name, app := range map[string]http.HandlerFunc{
		"before the answer": func(http.ResponseWriter, *http.Request) { panic(boom) },
		"after the answer began": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "some")
			w.(http.Flusher).Flush()
			panic(boom)
		},
		"after the answer was complete": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "4")
			io.WriteString(w, "some")
			w.(http.Flusher).Flush()
			panic(boom)
		},
	} {
		for proto, options := range map[string][]webtest.Option{"HTTP/1.1": nil, "HTTP/2": {webtest.HTTP2}} {
			t.Run(name+" by "+proto, func(t *testing.T) {
				require.PanicsWithValue(t, boom, func() { webtest.New(t, app, options...).Get("/") })
			})
		}
	}
}

func TestAbortedAnswerIsReportedWhereAskedFor(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/at-once" {
			io.WriteString(w, "some")
			w.(http.Flusher).Flush()
		}
		panic(http.ErrAbortHandler)
	})
	for _, options := range [][]webtest.Option{nil, {webtest.HTTP2}} {
		c := webtest.New(t, app).With(options...)
		resp := c.Get("/", webtest.MayAbort)
		require.Equal(t, 200, resp.Status)
		require.Error(t, resp.Err)
		require.Equal(t, "some", resp.Text())
		resp = c.Get("/at-once", webtest.MayAbort)
		require.Equal(t, 0, resp.Status)
		require.Error(t, resp.Err)
	}
	failed := failure(t, func(tb *recorder) { webtest.New(tb, app).Get("/at-once") })
	require.Contains(t, failed, "> GET http://example.com/at-once")
}

func TestHandlerHasReturnedWhenTheCallReturns(t *testing.T) {
	returned := false
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "2")
		io.WriteString(w, "ok")
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			t.Error("the client has not gone away")
		case <-time.After(20 * time.Millisecond):
		}
		returned = true
	})
	require.Equal(t, "ok", webtest.New(t, app).Get("/").Text())
	require.True(t, returned)
}

type key struct{}

func TestContextReachesTheApplication(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Context().Value(key{}), r.Context().Value(http.ServerContextKey) != nil)
	})
	require.Equal(t, "v true", webtest.New(t, app).Get("/", webtest.Context(context.WithValue(t.Context(), key{}, "v "))).Text())
}

func TestStreamIsReadAsItComes(t *testing.T) {
	step := make(chan struct{})
	gone := make(chan struct{})
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range 2 {
			fmt.Fprintf(w, "event %d\n", i)
			w.(http.Flusher).Flush()
			<-step
		}
		<-r.Context().Done()
		close(gone)
	})
	for _, options := range [][]webtest.Option{nil, {webtest.HTTP2}} {
		gone = make(chan struct{})
		resp := webtest.New(t, app).With(options...).Get("/", webtest.Stream).Expect(200)
		line := make([]byte, len("event 0\n"))
		for i := range 2 {
			_, err := io.ReadFull(resp.Body, line)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("event %d\n", i), string(line))
			step <- struct{}{}
		}
		require.NoError(t, resp.Body.Close())
		<-gone
	}
}

func TestAnswerIsWhatTheServerSends(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "<p>hi")
		w.Header().Set("X-Sum", "42")
	})
	for _, options := range [][]webtest.Option{nil, {webtest.HTTP2}} {
		c := webtest.New(t, app).With(options...)
		resp := c.Get("/")
		require.Equal(t, "42", resp.Trailer.Get("X-Sum"))
		require.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"), "sniffed by the server")
		require.NotEmpty(t, resp.Header.Get("Date"))
		require.Len(t, resp.Informational, 1)
		require.Equal(t, "</a.css>; rel=preload", resp.Informational[0].Header.Get("Link"))
		require.Empty(t, c.Head("/").Text())
	}
}

func TestProtocolSwitch(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n")
		line, _ := buf.ReadString('\n')
		io.WriteString(conn, "you said "+line)
	})
	resp := webtest.New(t, app).Get("/", webtest.Header("Connection", "Upgrade"), webtest.Header("Upgrade", "own")).Expect(101)
	_, err := io.WriteString(resp.Body.(io.Writer), "hi\n")
	require.NoError(t, err)
	require.Equal(t, "you said hi\n", resp.Text())
}

func TestMethodsHaveTheirShortForms(t *testing.T) {
	client := webtest.New(t, echo)
	for method, resp := range map[string]*webtest.Response{
		http.MethodPost:    client.Post("/", webtest.JSON(1)),
		http.MethodPut:     client.Put("/", webtest.JSON(1)),
		http.MethodPatch:   client.Patch("/", webtest.JSON(1)),
		http.MethodOptions: client.Do(http.MethodOptions, "/", webtest.JSON(1)),
	} {
		var e echoed
		resp.Expect(200).JSON(&e)
		require.Equal(t, method, e.Method)
		require.Equal(t, "1", e.Body)
		require.Equal(t, "application/json", e.Header.Get("Content-Type"))
	}
}
