package zeug_test

import (
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

// The code of docs/application.md.

func list(*zeug.Request) (*zeug.Response, error)   { return zeug.Text("list"), nil }
func create(*zeug.Request) (*zeug.Response, error) { return zeug.Text("created"), nil }
func edit(*zeug.Request) (*zeug.Response, error)   { return zeug.Text("edit"), nil }

func show(req *zeug.Request) (*zeug.Response, error) {
	id := req.Params.Int("id")
	return zeug.Text(fmt.Sprintf("item %d of %s", id, req.URL("list"))), nil
}

func ExampleNew_guide() {
	app := zeug.New(
		zeug.Get("/items/", list),
		zeug.Post("/items/", create),
		zeug.Get("/items/<int:id>", show),
		zeug.Route("/items/<int:id>/edit", edit, "GET", "POST"),
	)
	get(app, "/items/7")
	// Output: 200 item 7 of /items/
}

type signup struct {
	Name string `json:"name" form:"name"`
	Age  int    `json:"age" form:"age"`
}

func (s *signup) Validate() error {
	var v zeug.Validation
	v.Check(s.Name != "", "name", "must not be empty")
	v.Check(s.Age >= 18, "age", "must be at least 18")
	return v.Err()
}

func register(req *zeug.Request) (*zeug.Response, error) {
	s, err := zeug.Bind[signup](req)
	if err != nil {
		return nil, err
	}
	return zeug.Created("/users/"+s.Name, s)
}

func ExampleBind_guide() {
	app := zeug.New(zeug.Post("/users", register), zeug.JSONErrors())
	r := httptest.NewRequest("POST", "/users", strings.NewReader(`{"age": 17}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 422 {"detail":"name: must not be empty; age: must be at least 18","errors":[{"field":"name","detail":"must not be empty","pointer":"#/name"},{"field":"age","detail":"must be at least 18","pointer":"#/age"}],"status":422,"title":"Unprocessable Content"}
}

// invalid stands for validator.ValidationErrors of go-playground/validator.
type invalid []interface {
	Field() string
	Tag() string
}

func (invalid) Error() string { return "not valid" }

func fieldErrors(err error) error {
	var failed invalid
	if !errors.As(err, &failed) {
		return err
	}
	var v zeug.Validation
	for _, f := range failed {
		v.Check(false, f.Field(), "does not hold: "+f.Tag())
	}
	return v.Err()
}

var _ = fieldErrors

//go:embed testdata/templates testdata/static
var files embed.FS

func home(req *zeug.Request) (*zeug.Response, error) {
	return req.Render("home.html", map[string]any{"name": "Ada"})
}

func ExampleTemplates() {
	app := zeug.New(
		zeug.Templates(templates.MustNew(files, templates.Options{Dir: "testdata/templates"})),
		zeug.Static("/static", files, "testdata/static"),
		zeug.Get("/", home),
	)
	get(app, "/")
	// Output: 200 <link rel="stylesheet" href="/static/style.411873a40616.css"><a href="/">Ada</a>
}

func login(req *zeug.Request) (*zeug.Response, error) {
	session := req.Session()
	session.Renew() // a new id: nobody can have planted it
	session.Set("user", "ada")
	req.Flash("Welcome back.", "info")
	return zeug.Redirect(req.URL("home")), nil
}

func requireLogin(req *zeug.Request) (*zeug.Response, error) {
	if !req.Session().Has("user") {
		return zeug.Redirect(req.URL("login")), nil
	}
	return nil, nil // the view is called
}

func ExampleSessions() {
	app := zeug.New(
		zeug.Sessions(sessions.Manager{Store: &sessions.Memory{}}),
		zeug.Route("/login", login),
		zeug.Group("", zeug.Before(requireLogin), zeug.Get("/", home)),
	)
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 303 /login
}

var errSoldOut = errors.New("sold out")

func ExampleOnError() {
	app := zeug.New(
		zeug.Get("/buy", func(*zeug.Request) (*zeug.Response, error) { return nil, errSoldOut }),
		zeug.OnError(errSoldOut, func(req *zeug.Request, err error) (*zeug.Response, error) {
			resp := zeug.Text("Come back tomorrow.")
			resp.Status = 409
			return resp, nil
		}),
		zeug.OnError(httperror.NotFound, func(req *zeug.Request, err error) (*zeug.Response, error) {
			return zeug.Text("Nothing here."), nil // the status is that of the error, 404
		}),
	)
	get(app, "/buy")
	get(app, "/elsewhere")
	// Output:
	// 409 Come back tomorrow.
	// 404 Nothing here.
}

func ExampleUse() {
	app := zeug.New(
		zeug.Use(
			middleware.RequestID{}.Wrap,
			middleware.SecureHeaders{}.Wrap,
		),
		zeug.Get("/items/", list),
		zeug.Group("/api",
			zeug.JSONErrors(),
			zeug.Use(middleware.Timeout{Limit: 5 * time.Second}.Wrap),
			zeug.Get("/items/", list).Endpoint("api.list"),
		),
	)
	get(app, "/api/items/")
	// Output: 200 list
}

func ExampleHandle() {
	app := zeug.New(
		zeug.Handle("/raw/<name>", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "raw "+routing.ParamsOf(r).String("name"))
		})),
		zeug.Handle("/value", zeug.Text("a response is a handler too")),
	)
	get(app, "/raw/x")
	get(app, "/value")
	// Output:
	// 200 raw x
	// 200 a response is a handler too
}

func ticks(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Events(req, func(events *wrappers.EventStream) error {
		for n := range 3 {
			if err := events.Send(wrappers.Event{Data: fmt.Sprint(n)}); err != nil {
				return err // the client has gone
			}
		}
		return nil
	}), nil
}

func ExampleEvents() {
	w := httptest.NewRecorder()
	zeug.New(zeug.Get("/ticks", ticks)).ServeHTTP(w, httptest.NewRequest("GET", "/ticks", nil))
	fmt.Println(strings.Count(w.Body.String(), "data: "))
	// Output: 3
}

func ExampleApp_URLsFrom() {
	app := zeug.New(zeug.Get("/items/<int:id>", show))
	urls, err := app.URLsFrom(routing.Base{Scheme: "https", Host: "shop.example.org"})
	if err != nil {
		panic(err)
	}
	link, err := urls.BuildWith(routing.BuildOptions{External: true}, "show", routing.With("id", 7))
	fmt.Println(link, err)
	// Output: https://shop.example.org/items/7 <nil>
}
