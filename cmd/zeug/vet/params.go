package vet

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// reached holds the rules that lead to a function.
type reached struct {
	rules    []ruleOf
	complete bool // nothing else leads to it
}

type ruleOf struct {
	m *urlMap
	r *rule
}

// findTargets notes for each function which rules lead to it.
func (p *program) findTargets() {
	p.reach = map[ast.Node]*reached{}
	for _, m := range p.maps {
		for _, r := range m.rules {
			for _, t := range r.targets {
				values, _ := p.resolve(t)
				for _, v := range values {
					p.leads(ruleOf{m, r}, v, 0)
				}
			}
		}
	}
}

// leads notes that a rule leads to a target: a function, or the functions and other targets that
// it wraps.
func (p *program) leads(r ruleOf, b bound, level int) {
	if level > 4 {
		return
	}
	switch e := ast.Unparen(b.expr).(type) {
	case *ast.Ident:
		if f, ok := p.info.Uses[e].(*types.Func); ok {
			p.routed[e] = true
			p.leadsTo(r, p.decls[f.Origin()])
		}
	case *ast.SelectorExpr:
		if f, ok := p.info.Uses[e.Sel].(*types.Func); ok {
			p.routed[e.Sel] = true
			p.leadsTo(r, p.decls[f.Origin()])
		}
	case *ast.FuncLit:
		p.leadsTo(r, e)
	case *ast.CallExpr:
		for _, a := range e.Args {
			p.leadsArgument(r, bound{a, b.scope, 0}, level)
		}
	}
	// A wrapper returns a function, which calls the view that the wrapper was given.
	for s := b.scope; s != nil; s = s.args {
		for _, a := range s.call.Args {
			p.leadsArgument(r, bound{a, s.args, 0}, level)
		}
	}
}

func (p *program) leadsArgument(r ruleOf, b bound, level int) {
	t := p.info.TypeOf(b.expr)
	if t == nil {
		return
	}
	switch t.Underlying().(type) {
	case *types.Signature, *types.Interface:
		values, _ := p.resolve(b)
		for _, v := range values {
			v.scope = nil
			p.leads(r, v, level+1)
		}
	}
}

func (p *program) leadsTo(r ruleOf, function ast.Node) {
	if d, ok := function.(*ast.FuncDecl); ok && d == nil || function == nil {
		return
	}
	at := p.reach[function]
	if at == nil {
		at = &reached{}
		p.reach[function] = at
	}
	if !slices.Contains(at.rules, r) {
		at.rules = append(at.rules, r)
	}
}

// reached returns the rules that lead to a function, directly or through the functions that call it with
// their request.
func (p *program) reached(function ast.Node) reached {
	return p.reachedBy(function, map[ast.Node]bool{})
}

func (p *program) reachedBy(function ast.Node, seen map[ast.Node]bool) (all reached) {
	if function == nil || seen[function] || len(seen) > 50 {
		return reached{}
	}
	seen[function] = true
	all.complete = true
	if at := p.reach[function]; at != nil {
		all.rules = slices.Clone(at.rules)
	}
	if lit, ok := function.(*ast.FuncLit); ok && len(all.rules) == 0 && p.closures[lit] == nil {
		// A literal within a view sees the view's request: zeug.Stream(…, func(…) error { … }).
		return p.reachedBy(p.outer[lit], seen)
	}
	all.complete = p.onlyRouted(function)
	calls, _ := p.callsOf(function)
	for _, c := range calls {
		if !p.passesRequest(c) {
			all.complete = false
			continue
		}
		more := p.reachedBy(c.in, seen)
		if len(more.rules) == 0 {
			all.complete = all.complete && more.complete
			continue
		}
		all.complete = all.complete && more.complete
		for _, r := range more.rules {
			if !slices.Contains(all.rules, r) {
				all.rules = append(all.rules, r)
			}
		}
	}
	return all
}

// onlyRouted reports whether a function is used as the target of known rules and called, and
// nothing else.
func (p *program) onlyRouted(function ast.Node) bool {
	switch f := function.(type) {
	case *ast.FuncDecl:
		o, ok := p.info.Defs[f.Name].(*types.Func)
		if !ok || !p.closed && o.Exported() || f.Recv != nil && o.Name() != "ServeHTTP" && p.fulfils(o) || o.Name() == "ServeHTTP" {
			return false
		}
		for _, id := range p.mentions[o] {
			if !p.routed[id] {
				return false
			}
		}
		return true
	case *ast.FuncLit:
		return p.closures[f] == nil || p.usesOf(p.closures[f]) > 0
	}
	return false
}

// passesRequest reports whether a call gives the request or the params of the function that it is in.
func (p *program) passesRequest(c call) bool {
	for _, a := range c.Args {
		switch e := ast.Unparen(a).(type) {
		case *ast.Ident:
			if v, ok := p.info.Uses[e].(*types.Var); ok && isRequest(v.Type()) {
				if _, isParam := p.params[v]; isParam {
					return true
				}
			}
		case *ast.SelectorExpr:
			if isParams(p.info.TypeOf(e)) {
				return true
			}
		}
	}
	return false
}

func isRequest(t types.Type) bool {
	return isNamed(t, "net/http", "Request") || isNamed(t, zeugModule, "Request") || isParams(t)
}

func isParams(t types.Type) bool { return isNamed(t, zeugModule+"/routing", "Params") }

func isNamed(t types.Type, path, name string) bool {
	if t == nil {
		return false
	}
	if ptr, ok := t.(*types.Pointer); ok {
		t = ptr.Elem()
	}
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == path && named.Obj().Name() == name
}

// checkParams checks the variables that views read.
func (p *program) checkParams() {
	for _, c := range p.sites {
		switch name := p.zeugName(c.CallExpr); name {
		case "routing.Params.String", "routing.Params.Int", "routing.Params.Float", "routing.Params.UUID":
			if len(c.Args) == 1 && p.ownParams(receiver(c.CallExpr)) {
				p.checkParam(c, c.Args[0], map[string]string{"String": "", "Int": "int", "Float": "float64", "UUID": "uuid.UUID"}[name[len("routing.Params."):]])
			}
		case "zeug.Param", "routing.Param":
			if len(c.Args) != 2 || name == "routing.Param" && !p.ownParams(c.Args[0]) {
				continue
			}
			if id := calleeIdent(c.CallExpr); id != nil && name == "zeug.Param" {
				if args := p.info.Instances[id].TypeArgs; args.Len() == 1 {
					p.checkParam(c, c.Args[1], types.TypeString(args.At(0), func(p *types.Package) string { return p.Name() }))
				}
			}
		}
	}
	p.checkPathValues()
	p.checkMuxVars()
}

// checkPathValues checks what handlers read by [http.Request.PathValue], which routing.PathValues sets. It says nothing
// about handlers that patterns of net/http may lead to as well.
func (p *program) checkPathValues() {
	var reads []call
	for _, c := range p.sites {
		switch p.callee(c.CallExpr) {
		case "(*net/http.Request).SetPathValue":
			return
		case "(*net/http.Request).PathValue":
			reads = append(reads, c)
		}
	}
	for _, c := range reads {
		v := p.variable(receiver(c.CallExpr))
		if _, isParam := p.params[v]; v == nil || !isParam || !isNamed(v.Type(), "net/http", "Request") {
			continue
		}
		if r := p.reached(c.in); len(r.rules) > 0 {
			p.checkParam(c, c.Args[0], "")
		}
	}
}

// ownParams reports whether an expression is the Params of the request that the function answers.
func (p *program) ownParams(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		v, ok := p.info.Uses[e].(*types.Var)
		if !ok {
			return false
		}
		if _, isParam := p.params[v]; isParam {
			return true
		}
		list := p.assigned[v]
		return len(list) == 1 && !p.escaped[v] && !isGlobalOrField(v) && p.ownParams(list[0].expr)
	case *ast.SelectorExpr:
		id, ok := ast.Unparen(e.X).(*ast.Ident)
		if !ok || e.Sel.Name != "Params" {
			return false
		}
		v, ok := p.info.Uses[id].(*types.Var)
		_, isParam := p.params[v]
		return ok && isParam && isNamed(v.Type(), zeugModule, "Request")
	case *ast.CallExpr:
		return p.zeugName(e) == "routing.ParamsOf"
	}
	return false
}

// checkParam reports a variable that no rule leading to the function has, or that has another type.
func (p *program) checkParam(c call, name ast.Expr, want string) {
	text, ok := p.text(bound{name, nil, 0})
	if !ok {
		p.skip(c.Pos(), "the name of the variable cannot be followed")
		return
	}
	r := p.reached(c.in)
	if !r.complete || len(r.rules) == 0 {
		p.skip(c.Pos(), "the rules that lead here cannot be followed, so that %q is not checked", text.text)
		return
	}
	var known []string
	var first *rule
	mismatch, converter := "", ""
	for _, at := range r.rules {
		if at.m.opaque || at.r.loose || at.r.refused || at.r.hasCondition || at.r.openTargets {
			return
		}
		if first == nil {
			first = at.r
		}
		typ, found := at.r.typeOf(text.text, at.m)
		if found && (want == "" || typ == "" || typ == want) {
			return
		}
		if found {
			mismatch, converter = typ, at.r.converterOf(text.text)
		}
		for _, v := range at.r.variables {
			known = append(known, v.name)
		}
		for name := range at.r.Defaults {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	if mismatch != "" {
		p.report(text.at, Params, "the variable %q of rule %q is of type %s, not %s%s", text.text, first.Path, mismatch, want, hintConverter(want, converter))
		return
	}
	which, verb := fmt.Sprintf("rule %q has no variable", first.Path), "it has"
	if len(r.rules) > 1 {
		which, verb = fmt.Sprintf("none of the %d rules that lead here has a variable", len(r.rules)), "they have"
	}
	hint := didYouMean(text.text, known)
	if hint == "" && len(known) > 0 {
		hint = fmt.Sprintf(": %s %s", verb, strings.Join(known, ", "))
	}
	p.reportName(text.at, Params, nearest(text.text, known), "%s %q%s", which, text.text, hint)
}

func hintConverter(want, converter string) string {
	names := map[string]string{"int": "int", "float64": "float", "uuid.UUID": "uuid"}
	if names[want] == "" || converter == names[want] {
		return ""
	}
	return fmt.Sprintf(": write <%s:…> in the rule", names[want])
}

func (r *rule) converterOf(name string) string {
	for _, v := range r.variables {
		if v.name == name {
			return v.converter
		}
	}
	return ""
}

// typeOf returns the type of a variable or default, "" if it is not known.
func (r *rule) typeOf(name string, m *urlMap) (typ string, found bool) {
	if d, ok := r.Defaults[name]; ok {
		return fmt.Sprintf("%T", d), true
	}
	for _, v := range r.variables {
		if v.name != name {
			continue
		}
		if m.options.Converters[v.converter] != nil {
			return "", true
		}
		typ = map[string]string{"int": "int", "float": "float64", "uuid": "uuid.UUID"}[v.converter]
		if typ == "" && builtinConverter[v.converter] {
			typ = "string"
		}
		return typ, true
	}
	return "", false
}
