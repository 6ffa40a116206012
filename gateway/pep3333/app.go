// Package pep3333 is the calling convention of WSGI (PEP 3333), word for word,
// for anyone who knows that specification:
//
//	func hello(environ pep3333.Environ, start pep3333.StartResponse) pep3333.Body {
//		start("200 OK", []pep3333.Field{{"Content-type", "text/plain"}})
//		return pep3333.Chunks("Hello world!\n")
//	}
//
//	http.ListenAndServe(":5000", pep3333.App(hello))
//
// An [App] is an [net/http.Handler], and [AppOf] makes one of any Handler.
package pep3333

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/hosts"
)

// Environ holds the variables of a request: those of CGI as strings, "wsgi.input" as an
// [io.Reader], "wsgi.errors" as an [io.Writer], "wsgi.url_scheme" as a string, "http.Request" as
// the [*http.Request], and what middlewares add.
type Environ map[string]any

// String returns the variable if it exists and is a string, otherwise "".
func (e Environ) String(name string) string {
	s, _ := e[name].(string)
	return s
}

// Field is a header field.
type Field struct{ Name, Value string }

// Write sends a part of the body at once. It is what start returns, for
// applications that cannot return their body.
type Write func(p []byte) (int, error)

// StartResponse begins a response with a status, "404 Not Found", and a header. It may be called
// again with an error, to send another response, if nothing has been sent. A second call without an
// error is a mistake. A status that does not begin with three digits is a mistake too, and so is a
// field with a line break. A mistake panics, because the program is at fault and not the request.
// If it is called again with an error after something was sent, it panics with that error.
type StartResponse func(status string, header []Field, failure ...error) Write

// Body yields the parts of a response's body. It is a function that ranges, so its deferred calls
// run when the body is over, or the client has gone. PEP 3333 uses close for that. A nil Body is an
// empty one.
type Body = iter.Seq[[]byte]

// App is an application that follows the convention.
type App func(environ Environ, start StartResponse) Body

// Application is a value that is called as the convention says: an application
// can be a type as well as a function.
type Application interface {
	Call(environ Environ, start StartResponse) Body
}

// Chunks is a Body of strings in memory.
func Chunks(parts ...string) Body {
	return func(yield func([]byte) bool) {
		for _, part := range parts {
			if !yield([]byte(part)) {
				return
			}
		}
	}
}

// Called returns the App that calls a.
func Called(a Application) App { return a.Call }

// ServeHTTP answers r with the application. The first part of the body that is not empty sends the
// header, and each part is sent before the next one is made.
func (a App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := &starter{w: w}
	body := a(NewEnviron(r), s.start)
	if body != nil {
		controller := http.NewResponseController(w)
		for part := range body {
			if len(part) == 0 {
				continue
			}
			if _, err := s.write(part); err != nil {
				return // the client has gone: the body ends, and its deferred calls run
			}
			// Not every writer can flush; then parts are sent when the writer decides to.
			_ = controller.Flush()
		}
	}
	s.send()
}

// errNotStarted says that an application sent a body before it called start.
var errNotStarted = errors.New("pep3333.App: the application did not call start before it sent a body or returned an empty one")

// starter is the function start of one response.
type starter struct {
	w      http.ResponseWriter
	status int
	sent   bool
}

func (s *starter) start(status string, header []Field, failure ...error) Write {
	var err error
	if len(failure) > 0 {
		err = failure[0]
	}
	switch {
	case err != nil && s.sent:
		panic(err)
	case err == nil && s.status != 0:
		panic("pep3333.App: start was called twice without an error")
	}
	digits, _, _ := strings.Cut(status, " ")
	code, bad := strconv.Atoi(digits)
	if bad != nil || len(digits) != 3 || code < 200 {
		panic(fmt.Sprintf("pep3333.App: status %q: want three digits from 200 and a reason", status))
	}
	to := s.w.Header()
	if s.status != 0 {
		clear(to)
	}
	for _, field := range header {
		if strings.ContainsAny(field.Name+field.Value, "\r\n\x00") {
			panic(fmt.Sprintf("pep3333.App: a line break in the header field %q", field.Name))
		}
		to.Add(field.Name, field.Value)
	}
	s.status = code
	return s.write
}

func (s *starter) send() {
	if s.status == 0 {
		panic(errNotStarted)
	}
	if !s.sent {
		s.sent = true
		s.w.WriteHeader(s.status)
	}
}

func (s *starter) write(p []byte) (int, error) {
	s.send()
	return s.w.Write(p)
}

// NewEnviron describes r in the variables of PEP 3333.
func NewEnviron(r *http.Request) Environ {
	o := gateway.OriginOf(r)
	name, port, ok := hosts.Split(o.Host)
	if !ok || name == "" {
		name, port = "localhost", ""
	}
	if port == "" {
		port = hosts.DefaultPort(o.Scheme)
	}
	path, query := withoutFragment(r.URL)
	env := Environ{
		"REQUEST_METHOD":  r.Method,
		"SCRIPT_NAME":     decoded(o.RootPath),
		"PATH_INFO":       path,
		"QUERY_STRING":    query,
		"REQUEST_URI":     r.RequestURI,
		"SERVER_NAME":     strings.Trim(name, "[]"),
		"SERVER_PORT":     port,
		"SERVER_PROTOCOL": r.Proto,
		"HTTP_HOST":       o.Host,

		"wsgi.version":    [2]int{1, 0},
		"wsgi.url_scheme": o.Scheme,
		"wsgi.input":      io.Reader(r.Body),
		"wsgi.errors":     io.Writer(errorLog{r}),
		// A body of unknown length also ends correctly.
		"wsgi.input_terminated": true,
		"wsgi.multithread":      true,
		"wsgi.multiprocess":     false,
		"wsgi.run_once":         false,
		"http.Request":          r,
	}
	if r.Body == nil {
		env["wsgi.input"] = io.Reader(http.NoBody)
	}
	if o.Client.IsValid() {
		env["REMOTE_ADDR"] = o.Client.Addr().String()
		env["REMOTE_PORT"] = strconv.Itoa(int(o.Client.Port()))
	}
	if r.ContentLength >= 0 && r.Body != nil && r.Body != http.NoBody {
		env["CONTENT_LENGTH"] = strconv.FormatInt(r.ContentLength, 10)
	}
	for field, values := range r.Header {
		key := strings.ToUpper(strings.ReplaceAll(field, "-", "_"))
		switch {
		// A name that already has an underscore could be mistaken for another field.
		case strings.Contains(field, "_"), key == "PROXY", key == "HOST", key == "CONTENT_LENGTH":
			continue
		case key == "CONTENT_TYPE":
			env[key] = values[0]
			continue
		case key == "COOKIE":
			env["HTTP_"+key] = strings.Join(values, "; ")
			continue
		}
		env["HTTP_"+key] = strings.Join(values, ",")
	}
	return env
}
