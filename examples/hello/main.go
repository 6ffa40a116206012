// Hello is the smallest application that uses Zeug's idea of one: rules lead to
// views, a view takes a request and returns a response or an error.
//
//	go run ./examples/hello
package main

import (
	"net/http"

	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/wrappers"
)

type view func(*wrappers.Request, routing.Args) (*wrappers.Response, error)

func newApp() http.Handler {
	urls := routing.MustMap(
		routing.Rule[view]{Path: "/", Endpoint: "index", Target: index},
		routing.Rule[view]{Path: "/hello/<name>", Endpoint: "hello", Target: hello},
	)
	return wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		match, err := urls.Bind(req.Request).Match()
		if err != nil {
			return nil, err // 404, 405 or a redirect: it answers for itself
		}
		return match.Target(req, match.Args)
	})
}

func index(*wrappers.Request, routing.Args) (*wrappers.Response, error) {
	return wrappers.Text("Say hello: /hello/<your name>\n"), nil
}

func hello(req *wrappers.Request, args routing.Args) (*wrappers.Response, error) {
	return wrappers.Text(req.Args().Get("greeting", "Hello") + ", " + args.String("name") + "!\n"), nil
}

func main() {
	serving.Main("127.0.0.1:5000", newApp(), serving.Options{Debug: true, Reload: true})
}
