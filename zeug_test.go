package zeug_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/development"
	"github.com/zeugkit/zeug/internal/routelist"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/webtest"
	"github.com/zeugkit/zeug/wrappers"
)

// do sends a request to h and returns the recorded response.
func do(h http.Handler, method, target string, body ...string) *httptest.ResponseRecorder {
	var r *http.Request
	if len(body) == 2 {
		r = httptest.NewRequest(method, target, strings.NewReader(body[1]))
		r.Header.Set("Content-Type", body[0])
	} else {
		r = httptest.NewRequest(method, target, nil)
	}
	r.Header.Set("Accept", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func index(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Redirect(req.URL("hello", "name", "World")), nil
}

func hello(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Text("Hello, " + req.Params.String("name") + "!\n"), nil
}

func text(s string) zeug.View {
	return func(*zeug.Request) (*zeug.Response, error) { return zeug.Text(s), nil }
}

// link returns a view that responds with the URL of an endpoint.
func link(endpoint string, namesAndValues ...any) zeug.View {
	return func(req *zeug.Request) (*zeug.Response, error) {
		return zeug.Text(req.URL(endpoint, namesAndValues...)), nil
	}
}

type shop struct{}

func (*shop) show(req *zeug.Request) (*zeug.Response, error) {
	return zeug.JSON(zeug.Param[int](req, "id"))
}

func TestRoutesLeadToViews(t *testing.T) {
	app := zeug.New(
		zeug.Get("/", index),
		zeug.Get("/hello/<name>", hello),
		zeug.Get("/item/<int:id>", (&shop{}).show),
		zeug.Post("/item/<int:id>", text("posted")),
		zeug.Put("/item/<int:id>", text("put")),
		zeug.Patch("/item/<int:id>", text("patched")),
		zeug.Delete("/item/<int:id>", text("deleted")),
		zeug.Route("/any", text("any")),
		zeug.Route("/two", text("two"), "GET", "POST"),
		zeug.Get("/posts/", link("posts", "page", 2)).Endpoint("posts").Defaults(map[string]any{"page": 1}),
		zeug.Get("/posts/page/<int:page>", text("page")).Endpoint("posts"),
		zeug.Rule(routing.Rule[zeug.View]{Path: "/old/<int:id>", RedirectTo: "/item/<id>"}),
		zeug.Get("/links", func(req *zeug.Request) (*zeug.Response, error) {
			return zeug.Text(req.URL("show", "id", 7, "page", 2)), nil
		}),
	)
	for _, c := range []struct {
		method, path string
		status       int
		want         string // the body, or the Location of a redirect
	}{
		{"GET", "/", 303, "/hello/World"},
		{"GET", "/hello/Ada", 200, "Hello, Ada!\n"},
		{"HEAD", "/hello/Ada", 200, ""},
		{"GET", "/item/7", 200, "7\n"},
		{"POST", "/item/7", 200, "posted"},
		{"PUT", "/item/7", 200, "put"},
		{"PATCH", "/item/7", 200, "patched"},
		{"DELETE", "/item/7", 200, "deleted"},
		{"BREW", "/any", 200, "any"},
		{"POST", "/two", 200, "two"},
		{"GET", "/posts/", 200, "/posts/page/2"},
		{"GET", "/posts/page/1", 308, "/posts/"},
		{"GET", "/old/7", 308, "/item/7"},
		{"GET", "/links", 200, "/item/7?page=2"},
	} {
		w := do(app, c.method, c.path)
		require.Equal(t, c.status, w.Code, "%s %s: %s", c.method, c.path, w.Body)
		if location := w.Header().Get("Location"); location != "" {
			require.Equal(t, c.want, location)
		} else {
			require.Equal(t, c.want, w.Body.String())
		}
	}
	require.Equal(t, 404, do(app, "GET", "/nowhere").Code)
	w := do(app, "PUT", "/two")
	require.Equal(t, 405, w.Code)
	require.Equal(t, "GET, HEAD, POST", w.Header().Get("Allow"))
	require.Contains(t, app.String(), "/item/<int:id>")
}

func generic[T any](*zeug.Request) (*zeug.Response, error) { return zeug.NoContent(), nil }

func TestEndpointsAreNamedAfterTheViewsFunction(t *testing.T) {
	app := zeug.New(
		zeug.Get("/a", hello),
		zeug.Get("/b", (&shop{}).show).Defaults(map[string]any{"id": 1}),
		zeug.Get("/c", generic[int]),
		zeug.Get("/d", func(*zeug.Request) (*zeug.Response, error) { return nil, nil }),
		zeug.Get("/e", text("a function that another returned")),
	)
	urls := app.URLs(httptest.NewRequest("GET", "/", nil))
	for endpoint, want := range map[string]string{"hello": "/a", "show": "/b", "generic": "/c"} {
		got, err := urls.Build(endpoint)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, line := range strings.Split(strings.TrimSpace(app.String()), "\n")[3:] {
		require.Len(t, strings.Fields(line), 2, "function literals have no endpoint: %s", line)
	}
}

func TestMistakesAreToldAtConstructionAllAtOnce(t *testing.T) {
	other := struct{ shop }{}
	_, err := zeug.TryNew(
		zeug.Get("/a", nil),
		zeug.Group("admin", zeug.Get("/a", hello)),
		zeug.Group("/x", zeug.Templates(nil)),
		zeug.Mount("/m", nil),
		zeug.Handle("/h", nil),
		zeug.Subdomain("api"),
		zeug.Sessions(sessions.Manager{}), zeug.Sessions(sessions.Manager{}),
		zeug.Get("/s", (&shop{}).show), zeug.Get("/o", other.list), zeug.Get("/t", (&thing{}).show),
		nil,
	)
	for _, part := range []string{
		`zeug_test.go:`, `the view of rule "/a" is nil`, `the prefix "admin" of a Group must begin with a slash`,
		"belongs into the list of New", `the handler of Mount("/m") is nil`, `the view of rule "/h" is nil`,
		"Subdomain belongs into a Group", "Sessions stands there twice",
		`the endpoint "show" is also that of another view`, "a part is nil",
	} {
		require.ErrorContains(t, err, part)
	}
	_, err = zeug.TryNew(zeug.Get("/<int:", hello), zeug.Get("/<nothing:x>", hello))
	require.ErrorContains(t, err, `"/<int:"`)
	require.ErrorContains(t, err, `"/<nothing:x>"`)
	require.Equal(t, 2, strings.Count(err.Error(), "zeug_test.go:"), "%v", err)

	_, err = zeug.TryNew(zeug.TrustOrigins("example.org"))
	require.Error(t, err)
	_, err = zeug.TryNew(zeug.TrustOrigins("https://example.org"), zeug.AllowCrossOrigin())
	require.ErrorContains(t, err, "pointless")
	_, err = zeug.TryNew(zeug.StaticExport(exportOf("/static", "no such directory")))
	require.Error(t, err)
	_, err = zeug.TryNew(zeug.Sessions(sessions.Manager{}))
	require.Error(t, err)
	_, err = zeug.TryNew(zeug.Group("/<lang>", zeug.Mount("/m", http.NotFoundHandler())))
	require.ErrorContains(t, err, "has a variable")
	require.Panics(t, func() { zeug.New(zeug.Get("no slash", hello)) })
}

type thing struct{}

func (*thing) show(*zeug.Request) (*zeug.Response, error) { return nil, nil }

func (*shop) list(*zeug.Request) (*zeug.Response, error) { return nil, nil }

func TestMistakesInViewsAnswer500(t *testing.T) {
	app := zeug.New(
		zeug.Get("/endpoint", link("helo", "name", "x")),
		zeug.Get("/missing", link("hello")),
		zeug.Get("/value", link("show", "id", "x")),
		zeug.Get("/pairs", link("hello", "name")),
		zeug.Get("/static", func(req *zeug.Request) (*zeug.Response, error) { return zeug.Text(req.StaticURL("x")), nil }),
		zeug.Get("/param/<int:id>", func(req *zeug.Request) (*zeug.Response, error) { return zeug.JSON(zeug.Param[int](req, "idd")) }),
		zeug.Get("/type/<int:id>", func(req *zeug.Request) (*zeug.Response, error) { return zeug.JSON(zeug.Param[float64](req, "id")) }),
		zeug.Get("/render", func(req *zeug.Request) (*zeug.Response, error) { return req.Render("x.html", nil) }),
		zeug.Get("/session", func(req *zeug.Request) (*zeug.Response, error) { req.Flash("x", ""); return zeug.NoContent(), nil }),
		zeug.Get("/nothing", func(req *zeug.Request) (*zeug.Response, error) { return nil, nil }),
		zeug.Get("/hello/<name>", hello),
		zeug.Get("/item/<int:id>", (&shop{}).show),
	)
	for path, want := range map[string]string{
		"/endpoint": `"hello"`, "/missing": "name", "/value": "id", "/pairs": "name", "/static": "Static",
		"/param/7": `did you mean "id"?`, "/type/7": "of type int", "/render": "Templates", "/session": "Sessions",
		"/nothing": "neither a response nor an error",
	} {
		var got error
		responder := httperror.Responder(func(w http.ResponseWriter, r *http.Request, err error) {
			got = err
			httperror.Respond(w, r, err)
		})
		w := do(responder.Wrap(app), "GET", path)
		require.Equal(t, 500, w.Code, path)
		require.ErrorContains(t, got, want, path)
		require.NotContains(t, w.Body.String(), "zeug", "nothing of the cause is sent")
	}
	t.Run("a BuildError can be asked for", func(t *testing.T) {
		var build *routing.BuildError
		app := zeug.New(zeug.Get("/", link("nowhere")), zeug.OnAnyError(func(req *zeug.Request, err error) (*zeug.Response, error) {
			require.ErrorAs(t, err, &build)
			return zeug.Text("own page"), nil
		}))
		w := do(app, "GET", "/")
		require.Equal(t, 500, w.Code)
		require.Equal(t, "own page", w.Body.String())
	})
}

func TestPanicsOfViewsStayWhatTheyAre(t *testing.T) {
	app := zeug.New(
		zeug.Get("/panic", func(*zeug.Request) (*zeug.Response, error) { panic("own") }),
		zeug.Get("/after", func(req *zeug.Request) (*zeug.Response, error) {
			func() {
				defer func() { _ = recover() }()
				req.URL("nowhere")
			}()
			panic("later")
		}),
		zeug.Get("/recovered", func(req *zeug.Request) (*zeug.Response, error) {
			func() {
				defer func() { _ = recover() }()
				req.URL("nowhere")
			}()
			return zeug.Text("went on"), nil
		}),
		zeug.Get("/stream", func(req *zeug.Request) (*zeug.Response, error) {
			return zeug.Stream("text/plain", func(w *wrappers.StreamWriter) error {
				_, _ = w.WriteString("part")
				_ = w.Flush()
				_, err := w.WriteString(req.URL("nowhere"))
				return err
			}), nil
		}),
	)
	require.PanicsWithValue(t, "own", func() { do(app, "GET", "/panic") })
	require.PanicsWithValue(t, "later", func() { do(app, "GET", "/after") })
	require.Equal(t, "went on", do(app, "GET", "/recovered").Body.String())
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { do(app, "GET", "/stream") }, "the client must not take the part for the whole")
}

func TestGroupsHaveWhatTheyHaveForThemselves(t *testing.T) {
	header := func(name string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Add("Through", name)
				next.ServeHTTP(w, r)
			})
		}
	}
	forbid := func(req *zeug.Request) (*zeug.Response, error) {
		if req.Query().GetOr("key", "") != "secret" {
			return nil, httperror.Forbidden
		}
		return nil, nil
	}
	app := zeug.New(
		zeug.Use(header("app")),
		zeug.Get("/", link("admin.users.hello", "name", "Ada", "lang", "en")),
		zeug.Group("/<lang>/admin",
			zeug.EndpointPrefix("admin."),
			zeug.Use(header("admin")),
			zeug.Get("/open", text("open")),
			zeug.Group("/users",
				zeug.EndpointPrefix("users."),
				zeug.Use(header("users"), header("inner")),
				zeug.Before(forbid),
				zeug.Get("/<name>", hello),
				zeug.Handle("/raw/<name>", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.WriteString(w, "raw "+routing.ParamsOf(r).String("name"))
				})),
				zeug.OnError(httperror.Forbidden, func(*zeug.Request, error) (*zeug.Response, error) { return zeug.Text("users only"), nil }),
			),
		),
	)
	require.Equal(t, "/en/admin/users/Ada", do(app, "GET", "/").Body.String())
	w := do(app, "GET", "/en/admin/users/Ada?key=secret")
	require.Equal(t, "Hello, Ada!\n", w.Body.String())
	require.Equal(t, []string{"app", "admin", "users", "inner"}, w.Header().Values("Through"))
	w = do(app, "GET", "/en/admin/users/Ada")
	require.Equal(t, 403, w.Code)
	require.Equal(t, "users only", w.Body.String())
	require.Equal(t, "raw Ada", do(app, "GET", "/en/admin/users/raw/Ada?key=secret").Body.String())
	require.Equal(t, 403, do(app, "GET", "/en/admin/users/raw/Ada").Code)
	w = do(app, "GET", "/en/admin/open")
	require.Equal(t, []string{"app", "admin"}, w.Header().Values("Through"))
	require.Equal(t, []string{"app"}, do(app, "GET", "/nowhere").Header().Values("Through"))
}

func TestSubdomainsAndHosts(t *testing.T) {
	app := zeug.New(
		zeug.MapOptions(routing.Options{ServerName: "example.org"}),
		zeug.Get("/", text("main")),
		zeug.Group("", zeug.Subdomain("api"), zeug.Get("/", text("api"))),
	)
	require.Equal(t, "main", do(app, "GET", "http://example.org/").Body.String())
	require.Equal(t, "api", do(app, "GET", "http://api.example.org/").Body.String())
	app = zeug.New(
		zeug.MapOptions(routing.Options{HostMatching: true}),
		zeug.Group("", zeug.Host("a.example"), zeug.Get("/", text("a"))),
		zeug.Group("", zeug.Host("<name>.example"), zeug.Get("/", hello)),
	)
	require.Equal(t, "a", do(app, "GET", "http://a.example/").Body.String())
	require.Equal(t, "Hello, b!\n", do(app, "GET", "http://b.example/").Body.String())
}

func TestMounts(t *testing.T) {
	inner := zeug.New(zeug.Get("/", link("hello", "name", "x")), zeug.Get("/hello/<name>", hello), zeug.Get("/a b/", text("space")))
	seen := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Method+" "+r.URL.EscapedPath())
	})
	app := zeug.New(
		zeug.Get("/blog/special", text("special")),
		zeug.Mount("/blog", inner),
		zeug.Mount("/raw", seen),
		zeug.Group("/g", zeug.Mount("/ä", inner)),
		zeug.Mount("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "rest "+r.URL.Path) })),
	)
	for path, want := range map[string]string{
		"/blog/":           "/blog/hello/x",
		"/blog":            "/blog/hello/x",
		"/blog/hello/Ada":  "Hello, Ada!\n",
		"/blog/special":    "special",
		"/raw/a//b/%2F/":   "GET /a//b/%2F/",
		"/raw":             "GET /",
		"/raw/":            "GET /",
		"/g/%C3%A4/":       "/g/%C3%A4/hello/x",
		"/elsewhere/x":     "rest /elsewhere/x",
		"/":                "rest /",
		"/blogs":           "rest /blogs",
		"/blog/a%20b/":     "space",
		"/raw/line%0Afeed": "GET /line%0Afeed",
	} {
		require.Equal(t, want, do(app, "GET", path).Body.String(), path)
	}
	require.Equal(t, "PURGE /x", do(app, "PURGE", "/raw/x").Body.String())

	t.Run("an App below another router keeps its prefix", func(t *testing.T) {
		mux := http.NewServeMux()
		mux.Handle("/shop/", inner.MountedAt("/shop"))
		require.Equal(t, "/shop/hello/x", do(mux, "GET", "/shop/").Body.String())
		require.Equal(t, "Hello, Ada!\n", do(mux, "GET", "/shop/hello/Ada").Body.String())
		require.Equal(t, 404, do(inner.MountedAt("/shop"), "GET", "/other").Code)
		h := middleware.Dispatcher{Mounts: map[string]http.Handler{"/d": inner}}.Wrap(http.NotFoundHandler())
		require.Equal(t, "/d/hello/x", do(h, "GET", "/d/").Body.String())
	})
	t.Run("mounts open WebSockets too", func(t *testing.T) {
		app := zeug.New(
			zeug.Rule(routing.Rule[zeug.View]{Path: "/ws", WebSocket: true, Target: text("socket")}),
			zeug.Mount("/m", seen),
		)
		r := httptest.NewRequest("GET", "/m/x", nil)
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		require.Equal(t, "GET /x", w.Body.String())
	})
}

func TestStaticFilesAreReadAgainDuringDevelopment(t *testing.T) {
	defer development.Set(true)()
	files := fstest.MapFS{"style.css": {Data: []byte("old")}}
	client := webtest.New(t, zeug.New(zeug.Static("/static", files, "."), zeug.Get("/", func(req *zeug.Request) (*zeug.Response, error) {
		return zeug.Text(req.StaticURL("style.css")), nil
	})))
	require.Equal(t, "/static/style.css", client.Get("/").Text(), "a name without a fingerprint")
	require.Equal(t, "old", client.Get("/static/style.css").Text())
	files["style.css"].Data = []byte("new")
	require.Equal(t, "new", client.Get("/static/style.css").Text())
}

func TestStaticFilesAndTemplates(t *testing.T) {
	files := fstest.MapFS{
		"static/style.css":      {Data: []byte("body{}")},
		"templates/page.html":   {Data: []byte(`<a href="{{ url_for("hello", "name", who) }}">{{ who }}</a> {{ static_url("style.css") }}`)},
		"templates/404.html":    {Data: []byte(`no {{ error.Description }}`)},
		"templates/flashes.txt": {Data: []byte(`{% for m in get_flashed_messages() %}{{ m.Category }}:{{ m.Text }} {% endfor %}{{ session.String("user") }}`)},
	}
	pages, err := templates.New(mustSub(t, files, "templates"), templates.Options{})
	require.NoError(t, err)
	app := zeug.New(
		zeug.Static("/static", files, "static"),
		zeug.Templates(pages),
		zeug.Sessions(sessions.Manager{Store: &sessions.Memory{}}),
		zeug.ErrorPage(httperror.NotFound, "404.html"),
		zeug.Get("/hello/<name>", hello),
		zeug.Get("/page", func(req *zeug.Request) (*zeug.Response, error) {
			return req.Render("page.html", map[string]any{"who": "<Ada>"})
		}),
		zeug.Get("/style", func(req *zeug.Request) (*zeug.Response, error) { return zeug.Text(req.StaticURL("style.css")), nil }),
		zeug.Get("/flash", func(req *zeug.Request) (*zeug.Response, error) {
			req.Session().Set("user", "ada")
			req.Flash("saved", "info")
			return zeug.Redirect(req.URL("flashes")), nil
		}),
		zeug.Get("/flashes", func(req *zeug.Request) (*zeug.Response, error) { return req.Render("flashes.txt", nil) }).Endpoint("flashes"),
	)
	w := do(app, "GET", "/page")
	require.Contains(t, w.Body.String(), `<a href="/hello/%3CAda%3E">&lt;Ada&gt;</a> /static/style.`)
	css := do(app, "GET", "/style").Body.String()
	require.Regexp(t, `^/static/style\.[0-9a-f]+\.css$`, css)
	require.Equal(t, "body{}", do(app, "GET", css).Body.String())
	require.Equal(t, 404, do(app, "GET", "/static/none.css").Code)
	w = do(app, "GET", "/nowhere")
	require.Equal(t, 404, w.Code)
	require.Contains(t, w.Body.String(), "no The")

	client := webtest.New(t, app)
	client.Get("/flash")
	require.Equal(t, "info:saved ada", client.Get("/flashes").Text())
	require.Equal(t, "ada", client.Get("/flashes").Text())
}

func TestOnePageAnswersAllErrors(t *testing.T) {
	files := fstest.MapFS{
		"404.html":   {Data: []byte(`no {{ error.Description }}`)},
		"error.html": {Data: []byte(`{{ error.Code.Name() }}`)},
	}
	app := zeug.New(
		zeug.Templates(templates.MustNew(files, templates.Options{})),
		zeug.ErrorPage(httperror.NotFound, "404.html"),
		zeug.ErrorPage(0, "error.html"),
		zeug.Get("/gone", func(*zeug.Request) (*zeug.Response, error) { return nil, httperror.Gone }),
		zeug.Get("/fails", func(*zeug.Request) (*zeug.Response, error) { return nil, io.ErrUnexpectedEOF }),
		zeug.Get("/branch/", hello),
	)
	for path, want := range map[string]string{
		"/gone": "410 Gone", "/fails": "500 Internal Server Error", "/nowhere": "404 no The",
	} {
		w := do(app, "GET", path)
		require.Contains(t, fmt.Sprintf("%d %s", w.Code, w.Body), want, path)
	}
	require.Equal(t, 308, do(app, "GET", "/branch").Code, "a redirect is not an error")
}

func TestErrorsHaveViews(t *testing.T) {
	sentinel := errors.New("stock is empty")
	app := zeug.New(
		zeug.Get("/sentinel", func(*zeug.Request) (*zeug.Response, error) { return nil, errors.Join(errors.New("x"), sentinel) }),
		zeug.Get("/type", func(*zeug.Request) (*zeug.Response, error) { return nil, json.Unmarshal([]byte("{"), new(int)) }),
		zeug.Get("/other", func(*zeug.Request) (*zeug.Response, error) { return nil, errors.New("other") }),
		zeug.Get("/handled", func(*zeug.Request) (*zeug.Response, error) { return nil, httperror.Gone }),
		zeug.Get("/broken", func(*zeug.Request) (*zeug.Response, error) { return nil, httperror.Conflict }),
		zeug.Get("/branch/", text("")),
		zeug.OnError(sentinel, func(_ *zeug.Request, err error) (*zeug.Response, error) {
			resp := zeug.Text("sold out")
			resp.Status = 409
			return resp, nil
		}),
		zeug.OnErrorType(func(_ *zeug.Request, err *json.SyntaxError) (*zeug.Response, error) {
			return zeug.Text("syntax at the end"), nil
		}),
		zeug.OnError(httperror.MethodNotAllowed, func(*zeug.Request, error) (*zeug.Response, error) { return zeug.Text("method"), nil }),
		zeug.OnError(httperror.InternalServerError, func(*zeug.Request, error) (*zeug.Response, error) { return zeug.Text("ours"), nil }),
		zeug.OnError(httperror.Gone, func(_ *zeug.Request, err error) (*zeug.Response, error) { return nil, err }),
		zeug.OnError(httperror.Conflict, func(*zeug.Request, error) (*zeug.Response, error) { return nil, errors.New("the view fails too") }),
	)
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/sentinel": {409, "sold out"}, "/type": {500, "ours"}, "/other": {500, "ours"}, "/handled": {410, ""}, "/broken": {500, ""},
		"/branch": {308, ""},
	} {
		w := do(app, "GET", path)
		if path == "/type" {
			want.body = "syntax at the end"
		}
		require.Equal(t, want.status, w.Code, path)
		if want.body != "" {
			require.Equal(t, want.body, w.Body.String(), path)
		}
	}
	w := do(app, "POST", "/other")
	require.Equal(t, "method", w.Body.String())
	require.Equal(t, 405, w.Code)
	require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))

	t.Run("a debugger shows unexpected errors itself", func(t *testing.T) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			app.ServeHTTP(w, httperror.WithResponder(r.WithContext(development.WithDebugger(r.Context())), func(w http.ResponseWriter, r *http.Request, err error) {
				_, _ = io.WriteString(w, "debugger: "+err.Error())
			}))
		})
		require.Equal(t, "debugger: other", do(h, "GET", "/other").Body.String())
		require.Equal(t, "sold out", do(h, "GET", "/sentinel").Body.String(), "an error that the program expects")
	})
}

func TestJSONErrorsAnswerInJSONWhateverIsAccepted(t *testing.T) {
	app := zeug.New(
		zeug.JSONErrors(),
		zeug.Get("/fails", func(*zeug.Request) (*zeug.Response, error) { return nil, errors.New("secret") }),
		zeug.Get("/branch/", text("")),
		zeug.OnError(httperror.NotFound, func(*zeug.Request, error) (*zeug.Response, error) { return zeug.Text("own"), nil }),
	)
	for _, accept := range []string{"", "*/*", "text/html"} {
		r := httptest.NewRequest("GET", "/fails", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		require.Equal(t, 500, w.Code)
		require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"), accept)
		require.NotContains(t, w.Body.String(), "secret")
	}
	require.Equal(t, "own", do(app, "GET", "/nowhere").Body.String(), "an error with a view of its own")
	require.Equal(t, 308, do(app, "GET", "/branch").Code, "a redirect is not a problem")
	require.Equal(t, "application/json", do(app, "POST", "/fails").Header().Get("Content-Type"), "a client that accepts application/json alone")
}

func TestOtherSitesCannotSendForms(t *testing.T) {
	post := func(app http.Handler, origin string) int {
		r := httptest.NewRequest("POST", "http://shop.example/", nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		return w.Code
	}
	route := zeug.Post("/", text("done"))
	for origin, want := range map[string]int{"": 200, "http://shop.example": 200, "https://evil.example": 403} {
		require.Equal(t, want, post(zeug.New(route), origin), origin)
	}
	require.Equal(t, 200, post(zeug.New(route, zeug.TrustOrigins("https://evil.example")), "https://evil.example"))
	require.Equal(t, 403, post(zeug.New(route, zeug.TrustOrigins("https://good.example")), "https://evil.example"))
	require.Equal(t, 200, post(zeug.New(route, zeug.AllowCrossOrigin()), "https://evil.example"))
}

func TestResponses(t *testing.T) {
	dir := t.TempDir()
	app := zeug.New(
		zeug.Get("/created", func(*zeug.Request) (*zeug.Response, error) { return zeug.Created("/item/1", map[string]int{"id": 1}) }),
		zeug.Get("/unmarshalable", func(*zeug.Request) (*zeug.Response, error) { return zeug.Created("/", make(chan int)) }),
		zeug.Get("/none", func(*zeug.Request) (*zeug.Response, error) { return zeug.NoContent(), nil }),
		zeug.Get("/html", func(*zeug.Request) (*zeug.Response, error) { return zeug.HTML("<p>"), nil }),
		zeug.Get("/file", func(*zeug.Request) (*zeug.Response, error) { return zeug.File("zeug_test.go") }),
		zeug.Get("/in/<path:name>", func(req *zeug.Request) (*zeug.Response, error) { return zeug.FileIn(dir, req.Params.String("name")) }),
		zeug.Get("/events", func(req *zeug.Request) (*zeug.Response, error) {
			return zeug.Events(req, func(e *wrappers.EventStream) error { return e.Send(wrappers.Event{Data: "x"}) }), nil
		}),
	)
	w := do(app, "GET", "/created")
	require.Equal(t, 201, w.Code)
	require.Equal(t, "/item/1", w.Header().Get("Location"))
	require.JSONEq(t, `{"id": 1}`, w.Body.String())
	require.Equal(t, 500, do(app, "GET", "/unmarshalable").Code)
	require.Equal(t, 204, do(app, "GET", "/none").Code)
	require.Equal(t, "text/html; charset=utf-8", do(app, "GET", "/html").Header().Get("Content-Type"))
	require.NotEmpty(t, do(app, "GET", "/file").Header().Get("ETag"))
	require.Equal(t, 404, do(app, "GET", "/in/nothing").Code)
	require.Contains(t, do(app, "GET", "/events").Body.String(), "data: x")
}

func TestQueriesOfTooManyFieldsAreRefused(t *testing.T) {
	require.Equal(t, 400, do(zeug.New(zeug.Get("/", text("x"))), "GET", "/?"+strings.Repeat("a&", 2000)).Code)
}

func TestAppsAreSharedByGoroutines(t *testing.T) {
	app := zeug.New(zeug.Get("/hello/<name>", hello), zeug.Get("/", index))
	done := make(chan string)
	for range 8 {
		go func() {
			last := ""
			for range 200 {
				last = do(app, "GET", "/hello/Ada").Body.String()
			}
			done <- last
		}()
	}
	for range 8 {
		select {
		case got := <-done:
			require.Equal(t, "Hello, Ada!\n", got)
		case <-time.After(time.Minute):
			t.Fatal("the requests are not answered")
		}
	}
}

func TestFilesAreListedWithTheRules(t *testing.T) {
	files := fstest.MapFS{"style.css": {Data: []byte("a{}")}}
	app := zeug.New(
		zeug.Get("/there", text("")),
		zeug.Static("/static/", files, "."),
		zeug.StaticExport(staticfiles.Export{Prefix: "/favicon.ico", FS: files, File: "style.css"}),
	)
	var listed []string
	for _, r := range routelist.All() {
		if strings.Contains(r.Where, "zeug_test.go:") {
			listed = append(listed, strings.Join(append(r.Methods, r.Path, r.Note), " "))
		}
	}
	require.Subset(t, listed, []string{"GET /there ", "GET /static/<path:name> static files", "GET /favicon.ico static files"})
	runtime.KeepAlive(app)
}
