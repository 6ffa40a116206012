package routing

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
)

// Adapter is a Map bound to a request, or to a place: it matches, and builds
// URLs as they look from there. It is a value, and cheap to make.
type Adapter[T any] struct {
	urls  *Map[T]
	bound bound
}

// bound is what a Map is bound to.
type bound struct {
	request *http.Request // nil if only a place is known
	place   *At           // overrides the request if not nil
}

// At is a place to bind a Map to where there is no request: in a mail, a
// command, a test.
type At struct {
	// Scheme is http, https, ws or wss; with "" external URLs start in "//".
	Scheme string
	// Host is the host, with its port unless that is the scheme's own. Where
	// the Map counts subdomains, it is the host without one.
	Host string
	// Subdomain is the subdomain; "" is the Map's default one, unless
	// BareHost says that there is none.
	Subdomain string
	BareHost  bool
	// WebSocket says whether Match is to find WebSockets, if not as Scheme says.
	WebSocket Setting
	// RootPath is where the application is mounted, percent-encoded.
	RootPath string

	// Method, Path (decoded) and Query (encoded) are what Match looks for;
	// "" stands for GET, "" and "".
	Method, Path, Query string
}

// Bind binds the Map to a request. The mount's root path, the scheme and the
// host are those of its [gateway.Origin], and are read only if they are needed.
func (m *Map[T]) Bind(r *http.Request) Adapter[T] {
	return Adapter[T]{m, bound{request: r}}
}

// BindAt binds the Map to a place. It fails on a host that is none, and on a
// subdomain where the Map matches hosts.
func (m *Map[T]) BindAt(place At) (Adapter[T], error) {
	if m.options.HostMatching && (place.Subdomain != "" || place.BareHost) {
		return Adapter[T]{}, errors.New("routing: a map with HostMatching knows no subdomains")
	}
	var err error
	if place.Host, err = normalHost(place.Host, place.Scheme); err != nil {
		return Adapter[T]{}, &httperror.Error{Code: httperror.BadRequest, Err: err}
	}
	if place.Subdomain == "" && !place.BareHost {
		place.Subdomain = m.options.DefaultSubdomain
	}
	place.RootPath = strings.TrimRight(place.RootPath, "/")
	place.Method = strings.ToUpper(place.Method)
	return Adapter[T]{m, bound{place: &place}}, nil
}

// Match is what a request led to. It is small, and cheap to pass on.
type Match[T any] struct {
	// Target is the rule's target.
	Target T
	// Args are the values of the rule's variables, and its defaults.
	Args Args
}

// Rule returns the rule, for logs and metrics; nil for the zero Match. Do not
// change it.
func (match Match[T]) Rule() *Rule[T] {
	r := match.Args.rule()
	if r == nil {
		return nil
	}
	rule, _ := r.public.(*Rule[T])
	return rule
}

// Match finds the rule for the request. Where it finds none, the error answers
// for itself through [httperror.Respond]: it is a *[Redirect], a
// *[MethodNotAllowed], [httperror.NotFound], an *[OptionsAnswer] or
// [ErrWebSocketMismatch].
func (a Adapter[T]) Match() (Match[T], error) {
	s := a.urls.snapshot.Load()
	if s.bridge != nil {
		return s.bridged(&a.bound)
	}
	f, path, err := s.match(&a.bound, s.bit(a.bound.method()))
	if err != nil {
		return Match[T]{}, err
	}
	if a.bound.request != nil {
		if route := gateway.RouteOf(a.bound.request); route != nil {
			report(route, Args{f, path})
		}
	}
	return Match[T]{s.rules[f.rule.index].Target, Args{f, path}}, nil
}

// bridged matches by the mux router that the rules come from.
func (s *snapshot[T]) bridged(b *bound) (match Match[T], err error) {
	request := b.request
	if request == nil {
		request = b.place.request()
	}
	f, handler, err := s.bridge.match(request)
	if err != nil {
		return match, err
	}
	match.Args.found = f
	if route := gateway.RouteOf(request); route != nil {
		report(route, match.Args)
	}
	match.Target, _ = handler.(T)
	return match, nil
}

// request returns a request to the place.
func (p *At) request() *http.Request {
	return &http.Request{
		Method: cmp.Or(p.Method, http.MethodGet), Host: p.Host, Header: http.Header{}, Body: http.NoBody,
		URL: &url.URL{Path: p.Path, RawQuery: p.Query}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

func (b *bound) host() string {
	if b.place != nil {
		return b.place.Host
	}
	return gateway.OriginOf(b.request).Host
}

// Test reports whether Match finds a rule, or redirects.
func (a Adapter[T]) Test() bool {
	_, err := a.Match()
	var redirect *Redirect
	return err == nil || errors.As(err, &redirect)
}

// AllowedMethods returns the methods that the path has, sorted; none if it is
// not found or answers every method.
func (a Adapter[T]) AllowedMethods() []string {
	var allowed *MethodNotAllowed
	b := a.bound
	s := a.urls.snapshot.Load()
	if s.bridge != nil {
		if b.request == nil {
			return s.bridge.allowed(b.place.request())
		}
		r := b.request.WithContext(b.request.Context())
		r.Method = "-"
		return s.bridge.allowed(r)
	}
	_, _, err := s.match(&b, otherMethod)
	if errors.As(err, &allowed) {
		return append([]string(nil), allowed.Allow...)
	}
	return nil
}

func (b *bound) method() string {
	if b.place != nil {
		return b.place.Method
	}
	return b.request.Method
}

func (b *bound) scheme() string {
	if b.place != nil {
		return b.place.Scheme
	}
	return gateway.OriginOf(b.request).Scheme
}

func (b *bound) rootPath() string {
	if b.place != nil {
		return b.place.RootPath
	}
	return gateway.RootPath(b.request)
}

func (b *bound) query() string {
	if b.place != nil {
		return b.place.Query
	}
	return b.request.URL.RawQuery
}

// webSocket reports whether the request opens a WebSocket (RFC 6455, section
// 4.1).
func (b *bound) webSocket() bool {
	if b.place != nil {
		return b.place.WebSocket.or(b.place.Scheme == "ws" || b.place.Scheme == "wss")
	}
	h := b.request.Header
	return holdsToken(h["Upgrade"], "websocket") && holdsToken(h["Connection"], "upgrade")
}

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

// startOf returns the state behind the host if that need not be looked at, or
// nil.
func (t *table) startOf(b *bound) *state {
	if b.place == nil || t.start != nil && b.place.Subdomain == t.options.DefaultSubdomain {
		return t.start
	}
	return nil
}

// domain returns the host and the subdomain of a request; the subdomain is the
// host itself where the table matches hosts, and the default one where the
// request's host is outside the table's server name.
func (t *table) domain(b *bound) (host, subdomain string, err error) {
	if b.place != nil {
		if t.options.HostMatching {
			return b.place.Host, b.place.Host, nil
		}
		return b.place.Host, b.place.Subdomain, nil
	}
	origin := gateway.OriginOf(b.request)
	if host, err = normalHost(origin.Host, origin.Scheme); err != nil {
		return "", "", errHost
	}
	switch {
	case t.options.HostMatching:
		return host, host, nil
	case t.options.ServerName == "":
		if here := t.options.DefaultSubdomain; here != "" {
			return strings.TrimPrefix(host, here+"."), here, nil
		}
		return host, "", nil
	}
	server, err := normalHost(t.options.ServerName, origin.Scheme)
	if err != nil {
		return "", "", err
	}
	subdomain, ok := subdomainOf(host, server)
	if !ok {
		subdomain = t.options.DefaultSubdomain
	}
	return server, subdomain, nil
}
