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
func serve(kind, dir, addr string, maxFile int64) error {
	var h http.Handler
	switch kind {
	case "zeug":
		h = zeug(dir, maxFile)
	case "fileserver":
		h = fileServer(dir)
	case "bare":
		h = bare(dir)
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

func zeug(dir string, maxFile int64) http.Handler {
	return staticfiles.SharedData{
		MaxFile: maxFile, Exports: []staticfiles.Export{{Prefix: "/s", Dir: dir}},
	}.Wrap(http.NotFoundHandler())
}

func fileServer(dir string) http.Handler {
	return http.StripPrefix("/s", http.FileServer(http.Dir(dir)))
}

// bareAnswers reports whether the bare handler has an answer like the others'.
func bareAnswers(name string) bool { return name != "precompressed" }

// bare is the floor of net/http: it looks at the path alone and
// answers with the least fields that such an answer can have: its type
// and length, its range, or its tag. Small files are in memory, the large one is
// open, which is what sendfile wants.
func bare(dir string) http.Handler {
	small, err := os.ReadFile(filepath.Join(dir, "1k.css"))
	check(err)
	middle, err := os.ReadFile(filepath.Join(dir, "100k.bin"))
	check(err)
	css, binary := []string{"text/css; charset=utf-8"}, []string{"application/octet-stream"}
	smallLength, middleLength := []string{strconv.Itoa(len(small))}, []string{strconv.Itoa(len(middle))}
	contentRange := []string{"bytes 100-299/1024"}
	part := []string{"200"}
	tag := []string{`"5bdf6-1234567890abcdef-1"`}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		switch {
		case r.URL.Path == "/s/10m.bin":
			large, err := os.Open(filepath.Join(dir, "10m.bin"))
			check(err)
			defer large.Close()
			h["Content-Type"] = binary
			h["Content-Length"] = []string{strconv.Itoa(10 << 20)}
			io.CopyN(w, large, 10<<20)
		case r.URL.Path == "/s/100k.bin":
			h["Content-Type"] = binary
			h["Content-Length"] = middleLength
			w.Write(middle)
		case r.Header["If-None-Match"] != nil:
			h["Etag"] = tag
			w.WriteHeader(http.StatusNotModified)
		case r.Header["Range"] != nil:
			h["Content-Type"] = css
			h["Content-Length"] = part
			h["Content-Range"] = contentRange
			w.WriteHeader(http.StatusPartialContent)
			w.Write(small[100:300])
		default:
			h["Content-Type"] = css
			h["Content-Length"] = smallLength
			w.Write(small)
		}
	})
}
