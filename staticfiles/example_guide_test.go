package staticfiles_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"
	"time"

	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/staticfiles/compress"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

// The examples of docs/static.md, which TestTheGuideShowsCodeThatRuns compares.

var site = fstest.MapFS{
	"static/style.css":   {Data: []byte(strings.Repeat("p { margin: 0 }\n", 100))},
	"static/favicon.ico": {Data: []byte("icon")},
	"static/app.js.map":  {Data: []byte("{}")},
}

// fetch prints the response to a request with these fields.
func fetch(app http.Handler, target string, fields ...string) {
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	fmt.Println(strings.TrimSpace(fmt.Sprintln(target, w.Code, w.Header().Get("Content-Type"), w.Header().Get("Content-Encoding"))))
}

func Example_directory() {
	var app http.Handler = http.NotFoundHandler()
	app = staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/static", Dir: "testdata/guide"},
		{Prefix: "/favicon.ico", File: "testdata/guide/favicon.ico"},
	}}.Wrap(app)
	fetch(app, "/static/css/style.css")
	fetch(app, "/favicon.ico")
	// Output:
	// /static/css/style.css 200 text/css; charset=utf-8
	// /favicon.ico 200 image/vnd.microsoft.icon
}

func Example_embedded() {
	var app http.Handler = http.NotFoundHandler()
	static, err := staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/static", FS: site, Dir: "static", Hide: []string{"*.map", "private/**"}},
	}}.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer static.Close()
	app = static.Wrap(app)
	fetch(app, "/static/style.css")
	fetch(app, "/static/app.js.map")
	// Output:
	// /static/style.css 200 text/css; charset=utf-8
	// /static/app.js.map 404 text/plain; charset=utf-8
}

func Example_urls() {
	files := fstest.MapFS{"page.html": {Data: []byte(`<link rel="stylesheet" href="{{ static_url("style.css") }}">`)}}
	static, err := staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", FS: site, Dir: "static"}}}.Open()
	if err != nil {
		log.Fatal(err)
	}
	env, err := templates.New(files, templates.Options{StaticURL: static.StaticURL})
	if err != nil {
		log.Fatal(err)
	}
	page, err := env.Render(wrappers.NewRequest(httptest.NewRequest("GET", "/", nil)), "page.html", nil)
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Body)
	// Output: <link rel="stylesheet" href="/static/style.380616206515.css">
}

func Example_compression() {
	ctx := context.Background()
	static, err := staticfiles.SharedData{
		Exports:  []staticfiles.Export{{Prefix: "/static", FS: site, Dir: "static"}},
		Encoders: compress.All(),
	}.Open()
	if err != nil {
		log.Fatal(err)
	}
	static.Warm(ctx) // optional: compress before the first request
	fetch(static.Wrap(http.NotFoundHandler()), "/static/style.css", "Accept-Encoding", "br, gzip;q=0.9")
	// Output: /static/style.css 200 text/css; charset=utf-8 br
}

func Example_download() {
	uploads := "testdata/guide"
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		name := strings.TrimPrefix(req.URL.Path, "/uploads/")
		return staticfiles.SendFrom(uploads, name, staticfiles.SendOptions{
			Attachment: true, DownloadName: "Überblick.pdf", MaxAge: time.Hour,
		})
	})
	fetch(app, "/uploads/favicon.ico")
	fetch(app, "/uploads/../guide_test.go")
	// Output:
	// /uploads/favicon.ico 200 application/pdf
	// /uploads/../guide_test.go 404 text/html; charset=utf-8
}

func Example_offload() {
	nginx := staticfiles.SendOptions{Offload: staticfiles.XAccelRedirect("/srv/files", "/protected")}
	others := staticfiles.SendOptions{Offload: staticfiles.XSendfile} // Apache, lighttpd
	for _, options := range []staticfiles.SendOptions{nginx, others} {
		field, value, _ := options.Offload("/srv/files/a.pdf")
		fmt.Println(field, value)
	}
	// Output:
	// X-Accel-Redirect /protected/a.pdf
	// X-Sendfile /srv/files/a.pdf
}
