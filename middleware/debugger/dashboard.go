package debugger

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zeugkit/zeug/internal/routelist"
)

// Dashboard is the settings of a page about the program as it runs: the failures
// there were, the rules of its routers, its goroutines, its memory and its build.
// It stands where Werkzeug has its console. It is shown to whom failures are
// shown, after the PIN.
type Dashboard struct {
	// Path is where it is, between slashes, such as "/.zeug/debugger/": the
	// application does not get requests for what is there and below, of whom the
	// debugger answers. "" is no dashboard.
	Path string
	// Guarded reports whether somebody in front has asked for the PIN already, as
	// "zeug run" does. Default: nobody has.
	Guarded func() bool
	// Process has more facts of the process. Default: none.
	Process func() []Field
}

// maxKept is how many failures are kept for the dashboard.
const maxKept = 10

// dashboard answers below the path.
type dashboard struct {
	settings *Debugger
	app      http.Handler
	pin      func() (*PIN, error)
	started  time.Time

	mu   sync.Mutex
	kept []page // the newest last
}

func newDashboard(settings *Debugger, app http.Handler) *dashboard {
	if settings.Dashboard.Path == "" {
		return nil
	}
	return &dashboard{
		settings: settings, app: app, started: time.Now(),
		pin: sync.OnceValues(func() (*PIN, error) { return NewPIN(settings.Output) }),
	}
}

// keep keeps the page of a failure, whose report is not changed any more.
func (d *dashboard) keep(p page) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) >= maxKept {
		d.kept = slices.Delete(d.kept, 0, 1)
	}
	d.kept = append(d.kept, p)
}

// takes reports whether a request is the dashboard's: one below its path, of who
// may read it. For everybody else there is none.
func (d *dashboard) takes(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, d.settings.Dashboard.Path) && d.settings.MayRead(r)
}

func (d *dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if guarded := d.settings.Dashboard.Guarded; guarded != nil && guarded() {
		d.answer(w, r)
		return
	}
	pin, err := d.pin()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	pin.Guard(d.settings.Dashboard.Path, http.HandlerFunc(d.answer)).ServeHTTP(w, r)
}

func (d *dashboard) answer(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "ask by GET", http.StatusMethodNotAllowed)
		return
	}
	switch name := strings.TrimPrefix(r.URL.Path, d.settings.Dashboard.Path); name {
	case "":
		d.overview(w, r)
	default:
		d.mu.Lock()
		at := slices.IndexFunc(d.kept, func(p page) bool { return p.ID == name })
		var kept page
		if at >= 0 {
			kept = d.kept[at]
		}
		d.mu.Unlock()
		if at < 0 {
			http.Error(w, "this failure is not kept any more: the last ten are, until the process ends", http.StatusNotFound)
			return
		}
		kept.status = http.StatusOK
		kept.ServeHTTP(w, r)
	}
}

//go:embed dashboard.html
var dashboardHTML string

var dashboardTemplate = template.Must(template.New("dashboard").Funcs(functions).Parse(dashboardHTML))

func (d *dashboard) overview(w http.ResponseWriter, r *http.Request) {
	view := overview{
		dashboard: d, Path: d.settings.Dashboard.Path, Now: time.Now(), Started: d.started,
		Routes: routelist.All(), Build: buildFacts(), Memory: memory(), Profiles: d.profiles(r),
	}
	if process := d.settings.Dashboard.Process; process != nil {
		view.Process = process()
	}
	for _, dep := range build().Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		view.Modules = append(view.Modules, Field{dep.Path, dep.Version})
	}
	view.goroutines()
	d.mu.Lock()
	view.Failures = slices.Clone(d.kept)
	d.mu.Unlock()
	slices.Reverse(view.Failures)
	view.Nonce = own(w.Header())
	if r.Method != http.MethodHead {
		_ = dashboardTemplate.Execute(w, view) // the client has gone: there is nobody to tell
	}
}

// overview is what the page shows.
type overview struct {
	*dashboard
	Nonce, Path     string
	Now, Started    time.Time
	Failures        []page
	Routes          []routelist.Route
	Goroutines      []Goroutine
	Running, More   int
	Cut             bool
	Memory, Process []Field
	Build, Modules  []Field
	Profiles        string
}

// Module is the name of the program.
func (v overview) Module() string {
	if info := build(); info.Path != "" && info.Path != "command-line-arguments" {
		return info.Path
	}
	return filepath.Base(os.Args[0])
}

// Uptime is how long the debugger has been there.
func (v overview) Uptime() string { return v.Now.Sub(v.Started).Round(time.Second).String() }

// Edit is the link that opens the place of a rule, "file:line", in the editor.
func (v overview) Edit(where string) template.URL {
	file, line := placeOf(where)
	if !filepath.IsAbs(self().locate(file)) {
		return ""
	}
	return page{editor: v.settings.Editor}.edit(Frame{File: file, Line: line, Source: []SourceLine{{}}})
}

// Place is where a rule was written, shortly.
func (v overview) Place(where string) string {
	file, line := placeOf(where)
	return shortPath(file) + ":" + strconv.Itoa(line)
}

func placeOf(where string) (file string, line int) {
	at := strings.LastIndexByte(where, ':')
	if at < 0 {
		return where, 0
	}
	line, _ = strconv.Atoi(where[at+1:])
	return where[:at], line
}

// maxGoroutines is how much of the text of all goroutines' stacks is read, in
// bytes. The runtime stops the program while it writes them.
const maxGoroutines = 2 << 20

// goroutines lists those that have the same stack once, the most first.
func (v *overview) goroutines() {
	v.Running = runtime.NumGoroutine()
	text := make([]byte, maxGoroutines)
	n := runtime.Stack(text, true)
	v.Cut = n == len(text)
	list := parseTraceback(string(text[:n]))
	src := &sources{program: self(), hide: v.settings.Hide}
	for _, g := range list {
		for i, f := range g.Frames {
			g.Frames[i].Library, g.Frames[i].Hidden = src.isLibrary(f), hidden(src.hide, f.Package())
		}
	}
	v.Goroutines, v.More = grouped(list, maxOthers)
	slices.SortStableFunc(v.Goroutines, func(a, b Goroutine) int { return b.Alike - a.Alike })
}

// memory is what the runtime says of it, without stopping the program.
func memory() []Field {
	names := []string{
		"/memory/classes/heap/objects:bytes", "/gc/heap/goal:bytes", "/memory/classes/total:bytes", "/gc/gomemlimit:bytes",
		"/gc/heap/objects:objects", "/gc/cycles/total:gc-cycles", "/cpu/classes/gc/total:cpu-seconds", "/cpu/classes/total:cpu-seconds",
		"/gc/gogc:percent", "/sched/gomaxprocs:threads",
	}
	samples := make([]metrics.Sample, len(names))
	for i, name := range names {
		samples[i].Name = name
	}
	metrics.Read(samples)
	number := map[string]uint64{}
	seconds := map[string]float64{}
	for _, s := range samples {
		switch s.Value.Kind() {
		case metrics.KindUint64:
			number[s.Name] = s.Value.Uint64()
		case metrics.KindFloat64:
			seconds[s.Name] = s.Value.Float64()
		}
	}
	limit := "none"
	if n := number["/gc/gomemlimit:bytes"]; n < 1<<62 {
		limit = size(n)
	}
	gc, all := seconds["/cpu/classes/gc/total:cpu-seconds"], seconds["/cpu/classes/total:cpu-seconds"]
	share := ""
	if all > 0 {
		share = ", " + strconv.FormatFloat(100*gc/all, 'f', 1, 64) + " % of the processors' time"
	}
	return []Field{
		{"heap in use", size(number["/memory/classes/heap/objects:bytes"]) + " in " + strconv.FormatUint(number["/gc/heap/objects:objects"], 10) + " objects"},
		{"next collection at", size(number["/gc/heap/goal:bytes"]) + " (GOGC " + strconv.FormatUint(number["/gc/gogc:percent"], 10) + ")"},
		{"of the system", size(number["/memory/classes/total:bytes"]) + ", limit " + limit},
		{"collections", strconv.FormatUint(number["/gc/cycles/total:gc-cycles"], 10) + share},
		{"processors", strconv.FormatUint(number["/sched/gomaxprocs:threads"], 10) + " of " + strconv.Itoa(runtime.NumCPU())},
	}
}

// size is a number of bytes as one reads it.
func size(n uint64) string {
	value, unit := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < 1024 {
			break
		}
		value, unit = value/1024, next
	}
	if unit == "B" {
		return strconv.FormatUint(n, 10) + " B"
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + unit
}

// pprofPath is where package net/http/pprof is by its own rules.
const pprofPath = "/debug/pprof/"

// profiles is where the application has mounted net/http/pprof, or "". The
// application is asked only where that package is linked, which registers itself
// with the default mux.
func (d *dashboard) profiles(r *http.Request) (path string) {
	probe, err := http.NewRequestWithContext(r.Context(), http.MethodGet, pprofPath, nil)
	if err != nil {
		return ""
	}
	if _, pattern := http.DefaultServeMux.Handler(probe); !strings.HasSuffix(pattern, pprofPath) {
		return ""
	}
	defer func() {
		if recover() != nil {
			path = ""
		}
	}()
	probe.Host, probe.RemoteAddr, probe.TLS, probe.RequestURI = r.Host, r.RemoteAddr, r.TLS, pprofPath
	answer := probed{header: http.Header{}}
	d.app.ServeHTTP(&answer, probe)
	if answer.status == http.StatusOK && bytes.Contains(answer.body.Bytes(), []byte("goroutine")) {
		return pprofPath
	}
	return ""
}

// probed is an answer that nobody else sees.
type probed struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (p *probed) Header() http.Header { return p.header }

func (p *probed) WriteHeader(status int) {
	if p.status == 0 {
		p.status = status
	}
}

func (p *probed) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}
