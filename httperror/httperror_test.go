package httperror_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
)

// answer serves err to a request with an Accept header.
func answer(err error, method, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/x", nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	httperror.Respond(w, r, err)
	return w
}

// logged collects the log records that are written while f runs.
func logged(t *testing.T, f func()) string {
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	f()
	slog.SetDefault(before)
	return b.String()
}

func TestEveryCodeHasAPage(t *testing.T) {
	var codes []httperror.Code
	for code := httperror.Code(400); code < 600; code++ {
		if http.StatusText(int(code)) != "" {
			codes = append(codes, code)
		}
	}
	require.Len(t, codes, 40)
	logged(t, func() { allPages(t, codes) })
}

func allPages(t *testing.T, codes []httperror.Code) {
	for _, code := range codes {
		require.NotEmpty(t, http.StatusText(int(code)), code)
		require.NotEmpty(t, code.Description(), code)
		w := answer(code, "GET", "")
		require.Equal(t, int(code), w.Code)
		require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
		require.Contains(t, w.Body.String(), "<title>"+fmt.Sprint(int(code))+" ")
	}
}

func TestDefaultPage(t *testing.T) {
	w := answer(&httperror.Error{Code: httperror.NotFound, Description: "No <b>\n& \"c\""}, "GET", "")
	require.Equal(t, "<!doctype html>\n<html lang=en>\n<meta name=viewport content=\"width=device-width\">\n<meta name=color-scheme content=\"light dark\">\n<title>404 Not Found</title>\n<main>\n<h1>Not Found</h1>\n<p>No &lt;b&gt;<br>&amp; &#34;c&#34;</p>\n</main>\n", w.Body.String())
	require.Equal(t, fmt.Sprint(w.Body.Len()), w.Header().Get("Content-Length"))
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	require.Equal(t, "Accept", w.Header().Get("Vary"))

	w = answer(&httperror.Error{Code: httperror.NotFound, Markup: "see <a href=/>here</a>"}, "GET", "")
	require.Contains(t, w.Body.String(), "<p>see <a href=/>here</a></p>")
	w = answer(httperror.ImATeapot, "GET", "")
	require.Contains(t, w.Body.String(), "<h1>I&#39;m a teapot</h1>")
}

func TestPageByAccept(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                     "text/html; charset=utf-8",
		"*/*":                                  "text/html; charset=utf-8",
		"image/png":                            "text/html; charset=utf-8",
		"application/json":                     "application/json",
		"application/json, text/plain, */*":    "application/json",
		"application/problem+json":             "application/problem+json",
		"application/*":                        "application/problem+json",
		"text/html;q=0.5, application/json":    "application/json",
		"text/html, application/json;q=0.9":    "text/html; charset=utf-8",
		"application/json;q=0, */*;q=0.1":      "text/html; charset=utf-8",
		"text/html;q=0, */*":                   "application/problem+json",
		`application/json, x/y;a="unfinished,`: "text/html; charset=utf-8",
	} {
		t.Run(accept, func(t *testing.T) {
			w := answer(httperror.NotFound, "GET", accept)
			require.Equal(t, http.StatusNotFound, w.Code)
			require.Equal(t, want, w.Header().Get("Content-Type"))
		})
	}
}

func TestProblem(t *testing.T) {
	w := answer(&httperror.Error{
		Code: httperror.Conflict, Description: "Taken <by> another.", Type: "https://example.com/taken",
		Members: map[string]any{"name": "x", "status": "overridden"}, Err: errors.New("secret"),
	}, "GET", "application/problem+json")
	require.JSONEq(t, `{"type": "https://example.com/taken", "title": "Conflict", "status": 409, "detail": "Taken <by> another.", "name": "x"}`, w.Body.String())

	var problem map[string]any
	log := logged(t, func() {
		w = answer(&httperror.Error{Code: httperror.Conflict, Members: map[string]any{"f": func() {}}}, "GET", "application/json")
	})
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem), "the response is sent though its members cannot be JSON")
	require.Equal(t, "Conflict", problem["title"])
	require.Contains(t, log, "members of a problem")
}

func TestHeadHasNoBody(t *testing.T) {
	w := answer(httperror.NotFound, "HEAD", "")
	require.Equal(t, http.StatusNotFound, w.Code)
	require.Empty(t, w.Body.String())
	require.Equal(t, answer(httperror.NotFound, "GET", "").Header().Get("Content-Length"), w.Header().Get("Content-Length"))
}

func TestWhatErrorsCarry(t *testing.T) {
	for _, c := range []struct {
		name         string
		err          *httperror.Error
		code         int
		header, want string
	}{
		{"methods", httperror.NotAllowed("GET", "HEAD", "POST"), 405, "Allow", "GET, HEAD, POST"},
		{"no methods", httperror.NotAllowed(), 405, "Allow", ""},
		{"a length", httperror.NotSatisfiable(36), 416, "Content-Range", "bytes */36"},
		{"seconds, rounded up", httperror.New(httperror.TooManyRequests, "").RetryAfter(1500 * time.Millisecond), 429, "Retry-After", "2"},
		{"no seconds below zero", httperror.New(httperror.ServiceUnavailable, "").RetryAfter(-time.Minute), 503, "Retry-After", "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			logged(t, func() {
				w := answer(c.err, "GET", "")
				require.Equal(t, c.code, w.Code)
				require.Equal(t, []string{c.want}, w.Header().Values(c.header))
			})
		})
	}
	w := answer(httperror.NotAuthenticated(challenge(`Basic realm="x"`), challenge("Bearer")), "GET", "")
	require.Equal(t, []string{`Basic realm="x"`, "Bearer"}, w.Header().Values("WWW-Authenticate"))
	require.Empty(t, answer(httperror.NotAuthenticated(), "GET", "").Header().Values("WWW-Authenticate"))
}

type challenge string

func (c challenge) String() string { return string(c) }

func TestRetryAfterCopies(t *testing.T) {
	a := &httperror.Error{Code: httperror.NotFound, Header: http.Header{"X-A": {"1"}}}
	b := a.RetryAfter(time.Second).RetryAfter(time.Minute)
	require.Equal(t, http.Header{"X-A": {"1"}}, a.Header)
	require.Equal(t, http.Header{"X-A": {"1"}, "Retry-After": {"60"}}, b.Header)
}

func TestErrorsAreErrors(t *testing.T) {
	cause := io.ErrUnexpectedEOF
	err := fmt.Errorf("load: %w", httperror.Wrap(httperror.BadGateway, cause))
	require.ErrorIs(t, err, httperror.BadGateway)
	require.ErrorIs(t, err, cause)
	require.EqualError(t, err, "load: 502 Bad Gateway: unexpected EOF")
	require.Equal(t, httperror.BadGateway, httperror.CodeOf(err))
	require.EqualError(t, httperror.New(httperror.Gone, "It went."), "410 Gone: It went.")
	require.EqualError(t, &httperror.Error{Code: httperror.Gone}, "410 Gone")
	require.EqualError(t, httperror.Code(499), "499 Unknown Error")
	require.Equal(t, 404, httperror.NotFound.StatusCode())
	require.Equal(t, httperror.Code(0), httperror.CodeOf(nil))
	require.Equal(t, httperror.InternalServerError, httperror.CodeOf(io.EOF))
	require.Equal(t, httperror.ContentTooLarge, httperror.CodeOf(fmt.Errorf("body: %w", &http.MaxBytesError{Limit: 1})))
	require.Equal(t, httperror.Code(0), httperror.CodeOf(redirect{}))
}

// redirect is an error that sends its own response.
type redirect struct{}

func (redirect) Error() string { return "elsewhere" }
func (redirect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/y", http.StatusPermanentRedirect)
}

func TestErrorsThatAnswerForThemselves(t *testing.T) {
	w := answer(fmt.Errorf("match: %w", redirect{}), "GET", "")
	require.Equal(t, http.StatusPermanentRedirect, w.Code)
	require.Equal(t, "/y", w.Header().Get("Location"))
}

func TestCausesAreLoggedAndNeverSent(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		code  int
		level string
	}{
		{"any error", errors.New("the secret"), 500, "ERROR"},
		{"a failure with a cause", httperror.Wrap(httperror.BadGateway, errors.New("the secret")), 502, "ERROR"},
		{"a client's fault with a cause", httperror.Wrap(httperror.BadRequest, errors.New("the secret")), 400, "INFO"},
		{"a client that has gone", fmt.Errorf("the secret: %w", context.Canceled), 500, "INFO"},
		{"an invalid code", fmt.Errorf("the secret: %w", httperror.Code(20)), 500, "ERROR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, accept := range []string{"text/html", "application/json"} {
				var w *httptest.ResponseRecorder
				log := logged(t, func() { w = answer(c.err, "GET", accept) })
				require.Equal(t, c.code, w.Code)
				require.NotContains(t, w.Body.String(), "secret")
				require.NotContains(t, fmt.Sprint(w.Header()), "secret")
				require.Contains(t, log, "the secret")
				require.Contains(t, log, "level="+c.level)
				require.Contains(t, log, "method=GET")
				require.Contains(t, log, "path=/x")
			}
		})
	}
	require.Empty(t, logged(t, func() { answer(httperror.NotFound, "GET", "") }), "a 404 is not logged")
}

func TestNilAndNonsenseAreAnswered(t *testing.T) {
	logged(t, func() {
		require.Equal(t, 500, answer(nil, "GET", "").Code)
		require.Equal(t, 500, answer((*httperror.Error)(nil), "GET", "").Code)
		require.Equal(t, 500, answer(httperror.Code(200), "GET", "").Code)
		require.Equal(t, 500, answer(&httperror.Error{}, "GET", "").Code)
		require.Equal(t, 500, answer(httperror.Code(-7), "GET", "").Code)
		require.Equal(t, 599, answer(httperror.Code(599), "GET", "").Code)
	})
}

func TestPageForgetsTheBodyThatWasBegun(t *testing.T) {
	w := httptest.NewRecorder()
	for _, name := range []string{"Content-Encoding", "Content-Length", "ETag", "Last-Modified", "Cache-Control", "Content-Disposition"} {
		w.Header().Set(name, "7")
	}
	w.Header().Set("Set-Cookie", "a=b")
	w.Header().Set("Vary", "Cookie, accept")
	httperror.NotFound.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	for _, name := range []string{"Content-Encoding", "ETag", "Last-Modified", "Cache-Control", "Content-Disposition"} {
		require.Empty(t, w.Header().Get(name), name)
	}
	require.NotEqual(t, "7", w.Header().Get("Content-Length"))
	require.Equal(t, "a=b", w.Header().Get("Set-Cookie"))
	require.Equal(t, []string{"Cookie, accept"}, w.Header().Values("Vary"))
}

// writer reports whether a header was sent, as the writers of some frameworks
// do.
type writer struct {
	http.ResponseWriter
	sent bool
}

func (w writer) Written() bool { return w.sent }

type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestNothingIsWrittenBehindASentHeader(t *testing.T) {
	for _, sent := range []bool{true, false} {
		inner := httptest.NewRecorder()
		log := logged(t, func() {
			httperror.Respond(wrapped{writer{inner, sent}}, httptest.NewRequest("GET", "/", nil), io.ErrUnexpectedEOF)
		})
		require.Contains(t, log, "unexpected EOF")
		require.Equal(t, sent, inner.Body.Len() == 0)
	}
}

func TestRespondersNest(t *testing.T) {
	var order []string
	responder := func(name string, mine httperror.Code) httperror.Responder {
		return func(w http.ResponseWriter, r *http.Request, err error) {
			order = append(order, name)
			if httperror.CodeOf(err) != mine {
				httperror.Respond(w, r, err)
				return
			}
			e, _ := httperror.From(err)
			e.WriteHeader(w, "text/plain")
			io.WriteString(w, name+": "+e.Description)
		}
	}
	for _, c := range []struct {
		err   error
		order string
		body  string
	}{
		{httperror.New(httperror.NotFound, "no"), "inner", "inner: no"},
		{httperror.NotAllowed("GET"), "inner outer", "outer: " + httperror.MethodNotAllowed.Description()},
		{httperror.Gone, "inner outer", "<!doctype html>"},
	} {
		order = nil
		var served http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { httperror.Respond(w, r, c.err) })
		served = responder("outer", httperror.MethodNotAllowed).Wrap(responder("inner", httperror.NotFound).Wrap(served))
		w := httptest.NewRecorder()
		served.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		require.Equal(t, c.order, strings.Join(order, " "))
		require.True(t, strings.HasPrefix(w.Body.String(), c.body), w.Body.String())
		require.Equal(t, int(httperror.CodeOf(c.err)), w.Code)
	}
}

// TestHandlersGoThroughTheResponder mounts codes where a router wants handlers.
func TestHandlersGoThroughTheResponder(t *testing.T) {
	pages := httperror.Responder(func(w http.ResponseWriter, r *http.Request, err error) {
		e, ok := httperror.From(err)
		if !ok || e.Code != httperror.NotFound {
			err.(http.Handler).ServeHTTP(w, r) // it ends at the default page, not in a loop
			return
		}
		e.WriteHeader(w, "text/plain")
		io.WriteString(w, "my 404")
	})
	for _, c := range []struct {
		handler http.Handler
		want    string
	}{{httperror.NotFound, "my 404"}, {httperror.NotAllowed("GET"), "<!doctype"}, {httperror.Gone, "<!doctype"}} {
		w := httptest.NewRecorder()
		pages.Wrap(c.handler).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		require.True(t, strings.HasPrefix(w.Body.String(), c.want), w.Body.String())
	}
}

func TestFailuresRememberWhereTheyWereMade(t *testing.T) {
	function := func(e *httperror.Error) string {
		frame, _ := runtime.CallersFrames(e.Callers()).Next()
		return frame.Function[strings.LastIndexByte(frame.Function, '.')+1:]
	}
	const here = "TestFailuresRememberWhereTheyWereMade"
	require.Equal(t, here, function(httperror.New(httperror.InternalServerError, "")))
	require.Equal(t, here, function(httperror.Wrap(httperror.BadGateway, io.EOF)))
	require.Nil(t, httperror.New(httperror.NotFound, "").Callers())
}

// TestOverTheWire tests a live server, with a response whose body was begun.
func TestOverTheWire(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "99999")
		w.Header().Set("Content-Type", "image/png")
		httperror.Respond(w, r, httperror.NotAllowed("POST"))
	}))
	defer server.Close()
	for _, method := range []string{"GET", "HEAD"} {
		r, err := http.NewRequest(method, server.URL, nil)
		require.NoError(t, err)
		resp, err := server.Client().Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, 405, resp.StatusCode)
		require.Equal(t, "POST", resp.Header.Get("Allow"))
		if method == "GET" {
			require.Len(t, body, int(resp.ContentLength))
		}
	}
}

func BenchmarkNotFound(b *testing.B) {
	r := httptest.NewRequest("GET", "/x", nil)
	b.ReportAllocs()
	for b.Loop() {
		httperror.Respond(discard{http.Header{}}, r, httperror.NotFound)
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func TestWhatFromReturnsIsTheCallers(t *testing.T) {
	own := &httperror.Error{Code: httperror.TooManyRequests, Header: http.Header{"Retry-After": {"5"}}}
	e, ok := httperror.From(own)
	require.True(t, ok)
	e.Header.Set("Retry-After", "7")
	e.Description = "Later."
	require.Equal(t, "5", own.Header.Get("Retry-After"))
	again, _ := httperror.From(own)
	require.Equal(t, own.Code.Description(), again.Description)
}

func TestPagesThatAreKeptAreThoseThatAreMade(t *testing.T) {
	answer := func(err error) (body, length string) {
		w := httptest.NewRecorder()
		httperror.Respond(w, httptest.NewRequest("GET", "/", nil), err)
		return w.Body.String(), w.Header().Get("Content-Length")
	}
	first, length := answer(httperror.Gone)
	require.Equal(t, strconv.Itoa(len(first)), length)
	again, sameLength := answer(httperror.New(httperror.Gone, ""))
	require.Equal(t, first, again)
	require.Equal(t, length, sameLength)
	own, _ := answer(httperror.New(httperror.Gone, "The shop has closed."))
	require.Contains(t, own, "The shop has closed.")
	marked, _ := answer(&httperror.Error{Code: httperror.Gone, Markup: "<b>closed</b>"})
	require.Contains(t, marked, "<b>closed</b>")
	last, _ := answer(httperror.Gone)
	require.Equal(t, first, last)
}
