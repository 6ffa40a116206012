package vet

import (
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/routing"
)

// value is a named value for a URL.
type value struct {
	name  string
	known bool // the name is known
	at    ast.Node
	// constant is the value, if it is known. Otherwise typ is its type, nil if that is not known
	// either.
	constant any
	typ      types.Type
}

// mapsOf returns the maps that an expression builds URLs with: the map of urls.Bind(r), of
// app.URLs(r), of the map or the application itself.
func (p *program) mapsOf(e ast.Expr, s *scope) (maps []*urlMap, complete bool) {
	if e == nil {
		return nil, false
	}
	list, complete := p.resolve(bound{e, s, 0})
	for _, b := range list {
		c, ok := b.expr.(*ast.CallExpr)
		if !ok {
			complete = false
			continue
		}
		if m := p.mapAt[c]; m != nil {
			maps = append(maps, m)
			continue
		}
		switch p.zeugName(c) {
		case "routing.Map.Bind", "routing.Map.BindBase", "zeug.App.URLs", "zeug.App.URLsFrom":
			more, ok := p.mapsOf(receiver(c), b.scope)
			maps, complete = append(maps, more...), complete && ok
		default:
			complete = false
		}
	}
	return maps, complete && len(maps) > 0
}

// apps returns the maps of the program's applications.
func (p *program) apps() (list []*urlMap) {
	for _, m := range p.maps {
		if m.isApp {
			list = append(list, m)
		}
	}
	return list
}

// checkURLs checks Build, BuildWith and Request.URL.
func (p *program) checkURLs() {
	for _, c := range p.sites {
		switch p.zeugName(c.CallExpr) {
		case "zeug.Request.URL":
			p.eachURL(c, c.Args, func(s *scope) ([]*urlMap, bool) { return p.mapsOfView(c) }, true)
		case "routing.Adapter.Build", "routing.Builder.Build":
			p.eachURL(c, c.Args, func(s *scope) ([]*urlMap, bool) { return p.mapsOr(receiver(c.CallExpr), s) }, false)
		case "routing.Adapter.BuildWith", "routing.Builder.BuildWith":
			if len(c.Args) > 1 {
				p.eachURL(c, c.Args[1:], func(s *scope) ([]*urlMap, bool) { return p.mapsOr(receiver(c.CallExpr), s) }, false)
			}
		}
	}
}

// mapsOr is like mapsOf, but returns all maps of the program if the expression cannot be followed.
func (p *program) mapsOr(e ast.Expr, s *scope) ([]*urlMap, bool) {
	if maps, ok := p.mapsOf(e, s); ok {
		return maps, true
	}
	return p.maps, p.closed
}

// mapsOfView returns the applications with rules for the function that a call is in, or all
// applications of the program if that is not known.
func (p *program) mapsOfView(c call) ([]*urlMap, bool) {
	if r := p.reached(c.in); r.complete && len(r.rules) > 0 {
		var maps []*urlMap
		for _, at := range r.rules {
			if at.m.isApp && !slices.Contains(maps, at.m) {
				maps = append(maps, at.m)
			}
		}
		if len(maps) > 0 {
			return maps, true
		}
	}
	return p.apps(), p.closed
}

// eachURL checks a URL for each chain of calls that gives its endpoint and values.
func (p *program) eachURL(c call, args []ast.Expr, maps func(*scope) ([]*urlMap, bool), pairs bool) {
	if len(args) == 0 {
		return
	}
	scopes, _ := p.scopesOf(args, 0)
	for _, s := range scopes {
		endpoints, ok := p.strings(bound{args[0], s, 0})
		if !ok {
			p.skip(c.Pos(), "the endpoint cannot be followed")
		}
		candidates, known := maps(s)
		if !known || len(candidates) == 0 {
			p.skip(c.Pos(), "the rules that this URL is built from cannot be followed")
			continue
		}
		values, complete := p.values(c.CallExpr, len(c.Args)-len(args)+1, s, pairs)
		for _, e := range endpoints {
			p.checkURL(candidates, e.text, e.at, values, complete)
		}
	}
}

// values reads the values of a URL. It is not complete if there may be others.
func (p *program) values(c *ast.CallExpr, from int, s *scope, pairs bool) (values []value, complete bool) {
	args, complete, sure := p.arguments(c, s, from)
	complete = complete && sure
	if pairs {
		return p.pairs(args, complete)
	}
	for _, a := range args {
		list, ok := p.resolve(a)
		if !ok || len(list) != 1 {
			complete = false
			continue
		}
		w, ok := list[0].expr.(*ast.CallExpr)
		if !ok || p.zeugName(w) != "routing.With" || len(w.Args) != 2 {
			complete = false
			continue
		}
		more, _ := p.pairs([]bound{{w.Args[0], list[0].scope, 0}, {w.Args[1], list[0].scope, 0}}, true)
		values = append(values, more...)
	}
	return values, complete
}

// pairs reads names and values in turn.
func (p *program) pairs(args []bound, complete bool) ([]value, bool) {
	var values []value
	for i := 0; i < len(args); i += 2 {
		name, known := p.text(args[i])
		v := value{name: name.text, known: known, at: name.at}
		if i+1 == len(args) {
			if complete && known {
				p.report(args[i].expr, URLs, "the value of %q is missing", name.text)
			}
			return values, false
		}
		if isNil(p.info, args[i+1].expr) {
			continue // as if it were not there
		}
		v.constant = constantOf(p, args[i+1])
		v.typ = p.info.TypeOf(args[i+1].expr)
		values = append(values, v)
	}
	return values, complete
}

// checkURL reports a URL that none of the maps builds.
func (p *program) checkURL(maps []*urlMap, endpoint string, at ast.Node, values []value, complete bool) {
	var problems []problem
	for _, m := range maps {
		if m.opaque || m.built == nil {
			return
		}
		problem, ok := m.problem(endpoint, values, complete)
		if ok || m.open && problem.unknown {
			return
		}
		problems = append(problems, problem)
	}
	if len(problems) == 0 {
		return
	}
	best := problems[0]
	for _, other := range problems[1:] {
		if best.unknown && !other.unknown || best.unknown == other.unknown && best.suggestion == "" {
			best = other
		}
	}
	fix := ""
	if best.unknown {
		var known []string
		for _, m := range maps {
			for _, r := range m.rules {
				known = append(known, r.Endpoint)
			}
		}
		slices.Sort(known)
		fix = nearest(endpoint, slices.Compact(known))
	}
	if best.at != nil {
		at, fix = best.at, best.suggestion
	}
	p.reportName(at, URLs, fix, "%s", best.text)
}

// problem says why a map does not build a URL.
type problem struct {
	text       string
	unknown    bool // it does not have the endpoint
	suggestion string
	at         ast.Node // the name of the value, nil for the endpoint
}

// problem returns why the map does not build the URL, or true if it builds it or if that is not known.
func (m *urlMap) problem(endpoint string, values []value, complete bool) (problem, bool) {
	rules := m.withEndpoint(endpoint)
	adapter, err := m.built.BindBase(routing.Base{Scheme: "http", Host: m.host()})
	if err != nil {
		return problem{}, true
	}
	if len(rules) == 0 {
		_, err := adapter.Build(endpoint, samples(values)...)
		e, ok := errors.AsType[*routing.BuildError](err)
		if !ok {
			return problem{}, true
		}
		return problem{text: trimmed(err), unknown: true, suggestion: e.Suggestion}, false
	}
	if slices.ContainsFunc(rules, func(r *rule) bool { return r.loose || r.refused }) {
		return problem{}, true
	}
	if slices.ContainsFunc(values, func(v value) bool { return !v.known }) {
		complete = false
	}
	first := problem{}
	for _, r := range rules {
		found, ok := m.unfit(r, endpoint, values, complete, adapter)
		if ok {
			return m.misspelt(rules, values)
		}
		if first.text == "" || first.at == nil && found.at != nil {
			first = found
		}
	}
	return first, false
}

// host is one that the map matches.
func (m *urlMap) host() string {
	if m.options.ServerName != "" {
		return m.options.ServerName
	}
	return "localhost"
}

func (m *urlMap) withEndpoint(endpoint string) (rules []*rule) {
	for _, r := range m.rules {
		if r.Endpoint == endpoint && endpoint != "" {
			rules = append(rules, r)
		}
	}
	return rules
}

// trimmed is the message of routing's error.
func trimmed(err error) string { return strings.TrimPrefix(err.Error(), "routing: ") }

// samples are values with the names, for messages of routing.
func samples(values []value) (list []routing.Value) {
	for _, v := range values {
		switch {
		case !v.known:
		case v.constant != nil:
			list = append(list, routing.With(v.name, v.constant))
		default:
			list = append(list, routing.With(v.name, "x"))
		}
	}
	return list
}

// unfit returns why a rule does not take the values, or true if it takes them.
func (m *urlMap) unfit(r *rule, endpoint string, values []value, complete bool, adapter routing.Adapter[int]) (problem, bool) {
	for _, v := range r.variables {
		i := slices.IndexFunc(values, func(o value) bool { return o.known && o.name == v.name })
		_, isDefault := r.Defaults[v.name]
		if i < 0 {
			if complete && !isDefault {
				return m.missing(r, v, endpoint, values, adapter), false
			}
			continue
		}
		if refusal := m.refuses(r, v, values[i]); refusal != "" && !isDefault {
			return problem{text: fmt.Sprintf("no URL for endpoint %q: the value of %q: %s", endpoint, v.name, refusal)}, false
		}
	}
	return problem{}, true
}

// missing says that a variable has no value, and which name is meant for it.
func (m *urlMap) missing(r *rule, v variable, endpoint string, values []value, adapter routing.Adapter[int]) problem {
	text := fmt.Sprintf("no URL for endpoint %q: values are missing: %s", endpoint, v.name)
	if _, err := adapter.Build(endpoint, samples(values)...); err != nil {
		if e, ok := errors.AsType[*routing.BuildError](err); ok && len(e.Missing) > 0 {
			text = trimmed(err)
		}
	}
	var extra []value
	for _, o := range values {
		if !slices.ContainsFunc(r.variables, func(v variable) bool { return v.name == o.name }) && o.known {
			extra = append(extra, o)
		}
	}
	for _, o := range extra {
		if hint := didYouMean(o.name, []string{v.name}); hint != "" {
			return problem{text: fmt.Sprintf("%s: %q is not a variable of the rule%s", text, o.name, hint), at: o.at, suggestion: v.name}
		}
	}
	return problem{text: text}
}

// misspelt reports a name that would land in the query although it looks like a variable of a rule.
func (m *urlMap) misspelt(rules []*rule, values []value) (problem, bool) {
	var free []string
	for _, r := range rules {
		for _, v := range r.variables {
			free = append(free, v.name)
		}
		for name := range r.Defaults {
			free = append(free, name)
		}
	}
	known := slices.Clone(free)
	free = slices.DeleteFunc(free, func(name string) bool {
		return slices.ContainsFunc(values, func(v value) bool { return v.name == name })
	})
	slices.Sort(free)
	free = slices.Compact(free)
	for _, v := range values {
		if !v.known || len(v.name) < 4 || slices.Contains(known, v.name) {
			continue
		}
		if right := nearest(v.name, free); right != "" {
			return problem{text: fmt.Sprintf("%q is not a variable of the rule, so it becomes a part of the query: did you mean %q?", v.name, right), at: v.at, suggestion: right}, false
		}
	}
	return problem{}, true
}

var number = regexp.MustCompile(`-?\d+`)

// refuses returns why the converter of a variable refuses a value, "" if it takes it, or if that is not
// known.
func (m *urlMap) refuses(r *rule, v variable, o value) string {
	if !builtinConverter[v.converter] || m.options.Converters[v.converter] != nil || m.options.LooseBuild {
		return ""
	}
	alone, err := routing.NewMapWith(routing.Options{}, routing.Rule[int]{Path: "/" + v.text, Endpoint: "e"})
	if err != nil {
		return ""
	}
	adapter, err := alone.BindBase(routing.Base{Scheme: "http", Host: "localhost"})
	if err != nil {
		return ""
	}
	last := ""
	for _, sample := range samplesOf(o, v.text) {
		_, err := adapter.Build("e", routing.With(v.name, sample))
		e, ok := errors.AsType[*routing.BuildError](err)
		if !ok || e.Err == nil {
			return ""
		}
		last = e.Err.Error()
		last = strings.TrimPrefix(last, fmt.Sprintf("the value of %q: ", v.name))
	}
	if last != "" && o.constant == nil {
		last = fmt.Sprintf("<%s> does not take values of type %s", strings.Trim(v.text, "<>"), types.TypeString(o.typ, func(p *types.Package) string { return p.Name() }))
	}
	return last
}

var builtinConverter = map[string]bool{"default": true, "string": true, "path": true, "any": true, "int": true, "float": true, "uuid": true, "regexp": true}

// samplesOf returns values of a type. A converter that takes the type takes at least one of them.
// It returns none if that is not known: a string may be anything.
func samplesOf(o value, converter string) (list []any) {
	if o.constant != nil {
		return []any{o.constant}
	}
	if o.typ == nil {
		return nil
	}
	basic, ok := o.typ.Underlying().(*types.Basic)
	if !ok || hasText(o.typ) {
		return nil
	}
	switch info := basic.Info(); {
	case info&types.IsInteger != 0:
		if strings.HasPrefix(converter, "<regexp") {
			return nil
		}
		for n := 1; n < 1e9; n *= 10 {
			list = append(list, n)
		}
		for _, text := range number.FindAllString(converter, -1) {
			n, _ := strconv.Atoi(text)
			list = append(list, n-1, n, n+1)
		}
	case info&types.IsFloat != 0:
		if strings.HasPrefix(converter, "<int") {
			return []any{0.5}
		}
	case info&types.IsBoolean != 0:
		if strings.HasPrefix(converter, "<int") || strings.HasPrefix(converter, "<float") || strings.HasPrefix(converter, "<uuid") {
			return []any{true}
		}
	}
	return list
}

// hasText reports whether a type has a method that returns its text.
func hasText(t types.Type) bool {
	set := types.NewMethodSet(t)
	return set.Lookup(nil, "String") != nil || set.Lookup(nil, "MarshalText") != nil
}
