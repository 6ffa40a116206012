package tracing_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/middleware/tracing"
)

// traced sends one request to a handler and returns the span.
func traced(t *testing.T, settings tracing.Tracing, h http.HandlerFunc, r *http.Request) tracetest.SpanStub {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	settings.Provider = sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	settings.Propagator = propagation.TraceContext{}
	func() {
		defer func() { _ = recover() }()
		settings.Wrap(h).ServeHTTP(httptest.NewRecorder(), r)
	}()
	spans := exporter.GetSpans()
	require.Len(t, spans, 1)
	return spans[0]
}

func attributes(span tracetest.SpanStub) map[attribute.Key]string {
	list := map[attribute.Key]string{}
	for _, a := range span.Attributes {
		list[a.Key] = a.Value.String()
	}
	return list
}

func get(target string) *http.Request { return httptest.NewRequest("GET", target, nil) }

func TestASpanIsNamedByItsRule(t *testing.T) {
	span := traced(t, tracing.Tracing{}, func(w http.ResponseWriter, r *http.Request) {
		gateway.RouteOf(r).Pattern = "/users/<int:id>"
		require.True(t, trace.SpanFromContext(r.Context()).SpanContext().IsValid(), "the handler's work joins the trace")
		w.WriteHeader(http.StatusTeapot)
	}, get("/users/7?token=x"))
	require.Equal(t, "GET /users/<int:id>", span.Name)
	require.Equal(t, trace.SpanKindServer, span.SpanKind)
	list := attributes(span)
	require.Equal(t, "/users/<int:id>", list["http.route"])
	require.Equal(t, "418", list["http.response.status_code"])
	require.Equal(t, "/users/7", list["url.path"])
	require.Equal(t, "192.0.2.1", list["client.address"])
	require.Equal(t, "192.0.2.1", list["network.peer.address"])
	require.Equal(t, "1234", list["network.peer.port"])
	require.Equal(t, "token=REDACTED", list["url.query"], "queries hold secrets")
	require.NotContains(t, list, attribute.Key("error.type"))
	require.Equal(t, codes.Unset, span.Status.Code, "a client's mistake is not an error of the server")
}

func TestFailuresAreErrors(t *testing.T) {
	span := traced(t, tracing.Tracing{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, get("/"))
	require.Equal(t, codes.Error, span.Status.Code)
	require.Equal(t, "GET", span.Name)

	span = traced(t, tracing.Tracing{}, func(http.ResponseWriter, *http.Request) { panic("boom") }, get("/"))
	require.Equal(t, codes.Error, span.Status.Code)
	require.Len(t, span.Events, 1)
	require.Equal(t, "exception", span.Events[0].Name)
	require.Equal(t, "string", attributes(span)["error.type"])
}

// The semantic conventions for HTTP servers, case by case.
func TestConventions(t *testing.T) {
	type want = map[attribute.Key]string
	https := func(r *http.Request) {
		o := gateway.OriginOf(r)
		o.Scheme = "https"
		*r = *gateway.WithOrigin(r, o)
	}
	for _, c := range []struct {
		name, target, method string
		change               func(*http.Request)
		span                 string
		want                 want
	}{
		{"the port of the host", "http://a.example:8080/", "GET", nil, "GET", want{"server.address": "a.example", "server.port": "8080"}},
		{"the port of http", "http://a.example/", "GET", nil, "GET", want{"server.address": "a.example", "server.port": "80"}},
		{"the port of https", "http://a.example/", "GET", https, "GET", want{"server.port": "443", "url.scheme": "https"}},
		{"an IPv6 address", "http://[::1]:80/", "GET", nil, "GET", want{"server.address": "::1", "server.port": "80"}},
		{"an unknown method", "/", "BREW", nil, "HTTP", want{"http.request.method": "_OTHER", "http.request.method_original": "BREW"}},
		{"a query", "/?a=1&access_token=x&%70assword=y&b", "GET", nil, "GET", want{"url.query": "a=1&access_token=REDACTED&%70assword=REDACTED&b"}},
		{"HTTP/2", "/", "GET", func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 2, 0 }, "GET", want{"network.protocol.version": "2"}},
		{"a failure", "/", "GET", nil, "GET", want{"error.type": "500", "http.response.status_code": "500"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.target, nil)
			if c.change != nil {
				c.change(r)
			}
			span := traced(t, tracing.Tracing{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, r)
			require.Equal(t, c.span, span.Name)
			got := attributes(span)
			for name, value := range c.want {
				require.Equal(t, value, got[name], string(name))
			}
		})
	}
}

func TestTheTraceOfTheClient(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	r := get("/")
	r.Header.Set("Traceparent", parent)
	span := traced(t, tracing.Tracing{}, func(http.ResponseWriter, *http.Request) {}, r)
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", span.SpanContext.TraceID().String())

	span = traced(t, tracing.Tracing{Public: true}, func(http.ResponseWriter, *http.Request) {}, r)
	require.NotEqual(t, "0af7651916cd43dd8448eb211c80319c", span.SpanContext.TraceID().String())
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", span.Links[0].SpanContext.TraceID().String())
}

func TestPanicsGoOn(t *testing.T) {
	h := tracing.Tracing{}.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { h.ServeHTTP(httptest.NewRecorder(), get("/")) })
}
