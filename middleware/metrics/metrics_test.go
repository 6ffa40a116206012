package metrics_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/metrics"
	"github.com/zeugkit/zeug/routing"
)

// app is an application with a routing map.
func app(t *testing.T) http.Handler {
	t.Helper()
	urls := routing.MustMap(
		routing.Rule[http.HandlerFunc]{Path: "/users/<int:id>", Endpoint: "user", Methods: []string{"GET"}, Target: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "user") }},
		routing.Rule[http.HandlerFunc]{Path: "/panic", Endpoint: "panic", Target: func(http.ResponseWriter, *http.Request) { panic("x") }},
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		match, err := urls.Bind(r).Match()
		if err != nil {
			http.NotFound(w, r)
			return
		}
		match.Target(w, r)
	})
}

func ask(h http.Handler, method, target string) {
	defer func() { _ = recover() }()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, target, nil))
}

func TestRequestsAreCountedByRule(t *testing.T) {
	registry := prometheus.NewRegistry()
	h := metrics.Metrics{Registerer: registry}.Wrap(app(t))
	for _, target := range []string{"/users/1", "/users/2", "/users/x", "/panic"} {
		ask(h, "GET", target)
	}
	ask(h, "BREW", "/nowhere")
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP http_server_requests_total Requests that were answered.
# TYPE http_server_requests_total counter
http_server_requests_total{method="GET",rule="",status="404"} 1
http_server_requests_total{method="GET",rule="/panic",status="500"} 1
http_server_requests_total{method="GET",rule="/users/<int:id>",status="200"} 2
http_server_requests_total{method="OTHER",rule="",status="404"} 1
# HELP http_server_requests_in_flight Requests that are being served.
# TYPE http_server_requests_in_flight gauge
http_server_requests_in_flight 0
`), "http_server_requests_total", "http_server_requests_in_flight"))
	n, err := testutil.GatherAndCount(registry, "http_server_request_duration_seconds")
	require.NoError(t, err)
	require.Equal(t, 4, n)
}

func TestTwoMiddlewaresShareARegistry(t *testing.T) {
	registry := prometheus.NewRegistry()
	a, b := metrics.Metrics{Registerer: registry, Namespace: "shop"}.Wrap(app(t)), metrics.Metrics{Registerer: registry, Namespace: "shop"}.Wrap(app(t))
	ask(a, "GET", "/users/1")
	ask(b, "GET", "/users/1")
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP shop_http_server_requests_total Requests that were answered.
# TYPE shop_http_server_requests_total counter
shop_http_server_requests_total{method="GET",rule="/users/<int:id>",status="200"} 2
`), "shop_http_server_requests_total"))
}

func TestAnotherMetricOfTheNameIsRefused(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "http_server_requests_in_flight", Help: "x"}))
	require.Panics(t, func() { metrics.Metrics{Registerer: registry}.Wrap(app(t)) })
}

func TestSkip(t *testing.T) {
	registry := prometheus.NewRegistry()
	h := metrics.Metrics{Registerer: registry, Skip: func(r *http.Request) bool { return r.URL.Path == "/users/1" }}.Wrap(app(t))
	ask(h, "GET", "/users/1")
	n, err := testutil.GatherAndCount(registry, "http_server_requests_total")
	require.NoError(t, err)
	require.Zero(t, n)
}

func BenchmarkMetrics(b *testing.B) {
	h := metrics.Metrics{Registerer: prometheus.NewRegistry()}.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}
