package zeug

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/routelist"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/wrappers"
)

// list is the state while the parts of New or of a Group are read. A Group has its own list, whose
// rules are added to the outer list when it is complete:
//
//	New(                                     rules
//	  Get("/", index),                       "/"
//	  Group("/admin",                        "/admin/users" with auth around its view
//	    Use(auth),
//	    Get("/users", users)))
type list struct {
	app   *App
	outer *list // nil for the list of New
	rules routing.Rules[target]

	// The settings of this list, which apply to all of its routes.
	use            []middleware.Middleware
	before         []View
	handlers       []errorHandler
	problems       bool // answer errors that have no handler with JSON problems (RFC 9457)
	endpointPrefix string
	subdomain      *string
	host           *string

	// The settings that only the list of New has.
	mistakes    []error
	named       map[string]named // automatic endpoints
	pages       Renderer
	sessions    *sessions.Manager
	exports     []export
	mapOptions  *routing.Options
	trusted     []string
	unprotected bool
	mounts      bool
	responder   httperror.Responder
}

// export is a part Static or StaticExport.
type export struct {
	staticfiles.Export
	where string
}

// named is the view that an endpoint was named after.
type named struct {
	code  uintptr
	where string
}

// newList reads the parts of New.
func newList(app *App, parts []Part) *list {
	l := &list{app: app, named: map[string]named{}}
	l.read(parts)
	l.finishMounts()
	l.beforeViews()
	l.responder = l.errorResponder()
	return l
}

func (l *list) read(parts []Part) {
	for _, p := range parts {
		if p == nil {
			l.mistake("", "a part is nil")
			continue
		}
		p.addTo(l)
	}
}

// top returns the list of New.
func (l *list) top() *list {
	for l.outer != nil {
		l = l.outer
	}
	return l
}

func (l *list) mistake(where, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if where != "" {
		text = where + ": " + text
	}
	top := l.top()
	top.mistakes = append(top.mistakes, fmt.Errorf("zeug: %s", text))
}

// once reports a part that is there twice.
func (l *list) once(where, name string, there bool) {
	if there {
		l.mistake(where, "%s stands there twice", name)
	}
}

// add adds a rule. If an endpoint is the name of a view, it must not be the name of another view.
func (l *list) add(rule routing.Rule[target], where string) {
	if rule.Target.view == nil && rule.Target.handler == nil && !rule.BuildOnly && rule.RedirectTo == "" && rule.RedirectFunc == nil {
		l.mistake(where, "the view of rule %q is nil", rule.Path)
		return
	}
	l.rules = append(l.rules, rule.WrittenAt(where))
}

// beforeViews makes the Before views of the list run before the view of each rule.
func (l *list) beforeViews() {
	if len(l.before) == 0 {
		return
	}
	l.change(func(t target) target {
		if t.view != nil {
			return target{view: inTurn(l.before, t.view)}
		}
		return target{handler: beforeHandler(l.app, l.before, t.handler)}
	})
}

// around puts the middlewares and error handlers of the list around the target of each rule.
func (l *list) around() {
	wrap := l.use
	if responder := l.errorResponder(); responder != nil {
		wrap = append([]middleware.Middleware{responder.Wrap}, wrap...)
	}
	if len(wrap) == 0 {
		return
	}
	chain := middleware.Chain(wrap...)
	l.change(func(t target) target {
		h := t.handler
		if t.view != nil {
			h = viewHandler{l.app, t.view}
		}
		return target{handler: chain(h)}
	})
}

// change replaces the targets of the rules that have one.
func (l *list) change(f func(target) target) {
	for i, g := range l.rules {
		rule := g.(routing.Rule[target])
		if rule.Target.view != nil || rule.Target.handler != nil {
			rule.Target = f(rule.Target)
			l.rules[i] = rule
		}
	}
}

// viewHandler is a view inside the middlewares of its group.
type viewHandler struct {
	app  *App
	view View
}

func (h viewHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.app.serve(w, r, h.view, routing.ParamsOf(r))
}

// options returns the options of the routing map.
func (l *list) options() routing.Options {
	var o routing.Options
	if l.mapOptions != nil {
		o = *l.mapOptions
	}
	if l.mounts {
		converters := map[string]routing.ConverterFunc{mountConverter: restOfPath}
		for name, f := range o.Converters {
			converters[name] = f
		}
		o.Converters = converters
	}
	return o
}

// protection returns the middleware that refuses requests from pages of other sites.
func (l *list) protection() (wrap middleware.Middleware, err error) {
	if l.unprotected {
		if len(l.trusted) > 0 {
			return nil, fmt.Errorf("zeug: AllowCrossOrigin makes TrustOrigins(%q) pointless: remove one of them", l.trusted)
		}
		return func(h http.Handler) http.Handler { return h }, nil
	}
	judge := http.NewCrossOriginProtection()
	for _, origin := range l.trusted {
		if err := judge.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("zeug: TrustOrigins: %w", err)
		}
	}
	return middleware.CrossOriginProtection{TrustedOrigins: l.trusted}.Wrap, nil
}

// Group holds parts that have a prefix in common. Parts of a group that are settings, such as
// [Use], [Before], [OnError] or [EndpointPrefix], apply only to the routes of the group. Groups
// nest. Flask calls them blueprints.
//
//	zeug.Group("/admin",
//		zeug.Before(adminsOnly),
//		zeug.EndpointPrefix("admin."),
//		zeug.Get("/users", users), // GET /admin/users, endpoint "admin.users"
//	)
//
// The prefix may have variables. Use "" for a group without a prefix.
func Group(prefix string, parts ...Part) Part { return group{written(), prefix, parts} }

type group struct {
	where, prefix string
	parts         []Part
}

func (g group) addTo(outer *list) {
	if g.prefix != "" && !strings.HasPrefix(g.prefix, "/") {
		outer.mistake(g.where, "the prefix %q of a Group must begin with a slash", g.prefix)
		return
	}
	l := &list{app: outer.app, outer: outer}
	l.read(g.parts)
	l.beforeViews()
	l.around()
	var rules routing.Group[target] = l.rules
	if g.prefix != "" {
		rules = routing.Submount(g.prefix, rules)
	}
	if l.endpointPrefix != "" {
		rules = routing.EndpointPrefix(l.endpointPrefix, rules)
	}
	if l.subdomain != nil {
		rules = routing.Subdomain(*l.subdomain, rules)
	}
	if l.host != nil {
		rules = routing.Host(*l.host, rules)
	}
	for _, rule := range rules.Rules() {
		outer.rules = append(outer.rules, rule)
	}
}

// Use puts middlewares around the routes of a [Group] or, in the list of [New], around the whole
// App: its static files and its 404 included. The first one is the outermost.
func Use(middlewares ...func(http.Handler) http.Handler) Part {
	return everywhere{written(), func(l *list, where string) {
		if slices.ContainsFunc(middlewares, func(m func(http.Handler) http.Handler) bool { return m == nil }) {
			l.mistake(where, "a middleware of Use is nil")
			return
		}
		l.use = append(l.use, middlewares...)
	}}
}

// Before calls a view before the view of each route in its list. If it returns a response or an
// error, that is the response to the request. If it returns neither, the route's view is called.
// (Flask's before_request.)
func Before(view View) Part {
	return everywhere{written(), func(l *list, where string) {
		if view == nil {
			l.mistake(where, "the view of Before is nil")
			return
		}
		l.before = append(l.before, view)
	}}
}

// EndpointPrefix puts a prefix before the endpoints of all routes in its [Group].
func EndpointPrefix(prefix string) Part {
	return everywhere{written(), func(l *list, where string) {
		if l.outer == nil {
			l.mistake(where, "EndpointPrefix belongs into a Group")
		}
		l.endpointPrefix = prefix
	}}
}

// Subdomain makes the routes of its [Group] match on a subdomain only. The pattern has the form of
// [routing.Rule].Subdomain. It needs [MapOptions] with a ServerName.
func Subdomain(pattern string) Part {
	return everywhere{written(), func(l *list, where string) {
		if l.outer == nil {
			l.mistake(where, "Subdomain belongs into a Group")
		}
		l.subdomain = &pattern
	}}
}

// Host makes the routes of its [Group] match on a host only. The pattern has the form of
// [routing.Rule].Host. It needs [MapOptions] with HostMatching.
func Host(pattern string) Part {
	return everywhere{written(), func(l *list, where string) {
		if l.outer == nil {
			l.mistake(where, "Host belongs into a Group")
		}
		l.host = &pattern
	}}
}

// everywhere is a part that applies to the whole list that it is in, the list of New or of a Group.
type everywhere struct {
	where string
	set   func(l *list, where string)
}

func (e everywhere) addTo(l *list) { e.set(l, e.where) }

// inTurn returns a view that calls views until one returns something.
func inTurn(before []View, view View) View {
	return func(req *Request) (*Response, error) {
		for _, b := range before {
			if resp, err := b(req); resp != nil || err != nil {
				return resp, err
			}
		}
		return view(req)
	}
}

// beforeHandler returns a handler that is called if no view of before answers.
func beforeHandler(app *App, before []View, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		app.serve(w, r, inTurn(before, func(req *Request) (*Response, error) {
			return wrappers.Handler(next), nil
		}), routing.ParamsOf(r))
	})
}

// code returns the entry point of a view's code, which distinguishes views with the same name.
func code(view View) uintptr { return reflect.ValueOf(view).Pointer() }

// listed describes exported files for "zeug routes" and the debugger.
func listed(exports []export) []routelist.Route {
	list := make([]routelist.Route, len(exports))
	for i, e := range exports {
		path := strings.TrimRight(e.Prefix, "/")
		if e.File == "" {
			path += "/<path:name>"
		}
		list[i] = routelist.Route{Path: path, Methods: []string{"GET"}, Note: "static files", Where: e.where}
	}
	return list
}
