package middleware

import (
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// AccessLog writes a record for each request when it has been answered. Nothing
// a client sends can forge a record or break one.
//
// Put it inside of a [ProxyFix], so that it names the client and not the proxy,
// and outside of a [Recover], so that it sees what was answered.
type AccessLog struct {
	// Logger gets records named "request" with the attributes client, method,
	// host, uri, proto, status, bytes, took, and where there are such: rule (the
	// text of the rule that a router matched), request_id, referer, user_agent,
	// and panicked, hijacked. It is [slog.Default] if nil.
	Logger *slog.Logger
	// Level is the level of a record by its status; all are Info if nil.
	Level func(status int) slog.Level
	// Combined gets lines in Apache's combined format, in place of Logger. A
	// line is one Write, never two at once.
	Combined io.Writer
	// Skip says which requests are not logged, if not nil.
	Skip func(*http.Request) bool
}

// access is what is known when a request has been answered.
type access struct {
	r        *http.Request
	rec      *responsewriter.Recorder
	route    *gateway.Route
	start    time.Time
	panicked bool
}

// Wrap returns next with a record for each request.
func (l AccessLog) Wrap(next http.Handler) http.Handler {
	write := l.log
	if l.Combined != nil {
		write = (&combined{out: l.Combined}).log
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.Skip != nil && l.Skip(r) {
			next.ServeHTTP(w, r)
			return
		}
		a := &access{start: time.Now(), panicked: true}
		w, a.rec = responsewriter.Record(w)
		if l.Combined == nil {
			r, a.route = gateway.WithRoute(r)
		}
		a.r = r
		defer write(a)
		next.ServeHTTP(w, r)
		a.panicked = false
	})
}

// status is what the client got. A panic that nobody inside answered is a 500
// of somebody outside, or a connection that was cut.
func (a *access) status() int {
	if a.panicked && !a.rec.Written() {
		return http.StatusInternalServerError
	}
	return a.rec.Sent()
}

// bytes is the size of the body that was sent: that of HEAD has none.
func (a *access) bytes() int64 {
	if a.r.Method == http.MethodHead {
		return 0
	}
	return a.rec.Bytes
}

// client is the address that asked, without its port.
func (a *access) client() string {
	if client := gateway.OriginOf(a.r).Client; client.IsValid() {
		return client.Addr().String()
	}
	return a.r.RemoteAddr
}

func (l *AccessLog) log(a *access) {
	logger, level, status, ctx := l.Logger, slog.LevelInfo, a.status(), a.r.Context()
	if logger == nil {
		logger = slog.Default()
	}
	if l.Level != nil {
		level = l.Level(status)
	}
	if !logger.Enabled(ctx, level) {
		return
	}
	var room [14]slog.Attr
	attrs := append(room[:0],
		slog.String("client", a.client()),
		slog.String("method", a.r.Method),
		slog.String("host", a.r.Host),
		slog.String("uri", a.r.RequestURI),
		slog.String("proto", a.r.Proto),
		slog.Int("status", status),
		slog.Int64("bytes", a.bytes()),
		slog.Duration("took", time.Since(a.start)),
	)
	id := RequestIDOf(ctx)
	if id == "" { // a RequestID inside
		id = a.rec.Header().Get("X-Request-Id")
	}
	for _, optional := range [...]struct{ name, text string }{
		{"rule", a.route.Pattern}, {"request_id", id}, {"referer", a.r.Referer()}, {"user_agent", a.r.UserAgent()},
	} {
		if optional.text != "" {
			attrs = append(attrs, slog.String(optional.name, optional.text))
		}
	}
	if a.panicked {
		attrs = append(attrs, slog.Bool("panicked", true))
	}
	if a.rec.Hijacked {
		attrs = append(attrs, slog.Bool("hijacked", true))
	}
	logger.LogAttrs(ctx, level, "request", attrs...)
}

// combined writes lines in Apache's combined format.
type combined struct {
	out io.Writer

	mu      sync.Mutex
	line    []byte
	second  int64
	stamp   []byte // of that second
	failing bool
}

func (c *combined) log(a *access) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if second := a.start.Unix(); second != c.second || c.stamp == nil {
		c.second, c.stamp = second, a.start.AppendFormat(c.stamp[:0], "[02/Jan/2006:15:04:05 -0700]")
	}
	c.line = appendCombined(c.line[:0], a, c.stamp)
	_, err := c.out.Write(c.line)
	if err != nil && !c.failing {
		slog.ErrorContext(a.r.Context(), "access log cannot be written", "err", err)
	}
	c.failing = err != nil
}
