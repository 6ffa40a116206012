package datastructures

import "github.com/zeugkit/zeug/internal/httplex"

// Options is a value with parameters behind semicolons: the form of a
// Content-Type, a Content-Disposition and many other fields (RFC 9110, section
// 5.6.6).
type Options struct {
	Value string
	Params
}

// ParseOptions reads a value with parameters: `form-data; name="a"`. Names of parameters are in
// lower case. If a name comes twice, its last value counts. Parts that are not a valid parameter
// are left out. Values encoded by RFC 8187 ("filename*=") and continued by RFC 2231
// ("filename*0=…") are decoded, if the charset is UTF-8, US-ASCII or ISO 8859-1. In a quoted value
// `\"`, `\\` and "%22" are decoded and any other backslash stays, since browsers write file names
// in this way.
func ParseOptions(header string) Options {
	value, params := httplex.ParseOptions(header)
	return Options{value, Params{params}}
}

// String returns the value and its parameters. Values that are not tokens are quoted, or encoded by
// RFC 8187 if a quoted string cannot carry them. A parameter with a name that ends with "*" must be
// encoded already; a bare one of this kind is left out.
func (o Options) String() string { return httplex.FormatOptions(o.Value, o.list) }

// ParseList reads a list (RFC 9110, section 5.6.1): the items between commas
// outside quoted strings, empty ones left out. An item that is a quoted string
// as a whole is unquoted, quotes inside an item stay. A list with a quoted
// string that does not end is empty.
func ParseList(header string) []string { return httplex.ParseList(header) }

// Quote returns s as the value of a parameter or an item of a list: a token unchanged, any other
// string quoted.
func Quote(s string) string { return httplex.Quote(s) }

// Unquote returns the value of a quoted string; any other string is returned unchanged.
func Unquote(s string) string { return httplex.Unquote(s) }
