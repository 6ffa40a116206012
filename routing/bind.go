package routing

import (
	"errors"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/hosts"
)

// Adapter is a Map bound to a request or to a [Base]. It matches the request, and builds URLs as
// seen from there. It is a value, and cheap to make.
type Adapter[T any] struct {
	urls  *Map[T]
	bound bound
}

// bound is what a Map is bound to.
type bound struct {
	request *http.Request // nil if there is only a base
	base    *Base         // if not nil, it overrides the request
}

// Base is what a Map is bound to if there is no request, as in a mail, a command or a test. It has
// the base URL of the application, and the request for which Match looks.
type Base struct {
	// Scheme is http, https, ws or wss; with "" external URLs start with "//".
	Scheme string
	// Host is the host, with its port unless that is the default port of the scheme. If the Map
	// counts subdomains, it is the host without a subdomain.
	Host string
	// Subdomain is the subdomain; "" means the Map's default subdomain, unless BareHost says that
	// there is none.
	Subdomain string
	BareHost  bool
	// WebSocket says whether Match looks for WebSockets, unless Scheme says so.
	WebSocket Switch
	// RootPath is where the application is mounted, percent-encoded.
	RootPath string

	// Method, Path (decoded) and Query (encoded) describe the request for which Match looks; ""
	// stands for GET, "" and "".
	Method, Path, Query string
}

// Bind binds the Map to a request. The mount's root path, the scheme and the host are those of its
// [gateway.Origin], and are read only if they are needed.
func (m *Map[T]) Bind(r *http.Request) Adapter[T] {
	return Adapter[T]{m, bound{request: r}}
}

// BindBase binds the Map to a base. It returns an error if the host is not valid, or if there is a
// subdomain and the Map matches hosts.
func (m *Map[T]) BindBase(base Base) (Adapter[T], error) {
	if m.options.HostMatching && (base.Subdomain != "" || base.BareHost) {
		return Adapter[T]{}, errors.New("routing: a map with HostMatching knows no subdomains")
	}
	var err error
	if base.Host, err = hosts.Normalize(base.Host, base.Scheme); err != nil {
		return Adapter[T]{}, &httperror.Error{Code: httperror.BadRequest, Err: err}
	}
	// The rules' own subdomains are completed in the same way (builder.add), so the two can be
	// compared.
	if base.Subdomain == "" && !base.BareHost {
		base.Subdomain = m.options.DefaultSubdomain
	}
	// Every path that is built begins with a slash itself.
	base.RootPath = strings.TrimRight(base.RootPath, "/")
	base.Method = strings.ToUpper(base.Method)
	return Adapter[T]{m, bound{base: &base}}, nil
}

// Match is the result of matching a request. It is small, and cheap to pass on.
type Match[T any] struct {
	// Target is the rule's target.
	Target T
	// Params are the values of the rule's variables, and its defaults.
	Params Params
}

// Rule returns the rule, for logs and metrics; nil for the zero Match. Do not change it.
func (match Match[T]) Rule() *Rule[T] {
	r := match.Params.rule()
	if r == nil {
		return nil
	}
	rule, _ := r.public.(*Rule[T])
	return rule
}

// Match finds the rule for the request. If it finds none, it returns an error that can answer the
// request through [httperror.Respond]: a *[RedirectError], a *[MethodNotAllowedError],
// [httperror.NotFound], an error that answers OPTIONS, or [ErrWebSocketMismatch].
func (a Adapter[T]) Match() (Match[T], error) {
	s := a.urls.snapshot.Load()
	f, path, err := s.match(&a.bound, s.bit(a.bound.method()))
	if err != nil {
		return Match[T]{}, err
	}
	if a.bound.request != nil {
		if route := gateway.RouteOf(a.bound.request); route != nil {
			report(route, Params{f, path})
		}
	}
	return Match[T]{s.rules[f.rule.index].Target, Params{f, path}}, nil
}

// report stores the rule that matched in the Route of the request, if there is one. The access log,
// metrics and the debugger read it after the handler has returned. Params is a function, so that
// the values are parsed only if one of them asks.
func report(route *gateway.Route, params Params) {
	r := params.found.rule
	route.Pattern, route.Endpoint, route.Params = r.path, r.endpoint, (&params).Map
}

// Test reports whether Match finds a rule, or redirects.
func (a Adapter[T]) Test() bool {
	_, err := a.Match()
	var redirect *RedirectError
	return err == nil || errors.As(err, &redirect)
}

// AllowedMethods returns the methods that the path has, sorted; it returns none if the path is not
// found or answers every method.
func (a Adapter[T]) AllowedMethods() []string {
	var allowed *MethodNotAllowedError
	b := a.bound
	s := a.urls.snapshot.Load()
	// No rule names this method, so only a rule for all methods takes it. All others end up in the
	// error.
	_, _, err := s.match(&b, otherMethod)
	if errors.As(err, &allowed) {
		return append([]string(nil), allowed.Allow...)
	}
	return nil
}

// These methods read a property of the base or of the request. They are separate, because a match
// needs only the method, and a host or a scheme behind proxies takes longer to find.
func (b *bound) method() string {
	if b.base != nil {
		return b.base.Method
	}
	return b.request.Method
}

func (b *bound) scheme() string {
	if b.base != nil {
		return b.base.Scheme
	}
	return gateway.OriginOf(b.request).Scheme
}

func (b *bound) rootPath() string {
	if b.base != nil {
		return b.base.RootPath
	}
	return gateway.RootPath(b.request)
}

func (b *bound) query() string {
	if b.base != nil {
		return b.base.Query
	}
	return b.request.URL.RawQuery
}

// webSocket reports whether the request opens a WebSocket (RFC 6455, section 4.1).
func (b *bound) webSocket() bool {
	if b.base != nil {
		return b.base.WebSocket.or(b.base.Scheme == "ws" || b.base.Scheme == "wss")
	}
	// The fields are read by their canonical keys, without a call of Header.Get. Connection is a
	// list: a browser sends "keep-alive, Upgrade".
	h := b.request.Header
	return holdsToken(h["Upgrade"], "websocket") && holdsToken(h["Connection"], "upgrade")
}

// holdsToken reports whether one of the comma-separated lists has the token, in either case.
func holdsToken(values []string, token string) bool {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}
