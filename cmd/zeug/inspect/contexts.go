package inspect

import (
	"strconv"
	"strings"

	"github.com/go-delve/delve/pkg/proc"
)

// A context is a chain of contexts, each with one more value, deadline or way to be canceled. Its form
// has the facts of the whole chain:
//
//	canceled: context canceled; deadline 2026-01-02 03:04:05 +0000 UTC; main.userKey(1): "ann"

// contextFacts are what a chain of contexts knows.
type contextFacts struct {
	deadline string
	ended    string // the error it ended with, "" if it has not
	values   []entry
	// other is the first context of a type that is not known, at which the reading ends.
	other *proc.Variable
	known bool
}

// maxContexts is how many contexts of a chain are read.
const maxContexts = 64

// contextFacts reads a chain of contexts.
func (w *view) contextFacts(v *proc.Variable) contextFacts {
	var f contextFacts
	canEnd := true
	for range maxContexts {
		held := w.held(v)
		if held == nil {
			return f
		}
		name := typeName(held)
		target := w.opened(held)
		switch name {
		case "context.backgroundCtx", "context.todoCtx":
			f.known = true
			return f
		case "*context.valueCtx":
			key, value := field(target, "key"), field(target, "val")
			if key == nil || value == nil {
				return f
			}
			f.values = append(f.values, entry{key, value})
			v = field(target, "Context")
		case "*context.timerCtx":
			if deadline := field(target, "deadline"); deadline != nil && f.deadline == "" && canEnd {
				f.deadline = w.line(deadline)
			}
			inner := field(target, "cancelCtx")
			f.end(w, inner, canEnd)
			v = field(inner, "Context")
		case "*context.cancelCtx":
			f.end(w, target, canEnd)
			v = field(target, "Context")
		case "*context.afterFuncCtx":
			f.end(w, field(target, "cancelCtx"), canEnd)
			v = field(target, "cancelCtx", "Context")
		case "context.stopCtx":
			v = field(target, "Context")
		case "context.withoutCancelCtx":
			canEnd = false
			v = field(target, "c")
		default:
			f.other = held
			f.known = true
			return f
		}
		f.known = true
	}
	return f
}

// end notes why a context has ended, if it has ended.
func (f *contextFacts) end(w *view, v *proc.Variable, canEnd bool) {
	if f.ended != "" || !canEnd {
		return
	}
	err := field(v, "err")
	if err == nil {
		return
	}
	if inner := field(err, "v"); inner != nil { // an atomic.Value since Go 1.25
		err = inner
	}
	held := w.held(err)
	if held == nil {
		return
	}
	f.ended = "(" + short(typeName(held)) + ")"
	if message, ok := w.message(held, 0); ok {
		f.ended = message
	}
}

func contextForm(w *view, v *proc.Variable) (string, bool) {
	f := w.contextFacts(v)
	if !f.known {
		return "", false
	}
	var parts []string
	if f.ended != "" {
		parts = append(parts, "ended: "+f.ended)
	}
	if f.deadline != "" {
		parts = append(parts, "deadline "+f.deadline)
	}
	for _, e := range f.values {
		parts = append(parts, w.keyLine(e.key)+": "+w.line(e.value))
	}
	if f.other != nil {
		parts = append(parts, "("+short(typeName(f.other))+")")
	}
	if len(parts) == 0 {
		return "no values, no deadline", true
	}
	return strings.Join(parts, "; "), true
}

// keyLine is a key of a context's value: its type names the package, and says what the key is.
func (w *view) keyLine(key *proc.Variable) string {
	held := w.held(key)
	if held == nil {
		return "nil"
	}
	text := w.line(held)
	name := short(typeName(held))
	if text == "{}" {
		return name
	}
	if _, err := strconv.Atoi(text); err == nil || strings.HasPrefix(text, `"`) {
		return name + "(" + text + ")"
	}
	return name + " " + text
}

// contextInside lists the values of a context, the newest first.
func contextInside(w *view, v *proc.Variable) ([]Variable, bool) {
	f := w.contextFacts(v)
	var list []Variable
	if f.ended != "" {
		list = append(list, Variable{Name: "ended", Type: "error", Value: cut(f.ended)})
	}
	if f.deadline != "" {
		list = append(list, Variable{Name: "deadline", Type: "time.Time", Value: f.deadline})
	}
	for _, e := range f.values {
		shown := w.show(e.value)
		shown.Name = cut(w.keyLine(e.key))
		list = append(list, shown)
	}
	if f.other != nil {
		shown := w.show(f.other)
		shown.Name = "in"
		list = append(list, shown)
	}
	return list, len(list) > 0
}
