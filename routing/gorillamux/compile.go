package gorillamux

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/gorilla/mux"
)

// From a mux router to a tree of nodes, through which [node.match] walks in the way mux walks its
// routers. For
//
//	router.Path("/").Handler(index)
//	api := router.PathPrefix("/api").Subrouter()
//	api.Path("/users/{id}").Methods("GET").Handler(user)
//
// the tree is
//
//	node                             the router
//	├─ route  path ^/$               index
//	└─ route  prefix ^/api
//	   └─ node                       the subrouter, the last matcher of its route
//	      └─ route  path ^/api/users/(?P<v0>[^/]+)$, methods GET    user
//
// A route inherits the matchers of the routes around it: mux checks the prefix /api again at each
// route of the subrouter. The second check cannot fail, so the copy of the matcher is left out.

// node is a router. A subrouter is a node too. It can be in the tree twice: the second subrouter of
// a route inherits the first one as a matcher.
type node struct {
	// routes are in the order in which they were registered. mux tries them in this order, so
	// package routing's order of precedence does not apply here.
	routes []*route
	// middlewares are the router's own. Those of outer routers are around them.
	middlewares []middleware
	// notFound and methodNotAllowed are nil if the router has no such handler.
	notFound, methodNotAllowed http.Handler
}

// route is a route of mux.
type route struct {
	mux      *mux.Route
	template string // of its path, "" if it has none
	handler  http.Handler
	// within[i] is the handler (404 if it is nil) inside the middlewares of the i+1 innermost
	// routers that have any. For the router above with the middlewares a, and b and c at the
	// subrouter, within has two handlers for the route of the users: b(c(user)), and a(b(c(user))).
	within []http.Handler
	// never says that the route never matches: it only builds URLs, or is faulty.
	never bool
	// inherits says that matchers of the routes around it were left out.
	inherits bool
	// matchers are tried in mux's order, the order of the calls that added them.
	matchers []matcher
	// prefix is the beginning of every path that the first matcher matches, if that is a matcher of
	// the path. With it, most routes of a router are skipped by one comparison: "/api/users/" for
	// the route of the users.
	prefix string
	allow  []string // the Allow header of a 405

	host, path  *pattern // patterns that find the variables
	queries     []*pattern
	encodedPath bool
}

// leadsOn reports whether the route exists only for its subrouter. It is left out of lists of
// routes, as no request ends there.
func (r *route) leadsOn() bool {
	return r.handler == nil && slices.ContainsFunc(r.matchers, func(m matcher) bool { return m.kind == nodeMatcher })
}

// matcher is one test of a route. Which of the fields is used depends on the kind.
type matcher struct {
	kind    matcherKind
	pattern *pattern // the pattern of a path or host
	methods []string // any of them
	node    *node    // a subrouter
	// other is mux's own matcher. It is called if this package has no faster way to make the test.
	other matchFunc
	// withoutQuery says whether a test of the query succeeds if there is no query.
	withoutQuery bool
}

type matcherKind uint8

const (
	pathMatcher matcherKind = iota
	hostMatcher
	methodsMatcher
	queryMatcher
	nodeMatcher
	functionMatcher // a MatcherFunc, which may change the match
	pureMatcher     // headers and schemes
)

// compiler turns mux routers into Routers.
type compiler struct {
	// routers are the routers that are handlers, each made once. It also ends the recursion if a
	// router is mounted in itself.
	routers map[*mux.Router]*Router
	// nodes are the nodes of the current Router, each made once.
	nodes map[*mux.Router]*node
	all   []*route // of the current Router
	errs  []error
}

// mount makes a Router from a router that is used as a handler.
func (c *compiler) mount(router *mux.Router) *Router {
	if m := c.routers[router]; m != nil {
		return m
	}
	conf := private(reflect.ValueOf(router).Elem(), "routeConf")
	m := &Router{router: router, skipClean: field[bool](conf, "skipClean"), encodedPath: field[bool](conf, "useEncodedPath")}
	c.routers[router] = m
	all, nodes := c.all, c.nodes
	// The mounted router is a Router of its own: middlewares of the outer one are around its
	// handler, and are not repeated inside it.
	c.all, c.nodes = nil, map[*mux.Router]*node{}
	m.root = c.node(router, nil)
	m.routes = c.all
	c.all, c.nodes = append(all, c.all...), nodes
	return m
}

// node makes the node of a router, which is inside the given middlewares, the innermost first.
func (c *compiler) node(router *mux.Router, around [][]middleware) *node {
	// The node has been made for other middlewares around it. The handlers within them would be
	// wrong here.
	if n := c.nodes[router]; n != nil {
		n.forget()
		return n
	}
	v := reflect.ValueOf(router).Elem()
	n := &node{notFound: c.handler(router.NotFoundHandler), methodNotAllowed: c.handler(router.MethodNotAllowedHandler)}
	c.nodes[router] = n
	list := private(v, "middlewares")
	for i := range list.Len() {
		n.middlewares = append(n.middlewares, list.Index(i).Interface().(middleware))
	}
	if len(n.middlewares) > 0 {
		around = append([][]middleware{n.middlewares}, around...)
	}
	// mux copies the matchers of the outer route to each route of a subrouter, so that they come
	// first there.
	inherited := private(private(v, "routeConf"), "matchers").Len()
	for _, r := range field[[]*mux.Route](v, "routes") {
		n.routes = append(n.routes, c.route(r, inherited, around))
	}
	return n
}

// forget drops the handlers within middlewares. It is called if the node is inside those of several
// routers, because a route has two subrouters.
func (n *node) forget() {
	for _, r := range n.routes {
		r.within = nil
		for _, m := range r.matchers {
			if m.kind == nodeMatcher {
				m.node.forget()
			}
		}
	}
}

// handler returns h. If h is a mux router, the handler serves its routes with this package.
func (c *compiler) handler(h http.Handler) http.Handler {
	if router, ok := h.(*mux.Router); ok && router != nil {
		return c.mount(router)
	}
	return h
}

// route makes a route. Its first matchers come from the route around it; inherited is the number of
// these.
func (c *compiler) route(source *mux.Route, inherited int, around [][]middleware) *route {
	v := reflect.ValueOf(source).Elem()
	conf := private(v, "routeConf")
	group := private(conf, "regexp")
	r := &route{
		mux: source, encodedPath: field[bool](conf, "useEncodedPath"),
		host: newPattern(readExpression(private(group, "host"))), path: newPattern(readExpression(private(group, "path"))),
	}
	r.template, _ = source.GetPathTemplate()
	if err := source.GetError(); err != nil {
		c.errs = append(c.errs, fmt.Errorf("gorillamux: route %d (%s %s): %w", len(c.all), source.GetName(), r.template, err))
	}
	// mux tests both for each request. A faulty route is an error of FromRouter in any case.
	r.never = field[bool](v, "buildOnly") || source.GetError() != nil
	c.all = append(c.all, r)
	r.handler = c.handler(source.GetHandler())
	queries := private(group, "queries")
	for i := range queries.Len() {
		r.queries = append(r.queries, newPattern(readExpression(queries.Index(i))))
	}
	matchers := private(conf, "matchers")
	for i := range matchers.Len() {
		m := c.matcher(matchers.Index(i), around)
		// It has succeeded at the outer route, or the walk would not be here.
		if i < inherited && m.pure() {
			r.inherits = true
			continue
		}
		r.matchers = append(r.matchers, m)
	}
	// If another matcher came first, skipping the route would also skip that matcher, which may be
	// a MatcherFunc that counts.
	if len(r.matchers) > 0 && r.matchers[0].kind == pathMatcher && !r.never {
		r.prefix = r.matchers[0].pattern.prefix()
	}
	r.allow = allowOf(r)
	h := r.handler
	if h == nil {
		h = missing
	}
	// The innermost middlewares come first in around, so each turn adds the next ones outside.
	for _, list := range around {
		h = wrap(list, h)
		r.within = append(r.within, h)
	}
	return r
}

// matcher converts a mux matcher. mux keeps most of its matchers in unexported types, so they are
// told apart by their types' names.
func (c *compiler) matcher(v reflect.Value, around [][]middleware) matcher {
	other := v.Interface().(matchFunc)
	switch v = v.Elem(); {
	case v.Type() == reflect.TypeFor[*mux.Router]():
		return matcher{kind: nodeMatcher, node: c.node(v.Interface().(*mux.Router), around)}
	case v.Type() == reflect.TypeFor[mux.MatcherFunc]():
		return matcher{kind: functionMatcher, other: other}
	case v.Type() == reflect.PointerTo(regexpType):
		e := readExpression(v)
		switch e.kind {
		case hostExpression:
			return matcher{kind: hostMatcher, pattern: newPattern(e)}
		case queryExpression:
			return matcher{kind: queryMatcher, other: other, withoutQuery: e.regexp.MatchString("")}
		}
		return matcher{kind: pathMatcher, pattern: newPattern(e)}
	// The type is a []string of methods in upper case.
	case v.Type().String() == "mux.methodMatcher":
		methods := make([]string, v.Len())
		for i := range methods {
			methods[i] = v.Index(i).String()
		}
		return matcher{kind: methodsMatcher, methods: methods}
	}
	return matcher{kind: pureMatcher, other: other}
}

// pure reports whether a matcher that succeeded at the outer route will succeed again, and changes
// nothing. Methods are not, since their mismatch is recorded; a subrouter and a MatcherFunc may
// change the match.
func (m *matcher) pure() bool {
	switch m.kind {
	case methodsMatcher, nodeMatcher, functionMatcher:
		return false
	}
	return true
}

// wrap returns h within the middlewares; the first one is outermost.
func wrap(list []middleware, h http.Handler) http.Handler {
	for _, m := range slices.Backward(list) {
		h = m.Middleware(h)
	}
	return h
}
