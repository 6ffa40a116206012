package vet_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/vet"
	"github.com/zeugkit/zeug/templates"
)

// TestExecution changes the templates of the page show.html, which gets item and user. It compares the findings with
// the page that the templates make.
func TestExecution(t *testing.T) {
	const macros = `{% macro price(amount) export %}<b>{{ amount }}</b>{% endmacro %}`
	const base = `[{% block title %}{% endblock %}|{% block body %}{% endblock %}]`
	outside := func(tag string) string {
		return `show.html: the tag "` + tag + `" is outside the blocks of a template that extends another one, so it is not executed: move it into a block`
	}
	for name, c := range map[string]struct {
		files map[string]string
		page  string // "" if it fails
		want  []string
	}{
		"a macro of a block is called in it": {
			map[string]string{"show.html": `{% extends "base.html" %}{% block body %}{% import "macros.html" price %}{{ price(1) }}{% endblock %}`},
			"[|<b>1</b>]", nil,
		},
		"a macro of a block is called in a later one": {
			map[string]string{"show.html": `{% extends "base.html" %}{% block title %}{% import "macros.html" price %}{% endblock %}{% block body %}{{ price(1) }}{% endblock %}`},
			"[|<b>1</b>]", nil,
		},
		"a macro of the layout is called in a block": {
			map[string]string{"base.html": `{% import "macros.html" price %}` + base, "show.html": `{% extends "base.html" %}{% block body %}{{ price(1) }}{% endblock %}`},
			"[|<b>1</b>]", nil,
		},
		"an import outside is not executed": {
			map[string]string{"show.html": `{% extends "base.html" %}{% import "macros.html" price %}{% block body %}{{ price(1) }}{% endblock %}`},
			"", []string{outside("import")},
		},
		"an import in front of extends is not executed": {
			map[string]string{"show.html": `{% import "macros.html" price %}{% extends "base.html" %}{% block body %}{{ price(1) }}{% endblock %}`},
			"", []string{outside("import")},
		},
		"a macro outside is not defined": {
			map[string]string{"show.html": `{% extends "base.html" %}{% macro m() %}x{% endmacro %}{% block body %}{{ m() }}{% endblock %}`},
			"", []string{outside("macro")},
		},
		"an exported macro outside is not defined": {
			map[string]string{"show.html": `{% extends "base.html" %}{% macro m() export %}x{% endmacro %}{% block body %}{{ m() }}{% endblock %}`},
			"", []string{`show.html: "m" is not defined: its macro is outside the blocks of a template that extends another one`},
		},
		"an exported macro outside is imported by another template": {
			map[string]string{
				"base.html": base, "other.html": `{% extends "base.html" %}{% macro m() export %}x{% endmacro %}`,
				"show.html": `{% import "other.html" m %}{{ m() }}`,
			},
			"x", nil,
		},
		"a set outside is not executed": {
			map[string]string{"show.html": `{% extends "base.html" %}{% set x = 1 %}{% block body %}{{ x }}{% endblock %}`},
			"", []string{outside("set")},
		},
		"a set outside for the layout is not executed": {
			map[string]string{"base.html": `{{ page|default:"none" }}` + base, "show.html": `{% extends "base.html" %}{% set page = "show" %}{% block body %}{% endblock %}`},
			"none[|]", []string{outside("set")},
		},
		"an include outside is not executed": {
			map[string]string{"show.html": `{% extends "base.html" %}{% include "macros.html" %}`},
			"[|]", []string{outside("include")},
		},
		"a value outside is not printed": {
			map[string]string{"show.html": `{% extends "base.html" %}{{ item.Name }}`},
			"[|]", []string{`show.html: this value is outside the blocks of a template that extends another one, so it is not printed: move it into a block`},
		},
		"a condition around a block is not executed": {
			map[string]string{"show.html": `{% extends "base.html" %}{% if item.ID == 7 %}{% block body %}x{% endblock %}{% endif %}`},
			"[|x]", []string{outside("if")},
		},
		"names around a block are not defined": {
			map[string]string{"show.html": `{% extends "base.html" %}{% with x=1 %}{% block body %}{{ x }}{% endblock %}{% endwith %}`},
			"", []string{outside("with")},
		},
		"comments and text outside are for readers": {
			map[string]string{"show.html": "{% extends \"base.html\" %}\nThe page.{# a #}{% comment %}{% set x = 1 %}{{ y }}{% endcomment %}{% verbatim %}{{ x }}{% endverbatim %}{% block body %}x{% endblock body %}"},
			"[|x]", nil,
		},
		"a loop of the layout is around a block": {
			map[string]string{
				"base.html": `{% for i in "ab" %}{% with j=i %}{% block row %}{{ i }}{% endblock %}{% endwith %}{% endfor %}`,
				"show.html": `{% extends "base.html" %}{% block row %}<{{ i }}{{ j }}{{ forloop.Counter }}>{% endblock %}`,
			},
			"<aa1><bb2>", nil,
		},
		"a block is replaced whose names are not passed": {
			map[string]string{"base.html": `[{% block title %}{{ heading }}{% endblock %}|{% block body %}{% endblock %}]`, "show.html": `{% extends "base.html" %}{% block title %}x{% endblock %}`},
			"[x|]", nil,
		},
		"a block is used by the one that replaces it": {
			map[string]string{"base.html": `[{% block title %}{{ heading }}{% endblock %}|{% block body %}{% endblock %}]`, "show.html": `{% extends "base.html" %}{% block title %}x{{ block.Super }}{% endblock %}`},
			"", []string{`base.html: no Render of "base.html" passes "heading"`},
		},
		"a block in a replaced block": {
			map[string]string{"base.html": `[{% block title %}{{ heading }}{% block inner %}{{ other }}{% endblock %}{% endblock %}]`, "show.html": `{% extends "base.html" %}{% block title %}x{% block own %}y{% endblock %}{% endblock %}`},
			"[xy]", nil,
		},
		"a block of no layout": {
			map[string]string{"show.html": `{% extends "base.html" %}{% block bdoy %}x{% endblock %}`},
			"[|]", []string{`show.html: no template that this one extends has a block "bdoy", so it is not executed: did you mean "body"?`},
		},
		"a block of an included template": {
			map[string]string{"base.html": `{% include "part.html" %}`, "part.html": `[{% block part %}y{% endblock %}]`, "show.html": `{% extends "base.html" %}{% block part %}x{% endblock %}`},
			"[y]", []string{`show.html: no template that this one extends has a block "part", so it is not executed`},
		},
		"three levels": {
			map[string]string{
				"section.html": `{% extends "base.html" %}{% block body %}<{% block inner %}{% endblock %}>{% endblock %}`,
				"show.html":    `{% extends "section.html" %}{% block inner %}x{% endblock %}{% block title %}{{ item.Name }}{% endblock %}`,
			},
			"[Tea|<x>]", nil,
		},
		"a macro calls one that is not imported": {
			map[string]string{"macros.html": macros + `{% macro twice(n) export %}{{ price(n) }}{{ price(n) }}{% endmacro %}`, "show.html": `{% import "macros.html" twice %}{{ twice(1) }}`},
			"", []string{`macros.html: "price" is not defined where "twice" is imported: import it there, too`},
		},
		"a macro calls one that is imported": {
			map[string]string{"macros.html": macros + `{% macro twice(n) export %}{{ price(n) }}{{ price(n) }}{% endmacro %}`, "show.html": `{% import "macros.html" twice, price %}{{ twice(1) }}`},
			"<b>1</b><b>1</b>", nil,
		},
		"a macro is imported by another name": {
			map[string]string{"show.html": `{% import "macros.html" price as cost %}{{ cost(1) }}{{ price(1) }}`},
			"", []string{`show.html: "price" is not defined`},
		},
		"macros that nobody imports, and text between macros": {
			map[string]string{"macros.html": macros + `{{ sample }}{% macro other() export %}{{ unknown }}{% endmacro %}`, "show.html": `{% import "macros.html" price %}{{ price(1) }}`},
			"<b>1</b>", nil,
		},
		"an include keeps names": {
			map[string]string{"show.html": `{% include "part.html" with x=1 only %}`, "part.html": `{{ x }}{{ item.Name }}`},
			"", []string{`part.html: no include of "part.html" passes "item", and "only" keeps other names from it`},
		},
		"an include that keeps names includes another template": {
			map[string]string{"show.html": `{% include "part.html" with x=1 only %}`, "part.html": `{% include "other.html" with y=2 %}`, "other.html": `{{ x }}{{ y }}{{ item.Name }}`},
			"", []string{`other.html: no include of "other.html" passes "item", and "only" keeps other names from it`},
		},
		"an include that keeps names includes another template in a loop": {
			map[string]string{"show.html": `{% include "part.html" with x="ab" only %}`, "part.html": `{% for i in x %}{% include "other.html" %}{% endfor %}`, "other.html": `{{ i }}{{ forloop.Counter }}`},
			"a1b2", nil,
		},
		"the names of a loop end with it, though it includes a template": {
			map[string]string{"show.html": `{% for i in "ab" %}{% include "part.html" %}{% endfor %}{{ i }}{{ forloop.Counter }}`, "part.html": `{{ i }}{{ forloop.Counter }}`},
			"", []string{`show.html: no Render of "show.html" passes "i"`, `show.html: no Render of "show.html" passes "forloop"`},
		},
		"the names of a loop are not passed by an include after it": {
			map[string]string{"show.html": `{% for i in "ab" %}{% include "part.html" %}{% endfor %}{% include "other.html" %}`, "part.html": `{{ i }}`, "other.html": `{{ i }}`},
			"", []string{`other.html: no Render of "other.html" passes "i"`},
		},
		"one of two includes is in a loop": {
			map[string]string{"show.html": `{% for i in "ab" %}{% include "part.html" %}{% endfor %}{% include "part.html" with i=3 %}`, "part.html": `{{ i }}`},
			"ab3", nil,
		},
		"an include in a block in a loop of the layout": {
			map[string]string{
				"base.html": `{% for i in "ab" %}{% block row %}{% endblock %}{% endfor %}`,
				"show.html": `{% extends "base.html" %}{% block row %}{% include "part.html" %}{% endblock %}`,
				"part.html": `{{ i }}{{ forloop.Counter }}`,
			},
			"a1b2", nil,
		},
		"an include that keeps names, in a block in a loop of the layout": {
			map[string]string{
				"base.html": `{% for i in "ab" %}{% block row %}{% endblock %}{% endfor %}`,
				"show.html": `{% extends "base.html" %}{% block row %}{% include "part.html" with x=i only %}{% endblock %}`,
				"part.html": `{{ x }}{{ i }}`,
			},
			"", []string{`part.html: no include of "part.html" passes "i", and "only" keeps other names from it`},
		},
		"a template that includes itself": {
			map[string]string{"show.html": `{% if item %}{% include "show.html" with item=1 %}{% endif %}`},
			"", []string{`show.html: the template includes or extends itself, so it cannot be read`},
		},
		"templates that include each other": {
			map[string]string{"show.html": `{% extends "base.html" %}{% block body %}{% include "./part.html" %}{% endblock %}`, "part.html": `{% if item %}{% include "show.html" %}{% endif %}`},
			"", []string{`show.html: the template includes or extends itself through "part.html", so it cannot be read`, `part.html: the template includes or extends itself through "show.html", so it cannot be read`},
		},
		"one of two includes keeps names": {
			map[string]string{"show.html": `{% include "part.html" with x=1 %}{% if not item %}{% include "part.html" with x=1 only %}{% endif %}`, "part.html": `{{ x }}{{ item.Name }}`},
			"1Tea", nil,
		},
		"an include that keeps names has macros and names of its own": {
			map[string]string{"show.html": `{% include "part.html" with x=1 only %}`, "part.html": `{% import "macros.html" price %}{% set y = x %}{{ price(y) }}{% for i in "ab" %}{{ i }}{% endfor %}`},
			"<b>1</b>ab", nil,
		},
		"url_for without an endpoint": {
			map[string]string{"show.html": `{{ url_for() }}`},
			"", []string{`show.html: "url_for" takes at least 1 argument, not 0`},
		},
		"static_url without brackets": {
			map[string]string{"show.html": `{{ static_url }}`},
			"", []string{`show.html: "static_url" takes 1 argument, not 0`},
		},
		"the version of pongo2": {
			map[string]string{"show.html": `{% if pongo2.version %}x{% endif %}`},
			"x", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"base.html": base, "macros.html": macros}
			maps.Copy(files, c.files)
			l, err := programs()
			require.NoError(t, err)
			overlay, folder := map[string][]byte{}, fstest.MapFS{}
			for name, text := range files {
				path, err := filepath.Abs(filepath.Join("testdata/site/templates", name))
				require.NoError(t, err)
				overlay[path], folder[name] = []byte(text), &fstest.MapFile{Data: []byte(text)}
			}
			changed := l.With(overlay)
			found := messages(changed, vet.Check(changed))
			found = slices.DeleteFunc(found, func(s string) bool { return strings.HasPrefix(s, "main.go: ") }) // what the page no longer uses
			require.ElementsMatch(t, c.want, found)

			environment, err := templates.New(folder, templates.Options{Reload: true})
			require.NoError(t, err)
			page, err := environment.Text("show.html", templates.Context{"item": struct {
				ID   int
				Name string
			}{1, "Tea"}, "user": struct{ Name string }{"Ada"}})
			if c.page == "" {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
				require.Equal(t, c.page, page)
			}
		})
	}
}
