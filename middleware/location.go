package middleware

import (
	"io"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// RewriteLocation makes app ready for a mount if app does not know root paths. Most routers, and
// everything that calls [http.Redirect], do not. It puts the root path before the paths in the
// fields Location and Content-Location. A [net/http.ServeMux], chi, gin or gorilla/mux then
// redirects within the mount. Absolute URLs stay as they are.
//
// Do not use it for applications that build their URLs with the root path, as those of this module
// do: the root path would be there twice.
func RewriteLocation(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		root := gateway.RootPath(r)
		if root == "" {
			app.ServeHTTP(w, r)
			return
		}
		f := &rewriter{Forward: responsewriter.Forward{ResponseWriter: w}, root: root}
		app.ServeHTTP(f.Like(f, w), r)
		f.move()
	})
}

// rewriter changes the paths in a header just before it is sent.
type rewriter struct {
	responsewriter.Forward
	responsewriter.Shape
	root string
	sent bool
}

func (f *rewriter) move() {
	if f.sent {
		return
	}
	f.sent = true
	for _, name := range [...]string{"Location", "Content-Location"} {
		values := f.Header()[name]
		// "//host/path" is a URL of another host.
		if len(values) == 1 && strings.HasPrefix(values[0], "/") && !strings.HasPrefix(values[0], "//") {
			f.Header()[name] = []string{f.root + values[0]}
		}
	}
}

func (f *rewriter) WriteHeader(status int) {
	if status >= 200 {
		f.move()
	}
	f.ResponseWriter.WriteHeader(status)
}

func (f *rewriter) Write(p []byte) (int, error) {
	f.move()
	return f.ResponseWriter.Write(p)
}

func (f *rewriter) WriteString(s string) (int, error) {
	f.move()
	return f.Forward.WriteString(s)
}

func (f *rewriter) ReadFrom(r io.Reader) (int64, error) {
	f.move()
	return f.Forward.ReadFrom(r)
}

func (f *rewriter) FlushError() error {
	f.move()
	return f.Forward.FlushError()
}
