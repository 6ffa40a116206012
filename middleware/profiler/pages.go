package profiler

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/driver"
	"github.com/google/pprof/profile"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/peer"
)

// file is a profile or a trace in the folder.
type file struct {
	Name  string
	Size  int64
	Time  time.Time
	Trace bool
	// Empty says that a profile has no samples, which pprof cannot draw.
	Empty bool
}

// list returns the files in the folder, the newest first.
func (h *handler) list() ([]file, error) {
	entries, err := os.ReadDir(h.Dir)
	if err != nil {
		return nil, err
	}
	var list []file
	for _, entry := range entries {
		info, err := entry.Info()
		kind := filepath.Ext(entry.Name())
		if err != nil || !info.Mode().IsRegular() || kind != ".prof" && kind != ".trace" {
			continue
		}
		list = append(list, file{Name: entry.Name(), Size: info.Size(), Time: info.ModTime(), Trace: kind == ".trace"})
	}
	slices.SortFunc(list, func(a, b file) int {
		if d := b.Time.Compare(a.Time); d != 0 {
			return d
		}
		return strings.Compare(b.Name, a.Name)
	})
	return list, nil
}

// pages serves the list of files and, below it, pprof's interface for each.
// They show internals of the program, so they answer only requests from this
// machine, to one of its own names. A web page whose host name was changed to
// point here has another name.
func (h *handler) pages() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A reverse proxy of this machine runs as another user.
		uid, known := peer.Of(r).User()
		if known && uid != os.Getuid() || !local(gateway.Received(r)) || !local(gateway.OriginOf(r)) || r.Header.Get("X-Forwarded-For") != "" {
			httperror.NotFound.ServeHTTP(w, r)
			return
		}
		name, page, _ := strings.Cut(strings.TrimPrefix(r.URL.Path+"/", h.Path), "/")
		switch {
		case name == "":
			h.index(w, r)
		case name != safe(name) || !h.has(name):
			httperror.NotFound.ServeHTTP(w, r)
		case strings.HasSuffix(name, ".trace") || strings.TrimSuffix(page, "/") == "download":
			w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
			http.ServeFile(w, r, filepath.Join(h.Dir, name))
		default:
			h.draw(w, r, name, "/"+strings.TrimSuffix(page, "/"))
		}
	})
}

func (h *handler) has(name string) bool {
	info, err := os.Stat(filepath.Join(h.Dir, name))
	return err == nil && info.Mode().IsRegular()
}

func local(o gateway.Origin) bool {
	return hosts.IsLocal(o.Host) && o.Client.Addr().Unmap().IsLoopback()
}

var indexPage = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Profiles</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; overflow-wrap: anywhere; }
td:nth-child(n+2) { white-space: nowrap; }
code { font-size: .9em; }
</style>
<main>
<h1>Profiles</h1>
{{if .Files}}
<table>
<tr><th>Request</th><th>Size</th><th>Written</th><th>File</th></tr>
{{range .Files}}<tr>
<td>{{if .Trace}}{{.Name}}{{else if .Empty}}{{.Name}}<br><small>no samples: it computed for less than 10 ms</small>{{else}}<a href="{{$.Base}}{{.Name}}/flamegraph">{{.Name}}</a>{{end}}</td>
<td>{{.Size}} B</td><td>{{.Time.Format "15:04:05"}}</td>
<td><a href="{{$.Base}}{{.Name}}/download">download</a></td>
</tr>{{end}}
</table>
<p>A profile opens in <code>go tool pprof</code> too, a trace in <code>go tool trace</code>.</p>
{{else}}
<p>None yet: make a request.</p>
{{end}}
</main>
</html>
`))

func (h *handler) index(w http.ResponseWriter, r *http.Request) {
	files, err := h.list()
	var page bytes.Buffer
	for i := range files {
		files[i].Empty = !files[i].Trace && h.empty(files[i].Name)
	}
	if err == nil {
		err = indexPage.Execute(&page, struct {
			Base  string
			Files []file
		}{gateway.RootPath(r) + h.Path, files})
	}
	if err != nil {
		httperror.Respond(w, r, fmt.Errorf("list profiles: %w", err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(page.Bytes()) // the client has gone, so there is no one to tell
}

// empty reports whether a profile has no samples. A profile that cannot be read
// is left to pprof, which says why.
func (h *handler) empty(name string) bool {
	f, err := os.Open(filepath.Join(h.Dir, name))
	if err != nil {
		return false
	}
	defer f.Close()
	p, err := profile.Parse(f)
	return err == nil && len(p.Sample) == 0
}

// tools are the commands that the pages of pprof's interface run, by page.
var tools = map[string]struct{ command, from string }{
	"/graph":  {"dot", "Graphviz"},
	"/source": {"objdump", "GNU binutils"},
	"/disasm": {"objdump", "GNU binutils"},
}

// draw sends a page of pprof's interface: "/flamegraph" is the flame graph.
func (h *handler) draw(w http.ResponseWriter, r *http.Request, name, page string) {
	if h.empty(name) {
		httperror.Respond(w, r, &httperror.Error{
			Code: httperror.NotFound, Description: "This profile has no samples: the request computed for less than 10 ms.",
		})
		return
	}
	if tool, ok := tools[page]; ok {
		if _, err := exec.LookPath(tool.command); err != nil {
			httperror.Respond(w, r, &httperror.Error{
				Code: httperror.NotFound, Description: fmt.Sprintf("This page needs the command %s of %s.", tool.command, tool.from), Err: err,
			})
			return
		}
	}
	path := filepath.Join(h.Dir, name)
	var pages map[string]http.Handler
	err := driver.PProf(&driver.Options{
		Flagset: newFlags(path),
		UI:      silent{},
		HTTPServer: func(args *driver.HTTPServerArgs) error {
			pages = args.Handlers
			return nil
		},
	})
	if err != nil {
		httperror.Respond(w, r, fmt.Errorf("read %s: %w", name, err))
		return
	}
	show := pages[page]
	if show == nil {
		httperror.NotFound.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	drawn := &buffered{ResponseWriter: w, status: http.StatusOK}
	show.ServeHTTP(drawn, r)
	body := drawn.Bytes()
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		body = hideDeadLinks(body)
	}
	w.WriteHeader(drawn.status)
	_, _ = w.Write(body) // the client has gone, so there is no one to tell
}

// buffered is a writer that keeps the status and the body.
type buffered struct {
	http.ResponseWriter
	bytes.Buffer
	status int
}

func (b *buffered) WriteHeader(status int)      { b.status = status }
func (b *buffered) Write(p []byte) (int, error) { return b.Buffer.Write(p) }

// hideDeadLinks hides the entries of the menu whose pages cannot be drawn here.
// The page for disassembly works only for a function, and no entry of the menu names one. Scripts
// of the page need the elements, so they are hidden and not removed.
func hideDeadLinks(page []byte) []byte {
	for name, tool := range tools {
		if _, err := exec.LookPath(tool.command); err != nil || name == "/disasm" {
			page = bytes.ReplaceAll(page, []byte(`href=".`+name+`"`), []byte(`hidden`))
		}
	}
	return page
}
