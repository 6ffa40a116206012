package pep3333

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/serverlog"
)

// AppOf returns a handler as an App. If it is called with an Environ of
// [NewEnviron], the handler gets that request; any other Environ is turned into
// a request.
//
// Bytes that the handler writes become parts of the Body as they come. If the handler flushes, the
// part is sent. It runs in a goroutine of its own, which ends when its request's context does: when
// the body is over, or the client has gone.
func AppOf(h http.Handler) App {
	return func(environ Environ, start StartResponse) Body {
		r := environ.request()
		ctx, cancel := context.WithCancel(r.Context())
		p := &partWriter{header: http.Header{}, parts: make(chan []byte), ready: make(chan struct{}), ctx: ctx}
		failed := make(chan any, 1)
		go func() {
			defer close(p.parts)
			defer func() {
				if value := recover(); value != nil {
					failed <- value
				}
				p.begin(http.StatusOK)
				p.flush()
			}()
			c := r.WithContext(ctx)
			requestcopy.Serve(h, p, c, r)
		}()
		select {
		case <-p.ready:
		case <-ctx.Done():
			// The client has gone before the handler sent anything.
			cancel()
			panic(http.ErrAbortHandler)
		}
		select {
		case value := <-failed:
			cancel()
			panic(value)
		default:
		}
		var fields []Field
		for name, values := range p.sent {
			for _, value := range values {
				fields = append(fields, Field{name, value})
			}
		}
		start(strconv.Itoa(p.status)+" "+reason(p.status), fields)
		return func(yield func([]byte) bool) {
			defer cancel()
			for part := range p.parts {
				if !yield(part) {
					cancel()
					for range p.parts {
						continue // until the handler has noticed that
					}
					return
				}
			}
			select {
			case value := <-failed:
				panic(value)
			default:
			}
		}
	}
}

func reason(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "Unknown"
}

// partWriter divides the bytes that a handler writes into the parts of a Body.
type partWriter struct {
	header http.Header
	sent   http.Header // the header at the moment when the response began
	status int
	ready  chan struct{}
	held   bytes.Buffer
	parts  chan []byte
	ctx    context.Context
}

func (p *partWriter) Header() http.Header { return p.header }

func (p *partWriter) WriteHeader(status int) {
	if status >= 200 {
		p.begin(status)
	}
}

func (p *partWriter) begin(status int) {
	if p.status == 0 {
		p.status, p.sent = status, p.header.Clone()
		close(p.ready)
	}
}

// partSize is how many bytes are kept until they become a part.
const partSize = 16 << 10

func (p *partWriter) Write(b []byte) (int, error) {
	if p.status == 0 {
		if _, set := p.header["Content-Type"]; !set {
			p.header.Set("Content-Type", http.DetectContentType(b))
		}
		p.begin(http.StatusOK)
	}
	p.held.Write(b)
	if p.held.Len() >= partSize {
		return len(b), p.flush()
	}
	return len(b), p.ctx.Err()
}

func (p *partWriter) flush() error {
	if p.held.Len() == 0 {
		return nil
	}
	part := bytes.Clone(p.held.Bytes())
	p.held.Reset()
	select {
	case p.parts <- part:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

// FlushError sends the bytes kept so far as a part.
func (p *partWriter) FlushError() error {
	p.begin(http.StatusOK)
	return p.flush()
}

// Flush is FlushError for callers that ask for an [http.Flusher].
func (p *partWriter) Flush() { _ = p.FlushError() }

// request is the request that the variables describe.
func (e Environ) request() *http.Request {
	if r, ok := e["http.Request"].(*http.Request); ok && r != nil {
		return r
	}
	r := &http.Request{
		Method: e.String("REQUEST_METHOD"), Proto: e.String("SERVER_PROTOCOL"), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, URL: &url.URL{Path: e.String("PATH_INFO"), RawQuery: e.String("QUERY_STRING")}, Body: http.NoBody,
	}
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	r.RequestURI = r.URL.RequestURI()
	if body, ok := e["wsgi.input"].(io.Reader); ok {
		r.Body, r.ContentLength = io.NopCloser(body), -1
		if n, err := strconv.ParseInt(e.String("CONTENT_LENGTH"), 10, 64); err == nil && n >= 0 {
			r.Body, r.ContentLength = io.NopCloser(io.LimitReader(body, n)), n
		}
	}
	for name, value := range e {
		text, ok := value.(string)
		field, isField := strings.CutPrefix(name, "HTTP_")
		if name == "CONTENT_TYPE" {
			field, isField = name, text != ""
		}
		if ok && isField && field != "HOST" {
			r.Header.Set(strings.ReplaceAll(field, "_", "-"), text)
		}
	}
	o := gateway.Origin{Scheme: e.String("wsgi.url_scheme"), Host: e.String("HTTP_HOST"), RootPath: (&url.URL{Path: e.String("SCRIPT_NAME")}).EscapedPath()}
	if o.Host == "" {
		o.Host = e.String("SERVER_NAME")
		if port := e.String("SERVER_PORT"); port != "" && port != "80" && port != "443" {
			o.Host += ":" + port
		}
	}
	if addr, err := netip.ParseAddr(e.String("REMOTE_ADDR")); err == nil {
		o.Client = netip.AddrPortFrom(addr, 0)
	}
	return gateway.WithOrigin(r, o)
}

func decoded(path string) string {
	if text, err := url.PathUnescape(path); err == nil {
		return text
	}
	return path
}

// withoutFragment returns the decoded path and the query of a request's URL. A client should not
// send a fragment, but if it does, net/http leaves it in them.
func withoutFragment(u *url.URL) (path, query string) {
	if before, _, found := strings.Cut(u.RawPath, "#"); found {
		return decoded(before), "" // the question mark is in the fragment
	}
	query, _, _ = strings.Cut(u.RawQuery, "#")
	return u.Path, query
}

// errorLog is wsgi.errors: each line is a record of the default logger.
type errorLog struct{ r *http.Request }

func (l errorLog) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		serverlog.From(l.r.Context()).ErrorContext(l.r.Context(), string(bytes.TrimRight(line, "\r\n")))
	}
	return len(p), nil
}
