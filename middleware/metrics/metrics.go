// Package metrics is a middleware that counts and times requests for
// Prometheus, labelled by the routing rule that answered and not by the path,
// of which there is no end.
//
//	registry := prometheus.NewRegistry()
//	app = metrics.Metrics{Registerer: registry}.Wrap(app)
//	ops.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
//
// It is a module of its own: an application without metrics neither links nor
// downloads the client library.
package metrics

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// Metrics is the settings of the middleware. The zero value registers with
// [prometheus.DefaultRegisterer].
//
// The metrics, of which the last two are histograms:
//
//	http_server_requests_in_flight
//	http_server_requests_total{method, rule, status}
//	http_server_request_duration_seconds{method, rule, status}
//	http_server_response_size_bytes{method, rule, status}
//
// rule is the text of the rule, "/users/<int:id>", and "" where none matched:
// a 404, or a handler that no router chose. A method that is not one of HTTP's
// counts as OTHER, so that clients cannot make up labels.
type Metrics struct {
	Registerer prometheus.Registerer
	// Namespace stands before the names, with an underscore.
	Namespace string
	// Buckets are the upper limits of the durations, in seconds. Default:
	// [prometheus.DefBuckets], from 5 ms to 10 s.
	Buckets []float64
	// Sizes are the upper limits of the sizes, in bytes. Default: 100 B to
	// 100 MB by tens.
	Sizes []float64
	// Skip leaves a request out.
	Skip func(*http.Request) bool
}

// collectors are the metrics of one registry. Several middlewares share them.
type collectors struct {
	inFlight prometheus.Gauge
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	size     *prometheus.HistogramVec
}

// Wrap returns next, counted. It panics where a metric of one of the names is
// registered that is another one.
func (m Metrics) Wrap(next http.Handler) http.Handler {
	if m.Registerer == nil {
		m.Registerer = prometheus.DefaultRegisterer
	}
	if m.Buckets == nil {
		m.Buckets = prometheus.DefBuckets
	}
	if m.Sizes == nil {
		m.Sizes = prometheus.ExponentialBuckets(100, 10, 7)
	}
	c := m.register()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.Skip != nil && m.Skip(r) {
			next.ServeHTTP(w, r)
			return
		}
		start := time.Now()
		w, rec := responsewriter.Record(w)
		routed, route := gateway.WithRoute(r)
		c.inFlight.Inc()
		panicked := true
		defer func() {
			c.inFlight.Dec()
			status := rec.Sent()
			if panicked && !rec.Written() {
				status = http.StatusInternalServerError
			}
			labels := []string{method(r.Method), route.Pattern, strconv.Itoa(status)}
			c.requests.WithLabelValues(labels...).Inc()
			if rec.Hijacked {
				// The time that a websocket was open is not a response's duration.
				return
			}
			c.duration.WithLabelValues(labels...).Observe(time.Since(start).Seconds())
			c.size.WithLabelValues(labels...).Observe(float64(rec.Bytes))
		}()
		requestcopy.Serve(next, w, routed, r)
		panicked = false
	})
}

func (m Metrics) register() collectors {
	labels := []string{"method", "rule", "status"}
	name := func(s string) string { return prometheus.BuildFQName(m.Namespace, "http_server", s) }
	return collectors{
		inFlight: shared(m.Registerer, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: name("requests_in_flight"), Help: "Requests that are being served.",
		})),
		requests: shared(m.Registerer, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: name("requests_total"), Help: "Requests that were answered.",
		}, labels)),
		duration: shared(m.Registerer, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name("request_duration_seconds"), Help: "Time from a request to the end of its answer.", Buckets: m.Buckets,
		}, labels)),
		size: shared(m.Registerer, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name("response_size_bytes"), Help: "Size of the answers' bodies.", Buckets: m.Sizes,
		}, labels)),
	}
}

// shared registers a collector, or returns the one that is registered already.
func shared[C prometheus.Collector](r prometheus.Registerer, c C) C {
	err := r.Register(c)
	if err == nil {
		return c
	}
	var twice prometheus.AlreadyRegisteredError
	if errors.As(err, &twice) {
		if existing, ok := twice.ExistingCollector.(C); ok {
			return existing
		}
	}
	panic(fmt.Errorf("metrics.Metrics: %w", err))
}

// method is the method as a label.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return m
	}
	return "OTHER"
}
