package middleware_test

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/compress"
	"github.com/zeugkit/zeug/webtest"
	"github.com/zeugkit/zeug/wrappers"
)

// findings runs a request through a Lint around h.
func findings(t *testing.T, h http.Handler, method string, options ...webtest.Option) []middleware.Finding {
	t.Helper()
	var mu sync.Mutex
	var found []middleware.Finding
	lint := middleware.Lint{Report: func(r *http.Request, f middleware.Finding) {
		mu.Lock()
		defer mu.Unlock()
		found = append(found, f)
	}}
	webtest.New(t, lint.Wrap(h), webtest.MayAbort).Do(method, "/", options...)
	mu.Lock()
	defer mu.Unlock()
	return found
}

// head is a handler that sends a header, given as names and values.
func head(status int, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(fields); i += 2 {
			w.Header()[fields[i]] = append(w.Header()[fields[i]], fields[i+1])
		}
		w.WriteHeader(status)
	}
}

func TestLintFinds(t *testing.T) {
	text := func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/plain") }
	for _, c := range []struct {
		name string
		h    http.HandlerFunc
		want string // check: message
	}{
		{"a second status", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			w.WriteHeader(500)
		}, "status: WriteHeader(500) after status 200"},
		{"a status after the body", func(w http.ResponseWriter, r *http.Request) {
			text(w)
			io.WriteString(w, "x")
			w.WriteHeader(404)
		}, "status: WriteHeader(404) after status 200"},
		{"early hints that are late", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			w.WriteHeader(103)
		}, "status: WriteHeader(103) after status 200"},
		{"a status that nobody knows", head(299), "status: WriteHeader(299), which is not a registered status"},
		{"a body with 204", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(204)
			io.WriteString(w, "xy")
		}, "body: 2 bytes with status 204, which has no body"},
		{"a body with 304", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(304)
			w.Write([]byte("x"))
		}, "body: 1 bytes with status 304, which has no body"},
		{"a field Status", head(200, "Status", "404 Not Found"), `header: the field Status "404 Not Found": CGI and its relatives take it for the status: use WriteHeader`},
		{"a length with 204", head(204, "Content-Length", "0"), "content-length: Content-Length with status 204, which has no body"},
		{"a short body", func(w http.ResponseWriter, r *http.Request) {
			text(w)
			w.Header().Set("Content-Length", "5")
			io.WriteString(w, "four")
		}, "content-length: 4 bytes, but Content-Length says 5"},
		{"no body where a length is", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "5") }, "content-length: 0 bytes, but Content-Length says 5"},
		{"a long body", func(w http.ResponseWriter, r *http.Request) {
			text(w)
			w.Header().Set("Content-Length", "3")
			io.WriteString(w, "four")
		}, "content-length: more than the 3 bytes that Content-Length says"},
		{"an invalid length", head(200, "Content-Length", "1x"), `content-length: Content-Length "1x" is not a length`},
		{"a body of a type to guess", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "x") }, "content-type: a body without Content-Type: the server guesses one"},
		{"a copied body of a type to guess", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, io.LimitReader(strings.NewReader("xx"), 1))
		}, "content-type: a body without Content-Type: the server guesses one"},
		{"a field that comes too late", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			w.Header().Set("X-Late", "1")
		}, "header: X-Late was changed after the header had been sent"},
		{"a field that goes too late", func(w http.ResponseWriter, r *http.Request) {
			text(w)
			io.WriteString(w, "x")
			w.Header().Del("Content-Type")
			io.WriteString(w, "y")
		}, "header: Content-Type was changed after the header had been sent"},
		{"a field with a line break", head(200, "X-A", "a\r\nB: c"), `header: the value "a\r\nB: c" of X-A has characters that no field can have`},
		{"a field without a name", head(200, "a b", "c"), `header: "a b" is not a valid name of a field`},
		{"a field that Get does not find", head(200, "x-a", "c"), `header: the key "x-a" is not canonical ("X-A"): Get and Set do not find it`},
		{"an ETag without quotes", head(200, "Etag", "abc"), "etag: the ETag abc is not in quotes"},
		{"an ETag with a quote", head(200, "Etag", `"a"c"`), `etag: the ETag "a"c" is not in quotes`},
		{"an ETag with a small w", head(200, "Etag", `w/"abc"`), `etag: the ETag w/"abc" is weak by a small w: it has to be W/`},
		{"an invalid date", head(200, "Last-Modified", "2026-11-21"), `date: Last-Modified "2026-11-21" is not a date`},
		{"304 with a type", head(304, "Content-Type", "text/plain"), "entity: 304 with Content-Type, which is about a body"},
		{"a redirect to nowhere", head(302), "location: 302 without Location"},
		{"a redirect with a backslash", head(302, "Location", `/\evil.example`), `location: the Location "/\\evil.example" has '\\', which browsers take for something else`},
		{"401 without a challenge", head(401), "required: 401 without Www-Authenticate"},
		{"405 without methods", head(405), "required: 405 without Allow"},
		{"407 without a challenge", head(407), "required: 407 without Proxy-Authenticate"},
		{"206 without a range", head(206), "required: 206 without Content-Range"},
		{"416 without a range", head(416), "required: 416 without Content-Range"},
		{"426 without a protocol", head(426), "required: 426 without Upgrade"},
		{"a coding without Vary", head(200, "Content-Encoding", "gzip", "Vary", "Cookie"), "vary: Content-Encoding gzip without Vary: Accept-Encoding"},
		{"an origin without Vary", head(200, "Access-Control-Allow-Origin", "https://a.example"), "vary: Access-Control-Allow-Origin https://a.example without Vary: Origin"},
		{"a cookie for everybody", head(200, "Set-Cookie", "a=b", "Cache-Control", "max-age=60, Public"), "cache: Set-Cookie with Cache-Control Public: a shared cache gives the cookie to everybody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := findings(t, c.h, "GET")
			require.Len(t, found, 1, "%v", found)
			require.Equal(t, c.want, found[0].Check+": "+found[0].Message)
			require.Contains(t, found[0].Where, "middleware/lint_test.go:")
		})
	}
}

func TestLintPassesWhatIsRight(t *testing.T) {
	var files embed.FS
	for name, h := range map[string]http.Handler{
		"nothing": http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		"a text": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", "2")
			w.WriteHeader(200)
			io.WriteString(w, "ab")
		}),
		"an error":         http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 418) }),
		"not found":        http.NotFoundHandler(),
		"a redirect":       http.RedirectHandler("/x", 302),
		"204":              head(204),
		"304":              head(304, "Etag", `W/"x"`, "Expires", "0", "Vary", "*"),
		"401":              head(401, "Www-Authenticate", "Basic"),
		"405 for nothing":  head(405, "Allow", ""),
		"a private cookie": head(200, "Set-Cookie", "a=b", "Cache-Control", "private, max-age=60"),
		"a coding":         head(200, "Content-Encoding", "gzip", "Vary", "Cookie, accept-encoding"),
		"any origin":       head(200, "Access-Control-Allow-Origin", "*"),
		"files":            http.FileServerFS(files),
		"a file":           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "lint_test.go") }),
		"content": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "a.txt", time.Now(), strings.NewReader("abc"))
		}),
		"an HTTP error":      httperror.NotFound,
		"a response":         wrappers.Text("x"),
		"no type on purpose": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header()["Content-Type"] = nil; io.WriteString(w, "x") }),
		"trailers": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-A, x-b")
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, "x")
			w.Header().Set("X-A", "1")
			w.Header().Set("X-B", "1")
			w.Header().Set(http.TrailerPrefix+"X-C", "1")
		}),
		"early hints": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a>; rel=preload")
			w.WriteHeader(103)
			w.Header().Del("Link")
			w.WriteHeader(200)
		}),
		"a flush": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.(http.Flusher).Flush()
			io.WriteString(w, "data: x\n\n")
		}),
		"an echo": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			io.Copy(w, r.Body)
		}),
		"a hijacked connection": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 1 {
				return
			}
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
				conn.Close()
			}
		}),
		"an abort": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "9")
			panic(http.ErrAbortHandler)
		}),
	} {
		for _, options := range [][]webtest.Option{nil, {webtest.HTTP2}, {webtest.Header("Range", "bytes=0-1")}} {
			for _, method := range []string{"GET", "HEAD"} {
				require.Empty(t, findings(t, h, method, options...), "%s %s", method, name)
			}
		}
		require.Empty(t, findings(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			h.ServeHTTP(w, r)
		}), "POST", webtest.Text("body")), "POST %s", name)
	}
}

func TestLintNamesBothPlaces(t *testing.T) {
	found := findings(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "first", 400)
		http.Error(w, "second", 500)
	}), "GET")
	require.Equal(t, "status", found[0].Check)
	require.Regexp(t, `^middleware/lint_test.go:\d+ \(middleware_test\.TestLintNamesBothPlaces\.func1\)$`, found[0].Where)
	require.Regexp(t, `^middleware/lint_test.go:\d+ `, found[0].First)
	require.NotEqual(t, found[0].Where, found[0].First)
	require.Equal(t, "status: WriteHeader(500) after status 400 at "+found[0].Where+", first at "+found[0].First, found[0].String())
}

func TestLintFindsUseAfterReturn(t *testing.T) {
	returned, done := make(chan struct{}), make(chan struct{})
	var found []middleware.Finding
	lint := middleware.Lint{Report: func(_ *http.Request, f middleware.Finding) { found = append(found, f) }}
	h := lint.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.ReadAll(io.LimitReader(r.Body, 1))
		go func() {
			defer close(done)
			<-returned
			w.Header().Set("X-Late", "1")
			_, err := io.WriteString(w, "late")
			if err == nil {
				t.Error("the late text was sent")
			}
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			if _, err := r.Body.Read(make([]byte, 1)); err == nil {
				t.Error("the late body was read")
			}
		}()
	}))
	webtest.New(t, h).Post("/", webtest.Text("body")).Expect(200)
	close(returned)
	<-done
	var messages []string
	for _, f := range found {
		require.Equal(t, "returned", f.Check)
		require.Contains(t, f.Where, "TestLintFindsUseAfterReturn")
		messages = append(messages, strings.TrimSuffix(f.Message, " after the handler has returned"))
	}
	require.Equal(t, []string{"Header", "Write", "WriteHeader", "Flush", "the request's body read"}, messages)
}

func TestLintFindsTwoGoroutinesAtOneWriter(t *testing.T) {
	reading := make(chan struct{})
	found := findings(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		first, more := io.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			io.Copy(w, first)
		}()
		go func() {
			<-reading
			// The copy has started: it has read the bytes that are written here.
			more.Write([]byte("x"))
			time.AfterFunc(50*time.Millisecond, func() { more.Close() })
		}()
		close(reading)
		more.Write([]byte("y"))
		io.WriteString(w, "z")
		<-done
	}), "GET")
	require.NotEmpty(t, found)
	require.Equal(t, "concurrent: Write while another goroutine used the writer", found[0].Check+": "+found[0].Message)
}

func TestLintFindsAnUnreadBody(t *testing.T) {
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	found := findings(t, ok, "POST", webtest.Text("body"))
	require.Len(t, found, 1)
	require.Equal(t, "unread: status 200 to a request whose body was not read", found[0].Check+": "+found[0].Message)
	require.Empty(t, findings(t, http.NotFoundHandler(), "POST", webtest.Text("body")), "an error need not read it")
}

func TestLintFindsUseAfterHijack(t *testing.T) {
	found := findings(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(w, "x")
		conn.Close()
	}), "GET")
	require.Len(t, found, 1)
	require.Equal(t, "hijacked", found[0].Check)
}

type bare struct{ http.ResponseWriter }

func TestLintFindsALostAbility(t *testing.T) {
	var found []middleware.Finding
	lint := middleware.Lint{Report: func(_ *http.Request, f middleware.Finding) { found = append(found, f) }}
	loses := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(bare{w}, r) })
	}
	h := middleware.Chain(lint.Wrap, loses, lint.Wrap)(http.NotFoundHandler())
	webtest.New(t, h).Get("/")
	require.Len(t, found, 3)
	for i, ability := range []string{"http.Flusher", "http.Hijacker", "io.ReaderFrom"} {
		require.Equal(t, "lost", found[i].Check)
		require.Contains(t, found[i].Message, "the writer middleware_test.bare has no "+ability)
	}
	found = nil
	webtest.New(t, h).Get("/", webtest.HTTP2)
	require.Len(t, found, 1, "HTTP/2 has only the first of them")
	found = nil
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	require.Empty(t, found, "another server's writer may be as it likes")
}

// An outer middleware may change the header when it is sent, which is not the handler's fault. A
// change that the handler makes too late is its fault.
func TestLintLeavesTheHeaderToThoseFurtherOut(t *testing.T) {
	text := func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/plain") }
	long := strings.Repeat("a text that is worth compressing. ", 200)
	var found []middleware.Finding
	lint := middleware.Lint{Report: func(_ *http.Request, f middleware.Finding) { found = append(found, f) }}
	for name, h := range map[string]http.Handler{
		"a Response": wrappers.Text(long),
		"a file":     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { text(w); io.Copy(w, strings.NewReader(long)) }),
		"two writes": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			text(w)
			io.WriteString(w, "first")
			io.WriteString(w, long)
		}),
		"a flush": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			text(w)
			io.WriteString(w, long)
			http.NewResponseController(w).Flush()
		}),
		"a 304": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }),
	} {
		found = nil
		got := webtest.New(t, compress.Compress{Streams: true}.Wrap(lint.Wrap(h))).Get("/", webtest.Header("Accept-Encoding", "gzip"))
		require.Equal(t, "Accept-Encoding", got.Header.Get("Vary"))
		require.Empty(t, found, name)
	}
	webtest.New(t, compress.Compress{}.Wrap(lint.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text(w)
		io.WriteString(w, long)
		w.Header().Set("Etag", `"late"`)
		io.WriteString(w, long)
	})))).Get("/", webtest.Header("Accept-Encoding", "gzip"))
	require.Len(t, found, 1)
	require.Equal(t, "Etag was changed after the header had been sent", found[0].Message)
}

func TestLintLogsEachPlaceOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(quiet(&log))
	defer slog.SetDefault(before)
	c := webtest.New(t, middleware.Lint{}.Wrap(head(401)))
	c.Get("/")
	c.Get("/")
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	require.Contains(t, log.String(), `level=WARN msg=lint check=required message="401 without Www-Authenticate" where="middleware/lint_test.go:`)
}

func TestLintReportsAStatusThatIsNone(t *testing.T) {
	require.Panics(t, func() { findings(t, head(20), "GET") })
}
