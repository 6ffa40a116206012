package routing

import (
	"net/http"

	"github.com/zeugkit/zeug/httperror"
)

// The walk through the tree of match_tree.go, with the request's method and conditions.
//
// If a branch does not match, the walk goes back, so it is recursive. If only one edge can be
// taken, it is a loop.
//
// If a rule would match except for its method, the method is recorded. If no rule matches at all,
// the recorded methods become the Allow header of the 405.
//
// An offset i in the path stands for a place between segments: the next segment begins at path[i].
// This is the walk of /user/anna/x (12 bytes) through the tree of match_tree.go. A node is named
// after the edges that lead to it:
//
//	walk(first node, 1)      "user/anna/x" is left. The edge "user" leads to offset 6.
//	                         The node has a pattern too, so this is a recursive call.
//	  walk(user, 6)          "anna/x" is left. No literal fits, and "anna" is not digits.
//	                         The pattern for any segment leads to offset 11.
//	    walk(segment, 11)    "x" is left, and this node has no edges: nil
//	                         The node "user" has no further pattern: nil
//	                         The pattern for a path takes "user/anna/x" and leads to 13.
//	end(path)                13 > 12, so no segment is left: rule 5
//
// Offset 12 would mean that one empty segment is left, as in /user/anna/x/.

// matcher is one walk through a table: its goal and its result.
type matcher struct {
	path   string    // decoded, with a stand-in for slashes that were encoded
	slash  byte      // the stand-in for slashes that were encoded, or 0
	host   string    // the host or subdomain
	method methodSet // of the request: one bit
	// webSocket is true if the request opens a WebSocket.
	webSocket bool
	mismatch  bool              // a rule matched except for webSocket
	allowed   methodSet         // methods of rules that matched except for their methods
	refusing  *node             // the node at which the last of them ends
	request   *http.Request     // for conditions; may be nil
	vars      map[string]string // the values that a rule's condition found

	// expected is the rule whose URL is being built. If there is no request, its condition counts
	// as met.
	expected *rule
}

// needsSlash is the result of a walk that found a branch, but without the slash at the end of the
// path.
var needsSlash = new(rule)

// run walks from start or, if that is nil, from the nodes for the host.
func (m *matcher) run(t *table, start *node) *rule {
	const first = 1
	if start != nil {
		return m.walk(start, first)
	}
	// A literal host comes before hosts with variables. If it has no rule for the path, the others
	// are tried, as with the segments of a path.
	if s := t.hosts[m.host]; s != nil {
		if r := m.walk(s, first); r != nil {
			return r
		}
	}
	for i := range t.edges {
		e := &t.edges[i]
		if _, ok := e.pattern.matches(m.host); ok {
			if r := m.walk(e.next, first); r != nil {
				return r
			}
		}
	}
	return nil
}

// walk matches the segments of m.path, beginning at offset i, with the tree below s. It returns the
// rule at which the walk ends, or needsSlash, or nil.
//
// If i is the length of the path, one segment is left, and it is empty: the path ends with a slash.
// If i is larger, no segment is left.
func (m *matcher) walk(s *node, i int) *rule {
	for {
		if i > len(m.path) {
			return m.end(s)
		}
		rest := m.path[i:]
		var next *node
		length := 1
		if rest == "" || rest[0] == '/' {
			next = s.slash
		} else if len(s.literals) > 0 {
			next, length = s.child(rest)
		}
		if next != nil {
			// Nothing else can be tried at this node, so there is nothing to come back to. This makes
			// a walk along literals a loop, and keeps the stack small for long paths.
			if len(s.edges) == 0 && !(s.loose && rest == "") {
				s, i = next, i+length
				continue
			}
			// A pattern of this node may have to be tried too, so the walk comes back here.
			if r := m.walk(next, i+length); r != nil {
				return r
			}
		}
		for n := range s.edges {
			// The edges are sorted by weight, so the first one that leads to a rule is the right
			// one.
			e := &s.edges[n]
			after := 0
			if e.kind == segmentEdge {
				// This is take(e, i) written out, because most variables take any segment. An empty
				// segment, as in /user/, is not a value.
				if after = segmentEnd(m.path, i) + 1; after == i+1 {
					continue
				}
			} else if after = m.take(e, i); after == 0 {
				continue
			}
			var r *rule
			// This is the first test of walk, made here to spare the call for a variable at the end
			// of the path.
			if after > len(m.path) {
				r = m.end(e.next)
			} else {
				r = m.walk(e.next, after)
			}
			if r != nil {
				return r
			}
		}
		// The path ends with a slash that the rules of this node do not have. Rules without strict
		// slashes ignore it, but only after every edge has been tried. One of them may be the edge of
		// the slash itself, or a variable that takes an empty string.
		if rest == "" && s.loose {
			for _, r := range s.rules {
				if !r.slashes.strict && m.fits(s, r) {
					return r
				}
			}
		}
		return nil
	}
}

// take matches an edge with the segment that starts at path[i], or with the whole rest. It returns
// where the next segment starts, or 0 if the edge does not match.
//
//	digits, "/user/7/edit" at 6       8, where "edit" begins
//	digits, "/user/anna" at 6         0
//	path, "/docs/a/b/" at 6           11: no segment is left
//	path with a slash, the same       10: the empty segment after the slash is left
func (m *matcher) take(e *edge, i int) int {
	if e.kind == digitsEdge {
		return e.skipDigits(m.path, i)
	}
	to := len(m.path)
	if !e.pattern.final {
		to = segmentEnd(m.path, i)
	}
	switch slash, ok := e.pattern.matches(m.path[i:to]); {
	case !ok:
		return 0
	case slash:
		return to // the empty segment after the slash is left
	}
	return to + 1
}

// end chooses one of the rules that end at s.
func (m *matcher) end(s *node) *rule {
	for _, r := range s.rules {
		// The first condition is fits(s, r) for the rules that most Maps consist of.
		if r.match.byPathAndMethod && r.methods&m.method != 0 && !m.webSocket || m.fits(s, r) {
			return r
		}
	}
	// No rule ends here, but one may end behind a slash that the path does not have: /user/7 for the
	// rule /user/<int:id>/. The redirect is only for requests that this rule would take. A request
	// with another method must become a 405 or 404, because a redirect would lead to nothing better.
	if s.slash != nil {
		for _, r := range s.slash.rules {
			if r.webSocket == m.webSocket && r.methods&m.method != 0 && m.accepts(r) {
				if r.slashes.strict {
					return needsSlash
				}
				return r
			}
		}
	}
	return nil
}

// fits reports whether r, which ends at s, fits the request, and otherwise records what was
// missing. The order of the checks decides the error. Values come first: if a converter refuses
// one, the rule is not about this path, and its methods must not appear in Allow. Then come the
// method (405) and the WebSocket (400). The condition comes last, because it is a function of the
// program, which should not run for requests that cannot match.
func (m *matcher) fits(s *node, r *rule) bool {
	if r.match.asksConverters && !m.acceptsValues(r) {
		return false
	}
	if r.methods&m.method == 0 {
		m.allowed |= r.methods
		m.refusing = s
		return false
	}
	if r.webSocket != m.webSocket {
		m.mismatch = true
		return false
	}
	return r.condition == nil || m.acceptsCondition(r)
}

// accepts is the part of fits that records nothing, for rules behind a missing slash.
func (m *matcher) accepts(r *rule) bool {
	return (!r.match.asksConverters || m.acceptsValues(r)) && (r.condition == nil || m.acceptsCondition(r))
}

// acceptsValues calls the converters that can refuse a string.
func (m *matcher) acceptsValues(r *rule) bool {
	f := found{rule: r, host: m.host, slash: m.slash}
	for i, text := range f.texts(m.path) {
		if c := r.variables[i].converter; c.checks() && !c.accepts(text) {
			return false
		}
	}
	return true
}

// acceptsCondition checks the rule's condition. A condition is the last test, so if it is met, the
// rule matches, and its values are those of the match.
func (m *matcher) acceptsCondition(r *rule) bool {
	if m.request == nil {
		return r == m.expected
	}
	vars, ok := r.condition.Match(m.request)
	if ok {
		m.vars = vars
	}
	return ok
}

// found returns the state of the match, without the path.
func (m *matcher) found(r *rule) *found {
	// Only these three differ from one match to the next. All other matches share the rule's state,
	// so that a match allocates nothing.
	if m.slash == 0 && m.vars == nil && !r.match.hasHostParams {
		return &r.found
	}
	return &found{rule: r, host: m.host, slash: m.slash, vars: m.vars}
}

// failure is the error of a walk that found no rule. A 405 comes first: a client can correct the
// method, and learns from Allow which to use. Then comes the 400 of a WebSocket, and last the 404.
func (m *matcher) failure(t *table) error {
	switch {
	case m.allowed != 0 && m.allowed == m.refusing.methods:
		return m.refusing.refusal
	case m.allowed != 0:
		return &MethodNotAllowedError{Allow: t.namesOf(m.allowed)}
	case m.mismatch:
		return ErrWebSocketMismatch
	}
	return httperror.NotFound
}
