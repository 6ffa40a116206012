// Command static compares the static layers of Zeug and its peers as whole
// servers: requests per second and processor time per request, each server on
// one processor, wrk on the other.
//
//	GOWORK=off go run ./static
//	GOWORK=off go run ./static -peer zeug -peer nginx -only "1 KB"
//
// The processor time is that of the server's processes, user and system. It needs Linux, and of
// Debian wrk, util-linux, nginx, caddy, gunicorn and python3-werkzeug.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/zeugkit/zeug/bench/load"
	"github.com/zeugkit/zeug/bench/measure"
)

// question is a row of the table.
type question struct {
	name, path string
	header     http.Header
}

var questions = []question{
	{"1 KB", "/s/1k.css", nil},
	{"304", "/s/1k.css", http.Header{"If-None-Match": nil, "If-Modified-Since": nil}},
	{"200 bytes of 1 KB", "/s/1k.css", http.Header{"Range": {"bytes=100-299"}}},
	{"precompressed", "/s/8k.js", http.Header{"Accept-Encoding": {"gzip"}}},
	{"100 KB", "/s/100k.bin", nil},
	{"256 KB", "/s/256k.bin", nil},
	{"10 MB", "/s/10m.bin", nil},
	{"1 KB of 10 MB", "/s/10m.bin", http.Header{"Range": {"bytes=5000000-5001023"}}},
}

func main() {
	settings := measure.Flags()
	kind := flag.String("serve", "", "be one of the servers instead: zeug, bare, bare-fields, fileserver, fiber")
	served := flag.String("dir", ".", "with -serve: the directory to serve")
	addr := flag.String("addr", "127.0.0.1:8081", "with -serve: where to listen")
	memory := flag.Int64("memory", 0, "with -serve zeug: the bytes of memory for files")
	flag.Parse()
	if *kind != "" {
		log.Fatal(serve(*kind, *served, *addr, *memory))
	}
	load.Main(settings, append(tools, load.Wrk...), func(dir string) error {
		root := filepath.Join(dir, "files")
		makeFiles(root)
		list, err := subjects(root)
		settings.Report(os.Stdout, list)
		return err
	})
}

func subjects(root string) (list []measure.Subject, err error) {
	servers, err := peers(root)
	if err != nil {
		return nil, err
	}
	for _, q := range questions {
		row := load.Row{Path: q.path, Core: "1", Header: q.fields}
		if q.name == "10 MB" {
			row.Connections, row.Seconds = 8, 2 // with more connections no download would finish
		}
		for _, s := range servers {
			// Werkzeug's middleware ignores Range, and would send all of it.
			if q.name == "1 KB of 10 MB" && strings.HasPrefix(s.Name, "Werkzeug") {
				continue
			}
			list = append(list, s.Subject(q.name, s.Name, row))
		}
	}
	return list, nil
}

// makeFiles makes the files that are requested. Their last change is an hour ago.
func makeFiles(root string) {
	check(os.MkdirAll(root, 0o755))
	var text []byte
	for i := range 400 {
		text = fmt.Appendf(text, ".name%d { margin: 0 auto; color: #%06x }\n", i, i*7919%0xffffff)
	}
	noise := make([]byte, 10<<20)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	for name, content := range map[string][]byte{
		"1k.css": text[:1<<10], "8k.js": text[:8<<10], "100k.bin": noise[:100<<10], "256k.bin": noise[:256<<10], "10m.bin": noise,
	} {
		check(os.WriteFile(filepath.Join(root, name), content, 0o644))
	}
	check(exec.Command("gzip", "-k", "-9", filepath.Join(root, "8k.js")).Run())
	hour := time.Now().Add(-time.Hour)
	names, err := filepath.Glob(filepath.Join(root, "*"))
	check(err)
	for _, name := range names {
		check(os.Chtimes(name, hour, hour))
	}
}

// fields returns the header of the requests. Conditional fields have the validators that the server
// sent.
func (q question) fields(s *load.Server) (http.Header, error) {
	if q.name != "304" {
		return q.header, nil
	}
	resp, err := http.Get("http://" + s.Addr + q.path)
	if err != nil {
		return nil, err
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	header := http.Header{}
	if tag := resp.Header.Get("ETag"); tag != "" {
		header.Set("If-None-Match", tag)
	}
	if date := resp.Header.Get("Last-Modified"); date != "" {
		header.Set("If-Modified-Since", date)
	}
	if len(header) == 0 { // bare looks at neither
		header.Set("If-None-Match", `"5bdf6-1234567890abcdef-1"`)
		header.Set("If-Modified-Since", "Sun, 09 Sep 2001 01:46:40 GMT")
	}
	return header, nil
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
