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

// traced asks a handler once and returns the span.
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
	for _, value := range list {
		require.NotContains(t, value, "token", "queries hold secrets")
	}
	require.Equal(t, codes.Unset, span.Status.Code, "a client's mistake is no error of the server")
}

func TestFailuresAreErrors(t *testing.T) {
	span := traced(t, tracing.Tracing{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, get("/"))
	require.Equal(t, codes.Error, span.Status.Code)
	require.Equal(t, "GET", span.Name)

	span = traced(t, tracing.Tracing{}, func(http.ResponseWriter, *http.Request) { panic("boom") }, get("/"))
	require.Equal(t, codes.Error, span.Status.Code)
	require.Equal(t, "exception", span.Events[0].Name)
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
