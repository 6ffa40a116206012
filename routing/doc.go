// Package routing finds the rule for a URL, and the URL for a rule.
//
// A [Map] holds [Rule] values: a path with typed variables, the endpoint's name and a target, which
// is any value that a match should return. Bound to a request, a Map matches it, in Werkzeug's
// order of precedence rather than the order of registration, and builds URLs as seen from that
// request:
//
//	urls := routing.MustMap(
//		routing.Rule[view]{Path: "/", Endpoint: "index", Target: index},
//		routing.Rule[view]{Path: "/user/<int:id>", Endpoint: "user", Target: user},
//	)
//	match, err := urls.Bind(r).Match()
//	path, err := urls.Bind(r).Build("user", routing.With("id", 5))
//
// Variables are converted while matching. The converters, with their arguments in parentheses:
//
//	string   any text without a slash; length, minlength, maxlength. The default.
//	path     any text that does not start with a slash
//	any      one of the words given
//	int      digits; fixed_digits, min, max, signed
//	float    digits with a point; min, max, signed
//	uuid     a UUID
//	regexp   what the regular expression given matches
//
// and [Options].Converters adds others. If a converter refuses a string, the next rule is tried.
//
// Paths are matched segment by segment: a slash that is percent-encoded stays inside its variable.
// Rules are tried in this order: literals before variables in each segment, longer literals before
// shorter ones, numbers before other strings, paths last. If no rule matches, the error is the
// response: a redirect to the better spelling, a 405 with the methods of the path, or a 404.
//
// A URL that is built matches again, to the same rule and values. A value that would lead to
// another rule is refused with a [BuildError].
package routing
