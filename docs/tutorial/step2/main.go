// Step 2 of the tutorial: the structure of an application.
package main

import (
	"embed"
	"net/http"

	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/wrappers"
)

//go:embed static
var files embed.FS

// Shortly is the application.
type Shortly struct{}

func (s *Shortly) dispatch(req *wrappers.Request) (*wrappers.Response, error) {
	return wrappers.Text("Hello World!"), nil
}

func newApp() http.Handler {
	s := new(Shortly)
	static := staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/static", FS: files, Dir: "static"},
	}}
	return static.Wrap(wrappers.View(s.dispatch))
}

func main() {
	serving.Main("127.0.0.1:5000", newApp(), serving.Options{Debug: true, Reload: true})
}
