package vet

import (
	"errors"
	"go/ast"
	"go/types"

	"path"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/flosch/pongo2/v6"

	"github.com/zeugkit/zeug/templates"
)

// environment is a templates.Environment of the program.
type environment struct {
	at    *ast.CallExpr
	known bool
	files map[string]string

	globals     []entry
	globalsOpen bool
	urls        []*urlMap // of Options.URLs
	urlsKnown   bool
	ownURLs     bool

	scanned   map[string]*template
	dynamic   bool // some template includes another one whose name is computed
	foreign   bool // some template has tags of the program
	usedByApp bool
}

// findEnvironments finds the calls of templates.New and MustNew.
func (p *program) findEnvironments() {
	for _, c := range p.sites {
		switch p.callee(c.CallExpr) {
		case "github.com/flosch/pongo2/v6.RegisterFilter", "github.com/flosch/pongo2/v6.ReplaceFilter":
			if text, ok := p.text(bound{c.Args[0], nil, 0}); ok {
				p.filterNames = append(p.filterNames, text.text)
			}
		case "github.com/flosch/pongo2/v6.RegisterTag", "github.com/flosch/pongo2/v6.ReplaceTag":
			p.ownTags = true
		}
	}
	for _, c := range p.sites {
		switch name := p.zeugName(c.CallExpr); {
		case (name == "templates.New" || name == "templates.MustNew") && len(c.Args) == 2:
			scopes, _ := p.scopesOf(c.Args, 0)
			var s *scope
			if len(scopes) > 0 {
				s = scopes[0]
			}
			e := &environment{at: c.CallExpr}
			p.environments, p.environsAt[c.CallExpr] = append(p.environments, e), e
			p.readEnvironment(e, c, s)
		}
	}
	for _, c := range p.sites {
		if p.zeugName(c.CallExpr) == "zeug.Templates" && len(c.Args) == 1 {
			for _, e := range p.environmentsOf(c.Args[0], nil) {
				e.usedByApp = true
			}
		}
	}
}

// environmentsOf returns the possible environments of an expression, nil if they are not known.
func (p *program) environmentsOf(e ast.Expr, s *scope) (list []*environment) {
	if e == nil {
		return nil
	}
	values, complete := p.resolve(bound{e, s, 0})
	for _, v := range values {
		c, ok := v.expr.(*ast.CallExpr)
		if !ok || p.environsAt[c] == nil {
			return nil
		}
		list = append(list, p.environsAt[c])
	}
	if !complete {
		return nil
	}
	return list
}

func (p *program) readEnvironment(e *environment, c call, s *scope) {
	f, known := p.folderOf(bound{c.Args[0], s, 0})
	var options *ast.CompositeLit
	values, complete := p.resolve(bound{c.Args[1], s, 0})
	if complete && len(values) == 1 {
		options, _ = values[0].expr.(*ast.CompositeLit)
	}
	if !known || options == nil {
		p.skip(c.Pos(), "the folder of templates cannot be followed, so that they are not checked")
		return
	}
	os := values[0].scope
	if dir, ok := p.field(options, "Dir"); ok {
		text, ok := p.text(bound{dir, os, 0})
		if !ok {
			p.skip(c.Pos(), "the folder of templates cannot be followed, so that they are not checked")
			return
		}
		if text.text != "" {
			f = f.in(text.text)
		}
		e.files = f.files(p.overlay)
		e.known = p.checkFolder(f, dir, e.files)
	} else {
		e.files = f.files(p.overlay)
		e.known = p.checkFolder(f, c.Args[0], e.files)
	}
	var filters []entry
	if globals, ok := p.field(options, "Globals"); ok {
		var complete bool
		e.globals, _, complete = p.entries(bound{globals, os, 0})
		e.globalsOpen = !complete
	}
	if given, ok := p.field(options, "Filters"); ok {
		filters, _, complete = p.entries(bound{given, os, 0})
		if !complete {
			p.skip(given.Pos(), "the filters cannot be followed, so that templates are not parsed")
		}
	}
	if urls, ok := p.field(options, "URLs"); ok && !isNil(p.info, urls) {
		e.ownURLs = true
		e.urls, e.urlsKnown = p.mapsOfBinder(bound{urls, os, 0})
	}
	p.scanEnvironment(e, filters, complete)
}

// mapsOfBinder returns the maps of func(req) routing.Builder { return urls.Bind(req.Request) }.
func (p *program) mapsOfBinder(b bound) (maps []*urlMap, complete bool) {
	values, complete := p.resolve(b)
	for _, v := range values {
		var function ast.Node
		switch e := v.expr.(type) {
		case *ast.FuncLit:
			function = e
		case *ast.Ident:
			if f, ok := p.info.Uses[e].(*types.Func); ok && p.decls[f] != nil {
				function = p.decls[f]
			}
		case *ast.SelectorExpr:
			if f, ok := p.info.Uses[e.Sel].(*types.Func); ok && p.decls[f] != nil {
				function = p.decls[f]
			}
		}
		if function == nil {
			return nil, false
		}
		for _, ret := range p.results[function] {
			if len(ret.Results) != 1 {
				return nil, false
			}
			more, ok := p.mapsOf(ret.Results[0], v.scope)
			maps, complete = append(maps, more...), complete && ok
		}
	}
	return maps, complete && len(maps) > 0
}

// stub stands for the filters of the program.
func stub(value, _ any) (any, error) { return value, nil }

// scanEnvironment parses the templates by package templates, reports its errors, and scans the
// other templates.
func (p *program) scanEnvironment(e *environment, filters []entry, complete bool) {
	e.scanned = map[string]*template{}
	files := fstest.MapFS{}
	for name, file := range e.files {
		text, err := readFile(p.overlay, file)
		if err != nil || !isTemplate(name) {
			continue
		}
		files[name] = &fstest.MapFile{Data: text}
		t := scan(name, file, string(text), p.add(file, text))
		t.foreign = t.foreign && p.ownTags
		e.scanned[name] = t
		e.dynamic, e.foreign = e.dynamic || t.dynamic, e.foreign || t.foreign
	}
	if complete {
		p.checkFilters(e, filters)
	}
	_, err := templates.New(files, templates.Options{Filters: stubs(e.scanned)})
	if err == nil {
		return
	}
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for _, err := range list {
		if failure, ok := errors.AsType[*templates.Error](err); ok {
			p.reportParse(e, failure)
		} else {
			p.report(e.at, Templates, "%s", strings.TrimPrefix(err.Error(), "templates: "))
		}
	}
}

func isTemplate(name string) bool {
	return slices.Contains([]string{".html", ".txt", ".xml", ".htm", ".tmpl", ".css", ".js", ".svg", ".md", ""}, path.Ext(name)) && !strings.HasPrefix(path.Base(name), ".")
}

// stubbed are the filters that stub stands for in the table of pongo2, which the process shares.
var stubbed = map[string]bool{}

// isBuiltin reports whether the filter is one of pongo2.
func isBuiltin(name string) bool { return pongo2.FilterExists(name) && !stubbed[name] }

// stubs returns filters for all names in the templates, so that pongo2 parses them. checkFilters
// checks their names.
func stubs(scanned map[string]*template) map[string]templates.Filter {
	filters := map[string]templates.Filter{}
	for _, t := range scanned {
		for _, f := range t.filters {
			if !isBuiltin(f.name) {
				filters[f.name], stubbed[f.name] = stub, true
			}
		}
	}
	return filters
}

// checkFilters reports filters that neither pongo2 nor the program has.
func (p *program) checkFilters(e *environment, own []entry) {
	known := slices.Concat(builtinFilters, p.filterNames)
	for _, f := range own {
		known = append(known, f.key.text)
	}
	for _, t := range e.scanned {
		for _, f := range t.filters {
			if !isBuiltin(f.name) && !slices.Contains(known, f.name) {
				p.reportWord(f.at, Templates, nearest(f.name, known), "there is no filter %q%s", f.name, didYouMean(f.name, known))
			}
		}
	}
}

// reportParse reports what pongo2 refuses. A template that is absent is reported where it is named.
func (p *program) reportParse(e *environment, failure *templates.Error) {
	t := e.scanned[failure.Name]
	if t == nil || t.foreign {
		return
	}
	t.broken = true
	if strings.Contains(failure.Err.Error(), "cannot be read") {
		return // see checkReferences
	}
	at := span{pos: t.file.Pos(0)}
	if failure.Line > 0 && failure.Line <= t.file.LineCount() {
		offset := t.file.Offset(t.file.LineStart(failure.Line)) + max(failure.Column-1, 0)
		at = span{pos: t.file.Pos(min(offset, t.file.Size()))}
	}
	text := failure.Err.Error()
	p.result.Findings = append(p.result.Findings, Finding{Pos: at.pos, Kind: Templates, Message: text})
}

// builtinFilters are the filters of pongo2.
var builtinFilters = []string{
	"escape", "safe", "escapejs", "add", "addslashes", "capfirst", "center", "cut", "date", "default", "default_if_none", "divisibleby",
	"first", "floatformat", "get_digit", "iriencode", "join", "last", "length", "length_is", "linebreaks", "linebreaksbr", "linenumbers",
	"ljust", "lower", "make_list", "phone2numeric", "pluralize", "random", "removetags", "rjust", "slice", "split", "stringformat",
	"striptags", "time", "title", "truncatechars", "truncatechars_html", "truncatewords", "truncatewords_html", "upper", "urlencode",
	"urlize", "urlizetrunc", "wordcount", "wordwrap", "yesno", "float", "integer",
}
