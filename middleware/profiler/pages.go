package profiler

import (
	"bytes"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/driver"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
)

// file is a profile or a trace in the folder.
type file struct {
	Name  string
	Size  int64
	Time  time.Time
	Trace bool
}

// list is what is in the folder, the newest first.
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
		list = append(list, file{entry.Name(), info.Size(), info.ModTime(), kind == ".trace"})
	}
	slices.SortFunc(list, func(a, b file) int {
		if d := b.Time.Compare(a.Time); d != 0 {
			return d
		}
		return strings.Compare(b.Name, a.Name)
	})
	return list, nil
}

// pages is the list of files and, below it, pprof's interface for each. They
// show the program's inside, and so answer this machine alone, by one of its
// own names: a page of the web that has its host name point here has another.
func (h *handler) pages() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !local(gateway.Received(r)) || !local(gateway.OriginOf(r)) || r.Header.Get("X-Forwarded-For") != "" {
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
	host := o.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	addr, err := netip.ParseAddr(host)
	named := host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
	return named && o.Client.Addr().Unmap().IsLoopback()
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
<h1>Profiles</h1>
{{if .Files}}
<table>
<tr><th>Request</th><th>Size</th><th>Written</th><th></th></tr>
{{range .Files}}<tr>
<td>{{if .Trace}}{{.Name}}{{else}}<a href="{{$.Base}}{{.Name}}/flamegraph">{{.Name}}</a>{{end}}</td>
<td>{{.Size}} B</td><td>{{.Time.Format "15:04:05"}}</td>
<td><a href="{{$.Base}}{{.Name}}/download">download</a></td>
</tr>{{end}}
</table>
<p>A profile opens in <code>go tool pprof</code> too, a trace in <code>go tool trace</code>.</p>
{{else}}
<p>None yet: make a request.</p>
{{end}}
</html>
`))

func (h *handler) index(w http.ResponseWriter, r *http.Request) {
	files, err := h.list()
	var page bytes.Buffer
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
	_, _ = w.Write(page.Bytes()) // the client has gone: there is nobody to tell
}

// draw answers with a page of pprof's interface: "/" is its graph, "/flamegraph"
// the flame graph.
func (h *handler) draw(w http.ResponseWriter, r *http.Request, name, page string) {
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
	show.ServeHTTP(w, r)
}
