package routing_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/wrappers"
)

// A target is whatever a match is to yield: here a function of the
// application's own shape.
type view func(*wrappers.Request, routing.Args) (*wrappers.Response, error)

func Example() {
	urls := routing.MustMap(
		routing.Rule[view]{Path: "/", Endpoint: "index", Target: index},
		routing.Rule[view]{Path: "/hello/<name>", Endpoint: "hello", Target: hello},
	)
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		match, err := urls.Bind(req.Request).Match()
		if err != nil {
			return nil, err // 404, 405 or a redirect: it answers for itself
		}
		return match.Target(req, match.Args)
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

func index(req *wrappers.Request, args routing.Args) (*wrappers.Response, error) {
	return wrappers.Text("Hello\n"), nil
}

func hello(req *wrappers.Request, args routing.Args) (*wrappers.Response, error) {
	return wrappers.Text("Hello, " + args.String("name") + "!\n"), nil
}
