// Command serve serves a directory at /s/ with one of the peers, for
// ../compare.py.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gofiber/fiber/v3"
	fiberstatic "github.com/gofiber/fiber/v3/middleware/static"

	"github.com/zeugkit/zeug/staticfiles"
)

func main() {
	kind := flag.String("kind", "zeug", "zeug, bare, fileserver or fiber")
	dir := flag.String("dir", ".", "the directory to serve")
	addr := flag.String("addr", "127.0.0.1:8081", "where to listen")
	maxFile := flag.Int64("maxfile", 0, "the size up to which zeug keeps a file in memory")
	flag.Parse()

	var h http.Handler
	switch *kind {
	case "zeug":
		h = staticfiles.SharedData{MaxFile: *maxFile, Exports: []staticfiles.Export{{Prefix: "/s", Dir: *dir}}}.Wrap(http.NotFoundHandler())
	case "fileserver":
		h = http.StripPrefix("/s", http.FileServer(http.Dir(*dir)))
	case "bare":
		h = bare(*dir)
	case "fiber":
		app := fiber.New()
		app.Use("/s", fiberstatic.New(*dir, fiberstatic.Config{ByteRange: true, Compress: true}))
		log.Fatal(app.Listen(*addr, fiber.ListenConfig{DisableStartupMessage: true}))
	default:
		log.Fatalf("no peer %q", *kind)
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(l, h))
}

// bare answers with the bytes of one file whatever is asked for, and with
// nothing of its own but their type.
func bare(dir string) http.Handler {
	body, err := os.ReadFile(filepath.Join(dir, "1k.css"))
	if err != nil {
		log.Fatal(err)
	}
	contentType := []string{"text/css; charset=utf-8"}
	length := []string{strconv.Itoa(len(body))}
	contentRange := []string{"bytes 100-299/1024"}
	part := []string{"200"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		switch {
		case r.Header["If-None-Match"] != nil:
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
