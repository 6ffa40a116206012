package vet

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mutant is a program with one mistake: other bytes in one file, or a file that is renamed.
type mutant struct {
	kind, file string
	from, to   int
	text       string
	renamed    string // the new name of the file
}

// String names a mutant without its line, so that the entries of missed stay right when an example changes
// elsewhere.
func (m mutant) String() string {
	file := filepath.Join(filepath.Base(filepath.Dir(m.file)), filepath.Base(m.file))
	if m.renamed != "" {
		return fmt.Sprintf("%s: %s: renamed to %s", file, m.kind, m.renamed)
	}
	text, err := os.ReadFile(m.file)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s: %s: %s → %s", file, m.kind, text[m.from:m.to], m.text)
}

// missed maps the mistakes that Check does not find, as their String, to the reason in docs/vet.md.
var missed = map[string]string{
	`moving/shop.go: the slash of a rule: "/" → ""`:                             withoutSlash,
	`todo/main.go: the slash of a rule: "/" → ""`:                               withoutSlash,
	`todo/main.go: the slash of a rule: "/<int:id>" → "<int:id>"`:               withoutSlash,
	`site/main.go: the slash of a rule: "/" → ""`:                               withoutSlash,
	`site/main.go: the slash of a rule: "/<int:id>/remove" → "<int:id>/remove"`: withoutSlash,
	`parts/main.go: the slash of a rule: "/" → ""`:                              withoutSlash,
	`parts/main.go: the slash of a rule: "/<int:id>" → "<int:id>"`:              withoutSlash,
	`site/main.go: the value of a link: req.Params.Int("page")+1 → 1 < 2`:       otherDefault,
	`site/main.go: a missing value: req.Params.Int("page")+1 → nil`:             otherDefault,
}

const (
	withoutSlash = "`/todos` and `/todos<int:id>` are valid rules, and some programs mean them"
	otherDefault = "the rule with the default may be meant"
)

// TestMutations makes mistakes of all kinds in the examples, one at a time. It checks that nearly all are found, and
// that missed lists the others.
func TestMutations(t *testing.T) {
	found, all := 0, 0
	stale := maps.Clone(missed)
	for _, l := range loadPrograms(t) {
		require.Empty(t, Check(l).Findings)
		mutants := mutantsOf(l)
		for i, m := range mutants {
			if i%stride > 0 {
				continue
			}
			changed := l.With(m.overlay(t))
			if slices.ContainsFunc(changed.Packages, func(p *Package) bool { return len(p.Errors) > 0 }) {
				continue // the compiler finds it
			}
			all++
			if len(Check(changed).Findings) > 0 {
				found++
				continue
			}
			name := m.String()
			if missed[name] == "" {
				t.Errorf("a mistake is missed without a reason: %s", name)
			}
			delete(stale, name)
		}
	}
	t.Logf("%d of %d mistakes are found", found, all)
	if stride == 1 {
		require.Empty(t, stale, "these mistakes are found now")
	}
	text, err := os.ReadFile("../../../docs/vet.md")
	require.NoError(t, err)
	for name, reason := range missed {
		require.Contains(t, string(text), "| "+reason+" |", name)
	}
	require.GreaterOrEqual(t, all, 300/stride)
	require.GreaterOrEqual(t, float64(found), 0.95*float64(all))
}

// loadPrograms loads the examples, the program of the tutorial, and those of the tests.
func loadPrograms(t *testing.T) (list []*Loaded) {
	for _, c := range []struct {
		dir      string
		patterns []string
	}{
		{"../../..", []string{"./examples/hello", "./examples/todo", "./examples/moving", "./examples/shortly", "./docs/tutorial/app"}},
		{"../../../examples/guestbook", []string{"."}},
		{"../../../examples/chi", []string{"."}},
		{".", []string{"./testdata/site"}},
		{".", []string{"./testdata/parts"}},
	} {
		l, err := Load(Config{Dir: c.dir}, c.patterns...)
		require.NoError(t, err)
		if len(c.patterns) == 1 {
			list = append(list, l)
			continue
		}
		for _, p := range l.Packages { // each is a program of one package
			list = append(list, l.only(p.Path))
		}
	}
	return list
}

// only returns one of the packages.
func (l *Loaded) only(path string) *Loaded {
	one := &Loaded{Fset: l.Fset, listed: map[string]*listed{}, export: l.export}
	for name, p := range l.listed {
		other := *p
		other.source = name == path
		one.listed[name] = &other
	}
	one.parse()
	return one
}

// overlay returns the files of the program with the mistake.
func (m mutant) overlay(t *testing.T) map[string][]byte {
	text, err := os.ReadFile(m.file)
	require.NoError(t, err)
	if m.renamed != "" {
		return map[string][]byte{m.file: nil, filepath.Join(filepath.Dir(m.file), m.renamed): text}
	}
	return map[string][]byte{m.file: slices.Concat(text[:m.from], []byte(m.text), text[m.to:])}
}

// misspelt swaps two letters in the middle of a word, or adds one.
func misspelt(word string) string {
	for i := len(word) / 2; i+1 < len(word); i++ {
		if a, b := word[i], word[i+1]; a != b && isWordByte(a) && isWordByte(b) {
			return word[:i] + string(b) + string(a) + word[i+2:]
		}
	}
	return word + "x"
}

// maker collects the mutants of a program.
type maker struct {
	l    *Loaded
	p    *program
	list []mutant
}

func mutantsOf(l *Loaded) []mutant {
	last := l.Packages[len(l.Packages)-1]
	p := &program{fset: l.Fset, info: l.Info, packages: l.Packages, result: &Result{}, closed: true, add: newTemplates(l.Fset)}
	p.index()
	p.findMaps()
	p.findTargets()
	p.findEnvironments()
	p.findExports()
	p.findRenderings()
	m := &maker{l: l, p: p}
	for _, pkg := range l.Packages {
		for _, f := range pkg.Files {
			ast.Inspect(f, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok {
					m.call(c)
				}
				return true
			})
		}
	}
	m.rules()
	m.contexts()
	for _, e := range p.environments {
		m.environment(e)
	}
	m.staticFiles()
	m.fields(last)
	return m.list
}

// word replaces a string literal.
func (m *maker) word(kind string, e ast.Expr, change func(string) string) {
	lit, ok := ast.Unparen(e).(*ast.BasicLit)
	if !ok {
		return
	}
	v := m.l.Info.Types[lit].Value
	if v == nil || v.Kind() != constant.String || constant.StringVal(v) == "" {
		return
	}
	if text := change(constant.StringVal(v)); text != constant.StringVal(v) {
		m.replace(kind, lit, strconv.Quote(text))
	}
}

func (m *maker) replace(kind string, n ast.Node, text string) {
	from, to := m.l.Fset.Position(n.Pos()), m.l.Fset.Position(n.End())
	made := mutant{kind: kind, file: from.Filename, from: from.Offset, to: to.Offset, text: text}
	if !slices.Contains(m.list, made) {
		m.list = append(m.list, made)
	}
}

// call makes the mistakes in a call.
func (m *maker) call(c *ast.CallExpr) {
	switch name := m.p.zeugName(c); name {
	case "zeug.Request.URL", "routing.Adapter.Build":
		m.word("the endpoint of a link", c.Args[0], misspelt)
		for i := 1; i < len(c.Args) && name == "zeug.Request.URL"; i += 2 {
			if m.isVariable(c.Args[0], c.Args[i]) {
				m.word("the variable of a link", c.Args[i], misspelt)
				if !m.takesAll(c.Args[0], c.Args[i]) {
					m.replace("the value of a link", c.Args[i+1], "1 < 2")
				}
				if i+2 == len(c.Args) {
					m.replace("a missing value", c.Args[i+1], "nil")
				}
			}
		}
	case "routing.With":
		m.word("the variable of a link", c.Args[0], misspelt)
	case "routing.Params.String", "routing.Params.Int", "routing.Params.Float", "routing.Params.UUID":
		m.word("a variable that is read", c.Args[0], misspelt)
		other := map[string]string{"Int": "Float", "Float": "Int", "UUID": "Int", "String": "Int"}
		sel := c.Fun.(*ast.SelectorExpr).Sel
		m.replace("the type of a variable", sel, other[sel.Name])
	case "zeug.Param":
		m.word("a variable that is read", c.Args[1], misspelt)
	case "":
		if m.p.callee(c) == "(*net/http.Request).PathValue" {
			m.word("a variable that is read", c.Args[0], misspelt)
		}
	case "zeug.Request.Render", "templates.Environment.Text":
		m.word("the name of a template", c.Args[0], misspelt)
	case "templates.Environment.Render", "zeug.ErrorPage":
		m.word("the name of a template", c.Args[1], misspelt)
	case "zeug.Request.StaticURL":
		m.word("the name of a static file", c.Args[0], misspelt)
	case "staticfiles.Shared.URLFor":
		m.word("the name of a static file", c.Args[1], misspelt)
	case "zeug.Static":
		m.word("the folder of static files", c.Args[2], misspelt)
	}
	if m.p.zeugName(c) == "" { // a function of the program that renders
		for _, a := range c.Args {
			if lit, ok := a.(*ast.BasicLit); ok && strings.HasSuffix(lit.Value, `.html"`) {
				m.word("the name of a template", a, misspelt)
			}
		}
	}
}

// isVariable reports whether the endpoint has the variable. Other names become the query.
func (m *maker) isVariable(endpoint, name ast.Expr) bool {
	e, ok := m.p.text(bound{endpoint, nil, 0})
	n, ok2 := m.p.text(bound{name, nil, 0})
	for _, at := range m.p.maps {
		for _, r := range at.withEndpoint(e.text) {
			if slices.ContainsFunc(r.variables, func(v variable) bool { return v.name == n.text }) {
				return ok && ok2
			}
		}
	}
	return false
}

// takesAll reports whether the variable of an endpoint takes any string.
func (m *maker) takesAll(endpoint, name ast.Expr) bool {
	e, _ := m.p.text(bound{endpoint, nil, 0})
	n, _ := m.p.text(bound{name, nil, 0})
	return slices.ContainsFunc(m.p.maps, func(at *urlMap) bool {
		return slices.ContainsFunc(at.withEndpoint(e.text), func(r *rule) bool { return r.converterOf(n.text) == "default" })
	})
}

// rules makes the mistakes in rules: names of variables that something uses, converters, brackets.
func (m *maker) rules() {
	for _, urls := range m.p.maps {
		for _, r := range urls.rules {
			for _, v := range variablesOf(r.written) {
				replaced := strings.Replace(v.text, v.name+">", misspelt(v.name)+">", 1)
				if m.reads(v.name) {
					m.word("the variable of a rule", r.at, func(path string) string { return strings.Replace(path, v.text, replaced, 1) })
				}
				m.word("a bracket of a rule", r.at, func(path string) string { return strings.Replace(path, v.text, strings.TrimSuffix(v.text, ">"), 1) })
				if v.converter != "default" {
					m.word("the converter of a rule", r.at, func(path string) string {
						return strings.Replace(path, v.text, strings.Replace(v.text, v.converter, misspelt(v.converter), 1), 1)
					})
				}
				if v.converter == "int" && m.reads(v.name) && r.RedirectTo == "" {
					m.word("the type of a rule's variable", r.at, func(path string) string {
						return strings.Replace(path, v.text, strings.Replace(v.text, "int", "uuid", 1), 1)
					})
				}
			}
			if r.written != "" && r.written[0] == '/' {
				m.word("the slash of a rule", r.at, func(path string) string { return path[1:] })
			}
		}
	}
	for _, pkg := range m.p.packages { // endpoints that something links to
		for _, f := range pkg.Files {
			ast.Inspect(f, func(n ast.Node) bool {
				if kv, ok := n.(*ast.KeyValueExpr); ok {
					if id, ok := kv.Key.(*ast.Ident); ok && id.Name == "Endpoint" {
						if w, ok := m.p.text(bound{kv.Value, nil, 0}); ok && m.links(w.text) {
							m.word("the endpoint of a rule", kv.Value, misspelt)
						}
					}
				}
				return true
			})
		}
	}
}

// reads reports whether a view reads a variable of the name.
func (m *maker) reads(name string) bool {
	for _, c := range m.p.sites {
		if n := m.p.zeugName(c.CallExpr); strings.HasPrefix(n, "routing.Params.") || n == "zeug.Param" {
			for _, a := range c.Args {
				if w, ok := m.p.text(bound{a, nil, 0}); ok && w.text == name {
					return true
				}
			}
		}
	}
	return false
}

// links reports whether a URL of the endpoint is built.
func (m *maker) links(endpoint string) bool {
	for _, c := range m.p.sites {
		if n := m.p.zeugName(c.CallExpr); n == "routing.Adapter.Build" || n == "zeug.Request.URL" {
			if w, ok := m.p.text(bound{c.Args[0], nil, 0}); ok && w.text == endpoint {
				return true
			}
		}
	}
	for _, e := range m.p.environments {
		for _, t := range e.scanned {
			for _, u := range t.uses {
				if u.root == "url_for" && len(u.args) > 0 && literal(u.args[0]) == endpoint {
					return true
				}
			}
		}
	}
	return false
}

// contexts renames the keys of contexts.
func (m *maker) contexts() {
	for _, r := range m.p.renderings {
		for _, e := range r.entries {
			m.word("a name of a context", e.key.at, misspelt)
		}
	}
}

// span replaces a piece of a template.
func (m *maker) span(kind string, at span, change func(string) string) {
	from, to := m.l.Fset.Position(at.pos), m.l.Fset.Position(at.end)
	text, _ := os.ReadFile(from.Filename)
	old := string(text[from.Offset:to.Offset])
	if made := (mutant{kind: kind, file: from.Filename, from: from.Offset, to: to.Offset, text: change(old)}); !slices.Contains(m.list, made) {
		m.list = append(m.list, made)
	}
}

// environment makes the mistakes in templates.
func (m *maker) environment(e *environment) {
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for n := range e.scanned {
			if !yield(n) {
				return
			}
		}
	}) {
		t := e.scanned[name]
		for _, ref := range t.parents {
			m.span("a template that another one names", ref.at, misspelt)
		}
		for _, f := range t.filters {
			m.span("a filter", f.at, misspelt)
		}
		for _, u := range t.uses {
			m.use(u)
		}
		for _, tag := range []string{"endblock", "endfor", "endif"} {
			if i := strings.Index(t.text, tag); i >= 0 {
				m.list = append(m.list, mutant{kind: "a tag", file: t.path, from: i, to: i + len(tag), text: misspelt(tag)})
			}
		}
		if i := strings.Index(t.text, " %}"); i >= 0 {
			m.list = append(m.list, mutant{kind: "a bracket of a tag", file: t.path, from: i, to: i + 3, text: " }"})
		}
		if rendered := slices.ContainsFunc(m.p.renderings, func(r *rendering) bool { return slices.Contains(r.closure[e], t) || r.name.text == name }); rendered {
			m.list = append(m.list, mutant{kind: "a template's file", file: t.path, renamed: misspelt(filepath.Base(t.path))})
		}
	}
}

func (m *maker) use(u *use) {
	switch {
	case u.optional:
		return
	case u.root == "url_for" || u.root == "static_url":
		for i, a := range u.args {
			if _, ok := literal(a).(string); ok && i == 0 {
				m.span("the argument of "+u.root, a[0].at, misspelt)
			}
			if name, ok := literal(a).(string); ok && i%2 == 1 && u.root == "url_for" && name != "_external" && m.anyVariable(name) {
				m.span("the variable of url_for", a[0].at, misspelt)
			}
		}
	}
	m.span("a name in a template", u.at, misspelt)
	for _, s := range u.steps {
		if !s.index {
			m.span("a field in a template", s.at, misspelt)
		}
	}
}

func (m *maker) anyVariable(name string) bool {
	return slices.ContainsFunc(m.p.maps, func(urls *urlMap) bool {
		return slices.ContainsFunc(urls.rules, func(r *rule) bool {
			return slices.ContainsFunc(r.variables, func(v variable) bool { return v.name == name })
		})
	})
}

// staticFiles renames the files that something links to.
func (m *maker) staticFiles() {
	for _, e := range m.p.exports {
		for name, file := range e.files {
			text := []byte(`"` + name + `"`)
			linked := false
			for _, env := range m.p.environments {
				for _, t := range env.scanned {
					linked = linked || bytes.Contains([]byte(t.text), text)
				}
			}
			if linked {
				m.list = append(m.list, mutant{kind: "a static file", file: file, renamed: misspelt(filepath.Base(file))})
			}
		}
	}
}

// fields renames the fields of structs that templates use, in the whole file that declares them.
func (m *maker) fields(pkg *Package) {
	used := map[string]bool{}
	for _, e := range m.p.environments {
		for _, t := range e.scanned {
			for _, u := range t.uses {
				for _, s := range u.steps {
					used[s.name] = true
				}
			}
		}
	}
	for _, f := range pkg.Files {
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range s.Fields.List {
				for _, name := range field.Names {
					if v, ok := m.l.Info.Defs[name].(*types.Var); ok && used[name.Name] && m.once(v) {
						m.replace("a field of a struct", name, misspelt(name.Name))
					}
				}
			}
			return true
		})
	}
}

// once reports whether Go code mentions a field only in its declaration.
func (m *maker) once(v *types.Var) bool {
	for _, o := range m.l.Info.Uses {
		if o == v {
			return false
		}
	}
	return true
}
