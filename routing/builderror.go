package routing

import (
	"fmt"
	"slices"
	"strings"
)

// BuildError says why there is no URL, and what was perhaps meant.
type BuildError struct {
	// Endpoint, Method and Values (names only) are what was asked for.
	Endpoint, Method string
	Values           []string
	// Suggestion is the endpoint with the most similar name, or Endpoint itself
	// if it exists, or "" if no name is like it.
	Suggestion string
	// Missing are the values that its closest rule needs besides.
	Missing []string
	// Allowed are that rule's methods, if Method is none of them.
	Allowed []string
	// Err says which value the rule refuses, or which other rule has the URL.
	Err error
}

// Error names all of that.
func (e *BuildError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "routing: no URL for endpoint %q", e.Endpoint)
	if e.Method != "" {
		fmt.Fprintf(&b, " with method %s", e.Method)
	}
	if len(e.Values) > 0 {
		fmt.Fprintf(&b, " with values %s", strings.Join(e.Values, ", "))
	}
	switch {
	case e.Err != nil:
		fmt.Fprintf(&b, ": %v", e.Err)
	case e.Suggestion == "":
		b.WriteString(": the map has none like it")
	case e.Suggestion != e.Endpoint:
		fmt.Fprintf(&b, ": did you mean %q?", e.Suggestion)
	default:
		if len(e.Allowed) > 0 {
			fmt.Fprintf(&b, ": its methods are %s", strings.Join(e.Allowed, ", "))
		}
		if len(e.Missing) > 0 {
			fmt.Fprintf(&b, ": values are missing: %s", strings.Join(e.Missing, ", "))
		}
	}
	return b.String()
}

// Unwrap returns Err.
func (e *BuildError) Unwrap() error { return e.Err }

// buildError finds what was perhaps meant.
func (t *table) buildError(endpoint string, values []Value, method string, refused error) error {
	e := &BuildError{Endpoint: endpoint, Method: method, Err: refused}
	given := 0
	for _, v := range values {
		e.Values = append(e.Values, v.name)
		if v.kind != nilValue {
			given++
		}
	}
	slices.Sort(e.Values)
	rules := t.endpoints.find(endpoint)
	if len(rules) == 0 {
		e.Suggestion = t.similar(endpoint)
		return e
	}
	e.Suggestion = endpoint
	bits := allMethods
	if method != "" {
		bits = t.bit(method)
	}
	for i, r := range rules {
		var missing []string
		for _, name := range r.arguments {
			if at := indexOf(values, name); (at < 0 || values[at].kind == nilValue) && !r.hasDefault(name) {
				missing = append(missing, name)
			}
		}
		if i == 0 || len(missing) < len(e.Missing) || len(missing) == len(e.Missing) && r.methods&bits != 0 {
			e.Missing, e.Allowed = missing, nil
			if r.methods&bits == 0 {
				e.Allowed = r.names
			}
		}
	}
	return e
}

// similar returns the endpoint whose name is most like the one given, "" if none
// is like it at all.
func (t *table) similar(name string) string {
	names := make([]string, 0, len(t.rules))
	for _, r := range t.rules {
		names = append(names, r.endpoint)
	}
	best, alike := mostAlike(name, names)
	if alike < 0.3 {
		return ""
	}
	return best
}

// mostAlike returns which of the names is most like the one given, the first if
// several are, and how much it is: 1 for itself, 0 for one without a byte of it.
func mostAlike(name string, names []string) (best string, alike float64) {
	const most = 200 // bytes that are looked at
	name = name[:min(len(name), most)]
	for _, other := range names {
		other = other[:min(len(other), most)]
		if total := len(name) + len(other); total > 0 && other != best {
			if a := 2 * float64(common(name, other)) / float64(total); a > alike {
				best, alike = other, a
			}
		}
	}
	return best, alike
}

// common is the length of the longest text that a and b become when bytes are
// taken out of them.
func common(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range len(a) {
		before := 0 // row[j] of the byte before
		for j := range len(b) {
			here := max(row[j], row[j+1])
			if a[i] == b[j] {
				here = before + 1
			}
			before, row[j+1] = row[j+1], here
		}
	}
	return row[len(b)]
}
