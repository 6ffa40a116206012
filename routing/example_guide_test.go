package routing_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gorilla/mux"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/routing/gorillamux"
	"github.com/zeugkit/zeug/wrappers"
)

// The examples of docs/routing.md, which TestGuide compares.

// show prints what an application answers.
func show(app http.Handler, method, target string) {
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Header().Get("Location"), w.Header().Get("Allow"))))
}

func user(req *wrappers.Request, params routing.Params) (*wrappers.Response, error) {
	return wrappers.Text(fmt.Sprintln("user", params.Int("id"))), nil
}

func files(req *wrappers.Request, params routing.Params) (*wrappers.Response, error) {
	return wrappers.Text(params.String("name") + "\n"), nil
}

func Example_views() {
	urls := routing.MustMap(
		routing.Rule[view]{Path: "/", Endpoint: "index", Target: index},
		routing.Rule[view]{Path: "/user/<int:id>", Endpoint: "user", Target: user, Methods: []string{"GET"}},
		routing.Rule[view]{Path: "/files/<path:name>", Endpoint: "file", Target: files},
	)
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		match, err := urls.Bind(req.Request).Match()
		if err != nil {
			return nil, err // 404, 405 or a redirect
		}
		return match.Target(req, match.Params)
	})
	show(app, "GET", "/user/7")
	show(app, "GET", "/user/seven")
	show(app, "POST", "/user/7")
	show(app, "GET", "/files//a")
	// Output:
	// 200
	// 404
	// 405 GET, HEAD
	// 308 /files/a
}

func Example_handlers() {
	urls := routing.MustMap(
		routing.Rule[http.Handler]{Path: "/user/<int:id>", Target: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			params := routing.ParamsOf(r)
			fmt.Println(params.Int("id"), r.Pattern)
		})},
	)
	show(urls.Handler(), "GET", "/user/7")
	// Output:
	// 7 /user/<int:id>
	// 200
}

func ExamplePathValues() {
	user := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.PathValue("id"))
	})
	urls := routing.MustMap(
		routing.Rule[http.Handler]{Path: "/user/<int:id>", Target: routing.PathValues(user)},
	)
	show(urls.Handler(), "GET", "/user/007")
	// Output:
	// 007
	// 200
}

func Example_segments() {
	urls := routing.MustMap(
		routing.Rule[string]{Path: "/v<int:major>.<int:minor>/<path:page>/edit", Endpoint: "edit"},
	)
	adapter := urls.Bind(httptest.NewRequest("GET", "/v1.12/guide/routing/edit", nil))
	match, err := adapter.Match()
	fmt.Println(match.Params.Map(), err)
	// Output: map[major:1 minor:12 page:guide/routing] <nil>
}

func Example_ownConverter() {
	slug := func(arguments []routing.Argument) (routing.Converter, error) {
		return routing.Converter{Pattern: `[a-z0-9]+(?:-[a-z0-9]+)*`}, nil
	}
	urls := routing.MustMapWith(routing.Options{Converters: map[string]routing.ConverterFunc{"slug": slug}},
		routing.Rule[string]{Path: "/posts/<slug:title>", Endpoint: "post"},
	)
	fmt.Println(urls.Bind(httptest.NewRequest("GET", "/posts/on-routing", nil)).Test())
	fmt.Println(urls.Bind(httptest.NewRequest("GET", "/posts/On_Routing", nil)).Test())
	// Output:
	// true
	// false
}

func Example_building() {
	urls := routing.MustMap(
		routing.Rule[view]{Path: "/user/<int:id>", Endpoint: "user"},
		routing.Rule[view]{Path: "/tags/<name>", Endpoint: "tag"},
	)
	adapter := urls.Bind(httptest.NewRequest("GET", "https://example.org/", nil))
	fmt.Println(adapter.Build("user", routing.With("id", 7), routing.With("tab", "log")))
	fmt.Println(adapter.Build("tag", routing.With("name", "a/b c")))
	fmt.Println(adapter.BuildWith(routing.BuildOptions{External: true}, "user", routing.With("id", 7)))
	fmt.Println(adapter.Build("user"))
	fmt.Println(adapter.Build("tags"))
	// Output:
	// /user/7?tab=log <nil>
	// /tags/a%2Fb%20c <nil>
	// https://example.org/user/7 <nil>
	//  routing: no URL for endpoint "user": values are missing: id
	//  routing: no URL for endpoint "tags": did you mean "tag"?
}

func Example_buildingElsewhere() {
	urls := routing.MustMap(routing.Rule[view]{Path: "/user/<int:id>", Endpoint: "user"})
	adapter, err := urls.BindBase(routing.Base{Scheme: "https", Host: "example.org", RootPath: "/app"})
	if err != nil {
		panic(err)
	}
	fmt.Println(adapter.BuildWith(routing.BuildOptions{External: true}, "user", routing.With("id", 7)))
	// Output: https://example.org/app/user/7 <nil>
}

func Example_subdomains() {
	urls := routing.MustMapWith(routing.Options{ServerName: "example.org"},
		routing.Rule[view]{Path: "/", Endpoint: "index"},
		routing.Subdomain("<user>", routing.Rules[view]{
			routing.Rule[view]{Path: "/", Endpoint: "home"},
			routing.Rule[view]{Path: "/posts/<int:id>", Endpoint: "post"},
		}),
	)
	adapter := urls.Bind(httptest.NewRequest("GET", "http://anna.example.org/posts/7", nil))
	match, _ := adapter.Match()
	fmt.Println(match.Rule().Endpoint, match.Params.Map())
	fmt.Println(adapter.Build("home", routing.With("user", "anna")))
	fmt.Println(adapter.Build("home", routing.With("user", "bert")))
	// Output:
	// post map[id:7 user:anna]
	// / <nil>
	// http://bert.example.org/ <nil>
}

func Example_groups() {
	blog := routing.Submount("/blog", routing.EndpointPrefix("blog.", routing.Rules[view]{
		routing.Rule[view]{Path: "/", Endpoint: "index"},
		routing.Rule[view]{Path: "/<int:id>", Endpoint: "post", Methods: []string{"GET", "POST"}},
	}))
	resource := func(name string) routing.Group[view] {
		return routing.Template(map[string]string{"name": name}, routing.Rules[view]{
			routing.Rule[view]{Path: "/$name/", Endpoint: "$name.list"},
			routing.Rule[view]{Path: "/$name/<int:id>", Endpoint: "$name.show"},
		})
	}
	fmt.Print(routing.MustMap(blog, resource("users"), resource("pages")))
	// Output:
	// *         /blog/           blog.index
	// GET,POST  /blog/<int:id>   blog.post
	// *         /users/          users.list
	// *         /users/<int:id>  users.show
	// *         /pages/          pages.list
	// *         /pages/<int:id>  pages.show
}

func Example_redirects() {
	urls := routing.MustMap(
		routing.Rule[view]{Path: "/all/", Endpoint: "all", Defaults: map[string]any{"page": 1}},
		routing.Rule[view]{Path: "/all/page/<int:page>", Endpoint: "all"},
		routing.Rule[view]{Path: "/everything", Endpoint: "all", Defaults: map[string]any{"page": 1}, Alias: true},
		routing.Rule[view]{Path: "/old/<int:n>", RedirectTo: "all/page/<n>"},
	)
	for _, path := range []string{"/all", "/all/page/1", "/everything", "/old/3"} {
		_, err := urls.Bind(httptest.NewRequest("GET", path, nil)).Match()
		fmt.Println(err)
	}
	// Output:
	// 308 Permanent Redirect: http://example.com/all/
	// 308 Permanent Redirect: http://example.com/all/
	// 308 Permanent Redirect: http://example.com/all/
	// 308 Permanent Redirect: http://example.com/all/page/3
}

func Example_conditions() {
	forPrograms := routing.ConditionFunc(func(r *http.Request) bool {
		return r.Header.Get("Accept") == "application/json"
	})
	urls := routing.MustMap(
		routing.Rule[string]{Path: "/search", Target: "for programs", Condition: forPrograms},
		routing.Rule[string]{Path: "/search", Target: "all of it"},
	)
	for _, accept := range []string{"application/json", "text/html"} {
		r := httptest.NewRequest("GET", "/search", nil)
		r.Header.Set("Accept", accept)
		match, _ := urls.Bind(r).Match()
		fmt.Println(match.Target)
	}
	// Output:
	// for programs
	// all of it
}

func Example_muxConditions() {
	urls := routing.MustMap(
		routing.Rule[string]{Path: "/search", Target: "a page of it", Condition: gorillamux.Condition(new(mux.Route).Queries("page", "{page:[0-9]+}"))},
		routing.Rule[string]{Path: "/search", Target: "all of it"},
	)
	for _, target := range []string{"/search?page=2", "/search"} {
		match, _ := urls.Bind(httptest.NewRequest("GET", target, nil)).Match()
		fmt.Println(match.Target, match.Params.Map())
	}
	// Output:
	// a page of it map[page:2]
	// all of it map[]
}

func Example_whichRule() {
	urls := routing.MustMap(routing.Rule[http.Handler]{Path: "/user/<int:id>", Endpoint: "user", Target: http.NotFoundHandler()})
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, route := gateway.WithRoute(r)
		urls.Handler().ServeHTTP(w, r)
		fmt.Println(route.Pattern, route.Endpoint)
	})
	show(counted, "GET", "/user/7")
	// Output:
	// /user/<int:id> user
	// 404
}

func Example_ownAnswers() {
	urls := routing.MustMap(routing.Rule[http.Handler]{Path: "/user/<int:id>", Target: http.NotFoundHandler()})
	app := urls.Dispatch(
		func(w http.ResponseWriter, r *http.Request, match routing.Match[http.Handler]) {
			match.Target.ServeHTTP(w, r)
		},
		func(w http.ResponseWriter, r *http.Request, err error) {
			w.Header().Set("Cache-Control", "no-store")
			httperror.Respond(w, r, err)
		},
	)
	show(app, "GET", "/nobody")
	// Output: 404
}

func Example_ruleError() {
	_, err := routing.NewMap(
		routing.Rule[view]{Path: "/user/<integer:id>", Endpoint: "user"},
		routing.Rule[view]{Path: "/post/{id}", Endpoint: "post"},
	)
	text := err.Error()
	for _, line := range strings.Split(text, "\n") {
		before, after, _ := strings.Cut(line, " (")
		_, reason, _ := strings.Cut(after, "): ")
		fmt.Println(before, reason)
	}
	// Output:
	// routing: rule "/user/<integer:id>" at offset 6 unknown converter "integer": there are any, float, int, path, regexp, string, uuid, and those of Options.Converters; did you mean "int"?
	// routing: rule "/post/{id}" at offset 6 a variable is written <id> here, not {id}
}

func Example_insideServeMux() {
	urls := routing.MustMap(routing.Rule[http.Handler]{Path: "/posts/", Target: http.NotFoundHandler()})
	mux := http.NewServeMux()
	mux.HandleFunc("/blog/", func(w http.ResponseWriter, r *http.Request) {
		if inner, ok := gateway.Mount(r, "/blog"); ok {
			urls.Handler().ServeHTTP(w, inner)
		}
	})
	show(mux, "GET", "/blog/posts")
	// Output: 308 /blog/posts/
}

func Example_fromMux() {
	router := mux.NewRouter()
	router.HandleFunc("/user/{id:[0-9]+}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("still mux's:", mux.Vars(r)["id"])
	}).Name("user")

	old, err := gorillamux.FromRouter(router)
	if err != nil {
		panic(err) // it names the route
	}
	urls := routing.MustMap(routing.Rule[http.Handler]{Path: "/post/<int:id>", Target: http.NotFoundHandler()})
	app := urls.Fallback(old)

	show(app, "GET", "/user/7")
	show(app, "GET", "/post/7")
	fmt.Println(old.Bind(httptest.NewRequest("GET", "/", nil)).Build("user", routing.With("id", 7)))
	// Output:
	// still mux's: 7
	// 200
	// 404
	// /user/7 <nil>
}
