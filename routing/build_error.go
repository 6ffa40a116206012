package routing

import (
	"slices"

	"github.com/zeugkit/zeug/internal/similar"
)

// Why a URL cannot be built, and which endpoint is most like the given one.

// buildError finds the endpoint and the values that are most like the given ones.
func (t *table) buildError(endpoint string, values []Value, method string, refused error) error {
	e := &BuildError{Endpoint: endpoint, Method: method, Err: refused}
	for _, v := range values {
		e.Values = append(e.Values, v.name)
	}
	slices.Sort(e.Values)
	rules := t.endpoints[endpoint]
	if len(rules) == 0 {
		e.Suggestion = t.similar(endpoint, values, method)
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
			if indexOf(values, name) < 0 && !r.hasDefault(name) {
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

// similar returns the endpoint with the most similar name, or "" if no name is similar at all. If
// several names are equally alike, it prefers an endpoint whose rule has all of the values, and
// then one whose rule names the method.
func (t *table) similar(name string, values []Value, method string) string {
	best, most := "", 0.3
	for _, r := range t.rules {
		_, likeness := similar.Name(name, []string{r.endpoint})
		if likeness < 0.3 {
			continue
		}
		if !slices.ContainsFunc(values, func(v Value) bool { return v.kind != nilValue && !r.knows(v.name) }) {
			likeness += 0.01
		}
		if slices.Contains(r.names, method) {
			likeness += 0.01
		}
		if likeness > most {
			best, most = r.endpoint, likeness
		}
	}
	return best
}
