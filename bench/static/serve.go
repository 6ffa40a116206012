package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gofiber/fiber/v3"
	fiberstatic "github.com/gofiber/fiber/v3/middleware/static"

	"github.com/zeugkit/zeug/staticfiles"
)

// serve serves dir at /s/ with one of the peers that are written in Go.
func serve(kind, dir, addr string, memory int64) error {
	var h http.Handler
	switch kind {
	case "zeug":
		h = zeug(dir, memory)
	case "fileserver":
		h = fileServer(dir)
	case "bare":
		h = bare(dir, false)
	case "bare-fields":
		h = bare(dir, true)
	case "fiber":
		app := fiber.New()
		// A cached gzip sibling would have fiber's own suffix.
		app.Use("/s", fiberstatic.New(dir, fiberstatic.Config{ByteRange: true, Compress: true}))
		return app.Listen(addr, fiber.ListenConfig{DisableStartupMessage: true})
	default:
		return fmt.Errorf("no peer %q", kind)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return http.Serve(l, h)
}

func zeug(dir string, memory int64) http.Handler {
	return staticfiles.SharedData{
		Memory: memory, Exports: []staticfiles.Export{{Prefix: "/s", Dir: dir}},
	}.Wrap(http.NotFoundHandler())
}

func fileServer(dir string) http.Handler {
	return http.StripPrefix("/s", http.FileServer(http.Dir(dir)))
}

// bare is the floor of net/http: it looks at the path alone and answers with the least fields that
// such an answer can have: its type and length, its range, or its tag. With full set it has the
// fields of Zeug's responses, so its time is the least that Zeug can take. Small files are in
// memory. A part of the large one is read from a file that stays open, and all of it is sent by
// sendfile from one that is opened for the request.
func bare(dir string, full bool) http.Handler {
	content := make(map[string][]byte)
	lengths := make(map[string][]string)
	for _, name := range []string{"1k.css", "8k.js.gz", "100k.bin", "256k.bin"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		check(err)
		content["/s/"+name], lengths["/s/"+name] = b, []string{strconv.Itoa(len(b))}
	}
	css, script, binary := []string{"text/css; charset=utf-8"}, []string{"text/javascript; charset=utf-8"}, []string{"application/octet-stream"}
	contentRange, largeRange := []string{"bytes 100-299/1024"}, []string{"bytes 5000000-5001023/10485760"}
	part, largePart := []string{"200"}, []string{"1024"}
	gzip, vary := []string{"gzip"}, []string{"Accept-Encoding"}
	stayingOpen, err := os.Open(filepath.Join(dir, "10m.bin"))
	check(err)
	tag := []string{`"5bdf6-1234567890abcdef-1"`}
	date, control, accept, nosniff := []string{"Sun, 09 Sep 2001 01:46:40 GMT"}, []string{"no-cache"}, []string{"bytes"}, []string{"nosniff"}
	rest := func(h http.Header) {
		if full {
			h["Etag"], h["Last-Modified"], h["Cache-Control"], h["X-Content-Type-Options"] = tag, date, control, nosniff
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		path := r.URL.Path
		switch {
		case path == "/s/10m.bin" && r.Header["Range"] != nil:
			var b [1 << 10]byte
			_, err := stayingOpen.ReadAt(b[:], 5000000)
			check(err)
			rest(h)
			h["Content-Type"] = binary
			h["Content-Length"] = largePart
			h["Content-Range"] = largeRange
			w.WriteHeader(http.StatusPartialContent)
			w.Write(b[:])
		case path == "/s/8k.js":
			path += ".gz"
			rest(h)
			h["Content-Type"] = script
			h["Content-Encoding"] = gzip
			h["Content-Length"] = lengths[path]
			if full {
				h["Vary"] = vary
			}
			w.Write(content[path])
		case path == "/s/10m.bin":
			large, err := os.Open(filepath.Join(dir, "10m.bin"))
			check(err)
			defer large.Close()
			rest(h)
			h["Content-Type"] = binary
			h["Content-Length"] = []string{strconv.Itoa(10 << 20)}
			io.CopyN(w, large, 10<<20)
		case r.Header["If-None-Match"] != nil:
			h["Etag"] = tag
			if full {
				h["Cache-Control"] = control
			}
			w.WriteHeader(http.StatusNotModified)
		case r.Header["Range"] != nil:
			rest(h)
			h["Content-Type"] = css
			h["Content-Length"] = part
			h["Content-Range"] = contentRange
			w.WriteHeader(http.StatusPartialContent)
			w.Write(content[path][100:300])
		default:
			rest(h)
			if full {
				h["Accept-Ranges"] = accept
			}
			h["Content-Type"] = binary
			if path == "/s/1k.css" {
				h["Content-Type"] = css
			}
			h["Content-Length"] = lengths[path]
			w.Write(content[path])
		}
	})
}
