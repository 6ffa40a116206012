package gateway_test

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
)

// The application of PEP 3333, as it stands there but for the language.
func simpleApp(environ gateway.Environ, start gateway.StartResponse) gateway.Body {
	status := "200 OK"
	header := []gateway.Field{{Name: "Content-type", Value: "text/plain"}}
	start(status, header)
	return gateway.Chunks("Hello world!\n")
}

func ExampleApp() {
	w := httptest.NewRecorder()
	gateway.App(simpleApp).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Code, " ", w.Header().Get("Content-Type"), " ", w.Body)
	// Output: 200 text/plain Hello world!
}

// greeter is an application that is a type.
type greeter struct{ greeting string }

func (g greeter) Call(environ gateway.Environ, start gateway.StartResponse) gateway.Body {
	start("200 OK", nil)
	return gateway.Chunks(g.greeting, ", ", environ.String("QUERY_STRING"))
}

// A type whose values are applications.
func ExampleCalled() {
	w := httptest.NewRecorder()
	gateway.Called(greeter{"Hello"}).ServeHTTP(w, httptest.NewRequest("GET", "/?Ann", nil))
	fmt.Print(w.Body)
	// Output: Hello, Ann
}

// Parts are sent as they are yielded, and what is deferred runs when the body is over
// or the client has gone.
func ExampleBody() {
	var countdown gateway.App = func(_ gateway.Environ, start gateway.StartResponse) gateway.Body {
		start("200 OK", []gateway.Field{{Name: "Content-type", Value: "text/plain"}})
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
	var app gateway.App = func(_ gateway.Environ, start gateway.StartResponse) gateway.Body {
		write := start("200 OK", []gateway.Field{{Name: "Content-type", Value: "text/plain"}})
		write([]byte("written, "))
		return gateway.Chunks("then returned\n")
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Body)
	// Output: written, then returned
}

// Any handler is an application by the convention, for a server or a middleware that
// speaks it.
func ExampleAppOf() {
	app := gateway.AppOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s below %s\n", r.URL.Path, gateway.RootPath(r))
	}))
	body := app(gateway.Environ{
		"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/app", "PATH_INFO": "/x", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http",
	}, func(status string, header []gateway.Field, _ ...error) gateway.Write {
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
	require.Equal(t, "Hi, Ann", serve(gateway.Called(greeter{"Hi"}), httptest.NewRequest("GET", "/?Ann", nil)).Body.String())
	value := gateway.App(func(_ gateway.Environ, start gateway.StartResponse) gateway.Body {
		write := start("201 Made", []gateway.Field{{Name: "X", Value: "1"}, {Name: "X", Value: "2"}})
		_, err := write([]byte("written "))
		if err != nil {
			panic(err)
		}
		return gateway.Chunks("", "and returned")
	})
	w := serve(value, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, 201, w.Code)
	require.Equal(t, []string{"1", "2"}, w.Header().Values("X"))
	require.Equal(t, "written and returned", w.Body.String())
	require.Equal(t, 204, serve(gateway.App(func(_ gateway.Environ, start gateway.StartResponse) gateway.Body {
		start("204 No Content", nil)
		return nil
	}), httptest.NewRequest("GET", "/", nil)).Code)
}

func TestAnotherAnswerAfterAFailure(t *testing.T) {
	failure := errors.New("late thought")
	w := serve(gateway.App(func(_ gateway.Environ, start gateway.StartResponse) gateway.Body {
		start("200 OK", []gateway.Field{{Name: "X-First", Value: "1"}})
		start("500 Sorry", []gateway.Field{{Name: "X-Second", Value: "2"}}, failure)
		return gateway.Chunks("sorry")
	}), httptest.NewRequest("GET", "/", nil))
	require.Equal(t, 500, w.Code)
	require.Empty(t, w.Header().Get("X-First"))
	require.Equal(t, "2", w.Header().Get("X-Second"))

	require.PanicsWithValue(t, failure, func() {
		serve(gateway.App(func(_ gateway.Environ, start gateway.StartResponse) gateway.Body {
			write := start("200 OK", nil)
			_, _ = write([]byte("x"))
			start("500 Sorry", nil, failure)
			return nil
		}), httptest.NewRequest("GET", "/", nil))
	})
}

func TestMistakesOfApplications(t *testing.T) {
	for name, app := range map[string]gateway.App{
		"never started":      func(gateway.Environ, gateway.StartResponse) gateway.Body { return gateway.Chunks("x") },
		"started by nothing": func(gateway.Environ, gateway.StartResponse) gateway.Body { return nil },
		"started twice": func(_ gateway.Environ, s gateway.StartResponse) gateway.Body {
			s("200 OK", nil)
			s("200 OK", nil)
			return nil
		},
		"a status without code":  func(_ gateway.Environ, s gateway.StartResponse) gateway.Body { s("OK", nil); return nil },
		"a status of two digits": func(_ gateway.Environ, s gateway.StartResponse) gateway.Body { s("20 OK", nil); return nil },
		"a line break in a field": func(_ gateway.Environ, s gateway.StartResponse) gateway.Body {
			s("200 OK", []gateway.Field{{Name: "X", Value: "a\r\nb"}})
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
	env := gateway.NewEnviron(r)
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
func called(app gateway.App, env gateway.Environ) (status string, header http.Header, parts []string) {
	header = http.Header{}
	body := app(env, func(s string, fields []gateway.Field, _ ...error) gateway.Write {
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
	app := gateway.AppOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Path", gateway.RootPath(r)+"|"+r.URL.Path)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "first ")
		w.(http.Flusher).Flush()
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("X-One"), text)
	}))
	status, header, parts := called(app, gateway.Environ{
		"REQUEST_METHOD": "PUT", "SCRIPT_NAME": "/m", "PATH_INFO": "/x", "HTTP_X_ONE": "1", "SERVER_NAME": "localhost",
		"wsgi.url_scheme": "http", "wsgi.input": strings.NewReader("body and more"), "CONTENT_LENGTH": "4",
	})
	require.Equal(t, "418 I'm a teapot", status)
	require.Equal(t, "/m|/x", header.Get("X-Path"))
	require.Equal(t, []string{"first ", "PUT 1 body"}, parts)

	t.Run("there and back", func(t *testing.T) {
		w := serve(gateway.AppOf(gateway.App(simpleApp)), httptest.NewRequest("GET", "/", nil))
		require.Equal(t, "Hello world!\n", w.Body.String())
	})
	t.Run("a panic is the caller's", func(t *testing.T) {
		require.PanicsWithValue(t, "x", func() {
			called(gateway.AppOf(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") })), gateway.Environ{"REQUEST_METHOD": "GET"})
		})
	})
	t.Run("who stops early stops the handler", func(t *testing.T) {
		ended := make(chan struct{})
		app := gateway.AppOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
		body := app(gateway.Environ{"REQUEST_METHOD": "GET"}, func(string, []gateway.Field, ...error) gateway.Write { return nil })
		for range body {
			break
		}
		<-ended
	})
}
