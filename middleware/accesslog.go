package middleware

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/responsewriter"
	"github.com/zeugkit/zeug/internal/secret"
	"github.com/zeugkit/zeug/internal/serverlog"
)

// AccessLog writes a record for each request when it has been answered. No text that a client sends
// can forge or break a record. Values of the query that have names like passwords, keys, tokens and
// authorization codes are logged as "***", in the request and in its Referer.
//
// Put it inside a [ProxyFix], so that it names the client and not the proxy, and outside a
// [Recover], so that it sees the final status.
type AccessLog struct {
	// Logger gets records named "request" with the attributes client, method, host, uri, proto,
	// status, bytes, took, and if they exist: rule (the text of the rule that a router matched),
	// request_id, referer, user_agent, and panicked, client_left, hijacked. If nil, it is the
	// logger of the server, or [slog.Default].
	Logger *slog.Logger
	// Level returns the level of a record by its status; if nil, all are Info.
	Level func(status int) slog.Level
	// Combined gets lines in Apache's combined format, and then Logger is not
	// used. Each line is one Write, and there is never more than one Write at a
	// time.
	Combined io.Writer
	// JSON gets the records as lines of JSON, and then Logger is not used. The lines are those of
	// [slog.NewJSONHandler], made without allocating. Records below Info are left out. Each line is
	// one Write, and there is never more than one Write at a time.
	JSON io.Writer
	// Skip, if not nil, says which requests are not logged.
	Skip func(*http.Request) bool
}

// access holds the facts about an answered request.
type access struct {
	r        *http.Request
	rec      *responsewriter.Recorder
	own      responsewriter.Recorder // rec points here, unless an outer handler records already
	route    *gateway.Route
	start    time.Time
	panicked bool
}

// Wrap returns next with a record for each request.
func (l AccessLog) Wrap(next http.Handler) http.Handler {
	write := l.log
	switch {
	case l.Combined != nil:
		write = (&combined{out: l.Combined}).log
	case l.JSON != nil:
		write = (&jsonLines{out: l.JSON, level: l.Level}).log
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.Skip != nil && l.Skip(r) {
			next.ServeHTTP(w, r)
			return
		}
		a := &access{start: time.Now(), panicked: true}
		w, a.rec = responsewriter.RecordIn(&a.own, w)
		c := r
		if l.Combined == nil {
			c, a.route = gateway.WithRoute(r)
		}
		a.r = c
		defer write(a)
		requestcopy.Serve(next, w, c, r)
		a.panicked = false
	})
}

// status is what the client got. If no inner handler answered a panic, the client got a 500 from an
// outer one, or the connection was cut.
func (a *access) status() int {
	switch {
	case a.rec.Written() || !a.panicked:
		return a.rec.Sent()
	case a.left():
		return statusClientClosedRequest
	}
	return http.StatusInternalServerError
}

// statusClientClosedRequest is nginx's code for a client that left before the response began.
const statusClientClosedRequest = 499

// left reports whether the handler gave up because the client had left, which is not a failure.
// Handlers then panic with [http.ErrAbortHandler].
func (a *access) left() bool {
	return a.panicked && errors.Is(a.r.Context().Err(), context.Canceled)
}

// bytes is the size of the body that was sent; a response to HEAD has no body.
func (a *access) bytes() int64 {
	if a.r.Method == http.MethodHead {
		return 0
	}
	return a.rec.Bytes
}

// client is the address of the client, without its port.
func (a *access) client() string {
	if client := gateway.OriginOf(a.r).Client; client.IsValid() {
		return client.Addr().String()
	}
	return a.r.RemoteAddr
}

// id is the request's ID, "" if it has none.
func (a *access) id() string {
	if id := RequestIDOf(a.r.Context()); id != "" {
		return id
	}
	return a.rec.Header().Get("X-Request-Id") // of an inner RequestID
}

func (l *AccessLog) log(a *access) {
	logger, level, status, ctx := l.Logger, slog.LevelInfo, a.status(), a.r.Context()
	if logger == nil {
		logger = serverlog.From(ctx)
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
		slog.String("uri", secret.URI(a.r.RequestURI)),
		slog.String("proto", a.r.Proto),
		slog.Int("status", status),
		slog.Int64("bytes", a.bytes()),
		slog.Duration("took", time.Since(a.start)),
	)
	for _, optional := range [...]struct{ name, text string }{
		{"rule", a.route.Pattern}, {"request_id", a.id()}, {"referer", secret.URI(a.r.Referer())}, {"user_agent", a.r.UserAgent()},
	} {
		if optional.text != "" {
			attrs = append(attrs, slog.String(optional.name, optional.text))
		}
	}
	switch {
	case a.left():
		attrs = append(attrs, slog.Bool("client_left", true))
	case a.panicked:
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
		tellFailure(a.r.Context(), err)
	}
	c.failing = err != nil
}
