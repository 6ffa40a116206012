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
	// if it exists, or "".
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
		b.WriteString(": the map has no endpoints")
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

// similar returns the endpoint that takes the fewest changes to become name.
func (t *table) similar(name string) string {
	if len(name) > 200 {
		name = name[:200]
	}
	best, fewest := "", -1
	for _, r := range t.rules {
		if r.endpoint == "" || r.endpoint == best {
			continue
		}
		if n := changes(name, r.endpoint); fewest < 0 || n < fewest {
			best, fewest = r.endpoint, n
		}
	}
	return best
}

// changes is the number of bytes to insert, remove or replace to make a of b.
func changes(a, b string) int {
	if len(b) > 200 {
		b = b[:200]
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := previous
			if a[i] != b[j] {
				replaced++
			}
			previous = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
