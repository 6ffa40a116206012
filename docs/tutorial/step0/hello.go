// Package step0 says hello in three ways: to net/http alone, with a Response,
// and with a Request.
package step0

import (
	"fmt"
	"net/http"

	"github.com/zeugkit/zeug/wrappers"
)

func plain(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, "Hello World!")
}

func withResponse(w http.ResponseWriter, r *http.Request) {
	response := wrappers.Text("Hello World!")
	response.ServeHTTP(w, r)
}

func withRequest(req *wrappers.Request) (*wrappers.Response, error) {
	name := req.Args().Get("name", "World")
	return wrappers.Text("Hello " + name + "!"), nil
}

// Application is what a server is given.
var Application http.Handler = wrappers.View(withRequest)
