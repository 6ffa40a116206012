package routing

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/zeugkit/zeug/internal/development"
)

// For /user/<int:id>/<name> with the default lang="en", and the path /user/7/anna, the Params are the
// path and the state of the match. Nothing has been parsed:
//
//	Int("id")         the digits between two slashes of the path, as a number: 7
//	String("id")      the same bytes: "7"
//	String("name")    "anna"
//	Get("lang")       "en", from the rule
//	Int("name")       a mistake in the program, since no path makes name a number
//
// A name is looked up among the defaults, then the variables, then what the rule's condition found.
// A default comes first as in Werkzeug, where it overwrites the variable of the same name.

// Params are the values of a match: the rule's variables and its defaults. It is a value, and you
// may keep it.
//
// String, Int, Float and UUID return the zero value for a name that the rule does not have, or a
// value of another type. That is a mistake in the program: in development, under "zeug run" or with
// the debugger, they panic with an error that names the rule and its variables, and otherwise it is
// logged once. If a view has several rules, a missing name is not a mistake: then use [Params.Get]
// or [Param].
type Params struct {
	// Params has three words, and a Match four: that is the largest struct that the compiler passes
	// in registers. found is nil for the zero Params, which has no values.
	found *found
	// path is the path in which the variables are: with stand-ins, if slashes in it were encoded.
	path string
}

// rule returns the rule, or nil if the Params belong to no rule.
func (p Params) rule() *rule {
	if p.found == nil {
		return nil
	}
	return p.found.rule
}

// text returns the text of variable i.
func (p Params) text(i int) string { return p.found.text(p.path, i) }

// vars returns the values that the rule's condition found.
func (p Params) vars() map[string]string {
	if p.found == nil {
		return nil
	}
	return p.found.vars
}

// lookup returns the index of a variable, -1 for none. A variable with a default has an index too.
func (p Params) lookup(name string) int {
	if p.found == nil {
		return -1
	}
	return p.found.rule.variable(name)
}

// Get returns the value of name: an int, a float64, a [uuid.UUID], a string, or the result of a
// custom converter's Parse.
func (p Params) Get(name string) (value any, ok bool) {
	r := p.rule()
	if r == nil {
		return nil, false
	}
	if d, ok := r.defaultOf(name); ok {
		return d.any(), true
	}
	if i := r.variable(name); i >= 0 {
		return r.variables[i].converter.value(p.text(i)), true
	}
	if text, ok := p.vars()[name]; ok {
		return text, true
	}
	return nil, false
}

// String returns the string of name from the URL, percent-decoded. For a default it is the string
// that Build would write.
func (p Params) String(name string) string {
	// Most rules have no defaults, and then a variable is looked up once.
	i := p.lookup(name)
	if i >= 0 && len(p.found.rule.defaults) == 0 {
		return p.text(i)
	}
	return p.otherText(name, i)
}

// otherText returns the string of a default, or of a value that a condition found.
func (p Params) otherText(name string, i int) string {
	if r := p.rule(); r != nil {
		if d, ok := r.defaultOf(name); ok {
			// A default without a text is a value that only the program reads, with Get.
			text, _ := d.Text()
			return text
		}
	}
	if i >= 0 {
		return p.text(i)
	}
	text, ok := p.vars()[name]
	if !ok {
		p.misused(name, "")
	}
	return text
}

// Int returns the value of name if it is an integer.
func (p Params) Int(name string) int {
	// An int is parsed again for each call, because keeping it would take memory in each match.
	// With a default of the same name, typed returns the default.
	if i := p.lookup(name); i >= 0 {
		if r := p.found.rule; len(r.defaults) == 0 && r.variables[i].converter.kind == intConverter {
			n, _ := parseInt(p.text(i))
			return n
		}
	}
	return typed[int](p, name, "int")
}

// Float returns the value of name if it is a float.
func (p Params) Float(name string) float64 {
	return typed[float64](p, name, "float")
}

// UUID returns the value of name if it is a UUID.
func (p Params) UUID(name string) uuid.UUID {
	return typed[uuid.UUID](p, name, "uuid")
}

// typed returns the value if it has the type V. converter is the name of the converter that a rule
// needs for that, for the error.
func typed[V any](p Params, name, converter string) V {
	value, ok := Param[V](p, name)
	if !ok {
		p.misused(name, converter)
	}
	return value
}

// Param returns the value of name if its type is V. If the variable has a custom converter, it
// calls the converter's Parse.
func Param[V any](p Params, name string) (value V, ok bool) {
	found, _ := p.Get(name)
	value, ok = found.(V)
	return value, ok
}

// All returns the names and values: variables in the order of the rule's text, then the other
// defaults by name, then the values that the rule's condition found.
func (p Params) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		r := p.rule()
		if r == nil {
			return
		}
		for i, text := range p.found.texts(p.path) {
			v := &r.variables[i]
			var value any
			// The default wins here too, so that All, Get and String agree.
			if d, ok := r.defaultOf(v.name); ok {
				value = d.any()
			} else {
				value = v.converter.value(text)
			}
			if !yield(v.name, value) {
				return
			}
		}
		// A default of a variable has been returned in the variable's place.
		for _, d := range r.defaults {
			if r.variable(d.name) < 0 && !yield(d.name, d.any()) {
				return
			}
		}
		// The rule's own values win over those of its condition, as in Get.
		for name, value := range p.found.vars {
			if r.hasDefault(name) || r.variable(name) >= 0 {
				continue
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

// Map returns the values by name.
func (p Params) Map() map[string]any {
	values := map[string]any{}
	for name, value := range p.All() {
		values[name] = value
	}
	return values
}

// Format prints the params as a map, for logs. Without it, %v would print pointers, since String has
// an argument and is not that of [fmt.Stringer].
func (p Params) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), p.Map())
}

// misused reports a param that the rule does not have, or that has another type than the converter
// returns. Rules and names are in the source of the program, so that the first request shows such a
// mistake to its author. In production it must not become a 500 for visitors.
func (p Params) misused(name, converter string) {
	r := p.rule()
	if r == nil {
		return
	}
	value, ok := p.Get(name)
	if !ok && r.condition != nil { // values that a condition finds can be missing
		return
	}
	if development.On() {
		panic(r.misuse(name, converter, value, ok))
	}
	if mistakes.first(mistake{r, name, converter}) {
		logger := r.logger
		if logger == nil {
			logger = slog.Default()
		}
		logger.Error(r.misuse(name, converter, value, ok).Error())
	}
}

// misuse is the error that names the rule and its params, so that the author sees which of the two
// names to correct: "rule "/user/<int:id>" (main.go:12) has no param "ID": it has id".
func (r *rule) misuse(name, converter string, value any, ok bool) error {
	if ok {
		return fmt.Errorf("routing: the param %q of rule %q (%s) is a %T: to have another type, write <%s:%s> in the rule", name, r.path, r.where, value, converter, name)
	}
	has := "it has none"
	if len(r.arguments) > 0 {
		has = "it has " + strings.Join(r.arguments, ", ")
	}
	return fmt.Errorf("routing: rule %q (%s) has no param %q: %s", r.path, r.where, name, has)
}

// mistake is a wrong use of a param.
type mistake struct {
	rule            *rule
	name, converter string
}

// mistakes holds the mistakes that were logged, at most mostMistakes.
var mistakes mistakeSet

// mostMistakes limits the set, since a program may compute names from what clients send.
const mostMistakes = 1000

type mistakeSet struct {
	mu     sync.RWMutex
	logged map[mistake]bool
}

// first reports whether m has not been logged yet, so that each mistake is logged once. When the
// set is full, nothing more is logged.
func (s *mistakeSet) first(m mistake) bool {
	// A mistake that each request repeats takes only a lock for reading.
	s.mu.RLock()
	known := s.logged[m] || len(s.logged) >= mostMistakes
	s.mu.RUnlock()
	if known {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.logged == nil {
		s.logged = map[mistake]bool{}
	}
	known = s.logged[m]
	s.logged[m] = true
	return !known
}

// paramsKey is the key of the matchContext in a request's context. No other package can make one.
type paramsKey struct{}

// ParamsOf returns the params of the match that led to r's handler. They are empty if the handler
// was not called by a Map ([Map.Handler]).
func ParamsOf(r *http.Request) Params {
	if c, ok := r.Context().Value(paramsKey{}).(*matchContext); ok {
		return c.params
	}
	return Params{}
}

// matchContext is the context of a handler that a Map called. It answers for its own key itself, which
// spares an allocation by context.WithValue.
type matchContext struct {
	context.Context
	params Params
}

func (c *matchContext) Value(key any) any {
	if _, ok := key.(paramsKey); ok {
		return c
	}
	return c.Context.Value(key)
}
