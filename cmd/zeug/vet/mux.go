package vet

import (
	"go/ast"
	"slices"
	"strings"
)

// A handler of gorilla/mux reads its variables by mux.Vars. They come from the rule of a Map, if gorillamux.Vars
// is around the handler, or from the templates of a mux.Router, which gorillamux.FromRouter may have compiled:
//
//	router.PathPrefix("/{tenant}").Subrouter().HandleFunc("/users/{id:[0-9]+}", user)     tenant, id
//
// Which templates lead to a handler is not followed. A name is a mistake if no template and no rule of the
// whole program has it.

const muxPath = "github.com/gorilla/mux"

// muxTemplates are the methods whose arguments from an index on are templates.
var muxTemplates = map[string]int{
	"(*" + muxPath + ".Router).Handle": 0, "(*" + muxPath + ".Router).HandleFunc": 0, "(*" + muxPath + ".Router).Path": 0,
	"(*" + muxPath + ".Router).PathPrefix": 0, "(*" + muxPath + ".Router).Host": 0, "(*" + muxPath + ".Router).Queries": 0,
	"(*" + muxPath + ".Route).Path": 0, "(*" + muxPath + ".Route).PathPrefix": 0, "(*" + muxPath + ".Route).Host": 0,
	"(*" + muxPath + ".Route).Queries": 0,
}

// muxOpen are what may add other variables.
var muxOpen = []string{
	muxPath + ".SetURLVars", "(*" + muxPath + ".Router).MatcherFunc", "(*" + muxPath + ".Route).MatcherFunc", "(*" + muxPath + ".Route).AddMatcher",
}

// checkMuxVars checks the names that handlers read by mux.Vars.
func (p *program) checkMuxVars() {
	reads := p.muxReads()
	if len(reads) == 0 {
		return
	}
	known, hasRouter, complete := p.muxNames()
	for _, read := range reads {
		switch {
		case !hasRouter && !read.kept: // the variables are those of rules
			p.checkParam(read.call, read.key, "")
		case !complete || !p.closed || p.muxElsewhere:
			p.skip(read.key.Pos(), "the templates of mux routers cannot all be followed")
		default:
			if name, ok := p.text(bound{read.key, nil, 0}); ok && !slices.Contains(known, name.text) {
				p.reportName(name.at, Params, nearest(name.text, known), "no route of the program has a variable %q%s", name.text, didYouMean(name.text, known))
			}
		}
	}
}

// muxRead is an expression mux.Vars(r)[key].
type muxRead struct {
	call call // of mux.Vars
	key  ast.Expr
	kept bool // in a field or a global variable, which any handler may read
}

// muxReads finds mux.Vars(r)["name"]. The map may come from a variable or field that never holds another value.
func (p *program) muxReads() (reads []muxRead) {
	calls := map[ast.Expr]call{}
	for _, c := range p.sites {
		if p.callee(c.CallExpr) == muxPath+".Vars" {
			calls[c.CallExpr] = c
		}
	}
	if len(calls) == 0 {
		return nil
	}
	for _, pkg := range p.packages {
		for _, f := range pkg.Files {
			ast.Inspect(f, func(n ast.Node) bool {
				e, ok := n.(*ast.IndexExpr)
				if !ok {
					return true
				}
				at := ast.Unparen(e.X)
				at, kept := p.onlyValue(at, 0)
				if c, ok := calls[at]; ok && (!kept || p.closed) {
					reads = append(reads, muxRead{c, e.Index, kept})
				}
				return true
			})
		}
	}
	return reads
}

// onlyValue follows an expression through variables and fields that are assigned only once, and returns the last
// expression. kept reports whether one of them is a field or a global variable.
func (p *program) onlyValue(e ast.Expr, level int) (value ast.Expr, kept bool) {
	e = ast.Unparen(e)
	v := p.variable(e)
	if _, isParam := p.params[v]; v == nil || isParam || level > depth || p.escaped[v] || len(p.keyed[v]) > 0 || p.passedOn(v) {
		return e, false
	}
	list := p.assigned[v]
	if len(list) != 1 || list[0].opaque {
		return e, false
	}
	value, kept = p.onlyValue(list[0].expr, level+1)
	return value, kept || isGlobalOrField(v)
}

// muxNames returns the variables of all templates and rules. It is not complete if there may be others.
func (p *program) muxNames() (known []string, hasRouter, complete bool) {
	complete = true
	for _, c := range p.sites {
		name := p.callee(c.CallExpr)
		if slices.Contains(muxOpen, name) {
			return nil, true, false
		}
		from, ok := muxTemplates[name]
		if !ok {
			continue
		}
		hasRouter = true
		args, all, _ := p.arguments(c.CallExpr, nil, from)
		if strings.HasSuffix(name, ".Handle") || strings.HasSuffix(name, ".HandleFunc") {
			args = args[:min(1, len(args))] // the other one is the handler
		}
		complete = complete && all
		for _, a := range args {
			words, ok := p.strings(a)
			complete = complete && ok
			for _, w := range words {
				known = append(known, templateNames(w.text)...)
			}
		}
	}
	for _, m := range p.maps {
		complete = complete && !m.open && !m.opaque
		for _, r := range m.rules {
			complete = complete && !r.loose && !r.refused && !r.hasCondition
			for _, v := range r.variables {
				known = append(known, v.name)
			}
			for name := range r.Defaults {
				known = append(known, name)
			}
		}
	}
	slices.Sort(known)
	return slices.Compact(known), hasRouter, complete
}

// templateNames returns the variables of a template of mux: id and page of "/{id:[0-9]{2}}/{page}".
func templateNames(template string) (names []string) {
	level, from := 0, 0
	for i, c := range []byte(template) {
		switch c {
		case '{':
			if level == 0 {
				from = i + 1
			}
			level++
		case '}':
			if level--; level == 0 {
				name, _, _ := strings.Cut(template[from:i], ":")
				names = append(names, name)
			}
		}
	}
	return names
}

// usesMuxElsewhere reports whether a package that is not checked imports gorilla/mux.
func (l *Loaded) usesMuxElsewhere() bool {
	for _, p := range l.listed {
		if !p.source && !isLibrary(p.ImportPath) && p.ImportPath != muxPath && slices.Contains(p.Imports, muxPath) {
			return true
		}
	}
	return false
}
