package main

import (
	"bytes"
	htmltemplate "html/template"
	"net/http/httptest"
	"strconv"
	"testing/fstest"
	texttemplate "text/template"

	"github.com/flosch/pongo2/v6"

	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

// Row is what a line of the page shows.
type Row struct {
	ID          int
	Name, Email string
}

const (
	layout = `<!doctype html><title>{% block title %}{% endblock %}</title><main>{% block body %}{% endblock %}</main>`
	page   = `{% extends "layout.html" %}{% block title %}{{ title }}{% endblock %}{% block body %}<table>{% for row in rows %}
<tr><td>{{ row.ID }}<td>{{ row.Name }}<td>{{ row.Email }}{% endfor %}
</table>{% endblock %}`
	linked = `{% for row in rows %}<a href="{{ url_for("item", "id", row.ID) }}">{{ row.Name }}</a>
{% endfor %}`

	goLayout = `<!doctype html><title>{{ template "title" . }}</title><main>{{ template "body" . }}</main>`
	goPage   = `{{ define "title" }}{{ .title }}{{ end }}{{ define "body" }}<table>{{ range .rows }}
<tr><td>{{ .ID }}<td>{{ .Name }}<td>{{ .Email }}{{ end }}
</table>{{ end }}`
	goLinked = `{{ range .rows }}<a href="{{ url_for .ID }}">{{ .Name }}</a>
{{ end }}`
)

// urls is a map whose URLs the pages of links show.
var urls = routing.MustMap(routing.Rule[string]{Path: "/item/<int:id>", Endpoint: "item"})

func subjects() []measure.Subject {
	var all []measure.Subject
	for _, n := range []int{5, 50} {
		all = append(all, rows(n)...)
	}
	return append(all, links(50)...)
}

func context(n int) map[string]any {
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{i, "O'Neill & sons " + strconv.Itoa(i), "somebody" + strconv.Itoa(i) + "@example.org"}
	}
	return map[string]any{"title": "All rows", "rows": rows}
}

// rows render a page of n rows that extends a layout.
func rows(n int) []measure.Subject {
	what := strconv.Itoa(n) + " rows in a layout"
	values := context(n)
	files := fstest.MapFS{"layout.html": {Data: []byte(layout)}, "page.html": {Data: []byte(page)}}
	env := must(templates.New(files, templates.Options{}))
	alone := must(pongo2.NewSet("alone", pongo2.NewFSLoader(files)).FromFile("page.html"))
	html := htmltemplate.Must(htmltemplate.Must(htmltemplate.New("layout").Parse(goLayout)).Parse(goPage))
	text := texttemplate.Must(texttemplate.Must(texttemplate.New("layout").Parse(goLayout)).Parse(goPage))
	return []measure.Subject{
		{Case: what, Peer: "templates", Run: repeat(func() error { _, err := env.Text("page.html", values); return err })},
		{Case: what, Peer: "pongo2 alone", Run: repeat(func() error { _, err := alone.Execute(values); return err })},
		{Case: what, Peer: "html/template", Run: repeat(func() error { return html.Execute(new(bytes.Buffer), values) })},
		{Case: what, Peer: "text/template", Run: repeat(func() error { return text.Execute(new(bytes.Buffer), values) })},
	}
}

// links render n links by url_for, into a response.
func links(n int) []measure.Subject {
	what := strconv.Itoa(n) + " links by url_for"
	values := context(n)
	req := wrappers.NewRequest(httptest.NewRequest("GET", "/", nil))
	build := func(id int) (string, error) { return urls.Bind(req.Request).Build("item", routing.With("id", id)) }
	env := must(templates.New(fstest.MapFS{"page.html": {Data: []byte(linked)}}, templates.Options{
		URLs: func(req *wrappers.Request) routing.Builder { return urls.Bind(req.Request) },
	}))
	html := htmltemplate.Must(htmltemplate.New("page").Funcs(htmltemplate.FuncMap{"url_for": build}).Parse(goLinked))
	text := texttemplate.Must(texttemplate.New("page").Funcs(texttemplate.FuncMap{"url_for": build}).Parse(goLinked))
	return []measure.Subject{
		{Case: what, Peer: "templates", Run: repeat(func() error { _, err := env.Render(req, "page.html", values); return err })},
		{Case: what, Peer: "html/template", Run: repeat(func() error { return html.Execute(new(bytes.Buffer), values) })},
		{Case: what, Peer: "text/template", Run: repeat(func() error { return text.Execute(new(bytes.Buffer), values) })},
	}
}

func repeat(f func() error) func(n int) {
	return func(n int) {
		for range n {
			if err := f(); err != nil {
				panic(err)
			}
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
