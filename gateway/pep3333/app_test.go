package pep3333_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/gateway/pep3333"
)

// The example application of PEP 3333, with only the language changed.
func simpleApp(environ pep3333.Environ, start pep3333.StartResponse) pep3333.Body {
	status := "200 OK"
	header := []pep3333.Field{{Name: "Content-type", Value: "text/plain"}}
	start(status, header)
	return pep3333.Chunks("Hello world!\n")
}

func ExampleApp() {
	w := httptest.NewRecorder()
	pep3333.App(simpleApp).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Code, " ", w.Header().Get("Content-Type"), " ", w.Body)
	// Output: 200 text/plain Hello world!
}

// greeter is an Application in the form of a type with a method, not of a function.
type greeter struct{ greeting string }

func (g greeter) Call(environ pep3333.Environ, start pep3333.StartResponse) pep3333.Body {
	start("200 OK", nil)
	return pep3333.Chunks(g.greeting, ", ", environ.String("QUERY_STRING"))
}

// A type whose values are applications.
func ExampleCalled() {
	w := httptest.NewRecorder()
	pep3333.Called(greeter{"Hello"}).ServeHTTP(w, httptest.NewRequest("GET", "/?Ann", nil))
	fmt.Print(w.Body)
	// Output: Hello, Ann
}

// Parts are sent as they are yielded, and deferred calls run when the body is over or the client
// has gone.
func ExampleBody() {
	var countdown pep3333.App = func(_ pep3333.Environ, start pep3333.StartResponse) pep3333.Body {
		start("200 OK", []pep3333.Field{{Name: "Content-type", Value: "text/plain"}})
		return func(yield func([]byte) bool) {
			defer fmt.Println("closed")
			for i := 3; i > 0; i-- {
				if !yield(fmt.Appendln(nil, i)) {
					return
				}
			}
		}
	}
	w := httptest.NewRecorder()
	countdown.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Body)
	// Output:
	// closed
	// 3
	// 2
	// 1
}

// An application that cannot return its body writes it.
func ExampleWrite() {
	var app pep3333.App = func(_ pep3333.Environ, start pep3333.StartResponse) pep3333.Body {
		write := start("200 OK", []pep3333.Field{{Name: "Content-type", Value: "text/plain"}})
		write([]byte("written, "))
		return pep3333.Chunks("then returned\n")
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Body)
	// Output: written, then returned
}

// Any handler is an application of the convention, for a server or a middleware that uses it.
func ExampleAppOf() {
	app := pep3333.AppOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s below %s\n", r.URL.Path, gateway.RootPath(r))
	}))
	body := app(pep3333.Environ{
		"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/app", "PATH_INFO": "/x", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http",
	}, func(status string, header []pep3333.Field, _ ...error) pep3333.Write {
		fmt.Println(status)
		return nil
	})
	for part := range body {
		fmt.Print(string(part))
	}
	// Output:
	// 200 OK
	// /x below /app
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestApplicationsOfEveryKind(t *testing.T) {
	require.Equal(t, "Hi, Ann", serve(pep3333.Called(greeter{"Hi"}), httptest.NewRequest("GET", "/?Ann", nil)).Body.String())
	value := pep3333.App(func(_ pep3333.Environ, start pep3333.StartResponse) pep3333.Body {
		write := start("201 Made", []pep3333.Field{{Name: "X", Value: "1"}, {Name: "X", Value: "2"}})
		_, err := write([]byte("written "))
		if err != nil {
			panic(err)
		}
		return pep3333.Chunks("", "and returned")
	})
	w := serve(value, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, 201, w.Code)
	require.Equal(t, []string{"1", "2"}, w.Header().Values("X"))
	require.Equal(t, "written and returned", w.Body.String())
	require.Equal(t, 204, serve(pep3333.App(func(_ pep3333.Environ, start pep3333.StartResponse) pep3333.Body {
		start("204 No Content", nil)
		return nil
	}), httptest.NewRequest("GET", "/", nil)).Code)
}

func TestAnotherAnswerAfterAFailure(t *testing.T) {
	failure := errors.New("late thought")
	w := serve(pep3333.App(func(_ pep3333.Environ, start pep3333.StartResponse) pep3333.Body {
		start("200 OK", []pep3333.Field{{Name: "X-First", Value: "1"}})
		start("500 Sorry", []pep3333.Field{{Name: "X-Second", Value: "2"}}, failure)
		return pep3333.Chunks("sorry")
	}), httptest.NewRequest("GET", "/", nil))
	require.Equal(t, 500, w.Code)
	require.Empty(t, w.Header().Get("X-First"))
	require.Equal(t, "2", w.Header().Get("X-Second"))

	require.PanicsWithValue(t, failure, func() {
		serve(pep3333.App(func(_ pep3333.Environ, start pep3333.StartResponse) pep3333.Body {
			write := start("200 OK", nil)
			_, _ = write([]byte("x"))
			start("500 Sorry", nil, failure)
			return nil
		}), httptest.NewRequest("GET", "/", nil))
	})
}

func TestMistakesOfApplications(t *testing.T) {
	for name, app := range map[string]pep3333.App{
		"never started":      func(pep3333.Environ, pep3333.StartResponse) pep3333.Body { return pep3333.Chunks("x") },
		"started by nothing": func(pep3333.Environ, pep3333.StartResponse) pep3333.Body { return nil },
		"started twice": func(_ pep3333.Environ, s pep3333.StartResponse) pep3333.Body {
			s("200 OK", nil)
			s("200 OK", nil)
			return nil
		},
		"a status without code":  func(_ pep3333.Environ, s pep3333.StartResponse) pep3333.Body { s("OK", nil); return nil },
		"a status of two digits": func(_ pep3333.Environ, s pep3333.StartResponse) pep3333.Body { s("20 OK", nil); return nil },
		"a line break in a field": func(_ pep3333.Environ, s pep3333.StartResponse) pep3333.Body {
			s("200 OK", []pep3333.Field{{Name: "X", Value: "a\r\nb"}})
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Panics(t, func() { serve(app, httptest.NewRequest("GET", "/", nil)) })
		})
	}
}

func TestEnviron(t *testing.T) {
	r := httptest.NewRequest("POST", "/app/a%2Fb?x=1", strings.NewReader("body"))
	r.Header.Set("Content-Type", "text/plain")
	r.Header.Add("X-Two", "1")
	r.Header.Add("X-Two", "2")
	r.Header.Add("Cookie", "a=1")
	r.Header.Add("Cookie", "b=2")
	r.Header.Set("Proxy", "http://evil")
	r.Header["X_Two"] = []string{"evil"}
	r, ok := gateway.Mount(r, "/app")
	require.True(t, ok)
	env := pep3333.NewEnviron(r)
	for name, want := range map[string]string{
		"REQUEST_METHOD": "POST", "SCRIPT_NAME": "/app", "PATH_INFO": "/a/b", "QUERY_STRING": "x=1", "REQUEST_URI": "/app/a%2Fb?x=1",
		"SERVER_NAME": "example.com", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "example.com",
		"REMOTE_ADDR": "192.0.2.1", "CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "4", "HTTP_X_TWO": "1,2", "HTTP_COOKIE": "a=1; b=2",
		"wsgi.url_scheme": "http", "HTTP_PROXY": "",
	} {
		require.Equal(t, want, env.String(name), name)
	}
	body, err := io.ReadAll(env["wsgi.input"].(io.Reader))
	require.NoError(t, err)
	require.Equal(t, "body", string(body))
}

// called runs an App as a server of the convention does.
func called(app pep3333.App, env pep3333.Environ) (status string, header http.Header, parts []string) {
	header = http.Header{}
	body := app(env, func(s string, fields []pep3333.Field, _ ...error) pep3333.Write {
		status = s
		for _, f := range fields {
			header.Add(f.Name, f.Value)
		}
		return nil
	})
	for part := range body {
		parts = append(parts, string(part))
	}
	return status, header, parts
}

func TestHandlersAsApplications(t *testing.T) {
	app := pep3333.AppOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Path", gateway.RootPath(r)+"|"+r.URL.Path)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "first ")
		w.(http.Flusher).Flush()
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("X-One"), text)
	}))
	status, header, parts := called(app, pep3333.Environ{
		"REQUEST_METHOD": "PUT", "SCRIPT_NAME": "/m", "PATH_INFO": "/x", "HTTP_X_ONE": "1", "SERVER_NAME": "localhost",
		"wsgi.url_scheme": "http", "wsgi.input": strings.NewReader("body and more"), "CONTENT_LENGTH": "4",
	})
	require.Equal(t, "418 I'm a teapot", status)
	require.Equal(t, "/m|/x", header.Get("X-Path"))
	require.Equal(t, []string{"first ", "PUT 1 body"}, parts)

	t.Run("there and back", func(t *testing.T) {
		w := serve(pep3333.AppOf(pep3333.App(simpleApp)), httptest.NewRequest("GET", "/", nil))
		require.Equal(t, "Hello world!\n", w.Body.String())
	})
	t.Run("a panic is the caller's", func(t *testing.T) {
		require.PanicsWithValue(t, "x", func() {
			called(pep3333.AppOf(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") })), pep3333.Environ{"REQUEST_METHOD": "GET"})
		})
	})
	t.Run("who stops early stops the handler", func(t *testing.T) {
		ended := make(chan struct{})
		app := pep3333.AppOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(ended)
			for {
				if _, err := io.WriteString(w, "more"); err != nil {
					return
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					return
				}
			}
		}))
		body := app(pep3333.Environ{"REQUEST_METHOD": "GET"}, func(string, []pep3333.Field, ...error) pep3333.Write { return nil })
		for range body {
			break
		}
		<-ended
	})
}
