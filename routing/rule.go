package routing

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// Rule is one URL pattern and what it leads to. Only Path is needed.
//
// Path is a URL path in plain text, with variables: "<name>", "<int:id>",
// "<string(length=2):code>". A segment may hold several, between static text:
// "/v<int:major>.<int:minor>". A rule that ends in a slash is a branch, any
// other a leaf; see StrictSlashes.
type Rule[T any] struct {
	// Path is the rule's text. It starts with a slash. What looks like a variable
	// of another router, "{id}" or ":id", is refused, and so is a query.
	Path string
	// Endpoint is the name by which URLs are built. Several rules may share
	// one: [Adapter.Build] takes the first that fits the values.
	Endpoint string
	// Target is what a match yields: a view, an [http.Handler], any value.
	Target T
	// Methods are the methods that the rule answers, in upper case; GET brings
	// HEAD with it. None stands for all.
	Methods []string
	// Defaults are values that the rule has without having the variable, or
	// that stand for a variable when URLs are built. A URL that spells out what
	// a rule of the same endpoint has as defaults redirects to the shorter one,
	// unless [Options].KeepDefaults is set.
	Defaults map[string]any
	// Subdomain is a pattern, as Path is, for what stands before
	// [Options].ServerName; "" is [Options].DefaultSubdomain, unless BareHost
	// says that nothing stands there.
	Subdomain string
	BareHost  bool
	// Host is a pattern for the whole host, with its port unless that is the
	// scheme's own. It needs [Options].HostMatching.
	Host string
	// BuildOnly rules build URLs and never match.
	BuildOnly bool
	// Alias rules redirect to the endpoint's rule that is no alias.
	Alias bool
	// RedirectTo makes the rule redirect: a path in which "<name>" stands for a
	// value of the match, relative to where the application is mounted unless
	// it starts with a slash. It may be a whole URL, but no value makes one of it.
	RedirectTo string
	// RedirectFunc makes the rule redirect to what it returns for the values.
	RedirectFunc func(r *http.Request, args Args) string
	// WebSocket rules match the opening of a WebSocket, and nothing else does
	// that in a Map that has one. Their URLs are ws:// or wss://.
	WebSocket bool
	// StrictSlashes overrides [Options].LooseSlashes: if on, a branch without
	// its slash redirects there, and a leaf with one is not found; if off, both
	// spellings match both.
	StrictSlashes Setting
	// MergeSlashes overrides [Options].KeepSlashes: if on, slashes in a row in
	// the rule's text are one, and a path that has them redirects to the one
	// with single slashes; the latter needs a Map without KeepSlashes.
	MergeSlashes Setting
	// Route holds conditions besides path, method and host: a route of
	// gorilla/mux with Headers, Queries, Schemes or MatcherFunc. It is asked
	// last, and the variables of its queries join the Args.
	Route *mux.Route

	where string // file:line of the registration
}

// Setting is a switch that can be left as it is elsewhere.
type Setting int8

// The values of a Setting.
const (
	Inherit Setting = iota
	On
	Off
)

func (s Setting) or(inherited bool) bool {
	if s == Inherit {
		return inherited
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

// Rules makes a Rule a group of one; see [Group].
func (r Rule[T]) Rules() []Rule[T] { return []Rule[T]{r} }

// rule is a Rule as the state machine knows it, whatever its target.
type rule struct {
	index    int // in the Map's rules
	path     string
	endpoint string
	where    string

	methods   methodSet
	names     []string // the methods, sorted; nil for all
	webSocket bool
	strict    bool
	merge     bool
	alias     bool
	buildOnly bool

	variables []variable // the host's, then the path's
	stretches []stretch  // where the path's are
	tail      int        // how many bytes are behind the last of them
	found     found      // what most matches of the rule keep
	public    any        // the *Rule[T]
	checked   bool       // some variable's converter can refuse a text
	special   bool       // a match can still become a redirect
	simple    bool       // nothing but path and method is asked for
	plain     bool       // simple and not special
	hosted    bool       // some variable stands in the host
	shared    bool       // some part has several variables
	hollow    bool       // some variable of the path may be empty
	straight  bool       // there is a straight way to its URL
	exposed   bool       // another rule could match its URL before it
	defaults  []Value
	arguments []string // names of variables and defaults, sorted

	redirectTo   string
	redirectFunc func(*http.Request, Args) string
	route        *mux.Route

	host []part // what the state machine walks, and what URLs are built of
	way  []part

	hostOps []op
	pathOps []op

	muxRoute *muxRoute // of a Map that is made from a mux router

	// shorter are the endpoint's rules whose defaults make this one's URL
	// shorter, best first.
	shorter []*rule
}

type variable struct {
	name      string
	converter *converter
	host      bool // it stands in the host or subdomain
	plain     bool // it takes a segment, and so do those before it
	late      bool // it is nearer to the end of every path that matches
	stretch   int  // if not, the place of its stretch in the rule's
	order     int  // its place among the variables of the stretch or host
}

func (r *rule) variable(name string) int {
	for i := range r.variables {
		// Most names differ in length or in their first letter.
		if v := r.variables[i].name; len(v) == len(name) && v[0] == name[0] && v == name {
			return i
		}
	}
	return -1
}

func (r *rule) defaultOf(name string) (Value, bool) {
	for _, d := range r.defaults {
		if d.name == name {
			return d, true
		}
	}
	return Value{}, false
}

// providesDefaultsFor reports whether r's URL is the shorter spelling of o's.
func (r *rule) providesDefaultsFor(o *rule) bool {
	return !r.buildOnly && len(r.defaults) > 0 && r != o && slices.Equal(r.arguments, o.arguments)
}
