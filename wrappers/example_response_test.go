package wrappers_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

// ask serves one request and prints the answer.
func ask(h http.Handler, method, target string, fields ...string) {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Body)))
}

// A response is a value: it can be changed after the fact, and is a handler.
func ExampleResponse() {
	resp := wrappers.Text("created\n")
	resp.Status = http.StatusCreated
	resp.SetLocation("/items/7")
	if err := resp.AddVary("Accept"); err != nil {
		fmt.Println(err)
	}
	ask(resp, "POST", "/items")
	// Output: 201 created
}

// A view returns a response or an error.
func ExampleView() {
	items := map[string]string{"7": "a gear"}
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		id := req.Query().Get("id")
		item, ok := items[id]
		if !ok {
			return nil, fmt.Errorf("item %q: %w", id, httperror.NotFound)
		}
		return wrappers.Text(item), nil
	})
	ask(app, "GET", "/?id=7")
	// Output: 200 a gear
}

// Code that writes to an io.Writer can write into a response.
func ExampleResponse_Write() {
	resp := wrappers.NewResponse("text/csv", nil)
	w := csv.NewWriter(resp)
	w.Write([]string{"name", "price"})
	w.Write([]string{"gear", "4.50"})
	w.Flush()
	ask(resp, "GET", "/")
	// Output:
	// 200 name,price
	// gear,4.50
}

// A stream function writes while the response is sent.
func ExampleStream() {
	resp := wrappers.Stream("text/plain", func(w *wrappers.StreamWriter) error {
		for i := range 3 {
			fmt.Fprintln(w, i)
			if err := w.Flush(); err != nil {
				return err // the client has gone
			}
		}
		return nil
	})
	resp.OnClose(func() error { fmt.Println("closed"); return nil })
	ask(resp, "GET", "/")
	// Output:
	// closed
	// 200 0
	// 1
	// 2
}

// A body is read from anything; a file is sent with sendfile, in ranges too.
func ExampleReader() {
	view := func(req *wrappers.Request) (*wrappers.Response, error) {
		f, err := os.Open("testdata/poem.txt")
		if err != nil {
			return nil, fmt.Errorf("%w: %w", httperror.NotFound, err)
		}
		return wrappers.Reader("text/plain", f).MakeConditional(), nil // f is closed in the end
	}
	ask(wrappers.View(view), "GET", "/", "Range", "bytes=0-4")
	// Output: 206 Tiger
}

// Events are sent as they happen; heartbeats keep the connection.
func ExampleEvents() {
	view := func(req *wrappers.Request) (*wrappers.Response, error) {
		return wrappers.Events(req.Request, func(events *wrappers.EventStream) error {
			if events.LastEventID != "" {
				return nil // nothing new
			}
			return events.Send(wrappers.Event{ID: "1", Name: "news", Data: "first\nline two"})
		}), nil
	}
	ask(wrappers.View(view), "GET", "/")
	// Output:
	// 200 id: 1
	// event: news
	// data: first
	// data: line two
}

// An ETag and MakeConditional spare a client what it has.
func ExampleResponse_MakeConditional() {
	resp := wrappers.Text("0123456789").MakeConditional()
	if err := resp.SetETag(datastructures.ETag{Value: "v1"}); err != nil {
		fmt.Println(err)
	}
	ask(resp, "GET", "/")
	ask(resp, "GET", "/", "If-None-Match", `"v1"`)
	ask(resp, "GET", "/", "Range", "bytes=-3", "If-Range", `"v1"`)
	// Output:
	// 200 0123456789
	// 304
	// 206 789
}

// A change is refused to a client that does not know the current version.
func ExampleCheckPreconditions() {
	version := 2
	view := func(req *wrappers.Request) (*wrappers.Response, error) {
		state := datastructures.State{ETag: datastructures.ETag{Value: fmt.Sprint("v", version)}}
		if err := wrappers.CheckPreconditions(req.Request, state); err != nil {
			return nil, err
		}
		version++
		return wrappers.Text(fmt.Sprint("now v", version)), nil
	}
	ask(wrappers.View(view), "PUT", "/", "If-Match", `"v2"`)
	// Output: 200 now v3
}

// Cookies carry any value, and name what cannot be carried.
func ExampleResponse_SetCookieFor() {
	view := func(req *wrappers.Request) (*wrappers.Response, error) {
		resp := wrappers.Redirect("/")
		err := resp.SetCookieFor(req, datastructures.Cookie{
			Name: "greeting", Value: "Grüß dich; und dich", MaxAge: 24 * time.Hour,
			HTTPOnly: true, SameSite: http.SameSiteLaxMode,
		})
		fmt.Println(resp.Header().Get("Set-Cookie"))
		return resp, err
	}
	wrappers.View(view).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "https://example.org/", nil))

	err := wrappers.Text("").SetCookie(datastructures.Cookie{Name: "two words"})
	fmt.Println(err)
	// Output:
	// greeting="Gr\303\274\303\237 dich\073 und dich"; Max-Age=86400; Secure; HttpOnly; Path=/; SameSite=Lax
	// cookie "two words": the name is not a token of letters, digits and !#$%&'*+-.^_`|~
}

// Any handler becomes a response that can be looked at and changed.
func ExampleCapture() {
	old := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<h1>Old page</h1>")
	})
	page := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		resp := wrappers.Capture(old, req.Request)
		io.WriteString(resp, "<footer>new</footer>")
		return resp, resp.Buffer()
	})
	ask(page, "GET", "/")
	// Output: 200 <h1>Old page</h1><footer>new</footer>
}

// A view can hand the request over to any handler.
func ExampleHandler() {
	files := http.FileServer(http.Dir("testdata"))
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		return wrappers.Handler(files), nil
	})
	ask(app, "GET", "/poem.txt")
	// Output: 200 Tiger Tiger, burning bright
}

func ExampleRedirect() {
	resp := wrappers.Redirect("/wörter/7")
	resp.Status = http.StatusPermanentRedirect
	w := httptest.NewRecorder()
	resp.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 308 /w%C3%B6rter/7
}
