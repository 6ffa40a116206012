package routing

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/zeugkit/zeug/httperror"
)

// matcher is one walk through a table: what it looks for and what it found.
type matcher struct {
	path   string // decoded, with a stand-in for slashes that were encoded
	slash  byte   // the stand-in, or 0
	host   string // the host or subdomain
	method methodSet
	// webSocket says that the request opens a WebSocket.
	webSocket bool
	mismatch  bool              // a rule matched but for webSocket
	allowed   methodSet         // methods of rules that matched but for theirs
	refusing  *state            // where the last of them ended
	request   *http.Request     // for conditions; may be nil
	vars      map[string]string // what a rule's route found

	// expected is the rule whose conditions are taken for met: where there is no
	// request, but a URL that was built.
	expected *rule
}

// needsSlash is what a walk returns when a branch was asked for without the
// slash that it ends in.
var needsSlash = new(rule)

// run walks from start, or else from what the host leads to.
func (m *matcher) run(t *table, start *state) *rule {
	const first = 1
	if start != nil {
		return m.walk(start, first)
	}
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

// walk matches the segments of m.path that start at i with what may follow s,
// and returns the rule it ends at, needsSlash, or nil. An i beyond the path's
// end says that no segment is left, and the path's end itself that an empty one
// is.
func (m *matcher) walk(s *state, i int) *rule {
	for {
		if i > len(m.path) {
			return m.end(s)
		}
		rest := m.path[i:]
		var next *state
		length := 1
		if rest == "" || rest[0] == '/' {
			next = s.slash
		} else if len(s.kids) > 0 {
			next, length = s.child(rest)
		}
		if next != nil {
			if len(s.edges) == 0 && !(s.loose && rest == "") {
				s, i = next, i+length
				continue
			}
			if r := m.walk(next, i+length); r != nil {
				return r
			}
		}
		for n := range s.edges {
			e := &s.edges[n]
			after := i
			switch e.kind {
			case textEdge:
				if after = segmentEnd(m.path, i); after == i {
					continue
				}
				after++
			case digitsEdge:
				after = digits(m.path, i)
				if after == i || after < len(m.path) && m.path[after] != '/' || after-i > surelyInt && !isInt(m.path[i:after]) {
					continue
				}
				after++
			default:
				var ok bool
				if after, ok = m.take(e.pattern, i); !ok {
					continue
				}
			}
			var r *rule
			if after > len(m.path) {
				r = m.end(e.next)
			} else {
				r = m.walk(e.next, after)
			}
			if r != nil {
				return r
			}
		}
		if rest == "" && s.loose {
			for _, r := range s.rules {
				if !r.strict && m.fits(s, r) {
					return r
				}
			}
		}
		return nil
	}
}

// take matches a pattern with the segment that starts at i, or with all that is
// left, and returns where the next segment starts.
func (m *matcher) take(p *pattern, i int) (after int, ok bool) {
	to := len(m.path)
	if !p.final {
		to = segmentEnd(m.path, i)
	}
	slash, ok := p.matches(m.path[i:to])
	if slash {
		return to, ok // the empty segment behind the slash is left
	}
	return to + 1, ok
}

// end chooses among the rules that end at s.
func (m *matcher) end(s *state) *rule {
	for _, r := range s.rules {
		if r.simple && r.methods&m.method != 0 && !m.webSocket || m.fits(s, r) {
			return r
		}
	}
	if s.slash != nil {
		for _, r := range s.slash.rules {
			if r.webSocket == m.webSocket && r.methods&m.method != 0 && m.accepts(r) {
				if r.strict {
					return needsSlash
				}
				return r
			}
		}
	}
	return nil
}

// fits reports whether r, which ends at s, takes the request, and remembers what
// was missing if not.
func (m *matcher) fits(s *state, r *rule) bool {
	if r.checked && !m.acceptsValues(r) {
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
	return r.route == nil || m.acceptsRoute(r)
}

func (m *matcher) accepts(r *rule) bool {
	return (!r.checked || m.acceptsValues(r)) && (r.route == nil || m.acceptsRoute(r))
}

// acceptsValues asks the converters that can refuse a text.
func (m *matcher) acceptsValues(r *rule) bool {
	f := found{rule: r, host: m.host, slash: m.slash}
	for i, text := range f.texts(m.path) {
		if c := r.variables[i].converter; c.checks() && !c.accepts(text) {
			return false
		}
	}
	return true
}

// acceptsRoute asks the rule's conditions.
func (m *matcher) acceptsRoute(r *rule) bool {
	if m.request == nil {
		return r == m.expected
	}
	var found mux.RouteMatch
	if !r.route.Match(m.request, &found) || found.MatchErr != nil {
		return false
	}
	m.vars = found.Vars
	return true
}

// found returns what the matcher found besides the path.
func (m *matcher) found(r *rule) *found {
	if m.slash == 0 && m.vars == nil && !r.hosted {
		return &r.found
	}
	return &found{rule: r, host: m.host, slash: m.slash, vars: m.vars}
}

// failure is the error of a walk that found no rule.
func (m *matcher) failure(t *table) error {
	switch {
	case m.allowed != 0 && m.allowed == m.refusing.methods:
		return m.refusing.refusal
	case m.allowed != 0:
		return &MethodNotAllowed{Allow: t.namesOf(m.allowed)}
	case m.mismatch:
		return ErrWebSocketMismatch
	}
	return httperror.NotFound
}
