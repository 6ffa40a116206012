// Package metrics is a middleware that counts and times requests for
// Prometheus, labelled with the routing rule that matched, not with the path:
// the number of paths has no limit.
//
//	registry := prometheus.NewRegistry()
//	app = metrics.Metrics{Registerer: registry}.Wrap(app)
//	ops.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
//
// It is a separate module: an application without metrics neither links nor
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
// The metrics (the last two are histograms) are:
//
//	http_server_requests_in_flight
//	http_server_requests_total{method, rule, status}
//	http_server_request_duration_seconds{method, rule, status}
//	http_server_response_size_bytes{method, rule, status}
//
// rule is the text of the rule, "/users/<int:id>", and "" if none matched: a
// 404, or a handler outside of any router. A method that HTTP does not define
// counts as OTHER, so that clients cannot invent labels.
type Metrics struct {
	Registerer prometheus.Registerer
	// Namespace is put before the names, with an underscore.
	Namespace string
	// Buckets are the upper limits of the durations, in seconds. Default:
	// [prometheus.DefBuckets], from 5 ms to 10 s.
	Buckets []float64
	// Sizes are the upper limits of the sizes, in bytes. Default: 100 B to 100
	// MB, in powers of ten.
	Sizes []float64
	// Skip says which requests are not counted.
	Skip func(*http.Request) bool
}

// collectors are the metrics of one registry. Several middlewares share them.
type collectors struct {
	inFlight prometheus.Gauge
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	size     *prometheus.HistogramVec
}

// Wrap returns next with its requests counted and timed. It panics if another
// metric with one of the names is already registered.
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
				// The time for which a websocket was open is not the duration
				// of a response.
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

// shared registers a collector, or returns the one that is already registered.
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

// method returns the method as a label.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return m
	}
	return "OTHER"
}
