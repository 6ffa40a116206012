// Package comingfrom_test runs the code of docs/coming-from-flask.md and docs/coming-from-chi.md.
package comingfrom_test

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/guide"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/compress"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/security"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/webtest"
	"github.com/zeugkit/zeug/wrappers"
)

func TestGuides(t *testing.T) {
	guide.Holds(t, "../coming-from-flask.md", nil, "zeug_test.go")
	guide.Holds(t, "../coming-from-chi.md", nil, "zeug_test.go")
}

//go:embed templates static
var files embed.FS

func hello(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Text("Hello, World!"), nil
}

func main() {
	serving.Main("127.0.0.1:5000", zeug.New(zeug.Get("/", hello)))
}

var _ = main

func show(req *zeug.Request) (*zeug.Response, error) {
	id := req.Params.Int("id")
	return zeug.Text(fmt.Sprintf("user %d", id)), nil
}

func search(req *zeug.Request) (*zeug.Response, error) {
	q := req.Query().Get("q")
	page := req.Query().Int("page", 1)
	return zeug.Text(fmt.Sprintf("%s, page %d", q, page)), nil
}

func name(req *zeug.Request) (*zeug.Response, error) {
	form, err := req.Form()
	if err != nil {
		return nil, err
	}
	name := form.Get("name")
	return zeug.Text(name), nil
}

type user struct {
	Name string `json:"name"`
	Age  int    `json:"age"`
}

func (u *user) Validate() error {
	var v zeug.Validation
	v.Check(u.Name != "", "name", "must not be empty")
	return v.Err()
}

func create(req *zeug.Request) (*zeug.Response, error) {
	u, err := zeug.Bind[user](req)
	if err != nil {
		return nil, err
	}
	return zeug.Created(req.URL("show", "id", 7), u)
}

func asJSON(req *zeug.Request) (*zeug.Response, error) {
	return zeug.JSON(map[string]any{"name": "Ada", "languages": []string{"en", "fr"}})
}

func agent(req *zeug.Request) (*zeug.Response, error) {
	agent := req.Header.Get("User-Agent")
	resp := zeug.Text(agent)
	resp.Status = http.StatusAccepted
	resp.Header().Set("X-Answer", "42")
	return resp, nil
}

func theme(req *zeug.Request) (*zeug.Response, error) {
	theme := req.Cookies().GetOr("theme", "light")
	resp := zeug.Text(theme)
	err := resp.SetCookieFor(req.Request, datastructures.Cookie{Name: "theme", Value: "dark", MaxAge: 24 * time.Hour})
	return resp, err
}

func upload(req *zeug.Request) (*zeug.Response, error) {
	files, err := req.Files()
	if err != nil {
		return nil, err
	}
	photo, err := files.Require("photo")
	if err != nil {
		return nil, err
	}
	path, err := photo.SaveIn("uploads")
	if err != nil {
		return nil, err
	}
	return zeug.Text(path), nil
}

func visits(req *zeug.Request) (*zeug.Response, error) {
	session := req.Session()
	session.Set("visits", session.Int("visits")+1)
	return zeug.Text(strconv.Itoa(session.Int("visits"))), nil
}

func save(req *zeug.Request) (*zeug.Response, error) {
	req.Flash("Saved.", "success")
	return zeug.Redirect(req.URL("home")), nil
}

func home(req *zeug.Request) (*zeug.Response, error) {
	return req.Render("home.html", map[string]any{"name": "Ada"})
}

func secret(req *zeug.Request) (*zeug.Response, error) {
	if req.Query().Get("key") != "1234" {
		return nil, httperror.Forbidden
	}
	return nil, httperror.New(httperror.Gone, "The secret is out.")
}

var errSoldOut = errors.New("sold out")

func buy(*zeug.Request) (*zeug.Response, error) { return nil, fmt.Errorf("buy: %w", errSoldOut) }

func soldOut(req *zeug.Request, err error) (*zeug.Response, error) {
	resp := zeug.Text("Come back tomorrow.")
	resp.Status = http.StatusConflict
	return resp, nil
}

func requireLogin(req *zeug.Request) (*zeug.Response, error) {
	if !req.Session().Has("user") {
		return zeug.Redirect(req.URL("login", "next", req.FullPath())), nil
	}
	return nil, nil // the view is called
}

func loginForm(*zeug.Request) (*zeug.Response, error) { return zeug.Text("please log in"), nil }

func login(req *zeug.Request) (*zeug.Response, error) {
	form, err := req.Form()
	if err != nil {
		return nil, err
	}
	ok, err := security.CheckPasswordContext(req.Context(), hash, form.Get("password"))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, httperror.Forbidden
	}
	req.Session().Renew()
	req.Session().Set("user", "ada")
	return zeug.Redirect(req.URL("admin.index")), nil
}

var hash string

func index(*zeug.Request) (*zeug.Response, error) { return zeug.Text("admin"), nil }

func poweredBy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Powered-By", "Zeug")
		next.ServeHTTP(w, r)
	})
}

type userKey struct{}

func withUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, "ada")))
	})
}

func whoami(req *zeug.Request) (*zeug.Response, error) {
	name, _ := req.Context().Value(userKey{}).(string)
	return zeug.Text(name), nil
}

func numbers(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Stream("text/csv", func(w *wrappers.StreamWriter) error {
		for n := range 3 {
			fmt.Fprintln(w, n)
		}
		return nil
	}), nil
}

func ticks(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Events(req, func(events *wrappers.EventStream) error {
		return events.Send(wrappers.Event{Data: "tick"})
	}), nil
}

func download(req *zeug.Request) (*zeug.Response, error) {
	return zeug.FileIn("uploads", req.Params.String("name"))
}

type shop struct{ db *sql.DB }

func (s shop) items(req *zeug.Request) (*zeug.Response, error) {
	rows, err := s.db.QueryContext(req.Context(), "SELECT name FROM item")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return zeug.Text("items"), nil
}

var _ = shop.items

func mail(app *zeug.App) (string, error) {
	urls, err := app.URLsFrom(routing.Base{Scheme: "https", Host: "example.org"})
	if err != nil {
		return "", err
	}
	return urls.BuildWith(routing.BuildOptions{External: true}, "show", routing.With("id", 7))
}

func slug(arguments []routing.Argument) (routing.Converter, error) {
	return routing.Converter{Pattern: `[a-z0-9-]+`}, nil
}

func post(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Text(req.Params.String("title")), nil
}

func text(s string) http.Handler { return zeug.Text(s) }

func newApp() *zeug.App {
	box, err := security.NewBox(security.NewKey())
	if err != nil {
		panic(err)
	}
	return zeug.New(
		zeug.Templates(templates.MustNew(files, templates.Options{Dir: "templates"})),
		zeug.Static("/static", files, "static"),
		zeug.Sessions(sessions.Manager{Box: box}),
		zeug.OnError(errSoldOut, soldOut),
		zeug.ErrorPage(httperror.NotFound, "404.html"),
		zeug.MapOptions(routing.Options{Converters: map[string]routing.ConverterFunc{"slug": slug}}),
		zeug.Use(poweredBy, withUser),
		zeug.Use(
			middleware.RequestID{}.Wrap,
			middleware.Timeout{Limit: 10 * time.Second}.Wrap,
			middleware.BodyLimit{Bytes: 1 << 20}.Wrap,
			compress.Compress{}.Wrap,
		),
		zeug.Get("/", home),
		zeug.Get("/users/<int:id>", show),
		zeug.Post("/users/", create),
		zeug.Get("/posts/<slug:title>", post),
		zeug.Route("/name", name, "POST", "PUT"),
		zeug.Get("/search", search),
		zeug.Get("/json", asJSON), zeug.Get("/agent", agent), zeug.Get("/theme", theme),
		zeug.Post("/upload", upload), zeug.Get("/visits", visits), zeug.Post("/save", save),
		zeug.Get("/secret", secret), zeug.Get("/buy", buy), zeug.Get("/whoami", whoami),
		zeug.Get("/numbers", numbers), zeug.Get("/ticks", ticks),
		zeug.Get("/uploads/<path:name>", download),
		zeug.Get("/login", loginForm), zeug.Post("/login", login),
		zeug.Group("/admin",
			zeug.EndpointPrefix("admin."),
			zeug.Before(requireLogin),
			zeug.Get("/", index),
		),
		zeug.Group("/api",
			zeug.JSONErrors(),
			zeug.Get("/users/<int:id>", show).Endpoint("api.show"),
		),
		zeug.Rule(routing.Rule[zeug.View]{Path: "/user/<int:id>", RedirectTo: "/users/<id>"}),
		zeug.Handle("/plain/<name>", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, routing.ParamsOf(r).String("name"))
		})),
		zeug.Mount("/old", text("old")),
	)
}

func TestTasks(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("uploads", 0o755))
	var err error
	hash, err = security.HashPassword("correct horse")
	require.NoError(t, err)
	app := newApp()
	client := webtest.New(t, app)
	for path, want := range map[string]string{
		"/users/7": "200 user 7", "/search?q=x&page=2": "200 x, page 2", "/agent": "202 Go", "/theme": "200 light", "/visits": "200 1",
		"/secret": "403 ", "/secret?key=1234": "410 ", "/buy": "409 Come back tomorrow.", "/nowhere": "404 nothing here",
		"/whoami": "200 ada", "/numbers": "200 0\n1\n2\n", "/ticks": "200 data: tick", "/posts/a-b": "200 a-b", "/posts/A": "404 ",
		"/plain/x": "200 x", "/old/": "200 old", "/user/7": "308 ", "/admin/": "303 ",
		"/json": `200 {"languages":["en","fr"],"name":"Ada"}`,
	} {
		resp := client.With(webtest.Header("User-Agent", "Go")).Get(path)
		require.True(t, strings.HasPrefix(strconv.Itoa(resp.Status)+" "+resp.Text(), want), "%s: %d %s", path, resp.Status, resp.Text())
		require.Equal(t, "Zeug", resp.Header.Get("X-Powered-By"), path)
	}
	require.Equal(t, "dark", client.Get("/theme").Text())
	require.Equal(t, "2", client.Get("/visits").Text())
	require.Equal(t, "Ada", client.Post("/name", webtest.Form(url.Values{"name": {"Ada"}})).Text())
	require.Equal(t, "uploads/cat.png", client.Post("/upload", webtest.File("photo", "cat.png", strings.NewReader("x"))).Text())
	require.Equal(t, "x", client.Get("/uploads/cat.png").Text())
	require.Equal(t, 404, client.Get("/uploads/../zeug_test.go").Status)
	page := client.Post("/save", webtest.Follow)
	require.Contains(t, page.Text(), "Saved.")
	require.Regexp(t, `/static/style\.[0-9a-f]+\.css`, page.Text())
	client.Post("/users/", webtest.JSON(user{})).Expect(422)
	require.Equal(t, "/users/7", client.Post("/users/", webtest.JSON(user{Name: "Ada"})).Expect(201).Header.Get("Location"))
	client.Post("/login", webtest.Form(url.Values{"password": {"wrong"}})).Expect(403)
	require.Equal(t, "admin", client.Post("/login", webtest.Form(url.Values{"password": {"correct horse"}}), webtest.Follow).Text())
	link, err := mail(app)
	require.NoError(t, err)
	require.Equal(t, "https://example.org/users/7", link)
}

func TestHello(t *testing.T) {
	client := webtest.New(t, zeug.New(zeug.Get("/", hello)))
	require.Equal(t, "Hello, World!", client.Get("/").Expect(200).Text())
}
