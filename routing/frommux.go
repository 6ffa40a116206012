package routing

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gorilla/mux"

	"github.com/zeugkit/zeug/httperror"
)

// FromMux returns a Map that answers as the mux router does: the same handlers
// in the same order of precedence, with the same variables (mux.Vars and [Args]),
// redirects and answers where nothing matches. Routes with a name are endpoints
// to build URLs by.
//
// The state machine finds the few routes whose path can match at all, in place
// of asking every regular expression in turn; mux's own conditions then decide.
// A router's middlewares are applied to a handler once, not at each request.
// Routes that are added to the router later are not seen.
//
// The error names the routes that mux itself found faulty.
func FromMux(router *mux.Router) (*Map[http.Handler], error) {
	m := &Map[http.Handler]{}
	b := &bridge{router: router, table: &table{}}
	b.probe()
	rules, err := b.walk()
	if err != nil {
		return nil, err
	}
	b.table.finish()
	b.table.bridge = b
	for i, c := range b.routes {
		c.public = &rules[i]
	}
	m.snapshot.Store(&snapshot[http.Handler]{table: b.table, rules: rules})
	return m, nil
}

// bridge is a table whose rules are the routes of a mux router.
type bridge struct {
	*table
	router *mux.Router
	routes []*muxRoute

	keepsPath bool // the router does not clean paths
	encoded   bool // it matches the path as it was sent
}

// muxRoute is a route as a candidate of the state machine.
type muxRoute struct {
	rule
	route *mux.Route
	// routers are the subrouters that the route is in.
	routers []*mux.Router
	// group is the subrouter that the route leads to, if it does and that has
	// routes.
	group *mux.Router
	// repeats says that a variable has the name of one of a router around it,
	// and so two values.
	repeats bool
	// handler is the route's handler within the routers' middlewares, once a
	// match has made it.
	handler atomic.Pointer[http.Handler]
}

// itself stands for a route's own handler, which a condition may replace while
// it matches.
var itself http.Handler = http.RedirectHandler("/", http.StatusSeeOther)

// probe learns the router's settings, which it shows to no one, from a subrouter
// of a copy: that has the same settings and no routes.
func (b *bridge) probe() {
	clone := *b.router
	empty := clone.NewRoute().Subrouter()
	redirects := func(u url.URL) bool {
		var answer status
		empty.ServeHTTP(&answer, &http.Request{Method: http.MethodGet, URL: &u})
		return answer.code == http.StatusMovedPermanently
	}
	b.keepsPath = !redirects(url.URL{Path: "//"})
	b.encoded = !redirects(url.URL{Path: "/a//b", RawPath: "/a%2F%2Fb"})
}

// status is a writer that only knows the status.
type status struct {
	code   int
	header http.Header
}

func (s *status) WriteHeader(code int) { s.code = cmp.Or(s.code, code) }

func (s *status) Write(b []byte) (int, error) { return len(b), nil }

func (s *status) Header() http.Header {
	if s.header == nil {
		s.header = http.Header{}
	}
	return s.header
}

// walk makes a candidate of every route.
func (b *bridge) walk() ([]Rule[http.Handler], error) {
	b.table.hosts = map[string]*state{"": {}}
	var named []*rule
	var states stateSlabs
	var rules []Rule[http.Handler]
	var errs []error
	byRoute := map[*mux.Route]*muxRoute{}
	err := b.router.Walk(func(route *mux.Route, router *mux.Router, ancestors []*mux.Route) error {
		template, err := route.GetPathTemplate()
		if err != nil {
			template = ""
		}
		if err := route.GetError(); err != nil {
			errs = append(errs, fmt.Errorf("routing: mux route %d (%s %s): %w", len(b.routes), route.GetName(), template, err))
			return nil
		}
		c := &muxRoute{route: route}
		c.methods = allMethods
		c.index, c.path, c.endpoint, c.muxRoute = len(b.routes), template, route.GetName(), c
		if len(ancestors) > 0 {
			parent := byRoute[ancestors[len(ancestors)-1]]
			parent.group = router
			c.routers = append(slices.Clip(parent.routers), router)
		}
		names, _ := route.GetVarNames()
		slices.Sort(names)
		c.repeats = len(slices.Compact(slices.Clone(names))) < len(names)
		byRoute[route] = c
		b.routes = append(b.routes, c)
		methods, _ := route.GetMethods()
		host, _ := route.GetHostTemplate()
		rules = append(rules, Rule[http.Handler]{Path: template, Endpoint: route.GetName(), Methods: methods, Host: host, Target: route.GetHandler(), Route: route})
		if c.endpoint != "" {
			named = append(named, &c.rule)
		}
		return b.enter(c, &states)
	})
	b.table.endpoints = newEndpoints(named)
	return rules, errors.Join(append(errs, err)...)
}

// enter leads a candidate into the state machine by all paths that it may match,
// and perhaps by more.
func (b *bridge) enter(c *muxRoute, states *stateSlabs) error {
	expression, err := c.route.GetPathRegexp()
	if err != nil {
		expression = "" // it has no path, and so matches any
	}
	way := muxWay(c.path, strings.HasSuffix(expression, "$"))
	c.host = []part{{}}
	add := func(way []part) {
		c.way = way
		b.table.add(&c.rule, states)
	}
	add(way)
	// With StrictSlash a path also matches without its slash, or with one.
	last := way[len(way)-1]
	switch {
	case last.pattern != nil && last.pattern.final:
	case last.pattern == nil && last.static == "" && len(way) > 2:
		add(way[:len(way)-1])
	default:
		add(append(slices.Clip(way), part{}))
	}
	return nil
}

// match finds the route, its handler and its variables for a request.
func (b *bridge) match(r *http.Request) (*found, http.Handler, error) {
	if redirect := b.cleaned(r); redirect != nil {
		return nil, nil, redirect
	}
	if r.URL.RawPath != "" || !plainPath(r.URL.Path) {
		return b.ask(r, nil)
	}
	var space [16]int32
	for _, i := range b.candidates(r.URL.Path, space[:0]) {
		c := b.routes[i]
		if c.group != nil {
			if answersItself(c.group) {
				return b.ask(r, nil)
			}
			continue
		}
		if c.repeats || c.guarded() {
			return b.ask(r, nil)
		}
		match := mux.RouteMatch{Handler: itself}
		if !c.route.Match(r, &match) {
			continue
		}
		handler := c.handler.Load()
		if handler == nil || match.Handler != itself || match.MatchErr != nil {
			return b.ask(r, c)
		}
		return c.foundWith(match.Vars), *handler, nil
	}
	return b.ask(r, nil)
}

// foundWith returns what a match of the route keeps.
func (c *muxRoute) foundWith(vars map[string]string) *found {
	return &found{rule: &c.rule, vars: vars}
}

// guarded reports whether a subrouter around the route answers by itself what it
// does not match.
func (c *muxRoute) guarded() bool {
	return slices.ContainsFunc(c.routers, answersItself)
}

// answersItself reports whether a subrouter answers what it does not match.
func answersItself(router *mux.Router) bool {
	return router.NotFoundHandler != nil || router.MethodNotAllowedHandler != nil
}

// ask lets the mux router match, and remembers the handler of the route that
// was expected.
func (b *bridge) ask(r *http.Request, expected *muxRoute) (*found, http.Handler, error) {
	var match mux.RouteMatch
	matched := b.router.Match(r, &match)
	if !matched {
		match.Handler = nil
	}
	if match.Handler == nil || match.Route == nil {
		return nil, nil, b.failure(r, match)
	}
	for _, c := range b.routes {
		if c.route != match.Route {
			continue
		}
		probe := mux.RouteMatch{Handler: itself}
		if own := c.route.Match(r, &probe) && probe.Handler == itself && probe.MatchErr == nil; own {
			// Its middlewares would call nothing.
			if c.route.GetHandler() == nil && !b.handlerBefore(r, c) {
				return nil, nil, httperror.NotFound
			}
			if c == expected && match.MatchErr == nil {
				c.handler.CompareAndSwap(nil, &match.Handler)
			}
		}
		return c.foundWith(match.Vars), match.Handler, nil
	}
	return nil, nil, b.failure(r, match)
}

// handlerBefore reports whether a route that is asked before c, and does not
// match, leaves a handler behind, which mux then takes for that of a route that
// has none: the NotFoundHandler of a subrouter that was asked by a wrong method.
func (b *bridge) handlerBefore(r *http.Request, c *muxRoute) bool {
	var match mux.RouteMatch
	for _, o := range b.routes[:c.index] {
		beside := len(o.routers) <= len(c.routers) && slices.Equal(o.routers, c.routers[:len(o.routers)])
		if beside && (o.group == nil || !slices.Contains(c.routers, o.group)) {
			o.route.Match(r, &match)
		}
	}
	return match.Handler != nil
}

// failure is the error for what the router did not match: with its own handler
// if it has one for that.
func (b *bridge) failure(r *http.Request, found mux.RouteMatch) error {
	var err error = httperror.NotFound
	if found.MatchErr == mux.ErrMethodMismatch {
		err = &MethodNotAllowed{Allow: b.allowed(r)}
	}
	if found.Handler != nil {
		return &muxAnswer{found.Handler, found, err}
	}
	return err
}

// allowed returns the methods of the routes that match but for theirs.
func (b *bridge) allowed(r *http.Request) []string {
	var methods []string
	for _, c := range b.routes {
		var found mux.RouteMatch
		if c.group == nil && !c.route.Match(r, &found) && found.MatchErr == mux.ErrMethodMismatch {
			names, _ := c.route.GetMethods()
			methods = append(methods, names...)
		}
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// muxAnswer is an error that a mux router has a handler for.
type muxAnswer struct {
	handler http.Handler
	found   mux.RouteMatch
	err     error
}

func (e *muxAnswer) Error() string { return e.err.Error() }

func (e *muxAnswer) Unwrap() error { return e.err }

// ServeHTTP answers with the router's handler, which sees mux.Vars if a
// subrouter matched.
func (e *muxAnswer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.handler.ServeHTTP(w, mux.SetURLVars(r, e.found.Vars))
}

// cleaned returns the redirect to the path without empty and dotted segments, as
// mux makes it; nil if the path has none.
func (b *bridge) cleaned(r *http.Request) error {
	if b.keepsPath {
		return nil
	}
	was := r.URL.Path
	if b.encoded {
		was = r.URL.EscapedPath()
	}
	is := was
	if is == "" || is[0] != '/' {
		is = "/" + is
	}
	if is = path.Clean(is); strings.HasSuffix(was, "/") && is != "/" {
		is += "/"
	}
	if is == was {
		return nil
	}
	u := *r.URL
	u.Path = is
	return &Redirect{Code: http.StatusMovedPermanently, Location: u.String(), url: u.String()}
}

// build returns the URL that mux makes of a named route: the values that it has
// no variables for become the query.
func (b *bridge) build(at *bound, options BuildOptions, r *rule, values []Value) (string, error) {
	text, err := b.url(at, options, r, values)
	if err == nil {
		return text, nil
	}
	refused := &BuildError{Endpoint: r.endpoint, Method: options.Method, Suggestion: r.endpoint, Err: err}
	for _, v := range values {
		refused.Values = append(refused.Values, v.name)
	}
	slices.Sort(refused.Values)
	return "", refused
}

func (b *bridge) url(at *bound, options BuildOptions, r *rule, values []Value) (string, error) {
	route := r.muxRoute.route
	names, err := route.GetVarNames()
	if err != nil {
		return "", err
	}
	var pairs []string
	query := []byte{}
	for i := range values {
		v := &values[i]
		if slices.Contains(names, v.name) {
			text, err := v.plain()
			if err != nil {
				return "", fmt.Errorf("the value of %q: %w", v.name, err)
			}
			pairs = append(pairs, v.name, text)
		} else if !options.DropUnknown {
			if query, err = (building{table: b.table}).query(query, r, values[i:i+1], len(query) > 0); err != nil {
				return "", err
			}
		}
	}
	u, err := route.URL(pairs...)
	if err != nil {
		return "", err
	}
	if len(query) > 0 {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+string(query[1:]), "&")
	}
	u.Path, u.RawPath = at.rootPath()+u.Path, ""
	if u.Host == "" && options.External {
		u.Host, u.Scheme = at.host(), cmp.Or(options.Scheme, at.scheme())
	}
	return u.String(), nil
}
