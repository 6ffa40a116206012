package vet

import (
	"errors"
	"go/ast"
	"go/types"
	"regexp"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/routing"
)

// urlMap is a routing.Map or a zeug.App of the program.
type urlMap struct {
	at    *ast.CallExpr
	isApp bool
	rules []*rule
	// open says that there may be more rules.
	open bool
	// opaque says that the options are not known.
	opaque  bool
	options routing.Options
	mounts  bool
	built   *routing.Map[int]
	errors  []*routing.RuleError
}

// rule is a rule with what the program says about it.
type rule struct {
	routing.Rule[int]          // complete with prefixes; Target is the index in urlMap.rules
	at                ast.Expr // the path as it is written
	written           string
	sure              bool // it is registered whatever happens
	loose             bool // the defaults are not known
	refused           bool
	auto              types.Object // the view whose name is the endpoint
	targets           []bound
	openTargets       bool
	hasCondition      bool
	variables         []variable
}

// variable is a variable of a rule.
type variable struct{ name, converter, text string }

var mapFunctions = map[string]bool{
	"routing.NewMap": true, "routing.MustMap": true, "routing.NewMapWith": true, "routing.MustMapWith": true,
	"zeug.New": true, "zeug.TryNew": true,
}

// findMaps finds all maps and applications, and reads their rules.
func (p *program) findMaps() {
	for _, c := range p.sites {
		name := p.zeugName(c.CallExpr)
		if !mapFunctions[name] {
			continue
		}
		scopes, complete := p.scopesOf(c.Args, 0)
		if len(scopes) == 0 || !complete {
			scopes = append(scopes, nil)
		}
		m := &urlMap{at: c.CallExpr, isApp: strings.HasPrefix(name, "zeug.")}
		p.maps, p.mapAt[c.CallExpr] = append(p.maps, m), m
		for _, s := range scopes {
			p.readMap(m, name, c, s, len(scopes) == 1)
		}
	}
	for _, c := range p.sites {
		if p.zeugName(c.CallExpr) == "routing.Map.Add" {
			p.addRules(c)
		}
	}
	for _, m := range p.maps {
		m.build(p)
	}
}

func (p *program) readMap(m *urlMap, name string, c call, s *scope, sure bool) {
	collect := &collector{p, m}
	from := 0
	if strings.HasSuffix(name, "With") {
		from = 1
		if len(c.Args) > 0 {
			collect.options(bound{c.Args[0], s, 0})
		}
	}
	args, complete, certain := p.arguments(c.CallExpr, s, from)
	if !complete {
		m.unknown(p, c.CallExpr, "the list of rules")
	}
	if m.isApp {
		collect.keep(collect.parts(args, sure && certain))
	} else {
		collect.keep(collect.groups(args, sure && certain))
	}
}

// addRules reads the rules that Map.Add adds.
func (p *program) addRules(c call) {
	maps, complete := p.mapsOf(receiver(c.CallExpr), nil)
	if !complete {
		for _, m := range p.maps {
			m.unknown(p, c.CallExpr, "the map that gets these rules")
		}
		return
	}
	args, complete, _ := p.arguments(c.CallExpr, nil, 0)
	for _, m := range maps {
		collect := &collector{p, m}
		if !complete {
			m.unknown(p, c.CallExpr, "the list of rules")
		}
		collect.keep(collect.groups(args, false))
	}
}

// receiver returns the expression before the method's name.
func receiver(c *ast.CallExpr) ast.Expr {
	if s, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr); ok {
		return s.X
	}
	return nil
}

// unknown notes that the map may have other rules.
func (m *urlMap) unknown(p *program, at ast.Node, what string) {
	m.open = true
	p.skip(at.Pos(), "%s cannot be followed, so that endpoints are not checked", what)
}

// options reads routing.Options.
func (c *collector) options(b bound) {
	list, complete := c.resolve(b)
	m, o := c.m, &c.m.options
	if !complete || len(list) != 1 {
		m.opaque = true
		return
	}
	lit, ok := list[0].expr.(*ast.CompositeLit)
	if !ok {
		m.opaque = true
		return
	}
	s := list[0].scope
	for name, field := range map[string]*string{"ServerName": &o.ServerName, "DefaultSubdomain": &o.DefaultSubdomain} {
		if f, ok := c.field(lit, name); ok {
			text, ok := c.text(bound{f, s, 0})
			if *field = text.text; !ok {
				*field = "example.com"
				m.opaque = m.opaque || name == "DefaultSubdomain"
			}
		}
	}
	for name, field := range map[string]*bool{"HostMatching": &o.HostMatching, "KeepDefaults": &o.KeepDefaults, "LooseBuild": &o.LooseBuild} {
		if f, ok := c.field(lit, name); ok {
			value, ok := c.boolean(bound{f, s, 0})
			*field, m.opaque = value, m.opaque || !ok
		}
	}
	for name, field := range map[string]*routing.Switch{"StrictSlashes": &o.StrictSlashes, "MergeSlashes": &o.MergeSlashes} {
		if f, ok := c.field(lit, name); ok {
			value, ok := c.switched(bound{f, s, 0})
			*field, m.opaque = value, m.opaque || !ok
		}
	}
	if f, ok := c.field(lit, "Converters"); ok {
		entries, _, complete := c.entries(bound{f, s, 0})
		m.opaque = m.opaque || !complete
		o.Converters = map[string]routing.ConverterFunc{}
		for _, e := range entries {
			o.Converters[e.key.text] = anything
		}
	}
}

// anything stands for a converter of the program. Its Parse may refuse, so no rule seems to take
// all requests of another rule.
func anything([]routing.Argument) (routing.Converter, error) {
	return routing.Converter{Parse: func(text string) (any, error) { return text, nil }}, nil
}

func restOfPath([]routing.Argument) (routing.Converter, error) {
	return routing.Converter{Pattern: `(?s).*`, Slashes: true, Weight: 1_000_000}, nil
}

// build makes a real map of the rules, and keeps the errors.
func (m *urlMap) build(p *program) {
	if m.options.Converters == nil {
		m.options.Converters = map[string]routing.ConverterFunc{}
	}
	if m.mounts {
		m.options.Converters[mountConverter] = restOfPath
	}
	// Rules that may be absent cannot make others unreachable, and are not reported as unreachable
	// themselves.
	m.errors = m.refusals(func(r *rule) bool { return r.sure })
	for _, other := range m.rules {
		if !other.sure {
			m.errors = append(m.errors, m.refusals(func(r *rule) bool { return r == other })...)
		}
	}
	for range 4 {
		refused := m.refusals(func(r *rule) bool { return !r.refused })
		if len(refused) == 0 {
			break
		}
		for _, e := range refused {
			if r := m.ruleAt(e.Where); r != nil {
				r.refused = true
			}
		}
	}
	var rules routing.Rules[int]
	for _, r := range m.rules {
		if !r.refused {
			rules = append(rules, r.Rule)
		}
		r.variables = append(variablesOf(r.Host+r.Subdomain), variablesOf(r.Path)...)
	}
	m.built, _ = routing.NewMapWith(m.options, rules)
}

// refusals returns the errors for the rules that include accepts.
func (m *urlMap) refusals(include func(*rule) bool) (list []*routing.RuleError) {
	var rules routing.Rules[int]
	for i, r := range m.rules {
		if include(r) {
			rules = append(rules, r.Rule.WrittenAt("#"+strconv.Itoa(i)+"#"))
		}
	}
	_, err := routing.NewMapWith(m.options, rules)
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			if e, ok := errors.AsType[*routing.RuleError](err); ok {
				list = append(list, e)
			}
		}
	} else if e, ok := errors.AsType[*routing.RuleError](err); ok {
		list = append(list, e)
	}
	return list
}

func (m *urlMap) ruleAt(where string) *rule {
	i, err := strconv.Atoi(strings.Trim(where, "#"))
	if err != nil || i >= len(m.rules) {
		return nil
	}
	return m.rules[i]
}

var placeOfRule = regexp.MustCompile(`#\d+#`)
