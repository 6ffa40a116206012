// Hello is the smallest application: two routes, and the URL of one in the other.
//
//	go run ./examples/hello
package main

import (
	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/serving"
)

func main() { serving.Main("127.0.0.1:5000", newApp()) }

func newApp() *zeug.App {
	return zeug.New(zeug.Get("/", index), zeug.Get("/hello/<name>", hello))
}

func index(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Redirect(req.URL("hello", "name", "World")), nil
}

func hello(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Text(req.Query().GetOr("greeting", "Hello") + ", " + req.Params.String("name") + "!\n"), nil
}
