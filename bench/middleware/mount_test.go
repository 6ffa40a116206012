package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/webtest"
)

// Routers that know nothing of root paths are mounted below one, find their
// routes, and redirect within it.
func TestRoutersMount(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	show := func(w http.ResponseWriter, name string) { fmt.Fprint(w, "hello "+name) }

	std := http.NewServeMux()
	std.HandleFunc("/hello/{name}", func(w http.ResponseWriter, r *http.Request) { show(w, r.PathValue("name")) })
	std.Handle("/go", http.RedirectHandler("/hello/you", http.StatusSeeOther))

	c := chi.NewRouter()
	c.Get("/hello/{name}", func(w http.ResponseWriter, r *http.Request) { show(w, chi.URLParam(r, "name")) })
	c.Get("/go", http.RedirectHandler("/hello/you", http.StatusSeeOther).ServeHTTP)

	m := mux.NewRouter().StrictSlash(true)
	m.HandleFunc("/hello/{name}", func(w http.ResponseWriter, r *http.Request) { show(w, mux.Vars(r)["name"]) })
	m.Handle("/go", http.RedirectHandler("/hello/you", http.StatusSeeOther))

	g := gin.New()
	g.GET("/hello/:name", func(c *gin.Context) { show(c.Writer, c.Param("name")) })
	g.GET("/go", func(c *gin.Context) { c.Redirect(http.StatusSeeOther, "/hello/you") })

	apps := map[string]http.Handler{"ServeMux": std, "chi": c, "gorilla-mux": m, "gin": g}
	mounts := map[string]http.Handler{}
	for name, app := range apps {
		mounts["/"+name] = middleware.RewriteLocation(app)
	}
	client := webtest.New(t, middleware.Dispatcher{Mounts: mounts}.Wrap(http.NotFoundHandler()))
	for name := range apps {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, "hello ann", client.Get("/"+name+"/hello/ann").Text())
			require.Equal(t, "/"+name+"/hello/you", client.Get("/"+name+"/go").Header.Get("Location"))
			require.Equal(t, "hello you", client.Get("/"+name+"/go", webtest.Follow).Text())
		})
	}
	resp := client.Get("/gorilla-mux/hello/ann/")
	require.Equal(t, "http://example.com/gorilla-mux/hello/ann", resp.Location())
	resp = client.Get("/gin/hello/ann/")
	require.Equal(t, "http://example.com/gin/hello/ann", resp.Location())
}
