package routing

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// From the rules of a Map to its table. All mistakes in the rules are collected, so that one error
// names all of them.
//
//	add, for each rule   settings, methods, host, path, defaults, RedirectTo; then into the tree
//	finish, once         the tree and the endpoints are sorted, and what a match needs is noted
//
// Map.Add makes a whole new table from all rules, and exchanges it at once. So a table never changes
// while requests are served, and no request waits for a lock.
//
// Rules that end at one node of the tree are tried in order, and the first that takes the request
// is chosen. So a rule can be out of reach:
//
//	GET,HEAD  /a    first
//	all       /a    second, which is left with every method but GET and HEAD
//	POST      /a    third: moved before the second, because methods decide first
//	HEAD      /a    error? no: moved to the front, because GET only brings HEAD along
//	GET       /a    error: no request reaches it

// definition holds the fields of a Rule, without its target, under the names of their Rule fields
// or a longer one where the compiled rule needs the short name: hostText is Rule.Host, and
// defaultValues is Rule.Defaults. Everything below Map works on it, so that the compiler makes this
// code once and not for each type of target.
type definition struct {
	path, endpoint, subdomain, hostText, redirectTo, where string

	methodNames                           []string
	defaultValues                         map[string]any
	buildOnly, alias, webSocket, bareHost bool
	strictSlashes, mergeSlashes           Switch
	redirectFunc                          func(*http.Request, Params) string
	condition                             Condition
}

// defined copies the fields of r. Its strings, Methods and Defaults are shared, which is safe
// because the Map has its own copy of the Rule, and rules do not change after they were added.
func defined[T any](r *Rule[T]) definition {
	return definition{
		path: r.Path, endpoint: r.Endpoint, subdomain: r.Subdomain, hostText: r.Host,
		redirectTo: r.RedirectTo, where: r.where, methodNames: r.Methods, defaultValues: r.Defaults,
		buildOnly: r.BuildOnly, alias: r.Alias, webSocket: r.WebSocket, bareHost: r.BareHost,
		strictSlashes: r.StrictSlashes, mergeSlashes: r.MergeSlashes,
		redirectFunc: r.RedirectFunc, condition: r.Condition,
	}
}

// builder makes a table from rules, and collects their errors.
type builder struct {
	table    *table
	compiler *compiler
	nodes    nodeSlabs
	rules    []rule // of one allocation, which never grows: the tree points into it
	// statics are the ends of paths without variables. The index of the paths is made of them at
	// the end, when it is known which of their rules need only a path and a method.
	statics []staticEnd
	// errs are the errors of all rules so far. With one of them there will be no table, but the
	// rest of the rules is still compiled, so that the error of NewMap lists all mistakes.
	errs []error
}

// staticEnd is the node at which a path without variables ends. A path has one staticEnd for each
// host.
type staticEnd struct {
	host, path string
	node       *node
}

// newBuilder returns a builder for this number of rules. The number must be right: if b.rules had
// to grow, the pointers into it would point to copies of rules that nothing updates.
func newBuilder(options Options, rules int) *builder {
	return &builder{
		table: &table{
			options:  options,
			rules:    make([]*rule, 0, rules),
			methods:  map[string]methodSet{},
			hosts:    map[string]*node{},
			refusals: map[methodSet]*MethodNotAllowedError{},
		},
		compiler: newCompiler(options),
		rules:    make([]rule, 0, rules),
	}
}

// refuse records the error of a rule. text is the text that the offset in err counts in: the path,
// the host or RedirectTo. Errors without an offset are about the rule as a whole.
func (b *builder) refuse(r *rule, text string, err error) {
	refusal := &RuleError{Rule: text, Where: r.where, Offset: -1, Reason: err.Error()}
	var fault *syntaxError
	if errors.As(err, &fault) {
		refusal.Offset = fault.offset
	}
	b.errs = append(b.errs, refusal)
}

// add compiles a rule. It stops at the first mistake of the rule, because further ones may only
// follow from it: a converter that does not exist makes a variable missing, and its default wrong.
func (b *builder) add(d definition) {
	o := &b.table.options
	b.rules = append(b.rules, rule{
		definition: d, index: len(b.rules),
		slashes: slashes{d.strictSlashes.or(o.StrictSlashes.or(true)), d.mergeSlashes.or(o.MergeSlashes.or(true))},
	})
	r := &b.rules[len(b.rules)-1]
	if err := b.contradiction(&r.definition); err != nil {
		b.refuse(r, r.path, err)
		return
	}
	var err error
	// A handshake is a GET (RFC 6455, section 4.1). HEAD comes with GET, and OPTIONS is for CORS,
	// so these two may be listed.
	if r.methods, r.names, err = b.table.learn(d.methodNames); err == nil && r.webSocket && len(r.names) > 0 &&
		r.methods&^(getMethod|headMethod|optionsMethod) != 0 {
		err = fmt.Errorf("a WebSocket is opened by GET only")
	}
	if err != nil {
		b.refuse(r, r.path, err)
		return
	}
	// The host comes before the path, because a rule's variables are those of the host, then those of
	// the path.
	c := b.compiler
	c.rule = r
	// With HostMatching the rule's Host is compiled, and otherwise the Subdomain. The rest of the
	// package knows only one of them, as hostParts.
	domain := d.hostText
	if !o.HostMatching {
		if domain = d.subdomain; domain == "" && !d.bareHost {
			domain = o.DefaultSubdomain
		}
	}
	if err := c.domain(domain); err != nil {
		b.refuse(r, domain, err)
		return
	}
	if err := c.path(d.path); err != nil {
		b.refuse(r, r.path, err)
		return
	}
	if err := b.setDefaults(r, o.LooseBuild); err != nil {
		b.refuse(r, r.path, err)
		return
	}
	if r.redirect, err = r.splitRedirect(); err != nil {
		b.refuse(r, r.redirectTo, err)
		return
	}
	b.enter(r)
}

// contradiction reports settings that contradict each other, and the mistakes that a Condition knows of
// itself: those of gorillamux have the error of their mux.Route.
func (b *builder) contradiction(d *definition) error {
	o := &b.table.options
	if c, ok := d.condition.(interface{ Err() error }); ok {
		if err := c.Err(); err != nil {
			return err
		}
	}
	switch {
	// "GET /user" is how ServeMux writes a rule, so the error says where the method belongs.
	case !strings.HasPrefix(d.path, "/"):
		if i := strings.Index(d.path, " /"); i > 0 && isMethod(d.path[:i]) {
			return faultf(0, "a rule starts with a slash, and its methods stand in Methods")
		}
		return faultf(0, "a rule starts with a slash")
	case o.HostMatching && d.subdomain != "":
		return fmt.Errorf("with HostMatching a rule has a Host, not a Subdomain")
	case !o.HostMatching && d.hostText != "":
		return fmt.Errorf("a rule's Host needs the option HostMatching")
	case d.redirectTo != "" && d.redirectFunc != nil:
		return fmt.Errorf("it has both RedirectTo and RedirectFunc")
	case d.alias && d.endpoint == "":
		return fmt.Errorf("an alias needs the endpoint that it is an alias of")
	}
	return nil
}

// enter adds a compiled rule to the tree, unless it only builds.
func (b *builder) enter(r *rule) {
	t := b.table
	t.rules = append(t.rules, r)
	t.webSockets = t.webSockets || r.webSocket
	// A rule that only builds counts as well: its URLs may lead to another host than the request's,
	// so join must compare the two.
	t.elsewhere = t.elsewhere || r.hostParts[0].pattern != nil || r.hostParts[0].static != t.options.DefaultSubdomain
	if r.buildOnly {
		return
	}
	// The first rule of a node stands for all of them in the index of paths without variables: they end
	// at the same node, so they have the same path.
	s := t.add(r, &b.nodes)
	if len(s.rules) == 1 && r.hostParts[0].pattern == nil {
		if path, ok := r.staticText(); ok {
			b.statics = append(b.statics, staticEnd{r.hostParts[0].static, path, s})
		}
	}
	if before := s.covering(r); before != nil {
		b.refuse(r, r.path, unreachable(before))
		return
	}
	s.place(r)
}

// rank orders rules that match the same paths. HEAD alone, which GET includes, comes before a list
// of methods, and that comes before all methods. In this order the rule that says more about the
// request is tried first, in whatever order the rules were registered.
//
//	HEAD                 0
//	GET,HEAD             1
//	POST                 1
//	all                  2
func (r *rule) rank() int {
	switch {
	case r.names == nil:
		return 2
	case r.methods == headMethod:
		return 0
	}
	return 1
}

// takes reports whether r takes every path that o takes, without a further test. Both end at the
// same node, so only the converters can differ: <int(max=9):a> does not take all that <int:b>
// takes. Converters with the same name and arguments are the same. A rule with a condition takes
// nothing for sure.
func (r *rule) takes(o *rule) bool {
	// A request opens a WebSocket or does not, so the two never meet.
	if r.webSocket != o.webSocket || r.condition != nil {
		return false
	}
	// If no converter is asked, the edges of the tree have decided everything, and both rules came
	// along the same edges.
	for i := range o.variables {
		if o.variables[i].converter.name != r.variables[i].converter.name && (o.match.asksConverters || r.match.asksConverters) {
			return false
		}
	}
	return true
}

// covering returns rules before r, the last rule of the node, that together take all of its
// requests; nil if some requests are left for r. For the rules at the top of this file:
//
//	r               left at first   rules before r that take some of it      left
//	all             all             GET,HEAD                                 all but GET and HEAD
//	POST            POST            none: the rule for all methods yields    POST
//	GET, the fifth  GET, HEAD       HEAD, and GET,HEAD                       nothing: an error
func (s *node) covering(r *rule) (list []*rule) {
	// Each rule before r that takes its paths removes its methods. Rules of a higher rank do not
	// count, because place moves r before them.
	left := r.methods
	for _, o := range s.rules[:len(s.rules)-1] {
		if o.rank() <= r.rank() && left&o.methods != 0 && o.takes(r) {
			list = append(list, o)
			left &^= o.methods
		}
	}
	if left != 0 {
		return nil
	}
	return list
}

// unreachable is the error for a rule that never gets a request, with the rules that take its
// requests and where they were registered. So the author sees which of them to change.
func unreachable(before []*rule) error {
	which := "rule"
	if len(before) > 1 {
		which = "several rules"
	}
	for i, o := range before {
		if i > 0 {
			which += ","
		}
		which += fmt.Sprintf(" %q (%s)", o.path, o.where)
	}
	return fmt.Errorf("no request reaches it: %s before it match the same", which)
}

// place moves r, the last rule of the node, before those of a higher rank that match the same
// paths.
func (s *node) place(r *rule) {
	last := len(s.rules) - 1
	for i, o := range s.rules[:last] {
		if o.rank() > r.rank() && o.condition == nil && o.takes(r) {
			// The rules between move back by one. They keep their order, which is the order of
			// registration.
			copy(s.rules[i+1:], s.rules[i:last])
			s.rules[i] = r
			return
		}
	}
}

// finish completes the table. The order of its steps matters. Sorting the tree shows which rules can
// be shadowed, and sorting an endpoint's rules shows which of them redirect. Only then is it known
// which matches need nothing but the path and the method.
func (b *builder) finish() (*table, error) {
	// A table without some of its rules would answer their requests with 404, so there is none at
	// all.
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	t := b.table
	t.finish()
	for _, r := range t.rules {
		r.found.rule = r
		b.compiler.findVariableParts(r)
		r.match.byPathAndMethod = !r.match.asksConverters && !r.webSocket && r.condition == nil
		r.match.hasHostParams = len(r.variables) > 0 && r.variables[0].host
		r.match.mayRedirect = r.alias && !t.options.KeepDefaults || r.redirectTo != "" || r.redirectFunc != nil
	}
	t.endpoints = byEndpoint(t.rules)
	for _, rules := range t.endpoints {
		// Nothing can be sorted or shortened for an endpoint with one rule without defaults.
		if len(rules) > 1 || len(rules[0].defaults) > 0 {
			preferShorter(rules, t.options.KeepDefaults)
		}
	}
	// preferShorter sets mayRedirect for more rules, so isFinal comes after it.
	for _, r := range t.rules {
		r.match.isFinal = r.match.byPathAndMethod && !r.match.mayRedirect
	}
	t.markFastPaths()
	// The index is asked before the host and the headers are read. It would be wrong if either of
	// them could decide about a rule.
	if t.start != nil && !t.webSockets {
		t.statics = newStaticPaths(b.startPaths())
	}
	return t, nil
}

// byEndpoint returns the rules of each endpoint. Most endpoints have one rule, and they share one
// list; only endpoints with more rules have separate lists.
func byEndpoint(rules []*rule) map[string][]*rule {
	endpoints := make(map[string][]*rule, len(rules))
	list := slices.Clone(rules)
	for i, r := range rules {
		if others := endpoints[r.endpoint]; others != nil {
			endpoints[r.endpoint] = append(others, r)
		} else {
			// The capacity ends with the one element, so that append copies it, and does not write
			// into the element of the next endpoint.
			endpoints[r.endpoint] = list[i : i+1 : i+1]
		}
	}
	return endpoints
}

// preferShorter sorts the rules of an endpoint in the order of Build, and gives each rule the
// others whose defaults make its URL shorter. For the endpoint "all" with the rules
//
//	/all/             Defaults: page=1
//	/all/<int:page>
//
// both have the argument page. The first comes first, because it has a default. So page=1 builds
// /all/, any other page builds the second URL, and a request for /all/1 is redirected to /all/.
func preferShorter(rules []*rule, keepDefaults bool) {
	slices.SortStableFunc(rules, func(a, b *rule) int {
		// This is Werkzeug's build_compare_key: aliases last, then more arguments, then more
		// defaults.
		if a.alias != b.alias {
			return int(bit(a.alias)) - int(bit(b.alias))
		}
		if c := len(b.arguments) - len(a.arguments); c != 0 {
			return c
		}
		return len(b.defaults) - len(a.defaults)
	})
	if keepDefaults {
		return
	}
	var short []*rule // the rules with defaults, which come before r
	for _, r := range rules {
		for _, o := range short {
			if o.providesDefaultsFor(r) {
				r.shorter, r.match.mayRedirect = append(r.shorter, o), true
			}
		}
		if len(r.defaults) > 0 {
			short = append(short, r)
		}
	}
}

// startPaths returns the paths without variables below the table's start. A path is left out if its
// first rule is not final. match would stop at that rule at once, so the index would only cost
// memory.
func (b *builder) startPaths() (list []textSlot) {
	for _, e := range b.statics {
		if e.host == b.table.options.DefaultSubdomain && e.node.rules[0].match.isFinal {
			list = append(list, textSlot{e.path, e.node.rules})
		}
	}
	return list
}

// setDefaults sorts the rule's defaults, and collects the names of its arguments. Werkzeug compares
// these sets of names to find the rules of which one is the shorter form of another.
func (b *builder) setDefaults(r *rule, loose bool) error {
	// The order of a Go map changes from run to run, so it is sorted for errors and for
	// slices.Equal.
	for name, value := range r.defaultValues {
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
	// A variable with a default is in the list twice until here.
	r.arguments = slices.Compact(r.arguments)
	if len(r.defaults) == 0 {
		return nil
	}
	// If a variable has a default, it is built from that. Its text is the same in every URL, so that it
	// becomes part of the literals.
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
			// The default is checked here too: /<int:page> with the default page="x" would be a URL
			// that does not match.
			ops[i] = op{text: string(text), variable: -1}
		}
	}
	return nil
}

// A slab hands out parts of a few large allocations: a table consists of many small lists that are
// allocated and freed together.
type slab[E any] struct {
	free []E // the unused part of the last allocation
	size int // how many elements the last allocation had
}

// mostAtOnce is the maximum number of elements in one allocation.
const mostAtOnce = 256

// list returns an empty list with room for n elements; if it grows beyond that, it is allocated
// separately. These are calls for one element each, and what is left in free after them:
//
//	call     1   2   3   4   5   6
//	size     4   4   4   4   8   8     the allocations grow from 4 to 256 elements
//	free     3   2   1   0   7   6
//
// With twice the last size, a small Map wastes few elements, and a Map of 10,000 rules makes few
// allocations; with one list each, half of the time went into them.
func (s *slab[E]) list(n int) []E {
	// A large list would leave much of the current allocation unused.
	if n > mostAtOnce/4 {
		return make([]E, 0, n)
	}
	if n > len(s.free) {
		s.size = min(max(2*s.size, 4, n), mostAtOnce)
		s.free = make([]E, s.size)
	}
	// The limit of the capacity keeps append from writing into the next list.
	list := s.free[:0:n]
	s.free = s.free[n:]
	return list
}

// one returns an element.
func (s *slab[E]) one() *E { return &s.list(1)[:1][0] }
