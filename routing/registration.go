package routing

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// From rules to a table: what is wrong with a rule is said here, with what is
// wrong with all others.

// description is a Rule without its target.
type description struct {
	path, endpoint, subdomain, host, redirectTo, where string

	methods                     []string
	defaults                    map[string]any
	buildOnly, alias, webSocket bool
	bareHost                    bool
	strict, merge               Setting
	redirectFunc                func(*http.Request, Args) string
	route                       *mux.Route
}

func described[T any](r *Rule[T]) description {
	return description{
		path: r.Path, endpoint: r.Endpoint, subdomain: r.Subdomain, host: r.Host,
		redirectTo: r.RedirectTo, where: r.where, methods: r.Methods, defaults: r.Defaults,
		buildOnly: r.BuildOnly, alias: r.Alias, webSocket: r.WebSocket, bareHost: r.BareHost,
		strict: r.StrictSlashes, merge: r.MergeSlashes,
		redirectFunc: r.RedirectFunc, route: r.Route,
	}
}

// builder makes a table of rules, and collects what is wrong with them.
type builder struct {
	table    *table
	compiler *compiler
	states   stateSlabs
	rules    []rule
	statics  []staticEnd
	errs     []error
}

// staticEnd is where the machine ends with a path without variables.
type staticEnd struct {
	host, path string
	state      *state
}

func newBuilder(options Options, rules int) *builder {
	return &builder{
		table: &table{
			options:  options,
			rules:    make([]*rule, 0, rules),
			methods:  map[string]methodSet{},
			hosts:    map[string]*state{},
			refusals: map[methodSet]*MethodNotAllowed{},
		},
		compiler: newCompiler(options),
		rules:    make([]rule, 0, rules),
	}
}

// RuleError says why a rule is refused.
type RuleError struct {
	// Rule is the rule's text, Where the file and line of its registration.
	Rule, Where string
	// Offset is where in the text the fault is, in bytes; -1 if it is not in
	// the text.
	Offset int
	// Reason says what is wrong.
	Reason string
}

// Error names the rule, the place in it, and the reason.
func (e *RuleError) Error() string {
	at := ""
	if e.Offset >= 0 {
		at = fmt.Sprintf(" at offset %d", e.Offset)
	}
	return fmt.Sprintf("routing: rule %q%s (%s): %s", e.Rule, at, e.Where, e.Reason)
}

func (b *builder) refuse(d *description, text string, err error) {
	refusal := &RuleError{Rule: text, Where: d.where, Offset: -1, Reason: err.Error()}
	var fault *syntaxError
	if errors.As(err, &fault) {
		refusal.Offset = fault.offset
	}
	b.errs = append(b.errs, refusal)
}

// add compiles a rule.
func (b *builder) add(d *description) {
	o := &b.table.options
	b.rules = append(b.rules, rule{
		index: len(b.rules), path: d.path, endpoint: d.endpoint, where: d.where,
		webSocket: d.webSocket, alias: d.alias, buildOnly: d.buildOnly,
		strict: d.strict.or(!o.LooseSlashes), merge: d.merge.or(!o.KeepSlashes),
		redirectTo: d.redirectTo, redirectFunc: d.redirectFunc, route: d.route,
	})
	r := &b.rules[len(b.rules)-1]
	if err := b.contradiction(d); err != nil {
		b.refuse(d, d.path, err)
		return
	}
	var err error
	if r.methods, r.names, err = b.table.learn(d.methods); err == nil && r.webSocket && len(r.names) > 0 &&
		r.methods&^(getMethod|headMethod|optionsMethod) != 0 {
		err = fmt.Errorf("a WebSocket is opened by GET only")
	}
	if err != nil {
		b.refuse(d, d.path, err)
		return
	}
	c := b.compiler
	c.rule = r
	domain := d.host
	if !o.HostMatching {
		if domain = d.subdomain; domain == "" && !d.bareHost {
			domain = o.DefaultSubdomain
		}
	}
	if err := c.domain(domain); err != nil {
		b.refuse(d, domain, err)
		return
	}
	if err := c.path(d.path); err != nil {
		b.refuse(d, d.path, err)
		return
	}
	if err := b.setDefaults(r, d.defaults, o.LooseBuild); err != nil {
		b.refuse(d, d.path, err)
		return
	}
	if err := r.checkRedirect(); err != nil {
		b.refuse(d, d.redirectTo, err)
		return
	}
	b.enter(r, d)
}

// contradiction reports what cannot be meant.
func (b *builder) contradiction(d *description) error {
	o := &b.table.options
	if d.route != nil {
		if err := d.route.GetError(); err != nil {
			return fmt.Errorf("its Route: %w", err)
		}
		if _, err := d.route.GetPathTemplate(); err == nil {
			return fmt.Errorf("its Route has a path of its own")
		}
		if _, err := d.route.GetMethods(); err == nil {
			return fmt.Errorf("its Route has methods of its own: the rule's Methods are asked before it")
		}
	}
	switch {
	case !strings.HasPrefix(d.path, "/"):
		if i := strings.Index(d.path, " /"); i > 0 && isMethod(d.path[:i]) {
			return faultf(0, "a rule starts with a slash, and its methods stand in Methods")
		}
		return faultf(0, "a rule starts with a slash")
	case o.HostMatching && d.subdomain != "":
		return fmt.Errorf("with HostMatching a rule has a Host, not a Subdomain")
	case !o.HostMatching && d.host != "":
		return fmt.Errorf("a rule's Host needs the option HostMatching")
	case d.redirectTo != "" && d.redirectFunc != nil:
		return fmt.Errorf("it has both RedirectTo and RedirectFunc")
	case d.alias && d.endpoint == "":
		return fmt.Errorf("an alias needs the endpoint that it is an alias of")
	}
	return nil
}

// enter leads a compiled rule into the machine.
func (b *builder) enter(r *rule, d *description) {
	t := b.table
	t.rules = append(t.rules, r)
	t.elsewhere = t.elsewhere || r.host[0].pattern != nil || r.host[0].static != t.options.DefaultSubdomain
	if r.buildOnly {
		return
	}
	s := t.add(r, &b.states)
	if len(s.rules) == 1 && r.host[0].pattern == nil {
		if path, ok := r.staticText(); ok {
			b.statics = append(b.statics, staticEnd{r.host[0].static, path, s})
		}
	}
	for _, o := range s.rules[:len(s.rules)-1] {
		if o.duplicates(r) {
			b.refuse(d, d.path, fmt.Errorf("it matches nothing that rule %q (%s) does not match before it", o.path, o.where))
			return
		}
	}
}

// duplicates reports whether r, which comes later and ends at the same state,
// stands for requests that o takes.
func (o *rule) duplicates(r *rule) bool {
	if o.webSocket != r.webSocket || o.route != nil || r.route != nil {
		return false
	}
	for i := range r.variables {
		if r.variables[i].converter.name != o.variables[i].converter.name && (r.checked || o.checked) {
			return false
		}
	}
	return o.methods == r.methods || o.methods&r.methods&^(headMethod|optionsMethod) != 0
}

func (b *builder) finish() (*table, error) {
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	t := b.table
	t.finish()
	for _, r := range t.rules {
		r.found.rule = r
		b.compiler.findStretches(r)
		r.simple = !r.checked && !r.webSocket && r.route == nil
		r.hosted = len(r.variables) > 0 && r.variables[0].host
		r.special = r.alias && !t.options.KeepDefaults || r.redirectTo != "" || r.redirectFunc != nil
	}
	t.endpoints = newEndpoints(t.rules)
	for i := range t.endpoints.slots {
		rules := t.endpoints.slots[i].rules
		if len(rules) == 0 || len(rules) == 1 && len(rules[0].defaults) == 0 {
			continue
		}
		slices.SortStableFunc(rules, func(a, b *rule) int {
			if a.alias != b.alias {
				return int(bit(a.alias)) - int(bit(b.alias))
			}
			if c := len(b.arguments) - len(a.arguments); c != 0 {
				return c
			}
			return len(b.defaults) - len(a.defaults)
		})
		if t.options.KeepDefaults {
			continue
		}
		var short []*rule // those with defaults, which come before r
		for _, r := range rules {
			for _, o := range short {
				if o.providesDefaultsFor(r) {
					r.shorter, r.special = append(r.shorter, o), true
				}
			}
			if len(r.defaults) > 0 {
				short = append(short, r)
			}
		}
	}
	for _, r := range t.rules {
		r.plain = r.simple && !r.special
	}
	t.straighten()
	if t.start != nil && !t.webSockets {
		t.statics = newStaticPaths(b.startPaths())
	}
	return t, nil
}

// startPaths returns the paths without variables behind the table's start.
func (b *builder) startPaths() (list []textSlot) {
	for _, e := range b.statics {
		if e.host == b.table.options.DefaultSubdomain && e.state.rules[0].plain {
			list = append(list, textSlot{e.path, e.state.rules})
		}
	}
	return list
}

// setDefaults sorts the rule's defaults and adds up its arguments.
func (b *builder) setDefaults(r *rule, defaults map[string]any, loose bool) error {
	for name, value := range defaults {
		r.defaults = append(r.defaults, valueOf(name, value))
	}
	slices.SortFunc(r.defaults, func(a, b Value) int { return strings.Compare(a.name, b.name) })
	r.arguments = b.compiler.names.list(len(r.variables) + len(r.defaults))
	for i := range r.variables {
		r.arguments = append(r.arguments, r.variables[i].name)
	}
	for _, d := range r.defaults {
		r.arguments = append(r.arguments, d.name)
	}
	slices.Sort(r.arguments)
	r.arguments = slices.Compact(r.arguments)
	if len(r.defaults) == 0 {
		return nil
	}
	// A variable that has a default is built as that.
	for _, ops := range [][]op{r.hostOps, r.pathOps} {
		for i, o := range ops {
			if o.variable < 0 {
				continue
			}
			v := &r.variables[o.variable]
			d, ok := r.defaultOf(v.name)
			if !ok {
				continue
			}
			text, err := v.converter.appendValue(nil, &d, loose)
			if err != nil {
				return fmt.Errorf("the default of %q: %w", v.name, err)
			}
			ops[i] = op{text: string(text), variable: -1}
		}
	}
	return nil
}
