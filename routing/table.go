package routing

import "slices"

// table is the state machine of a Map: immutable once it is built. Its input is
// a host and the segments of a path; its states are the places between them.
// Rules that begin alike share their states, so the cost of a match grows with
// the segments of the path and not with the rules of the Map.
type table struct {
	options   Options
	rules     []*rule
	endpoints textIndex // for building, the preferred rule first
	methods   map[string]methodSet

	// The host is the first transition. Where all rules share one static host
	// and nothing is known of the request's, start is the state behind it.
	hosts map[string]*state
	edges []edge
	start *state
	// statics are the paths without variables behind start, if what leads there
	// is the path alone.
	statics staticPaths
	// elsewhere says that some rule, perhaps one that only builds, is on another
	// host than the default one.
	elsewhere bool

	webSockets bool // some rule is a WebSocket's

	bridge *bridge // to a mux router that the rules come from

	refusals map[methodSet]*MethodNotAllowed // while it is built
}

// state is a place in the machine: what may follow.
type state struct {
	// kids are the static transitions, each a segment or a chain of them.
	kids []kid
	// index finds a kid by its first segment where there are many, and while
	// rules are added.
	index segmentIndex
	// slash is the transition of the empty segment: the slash at a path's end.
	slash *state
	// edges are the transitions with variables, in the order they are tried.
	edges []edge
	// rules end here; the first that fits wins.
	rules []*rule
	// loose says that some of them also match with a slash after them.
	loose bool
	// methods is the union of what the rules answer, and refusal the error for
	// any other method, made in advance.
	methods methodSet
	refusal *MethodNotAllowed
}

type kid struct {
	label string
	next  *state
}

type edge struct {
	pattern *pattern
	next    *state
	kind    edgeKind
}

// edgeKind singles out the patterns that the matcher knows by heart.
type edgeKind uint8

const (
	mixedEdge  edgeKind = iota
	textEdge            // a segment that is one variable, of any text
	digitsEdge          // a segment that is one variable, of digits
)

// stateSlabs is what new states, and what first follows each, are taken from.
type stateSlabs struct {
	states slab[state]
	kids   slab[kid]
	edges  slab[edge]
	rules  slab[*rule]
}

// add leads the rule's parts through the machine.
func (t *table) add(r *rule, new *stateSlabs) *state {
	var s *state
	if host := r.host[0]; host.pattern == nil {
		s = t.hosts[host.static]
		if s == nil {
			s = new.states.one()
			t.hosts[host.static] = s
		}
	} else {
		t.edges, s = follow(t.edges, host, new)
	}
	for _, p := range r.way[1:] { // the first is what is before the leading slash
		switch {
		case p.pattern != nil:
			s.edges, s = follow(s.edges, p, new)
		case p.static == "":
			if s.slash == nil {
				s.slash = new.states.one()
			}
			s = s.slash
		default:
			s = s.step(p.static, new)
		}
	}
	if s.rules == nil {
		s.rules = new.rules.list(1)
	}
	s.rules = append(s.rules, r)
	s.methods |= r.methods
	s.loose = s.loose || !r.strict
	t.webSockets = t.webSockets || r.webSocket
	return s
}

// follow returns the state behind the part p, which it adds to edges if it is
// not there.
func follow(edges []edge, p part, new *stateSlabs) ([]edge, *state) {
	for _, e := range edges {
		if e.pattern == p.pattern {
			return edges, e.next
		}
	}
	e := edge{pattern: p.pattern, next: new.states.one()}
	if only := p.pattern.elements; len(only) == 1 && !p.pattern.final {
		switch f := only[0].form; {
		case f.unbounded():
			e.kind = textEdge
		case f.kind == digitsForm && !f.signed:
			e.kind = digitsEdge
		}
	}
	if edges == nil {
		edges = new.edges.list(1)
	}
	return append(edges, e), e.next
}

// step returns the state behind a static segment.
func (s *state) step(segment string, new *stateSlabs) *state {
	if s.index != nil {
		if i := s.index.find(s.kids, segment); i >= 0 {
			return s.kids[i].next
		}
	} else {
		for i := range s.kids {
			if s.kids[i].label == segment {
				return s.kids[i].next
			}
		}
	}
	next := new.states.one()
	if s.kids == nil {
		s.kids = new.kids.list(1)
	}
	s.kids = append(s.kids, kid{segment, next})
	s.index = s.index.grown(s.kids)
	return next
}

// finish sorts and shortens what was built.
func (t *table) finish() {
	sortEdges(t.edges)
	for _, s := range t.hosts {
		s.order(false)
		s.finish(t)
	}
	for _, e := range t.edges {
		e.next.order(true)
		e.next.finish(t)
	}
	if len(t.edges) == 0 && !t.options.HostMatching && t.options.ServerName == "" {
		t.start = t.hosts[t.options.DefaultSubdomain]
	}
}

func sortEdges(edges []edge) {
	slices.SortStableFunc(edges, func(a, b edge) int { return a.pattern.weight.compare(b.pattern.weight) })
}

// order puts the transitions of s and of all behind it in the order of their
// patterns' weights; exposed says that something else is tried before s.
func (s *state) order(exposed bool) {
	sortEdges(s.edges)
	s.expose(exposed)
	if s.slash != nil {
		s.slash.order(exposed)
	}
	for i := range s.kids {
		s.kids[i].next.order(exposed)
	}
	for i := range s.edges {
		e := &s.edges[i]
		e.next.order(exposed || i > 0 || s.leads(e.pattern))
	}
}

func (s *state) finish(t *table) {
	if len(s.rules) > 0 && s.methods != allMethods {
		s.refusal = t.refusal(s.methods)
	}
	if s.slash != nil {
		s.slash.finish(t)
	}
	for _, e := range s.edges {
		e.next.finish(t)
	}
	for i := range s.kids {
		k := &s.kids[i]
		k.next.finish(t)
		// A state that does nothing but lead to one other is skipped.
		if n := k.next; len(n.kids) == 1 && n.slash == nil && len(n.edges) == 0 && len(n.rules) == 0 {
			k.label += "/" + n.kids[0].label
			k.next = n.kids[0].next
		}
	}
}

// child returns the state behind the static transition that rest, which is not
// empty, begins with, and how much of rest is behind it.
func (s *state) child(rest string) (next *state, length int) {
	if s.index != nil {
		segment := rest[:segmentEnd(rest, 0)]
		i := s.index.find(s.kids, segment)
		if i < 0 {
			return nil, 0
		}
		k := &s.kids[i]
		if len(k.label) == len(segment) {
			return k.next, len(segment) + 1
		}
		return k.take(rest)
	}
	for i := range s.kids {
		k := &s.kids[i]
		if n := len(k.label); len(rest) >= n && rest[0] == k.label[0] && rest[:n] == k.label && (len(rest) == n || rest[n] == '/') {
			return k.next, n + 1
		}
	}
	return nil, 0
}

// take follows the kid if rest begins with its label and a segment ends there.
func (k *kid) take(rest string) (*state, int) {
	n := len(k.label)
	if len(rest) < n || rest[:n] != k.label || len(rest) > n && rest[n] != '/' {
		return nil, 0
	}
	return k.next, n + 1
}
