package wrappers_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

// send sends a request with a body to an application and prints the answer.
func send(app http.Handler, target, contentType, body string) {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)
}

// crlf writes a multipart body, whose boundary is B, as it travels.
func crlf(body string) string { return strings.ReplaceAll(body, "\n", "\r\n") }

func ExampleRequest() {
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		page := req.Query().Int("page", 1)
		form, err := req.Form()
		if err != nil {
			return nil, err
		}
		name, err := form.Require("name")
		if err != nil {
			return nil, err // 400, and it says which field
		}
		return wrappers.Text(fmt.Sprintf("%s reads page %d of %s\n", name, page, req.FullURL())), nil
	})
	send(app, "/book?page=7&lang=de", "application/x-www-form-urlencoded", "name=Ada")
	// Output: 200 Ada reads page 7 of http://example.com/book?page=7&lang=de
}

func ExampleRequest_Files() {
	dir, err := os.MkdirTemp("", "uploads")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		files, err := req.Files()
		if err != nil {
			return nil, err
		}
		picture, err := files.Require("picture")
		if err != nil {
			return nil, err
		}
		path, err := picture.SaveIn(dir)
		if err != nil {
			return nil, err
		}
		return wrappers.Text(fmt.Sprintf("%q is saved as %s, %d bytes\n", picture.Name, filepath.Base(path), picture.Size)), nil
	})
	send(app, "/", "multipart/form-data; boundary=B", crlf(`--B
Content-Disposition: form-data; name="picture"; filename="../me at work.png"
Content-Type: image/png

not really
--B--
`))
	// Output: 200 "../me at work.png" is saved as me_at_work.png, 10 bytes
}

// The view reads the parts as they arrive: nothing is kept on the way, however large the upload
// is.
func ExampleRequest_Parts() {
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		var answer strings.Builder
		for part, err := range req.Parts() {
			if err != nil {
				return nil, err
			}
			digest := sha256.New()
			size, err := io.Copy(digest, part)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&answer, "%s: %d bytes, %x…\n", part.Field, size, digest.Sum(nil)[:4])
		}
		return wrappers.Text(answer.String()), nil
	})
	send(app, "/", "multipart/form-data; boundary=B", crlf(`--B
Content-Disposition: form-data; name="backup"; filename="disk.img"

all of it
--B--
`))
	// Output: 200 backup: 9 bytes, 07630777…
}

// A sink sends the files of a form where they belong, and the form is read as always.
func ExampleSettings_sink() {
	settings := wrappers.Settings{
		Limits: wrappers.Limits{Body: 1 << 30, Files: 3},
		Sink: func(part *wrappers.Part) (io.Writer, error) {
			if part.MediaType() != "text/csv" {
				return nil, httperror.New(httperror.UnsupportedMediaType, "Only CSV, please.")
			}
			return new(strings.Builder), nil
		},
	}
	app := settings.Wrap(wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		form, err := req.Form()
		if err != nil {
			return nil, err
		}
		files, _ := req.Files()
		table := files.Get("table").Writer().(*strings.Builder)
		return wrappers.Text(form.Get("title") + ": " + table.String() + "\n"), nil
	}))
	send(app, "/", "multipart/form-data; boundary=B", crlf(`--B
Content-Disposition: form-data; name="table"; filename="t.csv"
Content-Type: text/csv

1;2;3
--B
Content-Disposition: form-data; name="title"

Numbers
--B--
`))
	// Output: 200 Numbers: 1;2;3
}

func ExampleRequest_JSON() {
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		var item struct {
			Name  string
			Count int
		}
		if err := req.JSONWith(&item, wrappers.JSONRules{RefuseUnknown: true, RefuseDuplicates: true}); err != nil {
			fmt.Println(err)
			return nil, err
		}
		return wrappers.Text(fmt.Sprintln(item.Count, item.Name)), nil
	})
	send(app, "/", "application/json", `{"name": "bolt", "count": 12}`)

	app(wrappers.NewRequest(jsonRequest(`{"name": "bolt", "count": "12"}`)))
	app(wrappers.NewRequest(jsonRequest(`{"name": "bolt"} {}`)))
	// Output:
	// 200 12 bolt
	// 400 Bad Request: JSON body, at offset 30: json: cannot unmarshal string into Go struct field .Count of type int
	// 400 Bad Request: JSON body, at offset 17: invalid character '{' after top-level value
}

func jsonRequest(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// A middleware may read what the view behind it reads too: here it signs the
// raw body, and the form is still there.
func ExampleRequest_Data() {
	view := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		form, err := req.Form()
		if err != nil {
			return nil, err
		}
		return wrappers.Text(form.Get("a") + "\n"), nil
	})
	signed := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		data, err := req.Data()
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		fmt.Printf("%x…\n", sum[:4])
		return wrappers.Handler(view), nil
	})
	send(signed, "/", "application/x-www-form-urlencoded", "a=1")
	// Output:
	// c22fea5d…
	// 200 1
}

func ExampleRequest_Configure() {
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		settings := req.Settings()
		settings.Limits.Body = 1 << 10
		req.Configure(settings)
		_, err := req.Data()
		return wrappers.Text("taken\n"), err
	})
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("ten bytes ", 103)))
	_, err := app(wrappers.NewRequest(r))
	fmt.Println(httperror.CodeOf(err).StatusCode())
	// Output: 413
}

func ExampleSettings_Wrap() {
	var app http.Handler = wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		host, err := req.Host()
		return wrappers.Text(host + "\n"), err
	})
	app = wrappers.Settings{TrustedHosts: []string{".example.org"}}.Wrap(app)
	for _, host := range []string{"shop.example.org", "evil.example"} {
		r := httptest.NewRequest(http.MethodGet, "http://"+host+"/", nil)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		fmt.Println(host, w.Code)
	}
	// Output:
	// shop.example.org 200
	// evil.example 400
}

func ExampleRequest_Accept() {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept", "text/html;q=0.8, application/json")
	fmt.Println(wrappers.NewRequest(r).Accept().Best("text/html", "application/json"))
	// Output: application/json true
}
