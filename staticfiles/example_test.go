package staticfiles_test

import (
	"bytes"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"
	"time"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/wrappers"
)

// The settings are the middleware: exported files are answered, and everything else goes to the
// application.
func ExampleSharedData_Wrap() {
	files := fstest.MapFS{"style.css": {Data: []byte("body { margin: 0 }")}} // or an embed.FS
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		return wrappers.Text("the application at " + req.URL.Path), nil
	})
	handler := staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/static", FS: files},
	}}.Wrap(app)

	for _, path := range []string{"/static/style.css", "/static/missing.css", "/"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(w.Body)
	}
	// Output:
	// body { margin: 0 }
	// the application at /static/missing.css
	// the application at /
}

// Open reports exports that cannot be served.
func ExampleSharedData_Open() {
	_, err := staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/static", FS: fstest.MapFS{}, Dir: "asets"},
	}}.Open()
	fmt.Println(err)
	// Output:
	// staticfiles: export 0 ("/static"): directory "asets" of the FS: open asets: file does not exist; create it or correct the export
}

// A fingerprinted URL changes with the content, and never expires.
func ExampleShared_URL() {
	static, err := staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/static", FS: fstest.MapFS{"style.css": {Data: []byte("body { margin: 0 }")}}},
	}}.Open()
	if err != nil {
		log.Fatal(err)
	}
	url := static.URL("style.css")
	fmt.Println(url)

	w := httptest.NewRecorder()
	static.Wrap(httperror.NotFound).ServeHTTP(w, httptest.NewRequest("GET", url, nil))
	fmt.Println(w.Code, w.Header().Get("Cache-Control"))
	// Output:
	// /static/style.997faceca260.css
	// 200 public, max-age=31536000, immutable
}

// A view that serves uploads. The name comes from the client: a name that leads
// out of the directory is not found.
func ExampleSendFrom() {
	uploads, err := os.MkdirTemp("", "uploads")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(uploads)
	os.WriteFile(filepath.Join(uploads, "report.txt"), []byte("all is well"), 0o644)

	view := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		name := strings.TrimPrefix(req.URL.Path, "/uploads/")
		return staticfiles.SendFrom(uploads, name, staticfiles.SendOptions{
			Attachment: true, DownloadName: "Überblick.txt", MaxAge: time.Hour,
		})
	})
	for _, path := range []string{"/uploads/report.txt", "/uploads/../secret"} {
		w := httptest.NewRecorder()
		view.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(w.Code, w.Header().Get("Content-Disposition"))
	}
	// Output:
	// 200 attachment; filename=Uberblick.txt; filename*=UTF-8''%C3%9Cberblick.txt
	// 404
}

// Any content that can seek is sent with ranges.
func ExampleSendReader() {
	table := bytes.NewReader([]byte("name,places\nAda,3\n"))
	resp, err := staticfiles.SendReader(table, staticfiles.SendOptions{DownloadName: "table.csv"})
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Range", "bytes=0-3")
	w := httptest.NewRecorder()
	resp.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Content-Type"), w.Body)
	// Output:
	// 206 text/csv; charset=utf-8 name
}

// Behind nginx with "location /protected/ { internal; alias /srv/files/; }".
func ExampleXAccelRedirect() {
	field, value, err := staticfiles.XAccelRedirect("/srv/files", "/protected")("/srv/files/a b.pdf")
	fmt.Println(http.CanonicalHeaderKey(field), value, err)
	// Output:
	// X-Accel-Redirect /protected/a%20b.pdf <nil>
}
