package gorillamux

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/similar"
	"github.com/zeugkit/zeug/routing"
)

// Bind returns a builder of URLs as seen from the request, for templates and views. The builder is
// a routing.Builder, so that a template's url_for works for routes of mux and for rules alike. For
// the route "/u/{id}" with the name "u":
//
//	Build("u", id=7, page=2)    /u/7?page=2
//	Build("u")                  an error of mux: missing route variable "id"
//	Build("uu", id=7)           an error that suggests "u"
func (m *Router) Bind(r *http.Request) routing.Builder { return builder{m, r} }

type builder struct {
	router  *Router
	request *http.Request
}

// Build returns the URL that mux builds for the route with the name. Values for which the route has
// no variables become the query. The error is a *[routing.BuildError].
func (b builder) Build(name string, values ...routing.Value) (string, error) {
	return b.BuildWith(routing.BuildOptions{}, name, values...)
}

// BuildWith is Build with options. A route of mux has one URL for all methods, so Method is
// ignored.
func (b builder) BuildWith(options routing.BuildOptions, name string, values ...routing.Value) (string, error) {
	text, err := b.build(options, name, values)
	if err == nil {
		return text, nil
	}
	refused := &routing.BuildError{Endpoint: name, Method: options.Method, Err: err}
	for _, v := range values {
		refused.Values = append(refused.Values, v.Name())
	}
	slices.Sort(refused.Values)
	// The route exists, so mux's own error says what is wrong. Otherwise a similar name is the best
	// help.
	if b.router.router.Get(name) != nil {
		refused.Suggestion = name
		return "", refused
	}
	var names []string
	for _, r := range b.router.routes {
		names = append(names, r.mux.GetName())
	}
	refused.Err = nil
	// This is the limit of package routing's own suggestions.
	if best, likeness := similar.Name(name, names); likeness >= 0.3 {
		refused.Suggestion = best
	}
	return "", refused
}

// queries builds the queries of URLs. A Map of one rule has the code for lists, nils and escapes,
// so that the queries of both kinds of routes are written in the same way.
var queries = routing.MustMap(routing.Rule[struct{}]{Path: "/", Endpoint: "query"})

func (b builder) build(options routing.BuildOptions, name string, values []routing.Value) (string, error) {
	route := b.router.router.Get(name)
	if route == nil {
		return "", errNoRoute
	}
	// route.URL returns an error for a variable that the route does not have. In package routing
	// such a value becomes a parameter of the query, so it is set aside here.
	names, err := route.GetVarNames()
	if err != nil {
		return "", err
	}
	var pairs []string
	var unknown []routing.Value
	for _, v := range values {
		if !slices.Contains(names, v.Name()) {
			unknown = append(unknown, v)
			continue
		}
		text, err := v.Text()
		if err != nil {
			return "", err
		}
		pairs = append(pairs, v.Name(), text)
	}
	u, err := route.URL(pairs...)
	if err != nil {
		return "", err
	}
	if !options.DropUnknown && len(unknown) > 0 {
		built, err := queries.Bind(&http.Request{}).Build("query", unknown...)
		if err != nil {
			return "", err
		}
		// A route with Queries has a query already: "/q?a=3&fixed=1" becomes "/q?a=3&fixed=1&z=1".
		if _, query, _ := strings.Cut(built, "?"); query != "" {
			u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+query, "&")
		}
	}
	// mux makes an absolute URL itself if the route has a host.
	if origin := gateway.OriginOf(b.request); options.External && u.Host == "" {
		u.Host, u.Scheme = origin.Host, cmp.Or(options.Scheme, origin.Scheme)
	}
	if options.NoScheme && u.Host != "" {
		u.Scheme = ""
	}
	return mounted(b.request, u), nil
}
