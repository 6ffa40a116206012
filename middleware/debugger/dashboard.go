package debugger

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/routelist"
	"github.com/zeugkit/zeug/middleware/debugger/internal/capture"
	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
	"github.com/zeugkit/zeug/middleware/debugger/internal/page"
	"github.com/zeugkit/zeug/middleware/debugger/internal/place"
)

// Dashboard is the settings of a page about the running program: its failures so far, the rules of
// its routers, its goroutines, its memory and its build. It corresponds to Werkzeug's console. It
// is shown to the clients that may see failures, after they have entered the PIN.
type Dashboard struct {
	// Path is the path of the dashboard, between slashes, such as "/.zeug/debugger/". Requests for
	// it, or for paths below it, do not reach the application if the debugger answers the client.
	// "" means no dashboard.
	Path string
	// Folder is a folder for the pages of the last ten failures, at most 10 MiB. The dashboard of a
	// later process with the same folder shows them too. It is made if it is missing, and must
	// belong to this user alone: the pages contain source and data. Default: failures are kept in
	// memory, until the process ends.
	Folder string
	// Process returns more facts about the process. Default: none.
	Process func() []Field
	// Requests returns the path of a list of requests, for a link. Default: none, as "".
	Requests func() string
}

// maxKept is how many failures are kept for the dashboard.
const maxKept = 10

// dashboard answers requests below the path.
type dashboard struct {
	settings *Debugger
	started  time.Time

	mu      sync.Mutex
	kept    []page.Page // the newest last
	unfiled []page.Page // pages that the archive does not have yet
	filing  bool
}

func newDashboard(settings *Debugger) *dashboard {
	if settings.Dashboard.Path == "" {
		return nil
	}
	return &dashboard{
		settings: settings, started: time.Now(),
	}
}

// keep keeps the page of a failure; its report no longer changes.
func (d *dashboard) keep(p page.Page) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = last(append(d.kept, p))
	if d.settings.Dashboard.Folder == "" {
		return
	}
	d.unfiled = last(append(d.unfiled, p))
	if !d.filing {
		d.filing = true
		go d.file()
	}
}

// file puts the kept pages into the archive, while requests are served. If many requests fail at
// once, it leaves out the pages that are no longer among the newest.
func (d *dashboard) file() {
	for {
		d.mu.Lock()
		if len(d.unfiled) == 0 {
			d.filing = false
			d.mu.Unlock()
			return
		}
		p := d.unfiled[0]
		d.unfiled = slices.Delete(d.unfiled, 0, 1)
		d.mu.Unlock()
		_ = archive{d.settings.Dashboard.Folder}.put(p) // a full disk must not affect the program
	}
}

// find returns a kept page. It is called under the lock.
func (d *dashboard) find(id string) (p page.Page, ok bool) {
	at := slices.IndexFunc(d.kept, func(p page.Page) bool { return p.ID == id })
	if at < 0 {
		return page.Page{}, false
	}
	return d.kept[at], true
}

// failures lists those that are kept, here and in the archive, the newest first.
func (d *dashboard) failures() []failureLine {
	var list []failureLine
	if folder := d.settings.Dashboard.Folder; folder != "" {
		list = archive{folder}.lines()
	}
	d.mu.Lock()
	for _, p := range d.kept {
		if !slices.ContainsFunc(list, func(f failureLine) bool { return f.ID == p.ID }) {
			list = append(list, lineOf(p))
		}
	}
	d.mu.Unlock()
	slices.SortStableFunc(list, func(a, b failureLine) int { return b.Time.Compare(a.Time) })
	return list[:min(len(list), maxKept)]
}

// takes reports whether a request is for the dashboard: it is below its path, and from a client
// that may read the dashboard or enter the PIN. Other requests go to the application.
func (d *dashboard) takes(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, d.settings.Dashboard.Path) && d.settings.Access(r) != Denied
}

func (d *dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if peer.Of(r).Supervised { // it has asked for the PIN
		d.answer(w, r)
		return
	}
	d.settings.PIN.Guard(http.HandlerFunc(d.answer)).ServeHTTP(w, r)
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
		kept, ok := d.find(name)
		d.mu.Unlock()
		folder := d.settings.Dashboard.Folder
		if !ok && folder != "" {
			if record, ok := (archive{folder}).get(name); ok {
				record.ServeHTTP(w, r)
				return
			}
		}
		if !ok {
			http.Error(w, "this failure is not kept any more: the last ten are", http.StatusNotFound)
			return
		}
		kept.Status = http.StatusOK
		kept.ServeHTTP(w, r)
	}
}

//go:embed dashboard.html
var dashboardHTML string

var dashboardTemplate = template.Must(template.New("dashboard").Funcs(dump.Functions).Funcs(page.Functions).Parse(dashboardHTML))

func (d *dashboard) overview(w http.ResponseWriter, r *http.Request) {
	view := overview{
		dashboard: d, Path: d.settings.Dashboard.Path, Now: time.Now(), Started: d.started,
		Routes: routelist.All(), Build: capture.BuildFacts(), Memory: memory(), Profiles: profiles(r),
	}
	if requests := d.settings.Dashboard.Requests; requests != nil {
		view.Requests = requests()
	}
	if process := d.settings.Dashboard.Process; process != nil {
		view.Process = process()
	}
	for _, dep := range place.Build().Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		view.Modules = append(view.Modules, Field{Name: dep.Path, Value: dep.Version})
	}
	view.goroutines()
	view.Failures = d.failures()
	view.Nonce = page.SetHeader(w.Header())
	if r.Method != http.MethodHead {
		_ = dashboardTemplate.Execute(w, view) // the client has gone
	}
}

// overview is the data of the page.
type overview struct {
	*dashboard
	Nonce, Path     string
	Now, Started    time.Time
	Failures        []failureLine
	Routes          []routelist.Route
	Goroutines      []Goroutine
	Running, More   int
	Cut             bool
	Memory, Process []Field
	Build, Modules  []Field
	Profiles        string
	Requests        string
}

// Module is the name of the program.
func (v overview) Module() string {
	if info := place.Build(); info.Path != "" && info.Path != "command-line-arguments" {
		return info.Path
	}
	return filepath.Base(os.Args[0])
}

// Uptime is how long the debugger has been running.
func (v overview) Uptime() string { return v.Now.Sub(v.Started).Round(time.Second).String() }

// Edit is the link that opens the place of a rule, "file:line", in the editor.
func (v overview) Edit(where string) template.URL {
	file, line := placeOf(where)
	if !filepath.IsAbs(capture.Locate(file)) {
		return ""
	}
	return page.Edit(v.settings.Editor, Frame{File: file, Line: line, Source: []SourceLine{{}}})
}

// Place is where a rule was written, in short form.
func (v overview) Place(where string) string {
	file, line := placeOf(where)
	return place.Short(file) + ":" + strconv.Itoa(line)
}

func placeOf(where string) (file string, line int) {
	at := strings.LastIndexByte(where, ':')
	if at < 0 {
		return where, 0
	}
	line, _ = strconv.Atoi(where[at+1:])
	return where[:at], line
}

// maxGoroutines limits how many bytes of all goroutines' stacks are read as
// text. The runtime stops the program while it writes them.
const maxGoroutines = 2 << 20

// goroutines lists goroutines with the same stack once, the most frequent first.
func (v *overview) goroutines() {
	v.Running = runtime.NumGoroutine()
	text := make([]byte, maxGoroutines)
	n := runtime.Stack(text, true)
	v.Cut = n == len(text)
	v.Goroutines, v.More = capture.Goroutines(string(text[:n]), v.settings.Hide)
	slices.SortStableFunc(v.Goroutines, func(a, b Goroutine) int { return b.Alike - a.Alike })
}

// memory returns the runtime's statistics about memory, without stopping the program.
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
		{Name: "heap in use", Value: size(number["/memory/classes/heap/objects:bytes"]) + " in " + strconv.FormatUint(number["/gc/heap/objects:objects"], 10) + " objects"},
		{Name: "next collection at", Value: size(number["/gc/heap/goal:bytes"]) + " (GOGC " + strconv.FormatUint(number["/gc/gogc:percent"], 10) + ")"},
		{Name: "of the system", Value: size(number["/memory/classes/total:bytes"]) + ", limit " + limit},
		{Name: "collections", Value: strconv.FormatUint(number["/gc/cycles/total:gc-cycles"], 10) + share},
		{Name: "processors", Value: strconv.FormatUint(number["/sched/gomaxprocs:threads"], 10) + " of " + strconv.Itoa(runtime.NumCPU())},
	}
}

// size is a number of bytes as people write it.
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

// pprofPath is the path that package net/http/pprof uses by itself.
const pprofPath = "/debug/pprof/"

// profiles is the path of package net/http/pprof, or "" if the program does not link it: the
// package registers itself with the default mux. Whether the application serves it is not known. A
// page that only looks at the program must not send requests to it.
func profiles(r *http.Request) string {
	probe := &http.Request{Method: http.MethodGet, Host: r.Host, URL: &url.URL{Path: pprofPath}}
	if _, pattern := http.DefaultServeMux.Handler(probe); strings.HasSuffix(pattern, pprofPath) {
		return pprofPath
	}
	return ""
}
