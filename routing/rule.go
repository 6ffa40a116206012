package routing

import (
	"net/http"
	"strings"
)

// Rule is one URL pattern and its target. Only Path is needed.
//
// Path is a URL path in plain text (not percent-encoded), with variables: "<name>", "<int:id>",
// "<string(length=2):code>". A segment may have several variables, between literals:
// "/v<int:major>.<int:minor>". A rule whose path ends with a slash is a branch, any other a leaf;
// see StrictSlashes.
type Rule[T any] struct {
	// Path is the rule's path. It starts with a slash. A path in the syntax of another router,
	// with a variable "{id}" or ":id", is refused, and so is a query.
	Path string
	// Endpoint is the name by which URLs are built. Several rules may share one: [Adapter.Build]
	// uses the first that fits the values.
	Endpoint string
	// Target is the result of a match: a view, an [http.Handler], any value.
	Target T
	// Methods are the methods that the rule answers, in upper case; GET includes HEAD. None means
	// all.
	Methods []string
	// Defaults are values for variables that are not in the path. For variables in the path, they
	// are used when URLs are built. If a URL contains values that another rule of the same endpoint
	// has as defaults, it redirects to that rule's shorter URL, unless [Options].KeepDefaults is
	// set.
	Defaults map[string]any
	// Subdomain is a pattern, like Path, for the labels before [Options].ServerName; "" is
	// [Options].DefaultSubdomain, unless BareHost says that there are none.
	Subdomain string
	BareHost  bool
	// Host is a pattern for the whole host, with its port unless that is the default port of the
	// scheme. It needs [Options].HostMatching.
	Host string
	// BuildOnly rules build URLs and never match.
	BuildOnly bool
	// Alias rules redirect to the rule of the endpoint that is not an alias.
	Alias bool
	// RedirectTo makes the rule redirect. It is a path in which "<name>" stands for a value of the
	// match, relative to the path where the application is mounted unless it starts with a slash.
	// It may also be a whole URL, but a value can never turn a path into one.
	RedirectTo string
	// RedirectFunc makes the rule redirect to the location that it returns for the values.
	RedirectFunc func(r *http.Request, params Params) string
	// WebSocket rules match the opening request of a WebSocket. In a Map that has such a rule, no
	// other rule matches such a request. Their URLs are ws:// or wss://.
	WebSocket bool
	// StrictSlashes: if On, a branch without its slash redirects to the branch, and a leaf with a
	// slash is not found. If Off, a rule matches its path with and without the slash. Werkzeug:
	// strict_slashes. Default: [Options].StrictSlashes.
	StrictSlashes Switch
	// MergeSlashes: if On, several slashes in a row count as one in the rule's path. A request path
	// with such slashes is redirected to the path with single slashes. Werkzeug: merge_slashes.
	// Default: [Options].MergeSlashes.
	MergeSlashes Switch
	// Condition is a test of the request, in addition to path, method and host. It is called last;
	// if it fails, the next rule is tried.
	Condition Condition

	where string // file:line of the registration
}

// Condition is a test of a request besides its path, method and host.
type Condition interface {
	// Match reports whether the request passes the test. It also returns params that it found in
	// the request, which are added to those of the rule's path. It is called while matching, by
	// many goroutines at a time. It must not change the request, or the params after it has
	// returned them.
	//
	// A Condition may also have a method Err() error. If that returns an error, the rule is
	// refused.
	Match(r *http.Request) (params map[string]string, ok bool)
}

// ConditionFunc makes a function a [Condition] that finds no params.
type ConditionFunc func(r *http.Request) bool

// Match calls the function.
func (f ConditionFunc) Match(r *http.Request) (map[string]string, bool) { return nil, f(r) }

// Switch is a setting that is on, off, or, as the zero value, the default.
type Switch int8

// The values of a Switch that is set.
const (
	_ Switch = iota
	On
	Off
)

func (s Switch) or(byDefault bool) bool {
	if s == 0 {
		return byDefault
	}
	return s == On
}

// String returns the rule as one line: methods, path, endpoint.
func (r *Rule[T]) String() string {
	methods := "*"
	if len(r.Methods) > 0 {
		methods = strings.Join(r.Methods, ",")
	}
	return strings.TrimSuffix(methods+" "+r.place()+" -> "+r.Endpoint, " -> ")
}

// place is the path with the host or subdomain in front.
func (r *Rule[T]) place() string {
	switch {
	case r.Host != "":
		return r.Host + r.Path
	case r.Subdomain != "":
		return r.Subdomain + "|" + r.Path
	}
	return r.Path
}

// WrittenAt returns the rule with a place in the source, "file.go:12", for errors and lists of
// rules. Without it, the place is the call of [NewMap] or [Map.Add]. Use it in packages whose
// functions make rules.
func (r Rule[T]) WrittenAt(place string) Rule[T] {
	r.where = place
	return r
}

// Rules makes a Rule a group of one; see [Group].
func (r Rule[T]) Rules() []Rule[T] { return []Rule[T]{r} }
