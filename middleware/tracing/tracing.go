// Package tracing is a middleware that makes a span of each request for
// OpenTelemetry, named by the routing rule that answered.
//
//	app = tracing.Tracing{}.Wrap(app)
//
// It needs OpenTelemetry's API alone; which tracer there is, and where spans
// go, the application says as it does for all else. The attributes are those
// of the semantic conventions for HTTP servers.
//
// It is a module of its own: an application without tracing neither links nor
// downloads OpenTelemetry.
package tracing

import (
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// Tracing is the settings of the middleware. The zero value takes the global
// tracer provider and propagator.
type Tracing struct {
	// Provider makes the tracer. Default: [otel.GetTracerProvider].
	Provider trace.TracerProvider
	// Propagator reads the span that a client is in from the request's header.
	// Default: [otel.GetTextMapPropagator].
	Propagator propagation.TextMapPropagator
	// Public starts a new trace for each request, with a link to the one that
	// the client names: for servers that anybody may ask.
	Public bool
	// Skip leaves a request out.
	Skip func(*http.Request) bool
}

// Wrap returns next with a span around each request, in the request's context.
func (t Tracing) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t.Skip != nil && t.Skip(r) {
			next.ServeHTTP(w, r)
			return
		}
		// The global ones are asked for each time: they may be set later than
		// the application is made.
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
		ctx, span := provider.Tracer("github.com/zeugkit/zeug/middleware/tracing").Start(ctx, method(r.Method), options...)
		w, rec := responsewriter.Record(w)
		r, route := gateway.WithRoute(r.WithContext(ctx))
		panicked := true
		defer func() {
			defer span.End()
			if route.Pattern != "" {
				span.SetName(method(r.Method) + " " + route.Pattern)
				span.SetAttributes(attribute.String("http.route", route.Pattern))
			}
			if panicked {
				// Look, and let the panic go on.
				value := recover()
				if value == nil {
					return // runtime.Goexit, which is no panic
				}
				if value != http.ErrAbortHandler {
					span.RecordError(fmt.Errorf("panic: %v", value), trace.WithStackTrace(true))
				}
				span.SetStatus(codes.Error, "panic")
				if rec.Written() {
					span.SetAttributes(attribute.Int("http.response.status_code", rec.Sent()))
				}
				panic(value)
			}
			status := rec.Sent()
			span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.Int64("http.response.body.size", rec.Bytes))
			if status >= 500 {
				span.SetStatus(codes.Error, http.StatusText(status))
			}
		}()
		next.ServeHTTP(w, r)
		panicked = false
	})
}

// request is what is known of a request before it is served.
func request(r *http.Request) []attribute.KeyValue {
	o := gateway.OriginOf(r)
	list := []attribute.KeyValue{
		attribute.String("http.request.method", method(r.Method)),
		attribute.String("url.scheme", o.Scheme),
		attribute.String("url.path", o.RootPath+r.URL.EscapedPath()),
		attribute.String("server.address", o.Host),
		attribute.String("network.protocol.version", fmt.Sprintf("%d.%d", r.ProtoMajor, r.ProtoMinor)),
	}
	if method(r.Method) != r.Method {
		list = append(list, attribute.String("http.request.method_original", r.Method))
	}
	if o.Client.IsValid() {
		list = append(list, attribute.String("client.address", o.Client.Addr().String()))
	}
	if agent := r.UserAgent(); agent != "" {
		list = append(list, attribute.String("user_agent.original", agent))
	}
	return list
}

// method is the method as a span's name has it.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return m
	}
	return "_OTHER"
}
