package vet

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/routing"
)

// checkStripPrefix reports http.StripPrefix around an application or a map.
func (p *program) checkStripPrefix(c *ast.CallExpr) {
	if p.callee(c) != "net/http.StripPrefix" || len(c.Args) != 2 {
		return
	}
	switch what, _ := p.mounted(c.Args[1]); what {
	case "App":
		p.report(c, Responses, "http.StripPrefix hides the prefix from the App, whose URLs then lack it: use MountedAt")
	case "Map":
		p.report(c, Responses, "http.StripPrefix hides the prefix from the Map, whose URLs then lack it: use middleware.Dispatcher")
	}
}

// mounted returns "App" or "Map" if a handler is one, otherwise "", and the routing maps that it serves.
func (p *program) mounted(handler ast.Expr) (what string, maps []*urlMap) {
	values, _ := p.resolve(bound{handler, nil, 0})
	for _, v := range values {
		inner, ok := v.expr.(*ast.CallExpr)
		if !ok {
			continue
		}
		switch p.zeugName(inner) {
		case "zeug.New", "zeug.TryNew":
			return "App", []*urlMap{p.mapAt[inner]}
		case "routing.Map.Handler", "routing.Map.Dispatch", "routing.Map.Fallback":
			maps, _ := p.mapsOf(receiver(inner), v.scope)
			return "Map", maps
		}
	}
	return "", nil
}

// checkRewriteLocation reports middleware.RewriteLocation around a handler whose redirects already have
// the root path: an application or a map that adds a slash to paths, or a handler that redirects to a URL
// of a map.
func (p *program) checkRewriteLocation(c *ast.CallExpr) {
	if p.zeugName(c) != "middleware.RewriteLocation" || len(c.Args) != 1 {
		return
	}
	what, maps := p.mounted(c.Args[0])
	if slices.ContainsFunc(maps, (*urlMap).addsSlashes) {
		p.report(c, Responses, "RewriteLocation puts the root path before redirects of the %s, which have it already: mount the %s without it", what, what)
	}
	values, _ := p.resolve(bound{c.Args[0], nil, 0})
	for _, v := range values {
		if function := p.functionOf(v.expr); function != nil {
			p.checkRedirects(function)
		}
	}
}

// addsSlashes reports whether the map surely redirects from some path to the same with a slash.
func (m *urlMap) addsSlashes() bool {
	return m != nil && !m.opaque && m.options.StrictSlashes != routing.Off && slices.ContainsFunc(m.rules, func(r *rule) bool {
		return r.sure && !r.refused && !r.BuildOnly && len(r.Path) > 1 && strings.HasSuffix(r.Path, "/") && r.StrictSlashes != routing.Off
	})
}

// functionOf returns the declaration or the literal of the function that an expression names, or nil.
func (p *program) functionOf(e ast.Expr) ast.Node {
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		return e
	case *ast.Ident:
		return p.declared(e)
	case *ast.SelectorExpr:
		return p.declared(e.Sel)
	}
	return nil
}

func (p *program) declared(id *ast.Ident) ast.Node {
	f, ok := p.info.Uses[id].(*types.Func)
	if !ok {
		return nil
	}
	if d := p.decls[f.Origin()]; d != nil {
		return d
	}
	return nil
}

// checkRedirects reports calls of http.Redirect in a function whose URL has the root path.
func (p *program) checkRedirects(function ast.Node) {
	for _, c := range p.sites {
		if c.in != function || p.callee(c.CallExpr) != "net/http.Redirect" || len(c.Args) != 4 {
			continue
		}
		values, complete := p.resolve(bound{c.Args[2], nil, 0})
		if complete && len(values) == 1 && p.buildsForRequest(values[0]) {
			p.report(c.Args[2], Responses, "this URL has the root path already, and RewriteLocation around the handler puts it before the URL again: mount the handler without it")
		}
	}
}

// buildsForRequest reports whether an expression is a path that a map builds for a request. URLs of maps with
// hosts may be absolute, and stay as they are.
func (p *program) buildsForRequest(b bound) bool {
	c, ok := b.expr.(*ast.CallExpr)
	if !ok || p.zeugName(c) != "routing.Adapter.Build" {
		return false
	}
	adapters, complete := p.resolve(bound{receiver(c), b.scope, 0})
	if !complete || len(adapters) != 1 {
		return false
	}
	bind, ok := adapters[0].expr.(*ast.CallExpr)
	if !ok || p.zeugName(bind) != "routing.Map.Bind" {
		return false
	}
	maps, complete := p.mapsOf(receiver(bind), adapters[0].scope)
	return complete && !slices.ContainsFunc(maps, func(m *urlMap) bool {
		return m.open || m.opaque || m.options.ServerName != "" || slices.ContainsFunc(m.rules, func(r *rule) bool { return r.Host != "" || r.Subdomain != "" })
	})
}
