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

	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/handlers"

	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/middleware"
)

// The application answers with a few bytes; what is timed beyond that is the
// middleware's.
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
	r.Header.Set("Referer", "https://example.com/from/here")
	s := &sink{http.Header{}}
	return measure.Subject{Case: name, Peer: peer, Run: func(n int) {
		for range n {
			clear(s.header)
			h.ServeHTTP(s, r)
		}
	}}
}

// What each house calls by the same name.
var (
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

	add("a chain of four", "zeug", middleware.Chain(
		middleware.ProxyFix{For: 1}.Wrap, middleware.RequestID{}.Wrap,
		middleware.AccessLog{Combined: io.Discard}.Wrap, middleware.Recover{Logger: slogger}.Wrap,
	)(hello))
	add("a chain of four", "chi", chi.Chain(chimw.ClientIPFromXFFTrustedProxies(1), chimw.RequestID, chiLogger, chimw.Recoverer).Handler(hello))
	add("a chain of four", "gorilla", handlers.ProxyHeaders(combined(handlers.RecoveryHandler()(hello))))
	return list
}
