package main

import (
	"fmt"
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
func bareAnswers(name string) bool { return name == "1 KB" || name == "304" || name == "range" }

// bare answers with the bytes of one file whatever is asked for, and with the
// least fields that such an answer can have: its type and length, its range, or
// its tag.
func bare(dir string) http.Handler {
	body, err := os.ReadFile(filepath.Join(dir, "1k.css"))
	check(err)
	contentType := []string{"text/css; charset=utf-8"}
	length := []string{strconv.Itoa(len(body))}
	contentRange := []string{"bytes 100-299/1024"}
	part := []string{"200"}
	tag := []string{`"5bdf6-1234567890abcdef-1"`}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		switch {
		case r.Header["If-None-Match"] != nil:
			h["Etag"] = tag
			w.WriteHeader(http.StatusNotModified)
		case r.Header["Range"] != nil:
			h["Content-Type"] = contentType
			h["Content-Length"] = part
			h["Content-Range"] = contentRange
			w.WriteHeader(http.StatusPartialContent)
			w.Write(body[100:300])
		default:
			h["Content-Type"] = contentType
			h["Content-Length"] = length
			w.Write(body)
		}
	})
}
