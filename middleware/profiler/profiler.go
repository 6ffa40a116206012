// Package profiler is a middleware that finds out where requests spend their
// time (Werkzeug's ProfilerMiddleware).
//
//	profiler.Profiler{Dir: "profiles", Path: "/_profiler/"}.Wrap(app)
//
// Each request gets a CPU profile of its own goroutines, in a file that `go
// tool pprof` reads. A page at Path lists these files and shows the flame graph
// of each in pprof's own interface. With Slow, it writes no CPU profiles.
// Instead it writes an execution trace of the last seconds for each request
// that is too slow, which `go tool trace` reads.
//
// Use it in development, or for a short time: a process has only one CPU
// profile at a time, so while one request is profiled, the others are not. A
// profile has a sample for every 10 ms of computing; a request that computes
// for a shorter time may have none.
//
// It is a separate module: pprof's interface is more code than most
// applications want to link.
package profiler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/pprof/profile"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// Profiler is the settings of the middleware. Dir is needed.
type Profiler struct {
	// Dir is the folder of the files. It is created if it does not exist.
	Dir string
	// Filename returns the name of a request's file, without a folder. Default: [Filename].
	Filename func(Info) string
	// Slow writes an execution trace of each request that takes longer, instead
	// of a CPU profile of every request. 0 switches it off, and a negative
	// duration is an error.
	Slow time.Duration
	// Keep is how many files are kept; the oldest are removed. 0 means 100, a
	// negative number no limit.
	Keep int
	// Path is the path of the page, such as "/_profiler/". "" has none. The
	// page answers only requests from this machine.
	Path string
	// Skip says which requests are not profiled.
	Skip func(*http.Request) bool
	// Logger gets a record for each file. Default: [slog.Default].
	Logger *slog.Logger
}

// Info is the information from which a file's name is made.
type Info struct {
	Method string
	// Path is the request's path, and Rule is the routing rule that matched, or
	// "".
	Path, Rule string
	Status     int
	Elapsed    time.Duration
	// Time is when the request had been answered.
	Time time.Time
	// Trace says that the file is an execution trace.
	Trace bool
}

// Filename returns the name that Werkzeug would give the file: method, path
// with dots for slashes ("root" for "/"), milliseconds and the time in seconds,
// as in "GET.users.7.230ms.1763719200.prof". The name of a trace ends with
// ".trace".
func Filename(i Info) string {
	path := strings.ReplaceAll(strings.Trim(i.Path, "/"), "/", ".")
	if path == "" {
		path = "root"
	}
	kind := "prof"
	if i.Trace {
		kind = "trace"
	}
	return fmt.Sprintf("%s.%s.%dms.%d.%s", i.Method, path, i.Elapsed.Round(time.Millisecond).Milliseconds(), i.Time.Unix(), kind)
}

// Wrap returns next with its requests profiled. It panics without Dir, if Dir cannot be made, if
// Slow is negative or above an hour, and if Slow is set while another flight recorder runs in the
// process.
func (p Profiler) Wrap(next http.Handler) http.Handler {
	if p.Dir == "" {
		panic("profiler.Profiler: Dir is needed: the folder for the profiles")
	}
	if err := limits.Within(p.Slow, "profiler.Profiler: Slow", 0, time.Hour); err != nil {
		panic(err)
	}
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		panic(fmt.Errorf("profiler.Profiler: %w", err))
	}
	if p.Filename == nil {
		p.Filename = Filename
	}
	p.Keep = limits.Number(p.Keep, 100)
	if p.Logger == nil {
		p.Logger = slog.Default()
	}
	h := &handler{Profiler: p, next: next}
	if p.Slow > 0 {
		h.recorder = trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: max(2*p.Slow, 5*time.Second), MaxBytes: 16 << 20})
		if err := h.recorder.Start(); err != nil {
			panic(fmt.Errorf("profiler.Profiler: %w", err))
		}
	}
	if p.Path == "" {
		return h
	}
	h.Path = "/" + strings.Trim(p.Path, "/") + "/"
	pages := h.pages()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path+"/", h.Path) {
			pages.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

type handler struct {
	Profiler
	next     http.Handler
	recorder *trace.FlightRecorder // nil without Slow
	busy     sync.Mutex            // a process has one CPU profile at a time
	files    sync.Mutex            // guards the folder
	count    int64                 // the number of profiled requests, for their labels; guarded by busy
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.Skip != nil && h.Skip(r):
		h.next.ServeHTTP(w, r)
	case h.recorder != nil:
		h.traced(w, r)
	case !h.busy.TryLock():
		h.next.ServeHTTP(w, r)
	default:
		defer h.busy.Unlock()
		h.profiled(w, r)
	}
}

// label marks the samples of the request's goroutines, since a profile has the
// samples of the whole process.
const label = "zeug.request"

func (h *handler) profiled(w http.ResponseWriter, r *http.Request) {
	var samples bytes.Buffer
	if err := pprof.StartCPUProfile(&samples); err != nil {
		// Some other code profiles the process.
		h.Logger.WarnContext(r.Context(), "request not profiled", "err", err)
		h.next.ServeHTTP(w, r)
		return
	}
	h.count++
	id := strconv.FormatInt(h.count, 10)
	w, rec := responsewriter.Record(w)
	received := r
	r, route := gateway.WithRoute(r)
	start := time.Now()
	defer func() {
		pprof.StopCPUProfile()
		info := infoOf(r, rec, route, start)
		own, err := requestOnly(&samples, id)
		if err == nil {
			err = h.write(info, func(f *os.File) error { return own.Write(f) })
		}
		h.report(r.Context(), info, err)
	}()
	pprof.Do(r.Context(), pprof.Labels(label, id, "method", r.Method), func(ctx context.Context) {
		requestcopy.Serve(h.next, w, r.WithContext(ctx), received)
	})
}

// requestOnly reads a profile and keeps the samples with the label.
func requestOnly(samples *bytes.Buffer, id string) (*profile.Profile, error) {
	p, err := profile.Parse(samples)
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	p.FilterSamplesByTag(func(s *profile.Sample) bool {
		return len(s.Label[label]) == 1 && s.Label[label][0] == id
	}, nil)
	return p.Compact(), nil
}

func (h *handler) traced(w http.ResponseWriter, r *http.Request) {
	w, rec := responsewriter.Record(w)
	received := r
	r, route := gateway.WithRoute(r)
	start := time.Now()
	defer func() {
		info := infoOf(r, rec, route, start)
		if info.Elapsed < h.Slow {
			return
		}
		info.Trace = true
		err := h.write(info, func(f *os.File) error {
			_, err := h.recorder.WriteTo(f)
			return err
		})
		h.report(r.Context(), info, err)
	}()
	ctx, task := trace.NewTask(r.Context(), r.Method+" "+r.URL.Path)
	defer task.End()
	requestcopy.Serve(h.next, w, r.WithContext(ctx), received)
}

func infoOf(r *http.Request, rec *responsewriter.Recorder, route *gateway.Route, start time.Time) Info {
	return Info{
		Method: r.Method, Path: r.URL.Path, Rule: route.Pattern, Status: rec.Sent(),
		Elapsed: time.Since(start), Time: time.Now(),
	}
}

func (h *handler) report(ctx context.Context, info Info, err error) {
	if err != nil {
		h.Logger.WarnContext(ctx, "profile not written", "method", info.Method, "path", info.Path, "err", err)
	}
}

// write makes a request's file, and removes the oldest files if there are more than Keep.
func (h *handler) write(info Info, content func(*os.File) error) (err error) {
	h.files.Lock()
	defer h.files.Unlock()
	name := safe(h.Filename(info))
	f, name, err := create(h.Dir, name)
	if err != nil {
		return err
	}
	err = errors.Join(content(f), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	h.Logger.Info("profile written", "file", filepath.Join(h.Dir, name), "method", info.Method, "path", info.Path, "took", info.Elapsed)
	list, err := h.list()
	if err != nil {
		return err
	}
	for _, old := range list[min(len(list), h.Keep):] {
		err = errors.Join(err, os.Remove(filepath.Join(h.Dir, old.Name)))
	}
	return err
}

// create creates a file of that name, or of the first similar name that is free.
func create(dir, name string) (*os.File, string, error) {
	base, kind := strings.TrimSuffix(name, filepath.Ext(name)), filepath.Ext(name)
	for n := 1; ; n++ {
		try := name
		if n > 1 {
			try = fmt.Sprintf("%s-%d%s", base, n, kind)
		}
		f, err := os.OpenFile(filepath.Join(dir, try), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if !errors.Is(err, os.ErrExist) || n == 1000 {
			return f, try, err
		}
	}
}

// safe turns text that a client may have chosen into the name of a file.
func safe(name string) string {
	name = strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("._-~", c):
			return c
		}
		return '_'
	}, name)
	kind := filepath.Ext(name)
	if kind != ".prof" && kind != ".trace" {
		kind = ".prof"
	}
	base := strings.TrimLeft(strings.TrimSuffix(name, kind), ".")
	if len(base) > 150 {
		// The duration and the time are at the end, so the beginning is cut.
		base = base[:100] + "~" + base[len(base)-49:]
	}
	if base == "" {
		base = "request"
	}
	return base + kind
}
