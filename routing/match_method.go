package routing

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Methods are bits of a set, so that the test of a method is one instruction, and the methods of a
// 405 are a union.
//
//	bit   0    1     2     3    4       5        6        7      8      9 …           63
//	      GET  HEAD  POST  PUT  DELETE  CONNECT  OPTIONS  TRACE  PATCH  of the rules  all others
//
// A rule for POST and PURGE has the bits 2 and 9. A request with PURGE has bit 9. One with a method
// that no rule names has bit 63, so that only rules for all methods take it.
//
// With the rules GET /a and POST /a, a PUT of /a finds the bits 0, 1 and 2, and its 405 says
// "Allow: GET, HEAD, POST".

// methodSet is a set of methods, with one bit for each. The standard methods have their own bits; a
// Map gives further bits to other names when rules mention them.
type methodSet uint64

const (
	otherMethod methodSet = 1 << 63 // any method that no rule names
	allMethods            = ^methodSet(0)

	getMethod, headMethod = methodSet(1), methodSet(2)
	optionsMethod         = methodSet(1 << 6)
)

var standardMethods = [...]string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

// methodBit returns the bit of a standard method, or 0. As in net/http, "" is GET. A switch over
// constants compares lengths first, which is faster than a map for a method of each request.
func methodBit(name string) methodSet {
	switch name {
	case http.MethodGet, "":
		return getMethod
	case http.MethodHead:
		return headMethod
	case http.MethodPost:
		return 1 << 2
	case http.MethodPut:
		return 1 << 3
	case http.MethodDelete:
		return 1 << 4
	case http.MethodConnect:
		return 1 << 5
	case http.MethodOptions:
		return optionsMethod
	case http.MethodTrace:
		return 1 << 7
	case http.MethodPatch:
		return 1 << 8
	}
	return 0
}

// bit returns the bit of a request's method. Method names are case-sensitive (RFC 9110, section 9.1):
// "get" is another method, which no rule names.
//
//	"GET"     bit 0
//	"PURGE"   bit 9, if it is the first name of a rule that is not a standard one
//	"FOO"     bit 63, if no rule names it
func (t *table) bit(name string) methodSet {
	if bit := methodBit(name); bit != 0 {
		return bit
	}
	if bit, ok := t.methods[name]; ok {
		return bit
	}
	return otherMethod
}

// learn returns the set of a rule's methods, and gives bits to new names.
//
//	none              all bits, and nil
//	GET               the bits 0 and 1; GET, HEAD
//	PURGE, POST       the bits 2 and 9; POST, PURGE
//	get               an error: did you mean "GET"?
//	"GET, POST"       an error: list each method as a separate element
func (t *table) learn(names []string) (methodSet, []string, error) {
	if len(names) == 0 {
		return allMethods, nil, nil
	}
	var set methodSet
	for _, name := range names {
		bit := methodBit(name)
		// methodBit reads "" as GET, as an http.Request means it. In a rule it is a mistake.
		if bit == 0 || name == "" {
			// A method in lower case would never match, so it is an error and not another method.
			if !isMethod(name) {
				if upper := strings.ToUpper(name); isMethod(upper) {
					return 0, nil, fmt.Errorf("%q is not a method: did you mean %q?", name, upper)
				}
				return 0, nil, fmt.Errorf("%q is not a method: list each method as a separate element of Methods", name)
			}
			// A new name gets the next free bit. The last bit is for methods that no rule names.
			if bit = t.methods[name]; bit == 0 {
				n := len(standardMethods) + len(t.methods)
				if n >= 63 {
					return 0, nil, fmt.Errorf("a map tells at most %d methods apart", n)
				}
				bit = 1 << n
				t.methods[name] = bit
			}
		}
		set |= bit
	}
	// A server answers HEAD as GET without the body (RFC 9110, section 9.3.2).
	if set&getMethod != 0 {
		set |= headMethod
	}
	// The names come from the error of the set, so rules with the same methods share one list.
	return set, t.refusal(set).Allow, nil
}

// refusal returns the error for any method that is not in set. There is one error for each set, made
// when the Map is made, so that most 405s allocate nothing. It is a shared value, so nothing may
// change it later.
func (t *table) refusal(set methodSet) *MethodNotAllowedError {
	// refusals is needed only while rules are added. A node keeps the error that it needs.
	e := t.refusals[set]
	if e == nil {
		e = newMethodNotAllowed(t.namesOf(set))
		t.refusals[set] = e
	}
	return e
}

// namesOf returns the names of a set, sorted, so that the Allow field of a 405 is always the same.
// In Werkzeug its order changes from process to process. The bit of all other methods has no name,
// so it is left out.
func (t *table) namesOf(set methodSet) []string {
	names := []string{}
	for i, name := range standardMethods {
		if set&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	for name, bit := range t.methods {
		if set&bit != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// isMethod reports whether this package accepts name as a method: it must be a token (RFC 9110,
// section 5.6.2) without lower-case letters, which would never match the intended method.
// M-SEARCH is a method, and so is PURGE; "get" and "GET, POST" are not.
func isMethod(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool {
		return !('A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	}) < 0
}
