package routing_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/wrappers"
)

// A target is any value: here a function with a signature of the application's own.
type view func(*wrappers.Request, routing.Params) (*wrappers.Response, error)

func Example() {
	urls := routing.MustMap(
		routing.Rule[view]{Path: "/", Endpoint: "index", Target: index},
		routing.Rule[view]{Path: "/hello/<name>", Endpoint: "hello", Target: hello},
	)
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		match, err := urls.Bind(req.Request).Match()
		if err != nil {
			return nil, err // 404, 405 or a redirect
		}
		return match.Target(req, match.Params)
	})
	for _, path := range []string{"/hello/World", "/hello//World", "/nobody"} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Printf("%d %q\n", w.Code, w.Header().Get("Location"))
	}
	// Output:
	// 200 ""
	// 308 "/hello/World"
	// 404 ""
}

func index(req *wrappers.Request, params routing.Params) (*wrappers.Response, error) {
	return wrappers.Text("Hello\n"), nil
}

func hello(req *wrappers.Request, params routing.Params) (*wrappers.Response, error) {
	return wrappers.Text("Hello, " + params.String("name") + "!\n"), nil
}

func ExampleAdapter_Build() {
	urls := routing.MustMap(
		routing.Rule[string]{Path: "/entries/", Endpoint: "entries", Defaults: map[string]any{"page": 1}},
		routing.Rule[string]{Path: "/entries/<int:page>", Endpoint: "entries"},
	)
	adapter := urls.Bind(httptest.NewRequest("GET", "/", nil))
	for _, page := range []int{1, 2} {
		text, _ := adapter.Build("entries", routing.With("page", page), routing.With("sort", "new first"))
		fmt.Println(text)
	}
	_, err := adapter.Build("entry")
	fmt.Println(err)
	// Output:
	// /entries/?sort=new+first
	// /entries/2?sort=new+first
	// routing: no URL for endpoint "entry": did you mean "entries"?
}

// A URL that is built matches again: a value that would make the URL another rule's is refused.
func ExampleBuildError() {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/user/settings", Endpoint: "settings"},
		routing.Rule[int]{Path: "/user/<name>", Endpoint: "user"},
	)
	adapter := urls.Bind(httptest.NewRequest("GET", "/", nil))
	for _, name := range []string{"anna", "settings", ".."} {
		text, err := adapter.Build("user", routing.With("name", name))
		var refused *routing.BuildError
		fmt.Println(text, errors.As(err, &refused))
	}
	// Output:
	// /user/anna false
	//  true
	//  true
}

// A match says which rule it is of.
func ExampleMatch_Rule() {
	urls := routing.MustMap(routing.Rule[string]{Path: "/user/<int:id>", Endpoint: "user", Target: "a profile"})
	match, err := urls.Bind(httptest.NewRequest("GET", "/user/7", nil)).Match()
	fmt.Println(match.Target, match.Params.Int("id"), match.Rule().Path, match.Rule().Endpoint, err)
	// Output: a profile 7 /user/<int:id> user <nil>
}

func ExampleMap_Fallback() {
	says := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Println(text, routing.ParamsOf(r).Int("id"))
		})
	}
	urls := routing.MustMap(routing.Rule[http.Handler]{Path: "/user/<int:id>", Target: says("moved")})
	app := urls.Fallback(says("not yet moved"))
	for _, path := range []string{"/user/5", "/other"} {
		app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	// Output:
	// moved 5
	// not yet moved 0
}

func ExampleTyped() {
	date := routing.Typed(
		func(text string) (time.Time, error) { return time.Parse(time.DateOnly, text) },
		func(day time.Time) string { return day.Format(time.DateOnly) },
	)
	urls := routing.MustMapWith(routing.Options{Converters: map[string]routing.ConverterFunc{
		"date": func([]routing.Argument) (routing.Converter, error) { return date, nil },
	}}, routing.Rule[string]{Path: "/log/<date:day>", Endpoint: "log"})
	match, _ := urls.Bind(httptest.NewRequest("GET", "/log/2026-11-21", nil)).Match()
	day, _ := routing.Param[time.Time](match.Params, "day")
	fmt.Println(day.Weekday())
	// Output: Saturday
}

func ExampleSubmount() {
	urls := routing.MustMap(
		routing.Submount[string]("/blog", routing.EndpointPrefix[string]("blog.",
			routing.Rule[string]{Path: "/", Endpoint: "index"},
			routing.Rule[string]{Path: "/<int:id>", Endpoint: "post", Methods: []string{"GET", "POST"}},
		)),
	)
	fmt.Print(urls)
	// Output:
	// *         /blog/          blog.index
	// GET,POST  /blog/<int:id>  blog.post
}

func ExampleHost() {
	urls := routing.MustMapWith(routing.Options{HostMatching: true},
		routing.Host("<tenant>.example.org", routing.Rules[string]{
			routing.Rule[string]{Path: "/", Target: "a tenant's page"},
			routing.Rule[string]{Path: "/", Host: "admin.example.com", Target: "the administrators'"},
		}),
	)
	for _, url := range []string{"http://anna.example.org/", "http://admin.example.com/"} {
		match, err := urls.Bind(httptest.NewRequest("GET", url, nil)).Match()
		fmt.Println(match.Target, match.Params.Map(), err)
	}
	// Output:
	// a tenant's page map[tenant:anna] <nil>
	// the administrators' map[] <nil>
}
