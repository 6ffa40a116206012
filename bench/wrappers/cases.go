package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v5"

	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/wrappers"
)

// subjects are all things that are timed.
func subjects() []measure.Subject {
	gin.SetMode(gin.ReleaseMode)
	var list []measure.Subject
	list = append(list, hello()...)
	list = append(list, answers()...)
	return append(list, reading()...)
}

const zeug, std = "Zeug", "net/http"

func must(ok bool, what string) {
	if !ok {
		panic(what)
	}
}

// hello is a short response through a whole server.
func hello() []measure.Subject {
	const request = "GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
	view := wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) { return wrappers.Text("Hello, World!"), nil })
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "Hello, World!")
	})
	g := gin.New()
	g.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "Hello, World!") })
	e := echo.New()
	e.GET("/", func(c *echo.Context) error { return c.String(http.StatusOK, "Hello, World!") })
	subject := func(peer string, handler http.Handler) measure.Subject {
		return measure.Subject{Case: "hello through a server", Peer: peer, Run: func(n int) { serve(handler, request, n) }}
	}
	return []measure.Subject{subject(zeug, view), subject(std, bare), subject("gin", g), subject("echo", e)}
}

// nowhere is a ResponseWriter that keeps nothing.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             {}

// call runs a handler n times on a request with this body.
func call(handler http.Handler, template *http.Request, body []byte) func(n int) {
	return func(n int) {
		w := &nowhere{http.Header{}}
		reader := bytes.NewReader(body)
		for range n {
			r := *template
			if body != nil {
				reader.Reset(body)
				r.Body, r.ContentLength = io.NopCloser(reader), int64(len(body))
			} else {
				r.Body = http.NoBody
			}
			clear(w.header)
			handler.ServeHTTP(w, &r)
		}
	}
}

// reader is a case of reading a request: what each peer does to read it. An
// answer is not sent, so that reading is what is timed.
type reader struct {
	name   string
	header http.Header
	query  string
	body   []byte
	zeug   func(*wrappers.Request) bool
	std    func(*http.Request) bool
	gin    func(*gin.Context) bool
	echo   func(*echo.Context) bool
}

type document struct {
	Name string
	Age  int
	Tags []string
}

func form() (string, []byte) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	w.SetBoundary("----WebKitFormBoundary7MA4YWxkTrZu0gW")
	w.WriteField("name", "Ada Lovelace")
	w.WriteField("email", "ada@example.org")
	f, _ := w.CreateFormFile("file", "notes.txt")
	f.Write(bytes.Repeat([]byte("notes\r\n"), 600))
	w.Close()
	return w.FormDataContentType(), body.Bytes()
}

func readers() []reader {
	type_ := func(s string) http.Header { return http.Header{"Content-Type": {s}} }
	multipartType, multipartBody := form()
	return []reader{
		{
			name: "nothing",
			zeug: func(*wrappers.Request) bool { return true },
			std:  func(*http.Request) bool { return true },
			gin:  func(*gin.Context) bool { return true },
			echo: func(*echo.Context) bool { return true },
		},
		{
			name: "two of four arguments", query: "q=zeug+werkzeug&page=3&sort=name&lang=de",
			zeug: func(req *wrappers.Request) bool {
				return req.Query().Get("q") == "zeug werkzeug" && req.Query().Get("page") == "3"
			},
			std: func(r *http.Request) bool {
				query := r.URL.Query()
				return query.Get("q") == "zeug werkzeug" && query.Get("page") == "3"
			},
			gin:  func(c *gin.Context) bool { return c.Query("q") == "zeug werkzeug" && c.Query("page") == "3" },
			echo: func(c *echo.Context) bool { return c.QueryParam("q") == "zeug werkzeug" && c.QueryParam("page") == "3" },
		},
		{
			name: "one of three cookies", header: http.Header{"Cookie": {"session=abcdef0123456789; theme=dark; csrf=fedcba9876543210"}},
			zeug: func(req *wrappers.Request) bool { return req.Cookies().Get("theme") == "dark" },
			std:  func(r *http.Request) bool { c, err := r.Cookie("theme"); return err == nil && c.Value == "dark" },
			gin:  func(c *gin.Context) bool { v, err := c.Cookie("theme"); return err == nil && v == "dark" },
			echo: func(c *echo.Context) bool { v, err := c.Cookie("theme"); return err == nil && v.Value == "dark" },
		},
		{
			name: "a browser's Accept", header: http.Header{"Accept": {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}},
			zeug: func(req *wrappers.Request) bool {
				best, ok := req.Accept().Best("application/json", "text/html")
				return ok && best == "text/html"
			},
			gin: func(c *gin.Context) bool { return c.NegotiateFormat("application/json", "text/html") == "text/html" },
		},
		{
			name: "a form of four fields", header: type_("application/x-www-form-urlencoded"), body: []byte("name=Ada+Lovelace&email=ada%40example.org&born=1815-12-10&notes=first+of+all"),
			zeug: func(req *wrappers.Request) bool {
				form, err := req.Form()
				return err == nil && form.Get("email") == "ada@example.org"
			},
			std: func(r *http.Request) bool {
				return r.ParseForm() == nil && r.PostForm.Get("email") == "ada@example.org"
			},
			gin:  func(c *gin.Context) bool { return c.PostForm("email") == "ada@example.org" },
			echo: func(c *echo.Context) bool { return c.FormValue("email") == "ada@example.org" },
		},
		{
			name: "a form with a file of 4 KB", header: type_(multipartType), body: multipartBody,
			zeug: func(req *wrappers.Request) bool {
				form, err := req.Form()
				if err != nil || form.Get("name") != "Ada Lovelace" {
					return false
				}
				files, err := req.Files()
				return err == nil && files.Get("file").Size == 4200
			},
			std: func(r *http.Request) bool {
				return r.ParseMultipartForm(1<<20) == nil && r.PostForm.Get("name") == "Ada Lovelace" && r.MultipartForm.File["file"][0].Size == 4200
			},
			gin: func(c *gin.Context) bool {
				file, err := c.FormFile("file")
				return err == nil && file.Size == 4200 && c.PostForm("name") == "Ada Lovelace"
			},
			echo: func(c *echo.Context) bool {
				file, err := c.FormFile("file")
				return err == nil && file.Size == 4200 && c.FormValue("name") == "Ada Lovelace"
			},
		},
		{
			name: "JSON of three members", header: type_("application/json"), body: []byte(`{"name":"Ada Lovelace","age":36,"tags":["first","mathematics"]}`),
			zeug: func(req *wrappers.Request) bool { var d document; return req.JSON(&d) == nil && d.Age == 36 },
			std: func(r *http.Request) bool {
				var d document
				return json.NewDecoder(r.Body).Decode(&d) == nil && d.Age == 36
			},
			gin:  func(c *gin.Context) bool { var d document; return c.ShouldBindJSON(&d) == nil && d.Age == 36 },
			echo: func(c *echo.Context) bool { var d document; return c.Bind(&d) == nil && d.Age == 36 },
		},
	}
}

func reading() []measure.Subject {
	var list []measure.Subject
	for _, c := range readers() {
		template := &http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: "/", RawQuery: c.query}, Header: c.header, Host: "example.org",
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RemoteAddr: "192.0.2.1:1234",
		}
		if c.header == nil {
			template.Header = http.Header{}
		}
		add := func(peer string, handler http.Handler) {
			list = append(list, measure.Subject{Case: c.name, Peer: peer, Run: call(handler, template, c.body)})
		}
		add(zeug, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			req := wrappers.NewRequest(r)
			must(c.zeug(req), c.name)
			req.Close()
		}))
		if c.std != nil {
			add(std, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { must(c.std(r), c.name) }))
		}
		if c.gin != nil {
			g := gin.New()
			g.POST("/", func(ctx *gin.Context) { must(c.gin(ctx), c.name) })
			add("gin", g)
		}
		if c.echo != nil {
			e := echo.New()
			e.POST("/", func(ctx *echo.Context) error { must(c.echo(ctx), c.name); return nil })
			add("echo", e)
		}
	}
	return list
}

// streams are uploads of 64 MiB read part by part and thrown away.
func streams() []measure.Subject {
	const size = 64 << 20
	random := make([]byte, size)
	generator := rand.NewChaCha8([32]byte{})
	generator.Read(random)
	var list []measure.Subject
	for _, kind := range []struct {
		name    string
		content []byte
	}{
		{"64 MiB of random bytes", random},
		{"64 MiB of text", []byte(strings.Repeat("The quick brown fox jumps over the lazy dog.\r\n", size/46))},
		{"64 MiB of line breaks", []byte(strings.Repeat("\r\n", size/2))},
	} {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		w.SetBoundary("----WebKitFormBoundary7MA4YWxkTrZu0gW")
		f, _ := w.CreateFormFile("f", "x")
		f.Write(kind.content)
		w.Close()
		template := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: http.Header{"Content-Type": {w.FormDataContentType()}}, Host: "example.org"}
		size := int64(len(kind.content))
		list = append(list,
			measure.Subject{Case: kind.name, Peer: zeug, Run: call(wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
				req.Configure(wrappers.Settings{Limits: wrappers.Limits{Body: -1}})
				for part, err := range req.Parts() {
					if err != nil {
						return nil, err
					}
					n, err := io.Copy(io.Discard, part)
					must(err == nil && n == size, kind.name)
				}
				return wrappers.Text(""), nil
			}), template, body.Bytes())},
			measure.Subject{Case: kind.name, Peer: std, Run: call(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				parts, err := r.MultipartReader()
				must(err == nil, kind.name)
				for {
					part, err := parts.NextPart()
					if err == io.EOF {
						return
					}
					n, err := io.Copy(io.Discard, part)
					must(err == nil && n == size, kind.name)
				}
			}), template, body.Bytes())},
		)
	}
	return list
}
