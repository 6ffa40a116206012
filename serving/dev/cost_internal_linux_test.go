package dev

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"

	"github.com/zeugkit/zeug/internal/devtools"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/timeline"
)

// BenchmarkRecorded measures the processor time (cpu-ns/op) for a request that is recorded, in its
// own goroutine and in the one that reports to the supervisor. Unlike ns/op it does not depend on
// what else is running.
func BenchmarkRecorded(b *testing.B) {
	for name, view := range map[string]http.HandlerFunc{
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"five marks": func(_ http.ResponseWriter, r *http.Request) {
			for range 5 {
				timeline.Start(r.Context(), "sql", "SELECT 1").End()
			}
		},
		"log record": func(_ http.ResponseWriter, r *http.Request) { slog.InfoContext(r.Context(), "paid", "amount", 7) },
	} {
		b.Run(name, func(b *testing.B) {
			restoreDefault(b)
			slog.SetDefault(slog.New(slog.DiscardHandler))
			ours, theirs := net.Pipe()
			conn := supervise.NewConn(ours)
			b.Cleanup(func() { _ = errors.Join(conn.Close(), theirs.Close()) })
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			app := (&server{devtools.Server{Keeper: func() *supervise.Conn { return conn }}}).tellFacts(view)
			w, r := httptest.NewRecorder(), request(b)
			b.ReportAllocs()
			before := processorTime(b)
			for b.Loop() {
				app.ServeHTTP(w, r)
			}
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processorTime is how many nanoseconds of processor time this process has
// used.
func processorTime(b *testing.B) int64 {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
