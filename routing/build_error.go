package routing

import (
	"fmt"
	"slices"

	"github.com/zeugkit/zeug/internal/similar"
)

// Why a URL cannot be built, and which endpoint is most like the given one. For the rules
//
//	/user/<int:id>          endpoint "user", GET
//	/user/<int:id>/avatar   endpoint "avatar", POST
//
// these are some mistakes and their errors:
//
//	Build("usr", id=7)                        Suggestion "user", by the letters of the names
//	Build("user")                             Missing "id"
//	Build("user", id="x")                     Err: the value of "id" is not an integer
//	BuildWith(GET, "avatar", id=7)            Allowed "POST"
//
// An endpoint with several rules has several reasons. The error names the rule that needs the fewest
// further values, and among equals one that takes the method.

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
	// The endpoint exists. Its name as the suggestion tells the error's text so.
	e.Suggestion = endpoint
	// Without a method of the caller, any rule's methods will do.
	bits := allMethods
	if method != "" {
		bits = t.bit(method)
	}
	// The rules are in the order of Build. The first one is the reason unless a later one is
	// closer.
	closest := rules[0]
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
			closest = r
		}
	}
	if e.Err == nil && len(e.Missing) == 0 && e.Allowed == nil {
		e.Err = closest.contradicted(values)
	}
	return e
}

// contradicted says which value is not the rule's default of the same name. For the rule
// /<lang>/about with the default lang="en", it is lang="de".
func (r *rule) contradicted(values []Value) error {
	for _, v := range values {
		if d, ok := r.defaultOf(v.name); ok && v.kind != nilValue && !v.equal(d) {
			return fmt.Errorf("the value of %q is not %v, the default of rule %q", v.name, d.any(), r.path)
		}
	}
	return nil
}

// similar returns the endpoint with the most similar name, or "" if no name is similar at all. If
// several names are equally alike, it prefers an endpoint whose rule has all of the values, and
// then one whose rule names the method. The two bonuses are Werkzeug's; they only decide
// between names that are about equally alike.
func (t *table) similar(name string, values []Value, method string) string {
	best, most := "", 0.3
	// Rules are looked at, not endpoints, since the bonuses depend on the rule.
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
