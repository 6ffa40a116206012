package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	chimw "github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/handlers"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/compress"
	"github.com/zeugkit/zeug/webtest"
)

// member is a middleware of any of the libraries.
type member struct {
	name string
	wrap middleware.Middleware
	// copies says that the middleware has no ReaderFrom, because it changes the
	// body or because it forgot.
	copies bool
}

var nowhere = slog.New(slog.DiscardHandler)

func ours() []member {
	return []member{
		{name: "ProxyFix", wrap: middleware.ProxyFix{For: 1, Prefix: 1}.Wrap},
		{name: "RequestID", wrap: middleware.RequestID{}.Wrap},
		{name: "AccessLog", wrap: middleware.AccessLog{Logger: nowhere}.Wrap},
		{name: "Combined", wrap: middleware.AccessLog{Combined: io.Discard}.Wrap},
		{name: "Recover", wrap: middleware.Recover{Logger: nowhere}.Wrap},
		{name: "Lint", wrap: middleware.Lint{Report: func(*http.Request, middleware.Finding) {}}.Wrap},
		{name: "Dispatcher", wrap: middleware.Dispatcher{Mounts: map[string]http.Handler{"/elsewhere": http.NotFoundHandler()}}.Wrap},
		{name: "mounted RewriteLocation", wrap: func(next http.Handler) http.Handler {
			return middleware.Dispatcher{Mounts: map[string]http.Handler{"/": middleware.RewriteLocation(next)}}.Wrap(http.NotFoundHandler())
		}},
		{name: "BodyLimit", wrap: middleware.BodyLimit{}.Wrap},
		{name: "Timeout", wrap: middleware.Timeout{}.Wrap},
		{name: "ConcurrencyLimit", wrap: middleware.ConcurrencyLimit{}.Wrap},
		{name: "CORS", wrap: middleware.CORS{Origins: []string{"*"}}.Wrap},
		{name: "CrossOriginProtection", wrap: middleware.CrossOriginProtection{}.Wrap},
		{name: "SecureHeaders", wrap: middleware.SecureHeaders{ContentSecurityPolicy: "script-src 'nonce'"}.Wrap},
		{name: "Compress", wrap: compress.Compress{}.Wrap},
	}
}

func chis() []member {
	return []member{
		{name: "chi Logger", wrap: chimw.RequestLogger(&chimw.DefaultLogFormatter{Logger: log.New(io.Discard, "", 0), NoColor: true})},
		{name: "chi Recoverer", wrap: chimw.Recoverer},
		{name: "chi RequestID", wrap: chimw.RequestID},
		{name: "chi Compress", wrap: chimw.Compress(5), copies: true},
		{name: "chi Timeout", wrap: chimw.Timeout(time.Minute)},
		{name: "chi Throttle", wrap: chimw.Throttle(10)},
	}
}

func gorillas() []member {
	return []member{
		{name: "gorilla CombinedLogging", wrap: func(h http.Handler) http.Handler { return handlers.CombinedLoggingHandler(io.Discard, h) }},
		{name: "gorilla Recovery", wrap: handlers.RecoveryHandler()},
		{name: "gorilla ProxyHeaders", wrap: handlers.ProxyHeaders},
		{name: "gorilla Compress", wrap: handlers.CompressHandler},
		{name: "gorilla CORS", wrap: handlers.CORS()},
	}
}

// capable asks its writer for everything that a handler can ask, and returns the methods that are
// missing.
func capable(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/stream":
		flusher, ok := w.(http.Flusher)
		if !ok {
			http.Error(w, "no Flusher", 500)
			return
		}
		io.WriteString(w, "first\n")
		flusher.Flush()
		<-r.Context().Done()
	case "/file":
		from, ok := w.(io.ReaderFrom)
		if !ok {
			http.Error(w, "no ReaderFrom", 501)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		from.ReadFrom(io.LimitReader(endless{}, 10_000))
	case "/socket":
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for {
			kind, text, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, text) != nil {
				return
			}
		}
	case "/deadline":
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			http.Error(w, err.Error(), 500)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// requireCapable requires that the application can use all abilities of the server's writer through
// the chain.
func requireCapable(t *testing.T, chain ...member) {
	t.Helper()
	name := ""
	wraps := make([]middleware.Middleware, len(chain))
	copies := false
	for i, m := range chain {
		name += " > " + m.name
		wraps[i] = m.wrap
		copies = copies || m.copies
	}
	h := middleware.Chain(wraps...)(http.HandlerFunc(capable))
	for _, protocol := range [][]webtest.Option{nil, {webtest.HTTP2}} {
		c := webtest.New(t, h, protocol...)
		resp := c.Get("/stream", webtest.Stream)
		line := make([]byte, len("first\n"))
		_, err := io.ReadFull(resp.Body, line)
		require.NoError(t, err, name)
		require.Equal(t, "first\n", string(line), name)
		resp.Body.Close()
		require.Equal(t, 200, c.Get("/deadline").Status, name)
		resp = c.Get("/file")
		switch {
		case protocol != nil || copies:
			require.Contains(t, []int{200, 501}, resp.Status, name)
		default:
			require.Equal(t, 200, resp.Status, "%s: %s", name, resp)
			require.Len(t, resp.Text(), 10_000, name)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://example.com/socket", &websocket.DialOptions{HTTPClient: webtest.New(t, h).HTTPClient()})
	require.NoError(t, err, name)
	defer conn.CloseNow()
	require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte("hello")), name)
	_, text, err := conn.Read(ctx)
	require.NoError(t, err, name)
	require.Equal(t, "hello", string(text), name)
}

// Any two middlewares, in either order, leave everything as it was.
func TestPairsCompose(t *testing.T) {
	all := append(append(ours(), chis()...), gorillas()...)
	for i, a := range all {
		for j, b := range all {
			if i == j {
				continue
			}
			requireCapable(t, a, b)
		}
	}
}

// One middleware of each library, in all six orders.
func TestHousesCompose(t *testing.T) {
	for _, a := range ours() {
		for _, b := range chis() {
			for _, c := range gorillas() {
				for _, order := range [][]member{{a, b, c}, {a, c, b}, {b, a, c}, {b, c, a}, {c, a, b}, {c, b, a}} {
					requireCapable(t, order...)
				}
			}
		}
	}
}

// All middlewares at once, in each rotation of their order.
func TestEverythingComposes(t *testing.T) {
	all := append(append(ours(), chis()...), gorillas()...)
	for i := range all {
		t.Run(fmt.Sprint(i), func(t *testing.T) { requireCapable(t, append(all[i:len(all):len(all)], all[:i]...)...) })
	}
}
