package routing

import (
	"context"
	"iter"
	"net/http"
)

// inlineArgs is how many variables an Args holds without an allocation.
const inlineArgs = 8

// Args are the values of a match: the rule's variables and its defaults. It is
// a value that can be kept.
//
// A name that the rule does not have gives the zero value: the rule's text and
// the view are written by the same hand, and a request must not panic.
type Args struct {
	rule *rule
	path string
	few  fewSpans // what lies in the path, unless more has it
	more *moreArgs
}

// moreArgs are what few matches have. Args is copied more often than any of
// this is there.
type moreArgs struct {
	host  string            // that the host's variables lie in
	slash byte              // what stands for an encoded slash in the path
	spans []span            // all of them, if they are too many or too far
	vars  map[string]string // what the rule's route found
}

// args writes what m found for r to a.
func (m *matcher) args(r *rule, a *Args) {
	a.rule, a.path, a.few = r, m.path, m.found.few
	if m.found.many != nil || m.slash != 0 || m.vars != nil || r.hosted {
		a.more = &moreArgs{host: m.host, slash: m.slash, vars: m.vars}
		if m.found.many != nil {
			a.more.spans = (*m.found.many)[:m.found.n]
		}
	}
}

// text returns the text of variable i.
func (a *Args) text(i int) string {
	if a.more == nil {
		s := a.few[i]
		return a.path[s.from:s.to]
	}
	var s span
	if a.more.spans != nil {
		s = a.more.spans[i]
	} else {
		s = a.few.at(i)
	}
	return cut(s, a.rule.variables[i].host, a.more.host, a.path, a.more.slash)
}

// lookup returns the place of a variable, -1 for none.
func (a *Args) lookup(name string) int {
	if a.rule == nil {
		return -1
	}
	return a.rule.variable(name)
}

// Get returns the value of name: an int, a float64, a [UUID], a string, or what
// a custom converter's Parse returned.
func (a *Args) Get(name string) (value any, ok bool) {
	if a.rule == nil {
		return nil, false
	}
	if d, ok := a.rule.defaultOf(name); ok {
		return d.Any(), true
	}
	if i := a.rule.variable(name); i >= 0 {
		return a.rule.variables[i].converter.value(a.text(i)), true
	}
	if a.more != nil {
		if text, ok := a.more.vars[name]; ok {
			return text, true
		}
	}
	return nil, false
}

// String returns the text of name as it stood in the URL, percent-decoded; a
// default's as Build would write it.
func (a *Args) String(name string) string {
	i := a.lookup(name)
	if i >= 0 && len(a.rule.defaults) == 0 {
		return a.text(i)
	}
	return a.otherText(name, i)
}

// otherText returns the text of a default, or of what a route found.
func (a *Args) otherText(name string, i int) string {
	if a.rule != nil {
		if d, ok := a.rule.defaultOf(name); ok {
			text, _ := d.plain()
			return text
		}
	}
	if i >= 0 {
		return a.text(i)
	}
	if a.more != nil {
		return a.more.vars[name]
	}
	return ""
}

// Int returns the value of name if it is an integer.
func (a *Args) Int(name string) int {
	if i := a.lookup(name); i >= 0 && len(a.rule.defaults) == 0 && a.rule.variables[i].converter.kind == intConverter {
		n, _ := parseInt(a.text(i))
		return n
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
		if a.rule == nil {
			return
		}
		for i := range a.rule.variables {
			name := a.rule.variables[i].name
			if value, _ := a.Get(name); !yield(name, value) {
				return
			}
		}
		for _, d := range a.rule.defaults {
			if a.rule.variable(d.name) < 0 && !yield(d.name, d.Any()) {
				return
			}
		}
		if a.more == nil {
			return
		}
		for name, value := range a.more.vars {
			if _, shadowed := a.rule.defaultOf(name); shadowed || a.rule.variable(name) >= 0 {
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
