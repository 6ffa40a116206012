package templates_test

import (
	"errors"
	"fmt"
	"html"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flosch/pongo2/v6"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/templates"
)

const hostile = `<script>"a" & 'b'</script>`

type stringer struct{ Text string }

func (s stringer) String() string { return s.Text }

type account struct {
	Name   string
	Emails []string
	Nick   *string
	secret string
}

type unsaid map[string]any

// hostiles are values of every kind that contain something hostile.
func hostiles() map[string]any {
	text := hostile
	deep := &text
	link := &url.URL{Scheme: "x", Opaque: hostile}
	return map[string]any{
		"a string":                   text,
		"a named string":             named(text),
		"a pointer":                  &text,
		"a pointer to a pointer":     &deep,
		"bytes":                      []byte(text),
		"an error":                   errors.New(text),
		"a joined error":             errors.Join(errors.New("one"), errors.New(text)),
		"a Stringer":                 stringer{text},
		"a pointer to a Stringer":    &stringer{text},
		"a URL":                      link,
		"a list":                     []string{"a", text},
		"a list of anything":         []any{1, nil, []any{stringer{text}}},
		"an array":                   [1]string{text},
		"a map":                      map[string]any{"k": text},
		"a key":                      map[string]int{text: 1},
		"a named map":                unsaid{"k": errors.New(text)},
		"a struct":                   account{Name: text, secret: "s"},
		"a pointer to a struct":      &account{Emails: []string{text}},
		"a field that is a pointer":  account{Nick: &text},
		"a value of pongo2":          pongo2.AsValue(text),
		"a list of values of pongo2": []any{pongo2.AsValue(text)},
		"what a function returns":    func() any { return stringer{text} },
		"a function with an error":   func() (any, error) { return link, nil },
	}
}

// Every value is escaped, whatever its type and its place in the template.
func TestEveryValueIsEscapedEverywhere(t *testing.T) {
	positions := map[string]string{
		"variable":       `{{ v }}`,
		"trimmed":        `{{- v -}}`,
		"in brackets":    `{{ (v) }}`,
		"in two":         `{{ ((v)) }}`,
		"attribute":      `<a title="{{ v }}">`,
		"default":        `{{ v|default:"x" }}`,
		"default value":  `{{ nothing|default:v }}`,
		"none":           `{{ nothing|default_if_none:v }}`,
		"first":          `{{ list|first }}`,
		"join":           `{{ list|join:", " }}`,
		"separator":      `{% with sep=v|stringformat:"%v" %}{{ list|join:sep }}{% endwith %}`,
		"lower":          `{{ v|stringformat:"%v"|lower }}`,
		"add":            `{{ "a"|add:v }}`,
		"a sum":          `{{ "a" + v }}`,
		"truncated":      `{{ v|stringformat:"%v"|truncatechars_html:500 }}`,
		"truncated too":  `{{ v|stringformat:"%v"|truncatewords_html:500 }}`,
		"escaped":        `{{ v|escape }}`,
		"escaped as e":   `{{ v|e }}`,
		"for":            `{% for x in list %}{{ x }}{% endfor %}`,
		"for of a map":   `{% for k, x in map %}{{ x }}{% endfor %}`,
		"set":            `{% set x = v %}{{ x }}`,
		"with":           `{% with x=v %}{{ x }}{% endwith %}`,
		"with as":        `{% with v as x %}{{ x }}{% endwith %}`,
		"firstof":        `{% firstof nothing v %}`,
		"cycle":          `{% cycle v "b" %}`,
		"named cycle":    `{% cycle v "b" as c silent %}{{ c }}`,
		"advanced cycle": `{% cycle "a" v as c silent %}{% cycle c %}{{ c }}`,
		"macro":          `{% macro m(x) %}{{ x }}{% endmacro %}{{ m(v) }}`,
		"macro default":  `{% macro m(x=v) %}{{ x }}{% endmacro %}{{ m() }}`,
		"two macros":     `{% macro a(x) %}{{ x }}{% endmacro %}{% macro b(x) %}{{ a(x) }}{% endmacro %}{{ b(v) }}`,
		"include":        `{% include "part.html" with x=v %}`,
		"include only":   `{% include "part.html" with x=v only %}`,
		"computed":       `{% include part with x=v only %}`,
		"import":         `{% import "macros.html" show %}{{ show(v) }}`,
		"block":          `{% block b %}{{ v }}{% endblock %}`,
		"ifchanged":      `{% ifchanged %}{{ v }}{% endifchanged %}`,
		"filter block":   `{% filter truncatechars_html:500 %}{{ v }}{% endfilter %}`,
		"a method":       `{{ holder.Value() }}`,
		"an element":     `{{ list.0 }}`,
		"an index":       `{{ map["k"] }}`,
		"autoescape on":  `{% autoescape off %}{% autoescape on %}{{ v }}{% endautoescape %}{% endautoescape %}`,
	}
	// In these cases Go's fmt or pongo2's operators convert the value, so its own method is not
	// called.
	says := map[string]bool{"separator": true, "lower": true, "truncated": true, "truncated too": true, "a sum": true}
	for position, source := range positions {
		e, err := templates.New(files("page.html", source, "part.html", "{{ x }}", "macros.html", `{% macro show(x) export %}{{ x }}{% endmacro %}`), templates.Options{})
		require.NoError(t, err, position)
		for kind, v := range hostiles() {
			t.Run(position+", "+kind, func(t *testing.T) {
				page, err := e.Text("page.html", templates.Context{
					"v": v, "list": []any{v}, "map": map[string]any{"k": v}, "holder": holder{v}, "part": "part.html",
				})
				require.NoError(t, err)
				require.NotContains(t, page, "<script")
				require.NotContains(t, page, "&amp;lt;", "once")
				require.NotContains(t, strings.ReplaceAll(page, `<a title="`, ""), `"a"`)
				if !says[position] && kind != "a pointer to a pointer" && !strings.Contains(kind, "function") {
					require.Contains(t, html.UnescapeString(page), "cript", kind)
				}
			})
		}
	}
}

type holder struct{ v any }

func (h holder) Value() any { return h.v }

func TestValuesPrintAsAPersonReadsThem(t *testing.T) {
	nick, loop := "Al", []any{nil}
	loop[0] = loop
	var nobody *url.URL
	for want, v := range map[string]any{
		"1.5": 1.5, "0.1": float32(0.1), "-3": int8(-3), "7": uint64(7), "True": true, "": nobody, "[]": []int{}, "[1, 2]": [2]int{1, 2},
		"{Name: Ada, Emails: [a@b.org], Nick: Al}": &account{Name: "Ada", Emails: []string{"a@b.org"}, Nick: &nick, secret: "s"},
		"{a: 1, b: [2]}":   map[string]any{"b": []int{2}, "a": 1},
		"not found":        errors.New("not found"),
		"2h0m0s":           2 * time.Hour,
		"https://go.dev/x": &url.URL{Scheme: "https", Host: "go.dev", Path: "/x"},
		"text":             []byte("text"),
		"[255, 1]":         []byte{255, 1},
		"(1+2i)":           complex(1, 2),
	} {
		require.Equal(t, want, text(t, "{{ v }}", templates.Context{"v": v}, templates.Options{}))
	}
	require.Contains(t, text(t, "{{ v }}", templates.Context{"v": loop}, templates.Options{}), "…")
	require.Equal(t, "a, not found", text(t, `{{ v|join:", " }}`, templates.Context{"v": []any{"a", errors.New("not found")}}, templates.Options{}))
}

func TestWhatIsMarkedAsSafeStays(t *testing.T) {
	for _, source := range []string{
		`{{ v|safe }}`, `{% firstof v|safe %}`, `{% cycle v|safe %}`, `{{ markup() }}`, `{% set x = markup() %}{{ x }}`,
		`{% autoescape off %}{{ v }}{% endautoescape %}`, `{{ markup()|truncatechars_html:50 }}`, `{{ markup()|escape }}`,
	} {
		require.Equal(t, "<b>", strings.TrimSuffix(text(t, source, templates.Context{"v": "<b>", "markup": func() *pongo2.Value { return pongo2.AsSafeValue("<b>") }}, templates.Options{}), "</b>"), source)
	}
}

// If a macro or include calls itself endlessly, that is an error with its place, and the process
// keeps running.
func TestEndlessCallsAreErrors(t *testing.T) {
	for name, sources := range map[string][]string{
		"a macro":                {"a.html", "\n{% macro m(n) %}{{ m(n) }}{% endmacro %}\n{{ m(1) }}"},
		"a macro in a condition": {"a.html", "\n{% macro m(n) %}{% if m(n) %}{% endif %}{% endmacro %}\n{{ m(1) }}"},
		"a macro with trimming":  {"a.html", "\n{%- macro m(n) -%}{% with x=m(n) %}{% endwith %}{%- endmacro -%}\n{{ m(1) }}"},
		"two macros":             {"a.html", "\n{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}\n{{ a() }}"},
		"a macro that includes":  {"a.html", "\n{% macro m(f) %}{% include f with m=m f=f %}{% endmacro %}\n{{ m('b.html') }}", "b.html", "\n{{ m(f) }}"},
		"an include":             {"a.html", "\n{% include self with self=self only %}"},
		"macros of two files":    {"a.html", "\n{% import \"b.html\" b %}{% macro a() %}{{ b(a) }}{% endmacro %}{{ b(a) }}", "b.html", "\n{% macro b(a) export %}{{ a() }}{% endmacro %}"},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := templates.New(files(sources...), templates.Options{})
			require.NoError(t, err)
			_, err = e.Text("a.html", templates.Context{"self": "a.html"})
			require.ErrorContains(t, err, "without an end")
			var failure *templates.Error
			require.ErrorAs(t, err, &failure)
			require.Contains(t, []int{2, 3}, failure.Line)
			require.Less(t, len(err.Error()), 500)
		})
	}
	tree := func(depth int) any {
		var node any
		for range depth {
			node = map[string]any{"child": node}
		}
		return node
	}
	source := `{% macro show(n) %}({% if n %}{{ show(n.child) }}{% endif %}){% endmacro %}{{ show(tree) }}`
	require.Equal(t, strings.Repeat("(", 101)+strings.Repeat(")", 101), text(t, source, templates.Context{"tree": tree(100)}, templates.Options{}))
	wide := `{% macro m() %}.{% endmacro %}{% for x in list %}{{ m() }}{% include part %}{% endfor %}`
	e, err := templates.New(files("a.html", wide, "p.html", "!"), templates.Options{})
	require.NoError(t, err)
	page, err := e.Text("a.html", templates.Context{"list": make([]int, 1000), "part": "p.html"})
	require.NoError(t, err, "only depth is bounded")
	require.Equal(t, strings.Repeat(".!", 1000), page)
}

func TestNamesThatDoNotExist(t *testing.T) {
	globals := templates.Context{"hostname": func(u *url.URL) string { return u.Host }, "version": "1"}
	context := func() templates.Context {
		return templates.Context{"user": account{Name: "Ada"}, "link": &url.URL{Host: "go.dev"}, "m": map[string]string{}, "none": nil, "nobody": (*account)(nil)}
	}
	for source, want := range map[string]struct{ always, developing string }{
		`{{ hostnam(link) }}`:                           {always: `"hostnam" is not defined: did you mean "hostname"?`},
		`{{ version|add:hostnam(link) }}`:               {always: `"hostnam" is not defined: did you mean "hostname"?`},
		`{% if hostnam(link) == "x" %}{% endif %}`:      {always: `did you mean "hostname"?`},
		`{% for x in hostnam(link) %}{% endfor %}`:      {always: `did you mean "hostname"?`},
		`{% with x=hostnam(link) %}{% endwith %}`:       {always: `did you mean "hostname"?`},
		`{% include part with x=hostnam(link) %}`:       {always: `did you mean "hostname"?`},
		`{{ hostname(hostnam()) }}`:                     {always: `did you mean "hostname"?`},
		`{{ url_for("index") }}`:                        {always: `"url_for" is not defined: set Options.URLs`},
		`{{ static_url("a.css") }}`:                     {always: `"static_url" is not defined: set Options.StaticURL`},
		`{{ link.Hostnam() }}`:                          {always: `"link" has no "Hostnam": did you mean "Hostname"?`},
		`{{ m.size() }}`:                                {always: `"m" has no "size"`},
		`{{ usr }}`:                                     {developing: `"usr" is not defined: did you mean "user"?`},
		`{{ usr.Name|upper }}`:                          {developing: `"usr" is not defined: did you mean "user"?`},
		`{{ user.Nam }}`:                                {developing: `"user" has no "Nam": did you mean "Name"?`},
		`{{ usr|default:"x" }}`:                         {},
		`{{ user.Nick }}`:                               {},
		`{{ m.key }}`:                                   {},
		`{{ none }}{{ none.x }}{{ nobody.Name }}`:       {},
		`{% if usr %}{% endif %}`:                       {},
		`{% if url_for %}{{ url_for("x") }}{% endif %}`: {},
		`{% set f = hostname %}`:                        {always: "argument count"},
	} {
		for _, reload := range []bool{false, true} {
			t.Run(fmt.Sprint(source, reload), func(t *testing.T) {
				e, err := templates.New(files("a.html", "\n"+source, "part.html", ""), templates.Options{Reload: reload, Globals: globals})
				require.NoError(t, err)
				c := context()
				c["part"] = "part.html"
				_, err = e.Text("a.html", c)
				says := want.always
				if reload && says == "" {
					says = want.developing
				}
				if says == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, says)
				require.ErrorContains(t, err, `template "a.html", line 2`)
			})
		}
	}
}

// All requests share the parsed templates: a rendering changes nothing for another one.
func TestNothingIsRememberedBetweenRenderings(t *testing.T) {
	e, err := templates.New(files("a.html", `{% cycle "a" "b" "c" %}{% for x in list %}{% cycle "1" "2" %}{% ifchanged x %}{{ x }}{% else %}={% endifchanged %}{% ifchanged %}{{ x }}{% endifchanged %}{% endfor %}`), templates.Options{})
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				page, err := e.Text("a.html", templates.Context{"list": []string{"x", "x", "y"}})
				if err != nil || page != "a1xx2=1yy" {
					t.Errorf("%q, %v", page, err)
				}
			}
		})
	}
	all.Wait()
}

func TestFiltersAreBounded(t *testing.T) {
	for _, source := range []string{
		`{{ 1.5|floatformat:n }}`, `{{ "a"|ljust:n }}`, `{{ "a"|rjust:n }}`, `{{ "a"|center:n }}`, `{% filter ljust:n %}a{% endfilter %}`,
		`{{ "abc"|truncatechars:less }}`, `{{ 1.5|floatformat:less }}`, `{{ "a b"|wordwrap:zero }}`,
	} {
		e, err := templates.New(files("a.html", source), templates.Options{})
		require.NoError(t, err)
		_, err = e.Text("a.html", templates.Context{"n": 1 << 40, "less": -5000, "zero": 0})
		var failure *templates.Error
		require.ErrorAs(t, err, &failure, source)
		require.Equal(t, 1, failure.Line)
		require.NotContains(t, err.Error(), "panic", source)
	}
	require.Equal(t, "1.50|a  |  a| a |abc|a b\nc", text(t, `{{ 1.5|floatformat:2 }}|{{ "a"|ljust:3 }}|{{ "a"|rjust:3 }}|{{ "a"|center:3 }}|{{ "abc"|truncatechars:3 }}|{{ "a b c"|wordwrap:2 }}`, nil, templates.Options{}))
}

func TestPanicsNameTheirLine(t *testing.T) {
	context := templates.Context{"explode": func() string { panic("out of stock") }, "zero": 0, "v": 1}
	for source, line := range map[string]int{
		"\n{{ explode() }}": 2,
		"\n{{ v / zero }}":  2,
		"\n{% if v %}\n{% if explode() %}{% endif %}{% endif %}": 3,
		"\n\n{% for x in explode() %}{% endfor %}":               3,
		"{{ v }}\n{% with x=explode() %}{% endwith %}":           2,
		"{{ v }}\n{% set x = v % zero %}":                        2,
		"{{ v }}\n{% include explode() %}":                       2,
	} {
		e, err := templates.New(files("a.html", source), templates.Options{})
		require.NoError(t, err)
		_, err = e.Text("a.html", context)
		var failure *templates.Error
		require.ErrorAs(t, err, &failure, source)
		require.ErrorContains(t, err, "panic: ")
		require.Equal(t, line, failure.Line, source)
		require.NotNil(t, failure.Callers())
	}
}

func TestAComputedIncludeIsRelativeToTheTemplateThatSaysIt(t *testing.T) {
	e, err := templates.New(files(
		"layout.html", `{% block body %}{% endblock %}{% include "./" + part %}`,
		"shop/page.html", `{% extends "../layout.html" %}{% block body %}{% include "./" + part %}{% include "./gone.html" + "" if_exists %}{% endblock %}`,
		"part.html", "root", "shop/part.html", "shop",
	), templates.Options{})
	require.NoError(t, err)
	page, err := e.Text("shop/page.html", templates.Context{"part": "part.html"})
	require.NoError(t, err)
	require.Equal(t, "shoproot", page)
	_, err = e.Text("shop/page.html", templates.Context{"part": "nowhere.html"})
	require.EqualError(t, err, `template "shop/page.html", line 1, column 58: "shop/nowhere.html" cannot be read: file does not exist`)
}

// The code that is inserted into a template does not move lines, columns or white space.
func TestTheTemplateStaysAsItIsWritten(t *testing.T) {
	for source, want := range map[string]string{
		"a {{- 1 -}} b":                                     "a1b",
		"a {%- if true -%} b {%- endif -%} c":               "abc",
		"{% macro m() -%} x {%- endmacro %}[{{ m() }}]":     "[x]",
		"{% verbatim %}{{ x }}{% macro %}{% endverbatim %}": "{{ x }}{% macro %}",
		"{# {{ x }} {% if %} #}a":                           "a",
		"{% comment %}{{ 1 }}{% endcomment %}b":             "b",
		`{{ "}} {{ %}" }}`:                                  "}} {{ %}",
		`{{ "a \" }}" }}`:                                   "a &quot; }}",
		"{ {a} }":                                           "{ {a} }",
		"{% with x=\"{% if %}\" %}{{ x }}{% endwith %}":     "{% if %}",
		"ü{{ 1 }}\nü{{ 2 }}":                                "ü1\nü2",
		"":                                                  "",
	} {
		require.Equal(t, want, text(t, source, nil, templates.Options{}))
	}
	for source, column := range map[string]int{
		"{{ 1 }}{{ 2 }}{{ 1|nope }}":                               20,
		"{% if true %}{{ x|ljust:3|nope }}{% endif %}":             27,
		"{% macro m() %}{% endmacro %}{% cycle 1 2 %}{{ 1|nope }}": 50,
	} {
		_, err := templates.New(files("a.html", source), templates.Options{})
		var failure *templates.Error
		require.ErrorAs(t, err, &failure, source)
		require.Equal(t, column, failure.Column, "%s: %v", source, err)
	}
}
