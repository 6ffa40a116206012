package zeug_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/routing"
)

func get(h http.Handler, path string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	fmt.Println(w.Code, w.Header().Get("Location")+w.Body.String())
}

func Example() {
	index := func(req *zeug.Request) (*zeug.Response, error) {
		return zeug.Redirect(req.URL("hello", "name", "World")), nil
	}
	hello := func(req *zeug.Request) (*zeug.Response, error) {
		return zeug.Text("Hello, " + req.Params.String("name") + "!"), nil
	}
	app := zeug.New(
		zeug.Get("/", index),
		zeug.Get("/hello/<name>", hello).Endpoint("hello"),
	)
	get(app, "/hello/Ada")
	// Output: 200 Hello, Ada!
}

func ExampleGroup() {
	admin := zeug.Group("/admin",
		zeug.EndpointPrefix("admin."),
		zeug.Before(func(req *zeug.Request) (*zeug.Response, error) {
			if req.Query().GetOr("key", "") != "secret" {
				return nil, httperror.Forbidden
			}
			return nil, nil // the view goes on
		}),
		zeug.Get("/users/<name>", func(req *zeug.Request) (*zeug.Response, error) {
			return zeug.Text(req.URL("admin.user", "name", "Bob")), nil
		}).Endpoint("user"),
	)
	app := zeug.New(admin, zeug.OnError(httperror.Forbidden, func(*zeug.Request, error) (*zeug.Response, error) {
		return zeug.Text("Staff only."), nil
	}))
	get(app, "/admin/users/Ada?key=secret")
	get(app, "/admin/users/Ada")
	// Output:
	// 200 /admin/users/Bob
	// 403 Staff only.
}

func ExampleBind() {
	type search struct {
		Words string `form:"q"`
		Page  int    `form:"page"`
	}
	app := zeug.New(zeug.Get("/", func(req *zeug.Request) (*zeug.Response, error) {
		s, err := zeug.Bind[search](req)
		if err != nil {
			return nil, err // 422, with every field that does not fit
		}
		return zeug.Text(fmt.Sprintf("%q, page %d", s.Words, s.Page)), nil
	}))
	get(app, "/?q=go+web&page=2")
	// Output: 200 "go web", page 2
}

func ExampleMount() {
	blog := zeug.New(zeug.Get("/", func(req *zeug.Request) (*zeug.Response, error) {
		return zeug.Text(req.URL("post", "year", 2026)), nil
	}), zeug.Get("/<int:year>", func(*zeug.Request) (*zeug.Response, error) { return zeug.NoContent(), nil }).Endpoint("post"))
	get(zeug.New(zeug.Mount("/blog", blog)), "/blog/")
	// Output: 200 /blog/2026
}

func ExampleRule() {
	app := zeug.New(zeug.Rule(routing.Rule[zeug.View]{Path: "/old/<int:id>", RedirectTo: "/items/<id>"}))
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/old/7", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 308 /items/7
}

func ExampleApp_MountedAt() {
	shop := zeug.New(zeug.Get("/cart", func(req *zeug.Request) (*zeug.Response, error) {
		return zeug.Text("the cart at " + req.RootPath()), nil
	}))
	mux := http.NewServeMux()
	mux.Handle("/shop/", shop.MountedAt("/shop"))
	get(mux, "/shop/cart")
	// Output: 200 the cart at /shop
}
