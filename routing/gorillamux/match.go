package gorillamux

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/zeugkit/zeug/gateway"
)

// The walk through the tree does the same as mux: it tries every route in turn, and every matcher
// of the route, with one mux.RouteMatch. So each MatcherFunc is called as often as in mux, and sees
// the same values. The walk is fast because most tests compare a few bytes instead of running a
// regular expression.
//
// Request: GET /api/users/7 in the tree of compile.go
//
//	path ^/$                          no
//	prefix ^/api                      yes
//	  path ^/api/users/(?P<v0>...)$   yes
//	  methods GET                     yes: handler user, vars id=7
//	the subrouter's middlewares, then the router's

// state is the request of a walk, and its result so far.
type state struct {
	request *http.Request
	found   mux.RouteMatch
	encoded string // the path as it was sent, if a matcher has needed it

	// leaf is the route that found.Handler belongs to, inside the middlewares of depth routers; nil
	// if the handler belongs to no route. It is reset whenever the handler is replaced by one that
	// is not a route's: a redirect, a MatcherFunc's, or a NotFoundHandler.
	leaf  *route
	depth int

	// refusing is the first route that matches except for its methods. Most 405s have one such
	// route, and its Allow header has been made already.
	refusing *route
	// refusingAlso are the others.
	refusingAlso []*route
}

// missing is the handler for a route that has none.
var missing = http.NotFoundHandler()

// match tries the routes of a router, as mux.Router.Match does.
func (n *node) match(s *state) bool {
	for _, r := range n.routes {
		if r.prefix != "" && !strings.HasPrefix(s.path(r.matchers[0].pattern.encodedPath), r.prefix) {
			// mux would have matched the inherited matchers of this route first, and each matcher
			// that succeeds clears the mismatch of an earlier route.
			if r.inherits {
				s.forgetMismatch()
			}
			continue
		}
		if r.match(s) {
			if s.found.MatchErr == nil {
				n.wrap(s)
				// mux leaves this router's middlewares out if the match has an error. within has no
				// handler without them, so the routers outside wrap the handler themselves.
			} else if len(n.middlewares) > 0 {
				s.leaf = nil
			}
			return true
		}
	}
	// No route matches. A method that did not fit comes before a path that did not.
	if s.found.MatchErr == mux.ErrMethodMismatch {
		if n.methodNotAllowed == nil {
			return false
		}
		s.found.Handler, s.leaf = n.methodNotAllowed, nil
		return true
	}
	// mux sets it even if there is no handler, and a route around this router clears it.
	s.found.MatchErr = mux.ErrNotFound
	if n.notFound == nil {
		return false
	}
	s.found.Handler, s.leaf = n.notFound, nil
	return true
}

// wrap puts the found handler inside the router's middlewares. mux wraps the handler for each
// request. Here the handlers within the middlewares have been made by FromRouter, and depth counts
// how many routers the match has left.
func (n *node) wrap(s *state) {
	switch {
	case len(n.middlewares) == 0:
	case s.leaf != nil:
		s.found.Handler = s.leaf.within[s.depth]
		s.depth++
	// A route without a handler, such as one with only a name, is a 404 within the middlewares.
	case s.found.Handler == nil:
		s.found.Handler = wrap(n.middlewares, missing)
	default:
		s.found.Handler = wrap(n.middlewares, s.found.Handler)
	}
}

// match tries the matchers of a route, as mux.Route.Match does. A mismatch of the method is
// recorded, and cleared again if any other matcher succeeds, as in mux: with "POST /a" and "/b on
// this host", GET /a is 404.
func (r *route) match(s *state) bool {
	if r.never {
		return false
	}
	if r.inherits {
		s.forgetMismatch()
	}
	mismatch := false
	for i := range r.matchers {
		m := &r.matchers[i]
		switch {
		case m.match(s):
			s.forgetMismatch()
		case m.kind == methodsMatcher:
			mismatch = true
		default:
			if s.found.MatchErr == mux.ErrNotFound { // of a subrouter
				s.found.MatchErr = nil
			}
			return false
		}
	}
	// All other matchers have succeeded, so the path has this route, and the answer may be a 405.
	if mismatch {
		s.found.MatchErr = mux.ErrMethodMismatch
		if s.refusing == nil {
			s.refusing = r
		} else {
			s.refusingAlso = append(s.refusingAlso, r)
		}
		return false
	}
	if s.found.MatchErr == mux.ErrMethodMismatch && r.handler != nil { // it has no matchers
		s.found.MatchErr, s.found.Handler = nil, nil
	}
	// A subrouter's route has set it already: the innermost route counts.
	if s.found.Route == nil {
		s.found.Route = r.mux
	}
	if s.found.Handler == nil {
		s.found.Handler, s.leaf, s.depth = r.handler, nil, 0
		if len(r.within) > 0 {
			s.leaf = r
		}
	}
	r.variables(s)
	return true
}

// forgetMismatch clears the mismatch of an earlier route, as mux does for each matcher that
// succeeds.
func (s *state) forgetMismatch() {
	if s.found.MatchErr == mux.ErrMethodMismatch {
		s.found.MatchErr = nil
	}
}

// The common tests are made here. All others, headers, schemes, queries and functions, are mux's.
func (m *matcher) match(s *state) bool {
	switch m.kind {
	case pathMatcher:
		return m.pattern.matches(s.path(m.pattern.encodedPath))
	case hostMatcher:
		return m.pattern.matches(s.host(m.pattern))
	case methodsMatcher:
		return slices.Contains(m.methods, s.request.Method)
	case nodeMatcher:
		return m.node.match(s)
	case queryMatcher:
		// mux would parse the query for each of its matchers. Without one the answer is known in
		// advance.
		if s.request.URL.RawQuery == "" {
			return m.withoutQuery
		}
	case functionMatcher:
		s.leaf = nil // the middleware may set another handler
	}
	return m.other.Match(s.request, &s.found)
}

// path returns the path against which a pattern is matched: decoded, or as it was sent.
func (s *state) path(encoded bool) string {
	if !encoded {
		return s.request.URL.Path
	}
	if s.encoded == "" {
		s.encoded = s.request.URL.EscapedPath()
	}
	return s.encoded
}

// host returns the host against which a pattern is matched: without a port, unless the pattern has
// one. For the Host "a.test:8080" it is "a.test", and "a.test:8080" for a template with a port.
func (s *state) host(p *pattern) string {
	host := s.request.Host
	// A request to a proxy has the host in its URL, and mux takes that.
	if s.request.URL.IsAbs() {
		host = s.request.URL.Host
	}
	if p.anyPort {
		host, _, _ = strings.Cut(host, ":")
	}
	return host
}

// variables adds the route's variables to those found, as mux does: the variables of the outer
// routes follow, and replace variables of the same name. A path that matches except for its slash
// becomes a redirect.
func (r *route) variables(s *state) {
	if s.found.Vars == nil {
		s.found.Vars = map[string]string{}
	}
	if r.host != nil {
		r.host.capture(s.host(r.host), s.found.Vars)
	}
	if r.path != nil {
		path := s.path(r.encodedPath)
		// The regular expression of a strict path ends with "[/]?", so both spellings match. The
		// template says which of them is the right one.
		if r.path.capture(path, s.found.Vars) && r.path.strictSlash && strings.HasSuffix(path, "/") != strings.HasSuffix(r.path.template, "/") {
			s.found.Handler, s.leaf = http.RedirectHandler(otherSlash(s.request), http.StatusMovedPermanently), nil
		}
	}
	for _, q := range r.queries {
		q.capture(q.queryOf(s.request.URL.RawQuery), s.found.Vars)
	}
}

// otherSlash returns the URL of a request with a slash added to the end of the path, or removed
// from it. "/u/7/?x=1" becomes "/u/7?x=1". Werkzeug and package routing never remove the last
// slash.
func otherSlash(r *http.Request) string {
	u := *r.URL
	if rest, ok := strings.CutSuffix(u.Path, "/"); ok {
		u.Path = rest
	} else {
		u.Path += "/"
	}
	return mounted(r, &u)
}

// cleaned returns the URL of a request without empty and dotted segments; "" if there are none, or
// if the router does not clean paths.
//
//	//u/7, /u/../u/7    /u/7
//	/u/7/               "", since the last slash is kept
//	""                  /
func (m *Router) cleaned(r *http.Request) string {
	if m.skipClean {
		return ""
	}
	was := r.URL.Path
	if m.encodedPath {
		was = r.URL.EscapedPath()
	}
	is := was
	if is == "" || is[0] != '/' {
		is = "/" + is
	}
	slash := is[len(is)-1] == '/'
	if is = path.Clean(is); slash && is != "/" {
		is += "/"
	}
	if is == was {
		return ""
	}
	u := *r.URL
	u.Path = is
	return mounted(r, &u)
}

// mounted returns the URL u, with its path below the mount through which r came. mux does not know
// of mounts: it would redirect to a path outside of them.
func mounted(r *http.Request, u *url.URL) string {
	root := gateway.RootPath(r)
	if root == "" {
		return u.String()
	}
	place := url.URL{Scheme: u.Scheme, Host: u.Host, User: u.User}
	rest := *u
	rest.Scheme, rest.Host, rest.User, rest.Opaque = "", "", nil, ""
	return place.String() + root + "/" + strings.TrimLeft(rest.String(), "/")
}

// allow returns the Allow header of a 405: the methods of the routes that match except for their
// methods, sorted.
func (s *state) allow() []string {
	if len(s.refusingAlso) == 0 {
		return s.refusing.allow
	}
	return allowOf(append(s.refusingAlso, s.refusing)...)
}

// allowOf returns the value of an Allow header, in the form of http.Header, for the methods of
// routes.
func allowOf(routes ...*route) []string {
	var methods []string
	for _, r := range routes {
		for _, m := range r.matchers {
			methods = append(methods, m.methods...)
		}
	}
	slices.Sort(methods)
	return []string{strings.Join(slices.Compact(methods), ", ")}
}
