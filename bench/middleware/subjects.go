package main

import (
	"bufio"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"
	chicors "github.com/go-chi/cors"
	"github.com/gorilla/handlers"

	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/compress"
)

// The application answers with a few bytes; the middleware takes the rest of the time.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header()["Content-Type"] = plain
	w.Write(greeting)
})

var (
	plain    = []string{"text/plain; charset=utf-8"}
	greeting = []byte("Hello, world!\n")
)

// sink is a writer that can do what net/http's can, at no cost.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header                          { return s.header }
func (s *sink) Write(p []byte) (int, error)                  { return len(p), nil }
func (s *sink) WriteString(p string) (int, error)            { return len(p), nil }
func (s *sink) WriteHeader(int)                              {}
func (s *sink) Flush()                                       {}
func (s *sink) ReadFrom(r io.Reader) (int64, error)          { return io.Copy(io.Discard, r) }
func (s *sink) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrNotSupported }

// subject asks h the same request over and over.
func subject(name, peer string, h http.Handler, target string) measure.Subject {
	r := httptest.NewRequest("GET", target, nil)
	r.RemoteAddr = "10.0.0.1:4711"
	r.Header.Set("X-Forwarded-For", "203.0.113.9, 198.51.100.7")
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	r.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
	r.Header.Set("Origin", "https://example.org")
	r.Header.Set("Referer", "https://example.com/from/here")
	s := &sink{http.Header{}}
	return measure.Subject{Case: name, Peer: peer, Run: func(n int) {
		for range n {
			clear(s.header)
			h.ServeHTTP(s, r)
		}
	}}
}

// Middlewares that each library has under the same name.
var (
	fixed       = middleware.ProxyFix{For: 1}.Wrap
	named       = middleware.RequestID{}.Wrap
	logged      = middleware.AccessLog{Combined: io.Discard}.Wrap
	recovered   = middleware.Recover{Logger: slogger}.Wrap
	concurrency = middleware.ConcurrencyLimit{}.Wrap
	timeout     = middleware.Timeout{Limit: time.Minute}.Wrap
	bodyLimit   = middleware.BodyLimit{Bytes: 1 << 20}.Wrap
	sharing     = middleware.CORS{Origins: []string{"https://example.org"}}.Wrap
	squeeze     = compress.Compress{}.Wrap

	chiClient  = chimw.ClientIPFromXFFTrustedProxies(1)
	chiSharing = chicors.Handler(chicors.Options{AllowedOrigins: []string{"https://example.org"}})
	chiHeaders = chi.Middlewares{
		chimw.SetHeader("X-Content-Type-Options", "nosniff"), chimw.SetHeader("Referrer-Policy", "strict-origin-when-cross-origin"),
		chimw.SetHeader("X-Frame-Options", "SAMEORIGIN"), chimw.SetHeader("Cross-Origin-Opener-Policy", "same-origin-allow-popups"),
	}

	slogger   = slog.New(slog.NewTextHandler(io.Discard, nil))
	chiLogger = chimw.RequestLogger(&chimw.DefaultLogFormatter{Logger: log.New(io.Discard, "", log.LstdFlags), NoColor: true})
	combined  = func(h http.Handler) http.Handler { return handlers.CombinedLoggingHandler(io.Discard, h) }
)

func subjects() []measure.Subject {
	var list []measure.Subject
	add := func(name, peer string, h http.Handler) {
		list = append(list, subject(name, peer, h, "http://example.com/7/hello"))
	}
	add("the application alone", "zeug", hello)

	add("client behind a proxy", "zeug", middleware.ProxyFix{For: 1}.Wrap(hello))
	add("client behind a proxy", "chi", chimw.ClientIPFromXFFTrustedProxies(1)(hello))
	add("client, scheme and prefix behind a proxy", "zeug", middleware.ProxyFix{For: 1, Proto: 1, Prefix: 1}.Wrap(hello))
	add("client, scheme and prefix behind a proxy", "gorilla", handlers.ProxyHeaders(hello))

	add("request ID", "zeug", middleware.RequestID{}.Wrap(hello))
	add("request ID", "chi", chimw.RequestID(hello))

	add("recover", "zeug", middleware.Recover{Logger: slogger}.Wrap(hello))
	add("recover", "chi", chimw.Recoverer(hello))
	add("recover", "gorilla", handlers.RecoveryHandler()(hello))

	add("access log, a line", "zeug", middleware.AccessLog{Combined: io.Discard}.Wrap(hello))
	add("access log, a line", "chi", chiLogger(hello))
	add("access log, a line", "gorilla", combined(hello))
	add("access log, a slog record", "zeug", middleware.AccessLog{Logger: slogger}.Wrap(hello))
	add("access log, a line of JSON", "zeug", middleware.AccessLog{JSON: io.Discard}.Wrap(hello))
	add("access log, a line of JSON", "slog", middleware.AccessLog{Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))}.Wrap(hello))

	mounts := map[string]http.Handler{}
	router, mux := chi.NewRouter(), http.NewServeMux()
	for i := range 10 {
		prefix := "/" + strconv.Itoa(i)
		mounts[prefix] = hello
		router.Mount(prefix, hello)
		mux.Handle(prefix+"/", http.StripPrefix(prefix, hello))
	}
	add("one of ten mounts", "zeug", middleware.Dispatcher{Mounts: mounts}.Wrap(http.NotFoundHandler()))
	add("one of ten mounts", "chi", router)
	add("one of ten mounts", "net/http", mux)

	add("limits: body, time, concurrency", "zeug", middleware.Chain(bodyLimit, timeout, concurrency)(hello))
	add("limits: body, time, concurrency", "chi", chi.Chain(chimw.RequestSize(1<<20), chimw.Timeout(time.Minute), chimw.Throttle(1000)).Handler(hello))

	add("security headers", "zeug", middleware.SecureHeaders{}.Wrap(hello))
	add("security headers", "chi", chi.Chain(chiHeaders...).Handler(hello))

	add("cross-origin resources", "zeug", sharing(hello))
	add("cross-origin resources", "chi", chiSharing(hello))
	add("cross-origin resources", "gorilla", handlers.CORS(handlers.AllowedOrigins([]string{"https://example.org"}))(hello))

	add("compression of a text too short", "zeug", squeeze(hello))
	add("compression of a text too short", "chi", chimw.Compress(5)(hello))

	add("a chain of four", "zeug", middleware.Chain(fixed, named, logged, recovered)(hello))
	add("a chain of four", "chi", chi.Chain(chiClient, chimw.RequestID, chiLogger, chimw.Recoverer).Handler(hello))
	add("a chain of four", "gorilla", handlers.ProxyHeaders(combined(handlers.RecoveryHandler()(hello))))

	add("a chain of ten", "zeug", middleware.Chain(
		fixed, named, logged, recovered, concurrency, timeout, bodyLimit, middleware.SecureHeaders{}.Wrap, sharing, squeeze,
	)(hello))
	ten := chi.Middlewares{chiClient, chimw.RequestID, chiLogger, chimw.Recoverer, chimw.Throttle(1000), chimw.Timeout(time.Minute), chimw.RequestSize(1 << 20)}
	ten = append(append(ten, chiHeaders...), chiSharing, chimw.Compress(5))
	add("a chain of ten", "chi", ten.Handler(hello))
	return list
}
