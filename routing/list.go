package routing

import "github.com/zeugkit/zeug/internal/routelist"

// listed describes the rules of m for "zeug routes" and the debugger. The Place of a rule in the
// subdomain "docs" of "example.org" is "docs.example.org".
func (m *Map[T]) listed() (routes []routelist.Route) {
	for r := range m.All() {
		route := routelist.Route{
			Path: r.Path, Endpoint: r.Endpoint, Methods: r.Methods, Place: r.Host, Where: r.where,
		}
		if r.Subdomain != "" {
			route.Place = r.Subdomain + "." + m.options.ServerName
		}
		// Of several notes the one that explains most is shown: a rule that only builds answers
		// nothing, so it does not matter whether it would redirect.
		switch {
		case r.BuildOnly:
			route.Note = "for building only"
		case r.RedirectTo != "":
			route.Note = "redirects to " + r.RedirectTo
		case r.RedirectFunc != nil:
			route.Note = "redirects"
		case r.Alias:
			route.Note = "alias"
		case r.WebSocket:
			route.Note = "websocket"
		}
		routes = append(routes, route)
	}
	return routes
}
