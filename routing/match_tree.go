package routing

import "slices"

// The tree of a Map's rules. Its input is a host and the segments of a path. Its nodes are the
// places between segments. Rules that begin alike share their nodes, so the cost of a match grows
// with the segments of the path and not with the number of rules. For
//
//	/user/settings        1
//	/user/<name>          2
//	/user/<int:id>/edit   3
//	/user/<int:id>/       4
//	/<path:page>          5
//
// the tree is
//
//	"" (the host)
//	└─ node
//	   ├─ "user" ─ node
//	   │           ├─ "settings" ─ node: rule 1
//	   │           ├─ digits ───── node
//	   │           │               ├─ "edit" ── node: rule 3
//	   │           │               └─ slash ─── node: rule 4
//	   │           └─ segment ──── node: rule 2
//	   └─ path ─── node: rule 5
//
// and these are its walks:
//
//	/user/settings   "user", "settings": rule 1
//	/user/7/edit     "user", digits, "edit": rule 3
//	/user/7          "user", digits: no rule ends here, but one ends behind the slash,
//	                 so the answer is a redirect to /user/7/
//	/user/anna       "user"; "anna" is not digits; segment: rule 2
//	/user/anna/x     "user", segment, and no "x" there; back to the first node; path: rule 5
//
// A node's literal edges are tried first, then the slash, then its patterns in the order of their
// weights. This is Werkzeug's order of precedence. Nodes with a single literal edge are merged with
// the next one, so "/a/b/c" may be one edge.
//
// At most one literal edge of a node fits a segment, so a walk never chooses among literals. Only patterns
// make it go back.
//
// The tree is built in two steps. add puts each rule in, with one edge for each segment. finish
// sorts the patterns, notes what decides a match quickly, and joins edges:
//
//	added     ── "api" ── "v1" ─┬─ "users"
//	                            └─ "teams"
//
//	finished  ── "api/v1" ──────┬─ "users"
//	                            └─ "teams"

// table holds everything that a Map has built: the tree, and the rules by endpoint. It never
// changes once it is built.
type table struct {
	options Options
	// rules are all rules in the order in which they were added, with those that only build.
	rules     []*rule
	endpoints map[string][]*rule // for building; the preferred rule comes first
	// methods are the bits of the methods that rules name and that are not standard, such as PURGE.
	methods map[string]methodSet

	// hosts and edges lead from a host to the first node of its paths. If all rules have the same
	// literal host, and the request's host does not matter, start is the first node of the paths.
	hosts map[string]*node
	edges []edge
	start *node
	// statics are the paths without variables after start, if only the path decides.
	statics staticPaths
	// elsewhere is true if a rule, possibly one that only builds, has a host other than the default
	// one.
	elsewhere bool

	webSockets bool // some rule is for WebSockets

	refusals map[methodSet]*MethodNotAllowedError // while it is built
}

// node is a place between two segments. It holds everything that may follow there.
type node struct {
	// literals are the edges without variables, each with one or more segments.
	literals []literalEdge
	// index finds a literal edge by its first segment. It is nil if there are at most fewLiterals.
	index segmentIndex
	// slash is the edge of an empty segment: a slash at the path's end or, for a rule like "/a//b"
	// without MergeSlashes, two slashes in a row.
	slash *node
	// edges are the edges with variables, in the order in which they are tried.
	edges []edge
	// rules end here. The first that takes the request is chosen.
	rules []*rule
	// loose is true if some of the rules also match with a slash after them.
	loose bool
	// methods is the union of the rules' methods, and refusal is the error for any other method,
	// made in advance.
	methods methodSet
	refusal *MethodNotAllowedError
}

// literalEdge is an edge without variables. After finish, the label may be several segments:
// "api/v1". It has no slash at its start or end.
type literalEdge struct {
	label string
	next  *node
}

// edge is an edge with variables. Only edges with the same pattern are one edge; those of <int:id>
// and <name> are two, and both may match a segment.
type edge struct {
	pattern *pattern
	next    *node
	kind    edgeKind
}

// edgeKind is the kind of a pattern that has a fast path. Nearly all variables in rules of real
// programs are <name> or <int:id>, and both can be decided by one look at the segment's bytes.
type edgeKind uint8

const (
	mixedEdge   edgeKind = iota
	segmentEdge          // one variable that takes any segment
	digitsEdge           // one variable that takes a segment of digits
)

// skipDigits returns where the segment after the one at path[i] starts, if the edge is for digits
// and matches that segment; otherwise 0.
func (e *edge) skipDigits(path string, i int) int {
	if e.kind != digitsEdge {
		return 0
	}
	// The segment must end where the digits end, and must fit an int. A segment of few digits fits
	// for sure, so that it need not be parsed.
	end := digits(path, i)
	if end == i || end < len(path) && path[end] != '/' || end-i > surelyInt && !isInt(path[i:end]) {
		return 0
	}
	return end + 1
}

// nodeSlabs allocates nodes, and the first element of their lists. Most lists have one element, so
// a Map of a thousand rules takes some large allocations and not some thousand small ones.
type nodeSlabs struct {
	nodes    slab[node]
	literals slab[literalEdge]
	edges    slab[edge]
	rules    slab[*rule]
}

// add adds the rule's parts to the tree, and returns the node at which the rule ends.
func (t *table) add(r *rule, slabs *nodeSlabs) *node {
	var s *node
	if host := r.hostParts[0]; host.pattern == nil {
		s = t.hosts[host.static]
		if s == nil {
			s = slabs.nodes.one()
			t.hosts[host.static] = s
		}
	} else {
		t.edges, s = follow(t.edges, host, slabs)
	}
	for _, p := range r.pathParts[1:] { // the first part is the one before the leading slash
		switch {
		// A pattern for a whole rest of the path is always the last part of a rule, or is followed
		// only by the empty part of a slash.
		case p.pattern != nil:
			s.edges, s = follow(s.edges, p, slabs)
		case p.static == "":
			if s.slash == nil {
				s.slash = slabs.nodes.one()
			}
			s = s.slash
		default:
			s = s.step(p.static, slabs)
		}
	}
	if s.rules == nil {
		s.rules = slabs.rules.list(1)
	}
	s.rules = append(s.rules, r)
	s.methods |= r.methods
	s.loose = s.loose || !r.slashes.strict
	return s
}

// follow returns the node after the edge of the part p, and adds the edge if it does not exist.
func follow(edges []edge, p part, slabs *nodeSlabs) ([]edge, *node) {
	// The compiler has made equal patterns one, so that comparing pointers is enough: the rules
	// /user/<int:id> and /user/<int:number>/edit share the edge for digits.
	for _, e := range edges {
		if e.pattern == p.pattern {
			return edges, e.next
		}
	}
	e := edge{pattern: p.pattern, next: slabs.nodes.one()}
	if only := p.pattern.elements; len(only) == 1 && !p.pattern.final {
		switch f := only[0].form; {
		case f.unbounded():
			e.kind = segmentEdge
		case f.kind == digitsForm && !f.signed:
			e.kind = digitsEdge
		}
	}
	if edges == nil {
		edges = slabs.edges.list(1)
	}
	return append(edges, e), e.next
}

// step returns the node after a literal segment, and adds the edge if it does not exist.
func (s *node) step(segment string, slabs *nodeSlabs) *node {
	if s.index != nil {
		if i := s.index.find(s.literals, segment); i >= 0 {
			return s.literals[i].next
		}
	} else {
		for i := range s.literals {
			if s.literals[i].label == segment {
				return s.literals[i].next
			}
		}
	}
	next := slabs.nodes.one()
	if s.literals == nil {
		s.literals = slabs.literals.list(1)
	}
	s.literals = append(s.literals, literalEdge{segment, next})
	s.index = s.index.grown(s.literals)
	return next
}

// finish sorts and shortens the tree.
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

// order sorts the edges of s, and of all nodes after it, by the weights of their patterns. exposed
// is true if something else is tried before s.
//
// In the tree above, the node of rule 2 is exposed: for the segment "settings" or "7" another edge is
// tried first. Its URLs must therefore be matched before Build returns them (build_again.go). The
// node of rule 1 is not exposed, since a literal edge is always tried first.
func (s *node) order(exposed bool) {
	sortEdges(s.edges)
	s.expose(exposed)
	if s.slash != nil {
		s.slash.order(exposed)
	}
	for i := range s.literals {
		s.literals[i].next.order(exposed)
	}
	for i := range s.edges {
		e := &s.edges[i]
		e.next.order(exposed || i > 0 || s.leads(e.pattern))
	}
}

func (s *node) finish(t *table) {
	if len(s.rules) > 0 && s.methods != allMethods {
		s.refusal = t.refusal(s.methods)
	}
	if s.slash != nil {
		s.slash.finish(t)
	}
	for _, e := range s.edges {
		e.next.finish(t)
	}
	for i := range s.literals {
		k := &s.literals[i]
		k.next.finish(t)
		// If an edge leads to a node with nothing but one literal edge, the two edges are joined. The
		// next node has been finished already, so its own edge may be a joined one. The index of s
		// stays valid, because it looks only at the first segment of a label.
		if n := k.next; len(n.literals) == 1 && n.slash == nil && len(n.edges) == 0 && len(n.rules) == 0 {
			k.label += "/" + n.literals[0].label
			k.next = n.literals[0].next
		}
	}
}

// child returns the node after the literal edge with which rest begins, and how many bytes of rest
// lead there; nil if there is no such edge. rest must not be empty.
func (s *node) child(rest string) (next *node, length int) {
	if s.index != nil {
		// The index finds the edge by its first segment. A joined edge must fit with all of its
		// segments, and take compares them.
		segment := rest[:segmentEnd(rest, 0)]
		i := s.index.find(s.literals, segment)
		if i < 0 {
			return nil, 0
		}
		k := &s.literals[i]
		if len(k.label) == len(segment) {
			return k.next, len(segment) + 1
		}
		return k.take(rest)
	}
	for i := range s.literals {
		k := &s.literals[i]
		// The first byte is compared alone: it tells most labels apart without a call to compare memory.
		if n := len(k.label); len(rest) >= n && rest[0] == k.label[0] && rest[:n] == k.label && (len(rest) == n || rest[n] == '/') {
			return k.next, n + 1
		}
	}
	return nil, 0
}

// take follows the edge if rest begins with its label and a segment ends there.
func (k *literalEdge) take(rest string) (*node, int) {
	n := len(k.label)
	if len(rest) < n || rest[:n] != k.label || len(rest) > n && rest[n] != '/' {
		return nil, 0
	}
	return k.next, n + 1
}
