package templates_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/flosch/pongo2/v6"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

// files makes a file system from alternating names and contents.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

func request(target string) *wrappers.Request {
	return wrappers.NewRequest(httptest.NewRequest("GET", target, nil))
}

func text(t *testing.T, source string, context templates.Context, options templates.Options) string {
	t.Helper()
	e, err := templates.New(files("page.html", source), options)
	require.NoError(t, err)
	s, err := e.Text("page.html", context)
	require.NoError(t, err)
	return s
}

type named string

func TestTextsAreEscaped(t *testing.T) {
	const typed = `<script>"a" & 'b'</script>`
	const escaped = `&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;`
	pointer := typed
	for name, c := range map[string]struct {
		source string
		value  any
		want   string
	}{
		"a string":                       {"{{ v }}", typed, escaped},
		"a type made of a string":        {"{{ v }}", named(typed), escaped},
		"a pointer to a string":          {"{{ v }}", &pointer, escaped},
		"what a function returns":        {"{{ v() }}", func() string { return typed }, escaped},
		"an element":                     {"{% for x in v %}{{ x }}{% endfor %}", []string{typed}, escaped},
		"a value of a map":               {"{{ v.key }}", map[string]string{"key": typed}, escaped},
		"an attribute":                   {`<a title="{{ v }}">`, typed, `<a title="` + escaped + `">`},
		"what a macro returns, once":     {`{% macro m(x) %}<b>{{ x }}</b>{% endmacro %}{{ m(v) }}`, typed, "<b>" + escaped + "</b>"},
		"what the template says is safe": {"{{ v|safe }}", typed, typed},
		"markup of a function":           {"{{ v() }}", func() *pongo2.Value { return pongo2.AsSafeValue("<b>") }, "<b>"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, text(t, c.source, templates.Context{"v": c.value}, templates.Options{}))
		})
	}
}

func TestInheritanceAndIncludes(t *testing.T) {
	e, err := templates.New(files(
		"layout.html", `<title>{% block title %}none{% endblock %}</title>{% block body %}{% endblock %}`,
		"shop/item.html", `{% extends "layout.html" %}{% block title %}{{ name }} {{ block.Super }}{% endblock %}{% block body %}{% include "./price.html" with price=3 %}{% include "../note.html" %}{% endblock %}`,
		"shop/price.html", `<b>{{ price }} for {{ name }}</b>`,
		"note.html", `<i>note</i>`,
		"chosen.html", `{% include choice %}`,
		"macros.html", `{% macro field(name) export %}<input name="{{ name }}">{% endmacro %}`,
		"form.html", `{% import "macros.html" field %}{{ field("q") }}`,
	), templates.Options{})
	require.NoError(t, err)
	for name, want := range map[string]string{
		"shop/item.html":   `<title>gear none</title><b>3 for gear</b><i>note</i>`,
		"./shop/item.html": `<title>gear none</title><b>3 for gear</b><i>note</i>`,
		"chosen.html":      `<i>note</i>`,
		"form.html":        `<input name="q">`,
	} {
		got, err := e.Text(name, templates.Context{"name": "gear", "choice": "note.html"})
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

func TestNothingOutsideTheFileSystemIsRead(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret.html"), []byte("secret"), 0o600))
	inside := filepath.Join(dir, "templates")
	require.NoError(t, os.Mkdir(inside, 0o700))
	require.NoError(t, os.Symlink("../secret.html", filepath.Join(inside, "link.html")))
	root, err := os.OpenRoot(inside)
	require.NoError(t, err)
	defer root.Close()

	for name, source := range map[string]string{
		"a name that climbs out":  `{% include "../secret.html" %}`,
		"an absolute name":        `{% include "` + dir + `/secret.html" %}`,
		"a parent outside":        `{% extends "../secret.html" %}`,
		"macros from outside":     `{% import "../secret.html" m %}`,
		"a computed name":         `{% include up|add:name %}`,
		"a computed name, varied": `{% include name %}`,
		"a symbolic link":         `{% include "link.html" %}`,
		"ssi":                     `{% ssi "` + dir + `/secret.html" %}`,
		"ssi, parsed":             `{% ssi "../secret.html" parsed %}`,
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, root.WriteFile("page.txt", []byte(source), 0o600))
			e, err := templates.New(root.FS(), templates.Options{Reload: true})
			require.NoError(t, err)
			s, err := e.Text("page.txt", templates.Context{"name": "../secret.html", "up": "../"})
			require.Error(t, err)
			require.NotContains(t, s, "secret")
			var failure *templates.Error
			require.ErrorAs(t, err, &failure)
		})
	}
	e, err := templates.New(root.FS(), templates.Options{Reload: true})
	require.NoError(t, err)
	for _, name := range []string{"../secret.html", dir + "/secret.html", "", ".", "/"} {
		_, err := e.Text(name, nil)
		require.Error(t, err, name)
	}
}

func TestErrorsNameTheirPlace(t *testing.T) {
	broken := errors.New("out of stock")
	options := templates.Options{
		Reload:  true,
		Globals: templates.Context{"fail": func() (string, error) { return "", broken }, "explode": func() string { panic(broken) }},
		Filters: map[string]templates.Filter{"refuse": refuse},
		URLs:    urls,
	}
	for name, c := range map[string]struct {
		files        []string
		template     string
		line, column int
		message      string
		is           error
	}{
		"an unknown filter":    {[]string{"a.html", "one\n{{ x|nope }}"}, "a.html", 2, 6, "'nope' does not exist", nil},
		"a tag left open":      {[]string{"a.html", "{% if x %}\n"}, "a.html", 1, 0, "", nil},
		"an unclosed variable": {[]string{"a.html", "é {{ x\n"}, "a.html", 1, 8, "ewline", nil},
		"a function's failure": {[]string{"a.html", "\n\n  {{ fail() }}"}, "a.html", 3, 6, "out of stock", nil},
		"a filter's failure":   {[]string{"a.html", "{{ 1|refuse }}"}, "a.html", 1, 6, "refused 1", errRefused},
		"url_for":              {[]string{"a.html", "{{ url_for('itme') }}"}, "a.html", 1, 4, `"item"`, nil},
		"url_for's values":     {[]string{"a.html", "{{ url_for('item', 'id') }}"}, "a.html", 1, 4, `the value of "id" is missing`, nil},
		"url_for's names":      {[]string{"a.html", "{{ url_for('item', 1, 2) }}"}, "a.html", 1, 4, "needs a name", nil},
		"a panic":              {[]string{"a.html", "\n{{ explode() }}"}, "a.html", 2, 4, "panic: out of stock", broken},
		"in an included template": {
			[]string{"a.html", `{% include "b.html" %}`, "b.html", "\n{{ x|nope }}"}, "b.html", 2, 6, "does not exist", nil,
		},
		"in a parent, while running": {
			[]string{"a.html", `{% extends "b.html" %}`, "b.html", "\n{{ fail() }}"}, "b.html", 2, 4, "out of stock", nil,
		},
		"an included template is missing": {
			[]string{"a.html", "\n" + `{% include "gone.html" %}`}, "a.html", 2, 12, `"gone.html" cannot be read`, fs.ErrNotExist,
		},
		"the parent is missing": {
			[]string{"a.html", "{# #}\n" + `{% extends "gone.html" %}`}, "a.html", 2, 12, `"gone.html" cannot be read`, fs.ErrNotExist,
		},
		"the template is missing": {nil, "a.html", 0, 0, `"a.html" cannot be read`, fs.ErrNotExist},
		"it includes itself":      {[]string{"a.html", `{% include "a.html" %}`}, "a.html", 1, 12, "itself", nil},
		"it extends itself":       {[]string{"a.html", `{% extends "a.html" %}`}, "a.html", 1, 12, "itself", nil},
		"it includes itself in a circle": {
			[]string{"a.html", `{% include "b.html" %}`, "b.html", `{% include "a.html" %}`}, "", 1, 12, "itself", nil,
		},
		"it includes itself by a computed name": {
			[]string{"a.html", `{% include self %}`}, "a.html", 1, 12, "calls itself without an end", nil,
		},
		"a name that cannot be used": {[]string{"a.html", ""}, "a.html", 0, 0, "not a valid identifier", nil},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := templates.New(files(c.files...), options)
			require.NoError(t, err)
			context := templates.Context{"self": "a.html"}
			if strings.HasPrefix(name, "a name") {
				context["not-a-name"] = 1
			}
			_, err = e.Render(request("/"), "a.html", context)
			var failure *templates.Error
			require.ErrorAs(t, err, &failure)
			if c.template != "" {
				require.Equal(t, c.template, failure.Name)
			}
			require.Equal(t, c.line, failure.Line, "line of %v", err)
			if c.column > 0 {
				require.Equal(t, c.column, failure.Column, "column of %v", err)
			}
			require.ErrorContains(t, err, c.message)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			require.NotNil(t, failure.Callers(), "where the panic began, or who rendered the template")
		})
	}
}

// urls is an application's map.
func urls(req *wrappers.Request) routing.Builder { return shop.Bind(req.Request) }

var shop = routing.MustMap(routing.Rule[string]{Path: "/item/<int:id>", Endpoint: "item"})

var errRefused = errors.New("refused")

func refuse(value, _ any) (any, error) { return nil, fmt.Errorf("%w %v", errRefused, value) }

func TestNewFindsAllMistakes(t *testing.T) {
	_, err := templates.New(files(
		"good.html", "{{ x }}", "one.html", "{{ x|nope }}", "sub/two.html", "{% nope %}", "notes.md", "{% nope %}",
	), templates.Options{})
	require.ErrorContains(t, err, `template "one.html", line 1, column 6`)
	require.ErrorContains(t, err, `template "sub/two.html", line 1, column 4`)
	require.NotContains(t, err.Error(), "notes.md")
}

func TestReload(t *testing.T) {
	source := files("a.html", `{% include "b.html" %}`, "b.html", "old")
	fixed, err := templates.New(source, templates.Options{})
	require.NoError(t, err)
	fresh, err := templates.New(source, templates.Options{Reload: true})
	require.NoError(t, err)
	source["b.html"] = &fstest.MapFile{Data: []byte("new")}
	s, err := fixed.Text("a.html", nil)
	require.NoError(t, err)
	require.Equal(t, "old", s)
	s, err = fresh.Text("a.html", nil)
	require.NoError(t, err)
	require.Equal(t, "new", s)
}

func TestRenderingNeedsNoRequest(t *testing.T) {
	e := templates.MustNew(fstest.MapFS{"a.html": {Data: []byte("a")}}, templates.Options{})
	for _, req := range []*wrappers.Request{nil, {}} {
		resp, err := e.Render(req, "a.html", nil)
		require.NoError(t, err)
		require.NotNil(t, resp)
	}
}

func TestRender(t *testing.T) {
	source := files(
		"a.html", `{{ request.URL.Path }} {{ url_for("item", "id", 7, "q", word, "r", 1) }} {{ url_for("item", "_external", true, "id", 7) }} {{ static_url("a b.css") }} {{ site }}`,
		"a.txt", "x", "a.xml", "<x/>",
	)
	e, err := templates.New(source, templates.Options{
		Globals: templates.Context{"site": "shop", "word": "from the globals"},
		URLs:    urls,
		StaticURL: func(req *wrappers.Request, name string) (string, error) {
			return gateway.RootPath(req.Request) + "/static/" + url.PathEscape(name), nil
		},
	})
	require.NoError(t, err)
	mounted, ok := gateway.Mount(httptest.NewRequest("GET", "/app/list", nil), "/app")
	require.True(t, ok)
	resp, err := e.Render(wrappers.NewRequest(mounted), "a.html", templates.Context{"word": "w"})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	resp.ServeHTTP(w, mounted)
	require.Equal(t, "/list /app/item/7?q=w&amp;r=1 http://example.com/app/item/7 /app/static/a%20b.css shop", w.Body.String())
	for name, want := range map[string]string{
		"a.html": "text/html; charset=utf-8", "a.txt": "text/plain; charset=utf-8", "a.xml": "application/xml; charset=utf-8",
	} {
		resp, err := e.Render(request("/"), name, templates.Context{"word": "w"})
		require.NoError(t, err)
		require.Equal(t, want, resp.Header().Get("Content-Type"))
	}
}

func TestAStaticFileThatIsNotThereIsAnError(t *testing.T) {
	e, err := templates.New(files("a.html", `{{ static_url("gone.css") }}`), templates.Options{
		StaticURL: func(_ *wrappers.Request, name string) (string, error) { return "", fs.ErrNotExist },
	})
	require.NoError(t, err)
	_, err = e.Render(request("/"), "a.html", nil)
	require.EqualError(t, err, `template "a.html", line 1, column 4: static_url("gone.css"): file does not exist`)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestConcurrentUse(t *testing.T) {
	source := files(
		"page.html", `{% extends "layout.html" %}{% block body %}{{ n }}{% include part %}{% endblock %}`,
		"layout.html", `<p>{% block body %}{% endblock %}</p>`, "part.html", `!`,
		"plain.html", `{% extends "layout.html" %}{% block body %}{{ n }}{% endblock %}`,
	)
	for _, reload := range []bool{false, true} {
		e, err := templates.New(source, templates.Options{Reload: reload})
		require.NoError(t, err)
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				for range 50 {
					s, err := e.Text("page.html", templates.Context{"n": n, "part": "part.html"})
					if err != nil || s != fmt.Sprintf("<p>%d!</p>", n) {
						t.Errorf("rendered %q, %v", s, err)
					}
					s, err = e.Text("plain.html", templates.Context{"n": n})
					if err != nil || s != fmt.Sprintf("<p>%d</p>", n) {
						t.Errorf("rendered %q, %v", s, err)
					}
				}
			})
		}
		all.Wait()
	}
}

func TestFilters(t *testing.T) {
	options := templates.Options{Filters: map[string]templates.Filter{"shout": shout}}
	require.Equal(t, "HEY&lt;!!", text(t, `{{ v|shout:"!!" }}`, templates.Context{"v": "hey<"}, options))
	require.Equal(t, "HEY", text(t, `{{ v|shout }}`, templates.Context{"v": "hey"}, options), "the same function a second time")

	for name, other := range map[string]map[string]templates.Filter{
		"another function of that name": {"shout": refuse},
		"a filter of pongo2's":          {"upper": shout},
		"none":                          {"nothing": nil},
		"a closure":                     {"shout": func(any, any) (any, error) { return nil, nil }},
	} {
		_, err := templates.New(files(), templates.Options{Filters: other})
		require.ErrorContains(t, err, "templates: filter", name)
	}
}

func shout(value, argument any) (any, error) {
	s := strings.ToUpper(value.(string))
	if mark, ok := argument.(string); ok {
		s += mark
	}
	return s, nil
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"{{ x }}", "{% if x %}{% else %}{% endif %}", `{% include "page.html" %}`, "{{ x|", "{% for a in x %}{{ forloop.Counter }}", "{{ x.0.y[z] }}", `{{ x() }}`, "{#", "{% verbatim %}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		e, err := templates.New(files("page.html", source), templates.Options{Reload: true})
		require.NoError(t, err)
		_, err = e.Text("page.html", templates.Context{"x": []any{1, "two", map[string]int{"y": 3}, nil}, "z": struct{ y int }{1}})
		if failure := new(templates.Error); err != nil && !errors.As(err, &failure) {
			t.Fatalf("an error without a place: %v", err)
		}
	})
}

func Example() {
	source := fstest.MapFS{
		"layout.html": {Data: []byte("<title>{% block title %}{% endblock %}</title>\n")},
		"hello.html":  {Data: []byte(`{% extends "layout.html" %}{% block title %}Hello {{ name }}{% endblock %}`)},
	}
	env, err := templates.New(source, templates.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := env.Text("hello.html", templates.Context{"name": "<you>"})
	fmt.Print(page, err)
	// Output:
	// <title>Hello &lt;you&gt;</title>
	// <nil>
}

func ExampleError() {
	env, _ := templates.New(fstest.MapFS{
		"page.html": {Data: []byte("<h1>News</h1>\n<p>{{ item.title|uper }}</p>\n")},
	}, templates.Options{Reload: true})
	_, err := env.Text("page.html", nil)
	if failure, ok := errors.AsType[*templates.Error](err); ok {
		fmt.Println(failure)
	}
	// Output:
	// template "page.html", line 2, column 18: Filter 'uper' does not exist.
}

func TestTemplatesMayBeInADirectoryOfTheFileSystem(t *testing.T) {
	files := fstest.MapFS{"pages/a.html": {Data: []byte("a")}, "pages/broken.txt": {Data: []byte("{% if %}")}}
	text, err := templates.MustNew(files, templates.Options{Dir: "pages"}).Text("a.html", nil)
	require.NoError(t, err)
	require.Equal(t, "a", text)
	_, err = templates.New(files, templates.Options{Dir: "../pages"})
	require.ErrorContains(t, err, "Options.Dir")
	_, err = templates.New(files, templates.Options{Dir: "none"})
	require.Error(t, err)
	require.Panics(t, func() { templates.MustNew(files, templates.Options{Dir: "none"}) })
}
