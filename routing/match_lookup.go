package routing

import "strings"

// From a request to a rule: the steps before and after the walk.
//
//	the path without variables?        found in an index, no walk
//	only one way through the tree?     followed without a matcher
//	anything else                      a walk, from the host on if hosts differ
//	no rule                            once more with single slashes, then 404 or 405
//	a rule that can redirect           alias, defaults, RedirectTo: see match_redirect.go
//
// For the rules
//
//	/about                 1
//	/user/<int:id>         2
//	/user/<name>/posts     3
//	/docs/<path:page>      4
//
// the paths take these steps:
//
//	/about             1 is in the index of paths without variables
//	/docs/a/b          one way: "docs". Its only pattern is not a fast one, so search goes on there
//	/user/7            "user" has two patterns, digits and segment: search goes on at "user"
//	/user/7/posts      search tries the digits first, goes back, and finds 3
//	//user/7           two slashes at the start are read as one, before the walk
//	/user//7           no rule. With one slash 2 matches: redirect to /user/7

// match finds the rule for the request or the base of b, with method, and returns the state of the
// match. The string is the path of the match, with which Params find their values. It is the
// request's own path, except for encoded slashes and slashes at its start.
func (t *table) match(b *bound, method methodSet) (*found, string, error) {
	// A base names a path in plain text, which has no encoded slashes.
	if b.base != nil {
		return t.search(b, method, b.base.Path, nil, 1)
	}
	// RawPath is set if the path has an encoded slash, or something else that decoding would lose.
	// Such a slash must not end a segment, so search puts a stand-in there.
	path := b.request.URL.Path
	if b.request.URL.RawPath != "" {
		return t.search(b, method, path, nil, 1)
	}
	// A rule that is not final needs more than the path and the method. The rules after it must wait
	// for its answer, so the loop ends there and search decides.
	for _, r := range t.statics.find(path) {
		if !r.match.isFinal {
			break
		}
		if r.methods&method != 0 {
			return &r.found, path, nil
		}
	}
	// In these cases something besides the path and the method can decide: the host, the headers of
	// a WebSocket, or slashes at the start that must become one.
	if t.start == nil || t.webSockets || path == "" || path[0] != '/' || len(path) > 1 && path[1] == '/' {
		return t.search(b, method, path, nil, 1)
	}
	// If several rules end at the node, the first that takes the method matches, as in end.
	n, i := t.start.only(path, 1)
	if i > len(path) {
		for _, r := range n.rules {
			if !r.match.isFinal {
				break
			}
			if r.methods&method != 0 {
				return &r.found, path, nil
			}
		}
	}
	return t.search(b, method, path, n, i)
}

// only follows the path from node n and the segment at path[i], as long as only one edge can match
// the segment. It returns where it stopped. That needs no matcher that can backtrack; with one, a
// match with variables would take 1.1 to 1.4 times as long (bench/routing). For the rules above,
// and /one/<name>/x/<int:n>, it stops
//
//	/docs/a/b       at offset 6, where <path:page> is not a fast edge
//	/user/7         at offset 6, where there are two patterns
//	/one/anna/x/7   behind the end, at the node of the rule
//	/one/anna/x/y   at offset 12, since "y" is not digits
//	/none           at offset 1
//
// If it stops within the path, search goes on there, and finds the rule or the error.
func (n *node) only(path string, i int) (*node, int) {
	for i <= len(path) {
		rest := path[i:]
		if rest == "" || rest[0] == '/' {
			// A loose rule at this node would match as well, and a variable may take an empty string.
			if n.slash == nil || len(n.edges) > 0 || n.loose {
				break
			}
			n, i = n.slash, i+1
			continue
		}
		if len(n.literals) > 0 {
			if next, length := n.child(rest); next != nil {
				if len(n.edges) > 0 {
					break // the walk may have to come back and try a pattern
				}
				n, i = next, i+length
				continue
			}
		}
		if len(n.edges) != 1 {
			break
		}
		e := &n.edges[0]
		after := 0
		if e.kind == segmentEdge {
			after = segmentEnd(path, i) + 1
		} else if after = e.skipDigits(path, i); after == 0 {
			break
		}
		n, i = e.next, after
	}
	return n, i
}

// search finds the rule if several edges must be tried. It starts at the node s and the segment at
// i, or at the start if s is nil.
func (t *table) search(b *bound, method methodSet, path string, s *node, i int) (*found, string, error) {
	// The matcher is on the stack. It is passed on only to methods that do not keep it.
	m := matcher{path: path, method: method, request: b.request}
	// If only has walked a part of the path, none of this is needed: match has excluded it.
	if s == nil {
		if b.base == nil && b.request.URL.RawPath != "" {
			m.path, m.slash = unescapeSegments(b.request.URL)
		}
		if m.path == "" || m.path[0] != '/' || len(m.path) > 1 && m.path[1] == '/' {
			m.path = oneSlash(m.path)
		}
		if t.webSockets || b.base != nil {
			m.webSocket = b.webSocket()
		}
		if s, i = t.startOf(b), 1; s == nil {
			_, subdomain, err := t.domain(b)
			if err != nil {
				return nil, "", err
			}
			m.host = subdomain
		}
	}
	var r *rule
	if s != nil {
		r = m.walk(s, i)
	} else {
		r = m.run(t, nil)
	}
	// Errors and rules that can redirect are left to resolve. Nearly all requests match a rule that
	// cannot.
	if r == nil || r == needsSlash || r.match.mayRedirect {
		return t.resolve(b, &m, r)
	}
	return m.found(r), m.path, nil
}

// resolve handles everything except a plain match.
func (t *table) resolve(b *bound, m *matcher, r *rule) (*found, string, error) {
	if r == nil || r == needsSlash {
		return nil, "", t.unmatched(b, m, r)
	}
	params := Params{m.found(r), m.path}
	// An alias comes first. Its redirect may lead to the shorter rule at once: /all/p/1 to /all/.
	if r.alias && !t.options.KeepDefaults {
		if err := t.canonical(b, m, r, params); err != nil {
			return nil, "", err
		}
	}
	for _, o := range r.shorter {
		if redirect := t.shortened(b, m, o, params); redirect != nil {
			return nil, "", redirect
		}
	}
	if r.redirectTo != "" || r.redirectFunc != nil {
		return nil, "", t.ruleRedirect(b, r, params)
	}
	return params.found, params.path, nil
}

// unmatched returns the error if no rule matches, or if a rule would match with a slash.
func (t *table) unmatched(b *bound, m *matcher, r *rule) error {
	if r == needsSlash {
		return t.redirectTo(b, m.quoted(m.path+"/"))
	}
	if err := t.merged(b, m); err != nil {
		return err
	}
	// No rule of the path takes OPTIONS, since it would have matched.
	if t.options.AutomaticOptions && m.method == optionsMethod && m.allowed != 0 {
		return &optionsResponse{Allow: t.namesOf(m.allowed | optionsMethod)}
	}
	return m.failure(t)
}

// merged matches once more, with single slashes. If something matches, it returns the redirect to
// that path. This second walk is only for paths that match nothing, so it costs nothing for others,
// and a variable that may contain slashes still gets two in a row.
func (t *table) merged(b *bound, m *matcher) error {
	if !t.options.MergeSlashes.or(true) || !strings.Contains(m.path, "//") {
		return nil
	}
	// The second walk records methods as the first one did. If it finds nothing, unmatched returns
	// a 405 with the methods of both paths, as Werkzeug does.
	m.path = mergeSlashes(m.path)
	r := m.run(t, t.startOf(b))
	switch {
	case r == needsSlash:
		return t.redirectTo(b, m.quoted(m.path+"/"))
	// A rule without MergeSlashes wants to see the slashes, so no redirect to it removes them.
	case r == nil || !r.slashes.merge:
		return nil
	}
	return t.redirectTo(b, m.quoted(m.path))
}

// staticPaths finds the rules that end at a path without variables.
type staticPaths struct {
	textIndex
	// lengths has a bit for the length of each path, modulo 64. If no path in the index has the
	// length of the request's path, its bytes need not be hashed.
	lengths uint64
}

// find returns the rules that end exactly at path. It returns nil if there are none. If lengths has
// a bit, there is at least one slot.
func (x *staticPaths) find(path string) []*rule {
	if x.lengths>>(uint(len(path))&63)&1 == 0 {
		return nil
	}
	return x.slot(path).rules
}

// newStaticPaths returns the index of the given paths, which must all differ.
func newStaticPaths(list []textSlot) staticPaths {
	x := staticPaths{textIndex: newTextIndex(len(list))}
	for _, p := range list {
		*x.slot(p.text) = p
		x.lengths |= 1 << (uint(len(p.text)) & 63)
	}
	return x
}

// staticText returns the only path that the rule's parts match, if there is one.
//
//	/about             "/about"
//	//docs//api        "/docs/api", with MergeSlashes
//	/user/<name>       none
//
// Usually it is the rule's own path, which takes no memory.
func (r *rule) staticText() (path string, ok bool) {
	length := 0
	for _, p := range r.pathParts[1:] {
		if p.pattern != nil {
			return "", false
		}
		length += 1 + len(p.static)
	}
	path = r.path
	if length != len(path) { // it has slashes that were merged
		var b strings.Builder
		for _, p := range r.pathParts[1:] {
			b.WriteByte('/')
			b.WriteString(p.static)
		}
		path = b.String()
	}
	return path, true
}
