package vet

import (
	"go/ast"
	"go/constant"
	"go/types"
	"maps"

	"slices"
)

// rendering is one place that renders a template.
type rendering struct {
	environments []*environment
	name         word
	entries      []entry
	open         bool // the context may have other names
	given        map[string]types.Type
	closure      map[*environment][]*template
	executions   map[*environment]map[*template]*execution
}

// findRenderings finds the calls that render a template.
func (p *program) findRenderings() {
	for _, c := range p.sites {
		name, context := -1, -1
		isApp := false
		switch p.zeugName(c.CallExpr) {
		case "templates.Environment.Render":
			name, context = 1, 2
		case "templates.Environment.RenderWith":
			name, context = 3, 4
		case "templates.Environment.Text":
			name, context = 0, 1
		case "zeug.Request.Render":
			name, context, isApp = 0, 1, true
		case "zeug.ErrorPage":
			name, isApp = 1, true
		}
		if name < 0 || max(name, context) >= len(c.Args) {
			continue
		}
		args := []ast.Expr{c.Args[name]}
		if context >= 0 {
			args = append(args, c.Args[context])
		}
		scopes, complete := p.scopesOf(args, 0)
		p.rendersOpen = p.rendersOpen || !complete
		for _, s := range scopes {
			p.addRenderings(c, s, args, isApp)
		}
	}
}

// addRenderings notes what a call renders, with the arguments of a scope.
func (p *program) addRenderings(c call, s *scope, args []ast.Expr, isApp bool) {
	var environments []*environment
	if isApp {
		for _, e := range p.environments {
			if e.usedByApp {
				environments = append(environments, e)
			}
		}
	} else if environments = p.environmentsOf(receiver(c.CallExpr), s); environments == nil {
		environments = p.environments
	}
	names, complete := p.strings(bound{args[0], s, 0})
	if !complete {
		p.rendersOpen = true
		p.skip(c.Pos(), "the name of the template cannot be followed")
	}
	var entries []entry
	open := false
	given := map[string]types.Type{}
	if len(args) > 1 {
		var complete bool
		if entries, _, complete = p.entries(bound{args[1], s, 0}); !complete {
			open = true
			p.skip(c.Pos(), "the names that the template gets cannot all be followed")
		}
	} else {
		given["error"] = p.zeugType("httperror", "Error")
	}
	for _, n := range names {
		p.renderings = append(p.renderings, &rendering{environments: environments, name: n, entries: entries, open: open, given: given})
	}
}

// zeugType returns a pointer to a type of Zeug that some package of the program imports, or nil.
func (p *program) zeugType(pkg, name string) types.Type {
	seen := map[*types.Package]bool{}
	var visit func(*types.Package) types.Type
	visit = func(at *types.Package) types.Type {
		if at == nil || seen[at] {
			return nil
		}
		seen[at] = true
		if at.Path() == zeugModule+"/"+pkg {
			if o := at.Scope().Lookup(name); o != nil {
				return types.NewPointer(o.Type())
			}
			return nil
		}
		for _, other := range at.Imports() {
			if t := visit(other); t != nil {
				return t
			}
		}
		return nil
	}
	for _, o := range p.packages {
		if t := visit(o.Types); t != nil {
			return t
		}
	}
	return nil
}

// checkRendering reports a template that no environment has, and finds its parts.
func (p *program) checkRendering(r *rendering) {
	r.closure, r.executions = map[*environment][]*template{}, map[*environment]map[*template]*execution{}
	var known []string
	for _, e := range r.environments {
		if !e.known {
			return
		}
		known = append(known, slices.Collect(maps.Keys(e.files))...)
		if t := e.scanned[r.name.text]; t != nil {
			r.closure[e], r.executions[e] = closureOf(e, t), executionsOf(e, t)
		} else if _, ok := e.files[r.name.text]; ok {
			return
		}
	}
	if len(r.closure) > 0 || len(r.environments) == 0 {
		return
	}
	slices.Sort(known)
	p.reportName(r.name.at, Templates, nearest(r.name.text, known), "there is no template %q%s", r.name.text, didYouMean(r.name.text, known))
}

// closureOf returns a template with all that it extends, includes and imports.
func closureOf(e *environment, t *template) (list []*template) {
	var visit func(t *template)
	visit = func(t *template) {
		if t == nil || slices.Contains(list, t) {
			return
		}
		list = append(list, t)
		for _, ref := range t.parents {
			visit(e.scanned[resolveName(t.name, ref.name)])
		}
	}
	visit(t)
	return list
}

// checkKeys reports the names that a Render passes and no template uses.
func (p *program) checkKeys() {
	used, passed := map[ast.Expr]bool{}, map[ast.Expr][]*rendering{}
	var order []ast.Expr
	for _, r := range p.renderings {
		for _, e := range r.entries {
			at := e.key.at
			if len(passed[at]) == 0 {
				order = append(order, at)
			}
			passed[at] = append(passed[at], r)
			used[at] = used[at] || r.uses(e.key.text)
		}
	}
	for _, at := range order {
		if used[at] {
			continue
		}
		r := passed[at][0]
		key := constant.StringVal(p.info.Types[at].Value)
		var wanted []string // names that the templates use and that no code passes
		for e, list := range r.closure {
			for _, t := range list {
				for _, u := range t.uses {
					if u.local == nil && !p.scene(e, r, list).has(u.root) {
						wanted = append(wanted, u.root)
					}
				}
			}
		}
		slices.Sort(wanted)
		p.report(at, Templates, "template %q does not use %q%s", r.name.text, key, didYouMean(key, slices.Compact(wanted)))
	}
}

// uses reports whether the templates of a rendering may use a name.
func (r *rendering) uses(name string) bool {
	if len(r.closure) == 0 {
		return true // the template is not known
	}
	for e, list := range r.closure {
		for _, t := range list {
			if t.dynamic || t.foreign || e.foreign {
				return true
			}
			if slices.ContainsFunc(t.uses, func(u *use) bool { return u.root == name && u.local == nil }) {
				return true
			}
		}
	}
	return false
}
