package vet

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strings"

	"github.com/zeugkit/zeug/routing"
)

// collector collects the rules of a map.
type collector struct {
	*program
	m *urlMap
}

// keep stores the collected rules in the map.
func (c *collector) keep(rules []routing.Rule[int]) {
	for _, r := range rules {
		c.m.rules[r.Target].Rule = r
	}
}

// new adds a rule to the map.
func (c *collector) new(at ast.Expr, path word, sure bool) *rule {
	r := &rule{at: path.at, written: path.text, sure: sure}
	if r.at == nil {
		r.at = at
	}
	r.Path, r.Target = path.text, len(c.m.rules)
	c.m.rules = append(c.m.rules, r)
	return r
}

// each calls read with the resolved value of each expression of a list.
func (c *collector) each(list []bound, sure bool, what string, read func(b bound, sure bool) []routing.Rule[int]) (rules []routing.Rule[int]) {
	for _, b := range list {
		values, complete := c.resolve(b)
		if !complete {
			c.m.unknown(c.program, b.expr, what)
		}
		for _, v := range values {
			rules = append(rules, read(v, sure && complete && len(values) == 1)...)
		}
	}
	return rules
}

// parts reads the parts of zeug.New or zeug.Group.
func (c *collector) parts(list []bound, sure bool) []routing.Rule[int] {
	var before []bound
	var change []func([]routing.Rule[int]) []routing.Rule[int]
	rules := c.each(list, sure, "a part", func(b bound, sure bool) []routing.Rule[int] {
		e, ok := b.expr.(*ast.CallExpr)
		if !ok {
			if !isNil(c.info, b.expr) {
				c.m.unknown(c.program, b.expr, "a part")
			}
			return nil
		}
		switch name := c.zeugName(e); name {
		case "zeug.Before":
			before = append(before, bound{e.Args[0], b.scope, 0})
		case "zeug.EndpointPrefix", "zeug.Subdomain", "zeug.Host":
			text, ok := c.text(bound{e.Args[0], b.scope, 0})
			if !ok {
				c.m.unknown(c.program, e, "the argument of "+name)
				return nil
			}
			group := map[string]func(string, ...routing.Group[int]) routing.Group[int]{
				"zeug.EndpointPrefix": routing.EndpointPrefix[int], "zeug.Subdomain": routing.Subdomain[int], "zeug.Host": routing.Host[int]}[name]
			change = append(change, func(rules []routing.Rule[int]) []routing.Rule[int] { return group(text.text, grouped(rules)).Rules() })
		case "zeug.MapOptions":
			c.options(bound{e.Args[0], b.scope, 0})
		case "":
			c.m.unknown(c.program, e, "a part")
		default:
			return c.part(b, e, name, sure)
		}
		return nil
	})
	for _, r := range rules {
		info := c.m.rules[r.Target]
		info.targets = append(info.targets, before...)
	}
	for _, f := range change {
		rules = f(rules)
	}
	return rules
}

func grouped(rules []routing.Rule[int]) (list routing.Rules[int]) {
	for _, r := range rules {
		list = append(list, r)
	}
	return list
}

var methodOf = map[string][]string{
	"zeug.Get": {"GET"}, "zeug.Post": {"POST"}, "zeug.Put": {"PUT"}, "zeug.Patch": {"PATCH"}, "zeug.Delete": {"DELETE"},
}

// part reads a part that makes rules.
func (c *collector) part(b bound, e *ast.CallExpr, name string, sure bool) []routing.Rule[int] {
	switch name {
	case "zeug.Get", "zeug.Post", "zeug.Put", "zeug.Patch", "zeug.Delete", "zeug.Route", "zeug.Handle":
		return c.route(b, e, name, sure)
	case "zeug.RouteRule.Endpoint", "zeug.RouteRule.Defaults":
		rules := c.parts([]bound{{receiver(e), b.scope, 0}}, sure)
		for i := range rules {
			info := c.m.rules[rules[i].Target]
			if name == "zeug.RouteRule.Defaults" {
				rules[i].Defaults = c.defaults(bound{e.Args[0], b.scope, 0}, info)
				continue
			}
			info.auto = nil
			rules[i].Endpoint = c.endpoint(bound{e.Args[0], b.scope, 0})
		}
		return rules
	case "zeug.Rule":
		return c.groups([]bound{{e.Args[0], b.scope, 0}}, sure)
	case "zeug.Group":
		prefix, ok := c.text(bound{e.Args[0], b.scope, 0})
		if !ok {
			c.m.unknown(c.program, e, "the prefix of the group")
			return nil
		}
		if prefix.text != "" && !strings.HasPrefix(prefix.text, "/") {
			c.report(prefix.at, Rules, "the prefix %q of a Group must begin with a slash", prefix.text)
			c.m.open = true
			return nil
		}
		args, complete, certain := c.arguments(e, b.scope, 1)
		if !complete {
			c.m.unknown(c.program, e, "the list of parts")
		}
		rules := c.parts(args, sure && certain)
		if prefix.text != "" {
			rules = routing.Submount(prefix.text, grouped(rules)).Rules()
		}
		return rules
	case "zeug.Mount":
		return c.mount(b, e, sure)
	}
	return nil // a setting
}

func (c *collector) route(b bound, e *ast.CallExpr, name string, sure bool) []routing.Rule[int] {
	path, ok := c.text(bound{e.Args[0], b.scope, 0})
	if !ok {
		c.m.unknown(c.program, e, "the path")
		return nil
	}
	r := c.new(e.Args[0], path, sure)
	r.Methods = methodOf[name]
	if name == "zeug.Route" {
		methods, complete := c.list(e, b.scope, 2)
		if r.Methods = methods; !complete {
			r.sure = false
		}
	}
	view := bound{e.Args[1], b.scope, 0}
	r.targets = append(r.targets, view)
	if name != "zeug.Handle" {
		c.named(r, view)
	}
	return []routing.Rule[int]{r.Rule}
}

// list returns strings among the arguments of a call.
func (c *collector) list(e *ast.CallExpr, s *scope, from int) (list []string, complete bool) {
	args, complete, sure := c.arguments(e, s, from)
	for _, a := range args {
		text, ok := c.text(a)
		if !ok {
			complete = false
			continue
		}
		list = append(list, text.text)
	}
	return list, complete && sure
}

// named gives a route the name of its view as the endpoint.
func (c *collector) named(r *rule, view bound) {
	values, complete := c.resolve(view)
	if complete && len(values) == 1 {
		switch e := values[0].expr.(type) {
		case *ast.Ident:
			if f, ok := c.info.Uses[e].(*types.Func); ok {
				r.Endpoint, r.auto = f.Name(), f
				return
			}
		case *ast.SelectorExpr:
			if f, ok := c.info.Uses[e.Sel].(*types.Func); ok {
				r.Endpoint, r.auto = f.Name(), f
				return
			}
		case *ast.FuncLit:
			return
		}
	}
	c.m.unknown(c.program, view.expr, "the view")
}

func (c *collector) endpoint(b bound) string {
	text, ok := c.text(b)
	if !ok {
		c.m.unknown(c.program, b.expr, "the endpoint")
	}
	return text.text
}

// mountConverter is the converter that zeug.Mount uses.
const mountConverter = "zeug_mount"

func (c *collector) mount(b bound, e *ast.CallExpr, sure bool) (rules []routing.Rule[int]) {
	prefix, ok := c.text(bound{e.Args[0], b.scope, 0})
	if !ok {
		return nil // it has no endpoint
	}
	text := strings.TrimRight(prefix.text, "/")
	switch {
	case text != "" && !strings.HasPrefix(text, "/"):
		c.report(prefix.at, Rules, "the prefix %q of a Mount must begin with a slash", prefix.text)
		return nil
	case strings.Contains(text, "<"):
		c.report(prefix.at, Rules, "the prefix %q of a Mount has a variable: use Handle for such a path", text)
		return nil
	}
	c.m.mounts = true
	for _, path := range []string{text + "/", text + "/<" + mountConverter + ":rest>"} {
		r := c.new(e.Args[0], word{path, prefix.at}, sure)
		r.StrictSlashes, r.MergeSlashes, r.openTargets = routing.Off, routing.Off, true
		rules = append(rules, r.Rule)
	}
	return rules
}

// groups reads rules and groups of package routing.
func (c *collector) groups(list []bound, sure bool) []routing.Rule[int] {
	return c.each(list, sure, "a rule", func(b bound, sure bool) []routing.Rule[int] {
		switch e := b.expr.(type) {
		case *ast.CompositeLit:
			if isRule(c.info.TypeOf(e)) {
				return c.literal(b, e, sure)
			}
			if _, ok := c.info.TypeOf(e).Underlying().(*types.Slice); ok {
				elements, complete, certain := c.elements(b)
				if !complete {
					c.m.unknown(c.program, e, "the list of rules")
				}
				return c.groups(elements, sure && certain)
			}
		case *ast.CallExpr:
			return c.group(b, e, sure)
		}
		c.m.unknown(c.program, b.expr, "a rule")
		return nil
	})
}

func isRule(t types.Type) bool {
	named, ok := t.(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == zeugModule+"/routing" && named.Obj().Name() == "Rule"
}

func (c *collector) group(b bound, e *ast.CallExpr, sure bool) []routing.Rule[int] {
	name := c.zeugName(e)
	inner := func(from int) []routing.Rule[int] {
		args, complete, certain := c.arguments(e, b.scope, from)
		if !complete {
			c.m.unknown(c.program, e, "the list of rules")
		}
		return c.groups(args, sure && certain)
	}
	switch name {
	case "routing.Rule.WrittenAt":
		return c.groups([]bound{{receiver(e), b.scope, 0}}, sure)
	case "routing.Submount", "routing.Subdomain", "routing.Host", "routing.EndpointPrefix":
		text, ok := c.text(bound{e.Args[0], b.scope, 0})
		if !ok {
			c.m.unknown(c.program, e, "the argument of "+name)
			return nil
		}
		group := map[string]func(string, ...routing.Group[int]) routing.Group[int]{
			"routing.Submount": routing.Submount[int], "routing.Subdomain": routing.Subdomain[int],
			"routing.Host": routing.Host[int], "routing.EndpointPrefix": routing.EndpointPrefix[int]}[name]
		return group(text.text, grouped(inner(1))).Rules()
	}
	if more, complete, _ := c.appended(b, e); complete {
		return c.groups(more, false)
	}
	c.m.unknown(c.program, e, "a rule")
	return nil
}

// literal reads routing.Rule[T]{…}.
func (c *collector) literal(b bound, e *ast.CompositeLit, sure bool) []routing.Rule[int] {
	get := func(name string) (bound, bool) {
		f, ok := c.field(e, name)
		return bound{f, b.scope, 0}, ok
	}
	path := word{at: e}
	if f, ok := get("Path"); ok {
		if path, ok = c.text(f); !ok {
			c.m.unknown(c.program, f.expr, "the path")
			return nil
		}
	}
	r := c.new(e, path, sure)
	if f, ok := get("Endpoint"); ok {
		r.Endpoint = c.endpoint(f)
	}
	for name, field := range map[string]*string{"Subdomain": &r.Subdomain, "Host": &r.Host, "RedirectTo": &r.RedirectTo} {
		if f, ok := get(name); ok {
			text, ok := c.text(f)
			if *field = text.text; !ok {
				c.m.opaque = true
			}
		}
	}
	for name, field := range map[string]*bool{"BareHost": &r.BareHost, "BuildOnly": &r.BuildOnly, "Alias": &r.Alias, "WebSocket": &r.WebSocket} {
		if f, ok := get(name); ok {
			value, ok := c.boolean(f)
			if *field = value; !ok {
				r.sure = false
			}
		}
	}
	for name, field := range map[string]*routing.Switch{"StrictSlashes": &r.StrictSlashes, "MergeSlashes": &r.MergeSlashes} {
		if f, ok := get(name); ok {
			value, ok := c.switched(f)
			if *field = value; !ok {
				r.sure = false
			}
		}
	}
	if f, ok := get("Methods"); ok {
		elements, complete, certain := c.elements(f)
		for _, m := range elements {
			text, ok := c.text(m)
			complete = complete && ok
			r.Methods = append(r.Methods, text.text)
		}
		r.sure = r.sure && complete && certain
	}
	if f, ok := get("Defaults"); ok {
		r.Defaults = c.defaults(f, r)
	}
	if f, ok := get("Condition"); ok && !isNil(c.info, f.expr) {
		r.hasCondition, r.sure = true, false
	}
	if f, ok := get("RedirectFunc"); ok && !isNil(c.info, f.expr) {
		r.sure = false
	}
	if f, ok := get("Target"); ok {
		r.targets = append(r.targets, f)
	}
	return []routing.Rule[int]{r.Rule}
}

func (c *collector) switched(b bound) (routing.Switch, bool) {
	list, complete := c.resolve(b)
	if !complete || len(list) != 1 {
		return 0, false
	}
	v := c.info.Types[list[0].expr].Value
	if v == nil {
		return 0, false
	}
	n, ok := constant.Int64Val(v)
	return routing.Switch(n), ok
}

// defaults reads the defaults of a rule.
func (c *collector) defaults(b bound, r *rule) map[string]any {
	values := map[string]any{}
	entries, _, complete := c.entries(b)
	r.loose = !complete
	for _, e := range entries {
		if v := constantOf(c.program, e.value); v != nil && e.sure {
			values[e.key.text] = v
		} else {
			r.loose = true
		}
	}
	return values
}

// constantOf returns a constant as the Go value that a parameter of type any gets, or nil.
func constantOf(p *program, b bound) any {
	list, complete := p.resolve(b)
	if !complete || len(list) != 1 {
		return nil
	}
	tv := p.info.Types[list[0].expr]
	if tv.Value == nil {
		return nil
	}
	basic, ok := tv.Type.Underlying().(*types.Basic)
	if _, named := tv.Type.(*types.Named); named || !ok {
		return nil
	}
	switch v := constant.ToInt(tv.Value); {
	case basic.Info()&types.IsString != 0:
		return constant.StringVal(tv.Value)
	case basic.Info()&types.IsBoolean != 0:
		return constant.BoolVal(tv.Value)
	case basic.Info()&types.IsInteger != 0:
		n, exact := constant.Int64Val(v)
		if !exact {
			return nil
		}
		return int(n)
	case basic.Info()&types.IsFloat != 0:
		f, _ := constant.Float64Val(tv.Value)
		return f
	}
	return nil
}
