package routing

import (
	"context"
	"iter"
	"net/http"
)

// Args are the values of a match: the rule's variables and its defaults. It is
// a value that can be kept.
//
// A name that the rule does not have gives the zero value: the rule's text and
// the view are written by the same hand, and a request must not panic.
type Args struct {
	// These are three words, and a Match four, which is what the compiler still
	// passes in registers.
	found *found
	path  string
}

// rule returns the rule, or nil if the Args are of none.
func (a *Args) rule() *rule {
	if a.found == nil {
		return nil
	}
	return a.found.rule
}

// text returns the text of variable i.
func (a *Args) text(i int) string { return a.found.text(a.path, i) }

// vars returns what the rule's route found.
func (a *Args) vars() map[string]string {
	if a.found == nil {
		return nil
	}
	return a.found.vars
}

// lookup returns the place of a variable, -1 for none.
func (a *Args) lookup(name string) int {
	if a.found == nil {
		return -1
	}
	return a.found.rule.variable(name)
}

// Get returns the value of name: an int, a float64, a [UUID], a string, or what
// a custom converter's Parse returned.
func (a *Args) Get(name string) (value any, ok bool) {
	r := a.rule()
	if r == nil {
		return nil, false
	}
	if d, ok := r.defaultOf(name); ok {
		return d.Any(), true
	}
	if i := r.variable(name); i >= 0 {
		return r.variables[i].converter.value(a.text(i)), true
	}
	if text, ok := a.vars()[name]; ok {
		return text, true
	}
	return nil, false
}

// String returns the text of name as it stood in the URL, percent-decoded; a
// default's as Build would write it.
func (a *Args) String(name string) string {
	i := a.lookup(name)
	if i >= 0 && len(a.found.rule.defaults) == 0 {
		return a.text(i)
	}
	return a.otherText(name, i)
}

// otherText returns the text of a default, or of what a route found.
func (a *Args) otherText(name string, i int) string {
	if r := a.rule(); r != nil {
		if d, ok := r.defaultOf(name); ok {
			text, _ := d.plain()
			return text
		}
	}
	if i >= 0 {
		return a.text(i)
	}
	return a.vars()[name]
}

// Int returns the value of name if it is an integer.
func (a *Args) Int(name string) int {
	if i := a.lookup(name); i >= 0 {
		if r := a.found.rule; len(r.defaults) == 0 && r.variables[i].converter.kind == intConverter {
			n, _ := parseInt(a.text(i))
			return n
		}
	}
	n, _ := Arg[int](a, name)
	return n
}

// Float returns the value of name if it is a float.
func (a *Args) Float(name string) float64 {
	f, _ := Arg[float64](a, name)
	return f
}

// UUID returns the value of name if it is a UUID.
func (a *Args) UUID(name string) UUID {
	u, _ := Arg[UUID](a, name)
	return u
}

// Arg returns the value of name if it is a V; a custom converter's Parse is
// called for it.
func Arg[V any](a *Args, name string) (value V, ok bool) {
	any, _ := a.Get(name)
	value, ok = any.(V)
	return value, ok
}

// Len returns how many values there are.
func (a *Args) Len() int {
	n := 0
	for range a.All() {
		n++
	}
	return n
}

// All returns the names and values: variables in the order of the rule's text,
// then the other defaults by name, then what the rule's route found.
func (a *Args) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		r := a.rule()
		if r == nil {
			return
		}
		for i, text := range a.found.texts(a.path) {
			v := &r.variables[i]
			var value any
			if d, ok := r.defaultOf(v.name); ok {
				value = d.Any()
			} else {
				value = v.converter.value(text)
			}
			if !yield(v.name, value) {
				return
			}
		}
		for _, d := range r.defaults {
			if r.variable(d.name) < 0 && !yield(d.name, d.Any()) {
				return
			}
		}
		for name, value := range a.found.vars {
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
func (a *Args) Map() map[string]any {
	values := map[string]any{}
	for name, value := range a.All() {
		values[name] = value
	}
	return values
}

// texts returns the values' texts by name, as mux.Vars does.
func (a *Args) texts() map[string]string {
	texts := map[string]string{}
	for name := range a.All() {
		texts[name] = a.String(name)
	}
	return texts
}

type argsKey struct{}

// ArgsOf returns the values of the match that led to r's handler, if a Map
// called it ([Map.Handler]), and else none. It is never nil.
func ArgsOf(r *http.Request) *Args {
	if c, ok := r.Context().Value(argsKey{}).(*matchContext); ok {
		return &c.args
	}
	return &noArgs
}

var noArgs Args

// matchContext is the context of a handler that a Map called.
type matchContext struct {
	context.Context
	args Args
}

func (c *matchContext) Value(key any) any {
	if _, ok := key.(argsKey); ok {
		return c
	}
	if value, ok := c.muxValue(key); ok {
		return value
	}
	return c.Context.Value(key)
}
