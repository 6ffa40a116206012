// Package tracing is a middleware that makes a span of each request for
// OpenTelemetry, named after the routing rule that matched.
//
//	app = tracing.Tracing{}.Wrap(app)
//
// It needs only OpenTelemetry's API. The application chooses the tracer and the
// destination of spans, as for the rest of its code. The attributes are those
// of the semantic conventions for HTTP servers.
//
// It is a separate module: an application without tracing neither links nor
// downloads OpenTelemetry.
package tracing

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// Tracing is the settings of the middleware. The zero value uses the global
// tracer provider and propagator.
type Tracing struct {
	// Provider makes the tracer. Default: [otel.GetTracerProvider].
	Provider trace.TracerProvider
	// Propagator reads the client's span from the request's header. Default:
	// [otel.GetTextMapPropagator].
	Propagator propagation.TextMapPropagator
	// Public starts a new trace for each request, with a link to the client's
	// trace; use it for public servers.
	Public bool
	// Skip says which requests get no span.
	Skip func(*http.Request) bool
}

// Wrap returns next with a span around each request, in the request's context.
func (t Tracing) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t.Skip != nil && t.Skip(r) {
			next.ServeHTTP(w, r)
			return
		}
		// The global provider and propagator are read for each request: they
		// may be set after the application is made.
		provider, propagator := t.Provider, t.Propagator
		if provider == nil {
			provider = otel.GetTracerProvider()
		}
		if propagator == nil {
			propagator = otel.GetTextMapPropagator()
		}
		ctx := propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(request(r)...)}
		if t.Public {
			if remote := trace.SpanContextFromContext(ctx); remote.IsValid() {
				options = append(options, trace.WithLinks(trace.Link{SpanContext: remote}))
			}
			options = append(options, trace.WithNewRoot())
		}
		ctx, span := provider.Tracer("github.com/zeugkit/zeug/middleware/tracing").Start(ctx, spanMethod(r.Method), options...)
		w, rec := responsewriter.Record(w)
		traced, route := gateway.WithRoute(r.WithContext(ctx))
		panicked := true
		defer func() {
			if route.Pattern != "" {
				span.SetName(spanMethod(r.Method) + " " + route.Pattern)
				span.SetAttributes(attribute.String("http.route", route.Pattern))
			}
			if panicked {
				endPanicked(span, rec, recover()) // panics again
				return
			}
			status := rec.Sent()
			span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.Int64("http.response.body.size", rec.Bytes))
			if status >= 500 {
				span.SetAttributes(attribute.String("error.type", strconv.Itoa(status)))
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}()
		requestcopy.Serve(next, w, traced, r)
		panicked = false
	})
}

// endPanicked ends the span of a handler that did not return, and lets the panic continue. The span
// ends before the panic passes its End, because the SDK would then record the panic once more.
func endPanicked(span trace.Span, rec *responsewriter.Recorder, value any) {
	if value == nil {
		span.End()
		return // runtime.Goexit, which is not a panic
	}
	kind := "http.ErrAbortHandler"
	if value != http.ErrAbortHandler {
		kind = fmt.Sprintf("%T", value)
		span.RecordError(fmt.Errorf("panic: %v", value), trace.WithStackTrace(true))
	}
	span.SetAttributes(attribute.String("error.type", kind))
	span.SetStatus(codes.Error, "panic")
	if rec.Written() {
		span.SetAttributes(attribute.Int("http.response.status_code", rec.Sent()))
	}
	span.End()
	panic(value)
}

// request returns the attributes that are known before a request is served.
func request(r *http.Request) []attribute.KeyValue {
	o := gateway.OriginOf(r)
	list := []attribute.KeyValue{
		attribute.String("http.request.method", method(r.Method)),
		attribute.String("url.scheme", o.Scheme),
		attribute.String("url.path", o.RootPath+r.URL.EscapedPath()),
		attribute.String("network.protocol.version", version(r)),
	}
	if name, port, ok := hosts.Split(o.Host); ok && name != "" {
		list = append(list, attribute.String("server.address", strings.Trim(name, "[]")))
		if n, err := strconv.Atoi(port); err == nil {
			list = append(list, attribute.Int("server.port", n))
		} else if n, err := strconv.Atoi(hosts.DefaultPort(o.Scheme)); err == nil {
			list = append(list, attribute.Int("server.port", n))
		}
	}
	if r.URL.RawQuery != "" {
		list = append(list, attribute.String("url.query", redacted(r.URL.RawQuery)))
	}
	if method(r.Method) != r.Method {
		list = append(list, attribute.String("http.request.method_original", r.Method))
	}
	if o.Client.IsValid() {
		list = append(list, attribute.String("client.address", o.Client.Addr().String()))
	}
	if peer := gateway.Received(r).Client; peer.IsValid() {
		list = append(list, attribute.String("network.peer.address", peer.Addr().String()), attribute.Int("network.peer.port", int(peer.Port())))
	}
	if agent := r.UserAgent(); agent != "" {
		list = append(list, attribute.String("user_agent.original", agent))
	}
	return list
}

// version is "1.1", "2" or "3".
func version(r *http.Request) string {
	if r.ProtoMajor > 1 {
		return strconv.Itoa(r.ProtoMajor)
	}
	return fmt.Sprintf("%d.%d", r.ProtoMajor, r.ProtoMinor)
}

// secret matches names of query parameters whose values are credentials.
var secret = regexp.MustCompile(`(?i)pass|pwd|secret|token|auth|cred|session|sig|key|code|otp|^(pin|sid|jwt)$`)

// redacted returns a query with the values of credentials replaced, as the
// semantic conventions for url.query require.
func redacted(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, found := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if found && (err != nil || secret.MatchString(plain)) {
			parts[i] = name + "=REDACTED"
		}
	}
	return strings.Join(parts, "&")
}

// spanMethod returns the method for the name of a span: "HTTP" for unknown
// methods.
func spanMethod(m string) string {
	if m = method(m); m == "_OTHER" {
		return "HTTP"
	}
	return m
}

// method returns the method for an attribute: "_OTHER" for unknown methods.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return m
	}
	return "_OTHER"
}
