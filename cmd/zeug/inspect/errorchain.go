package inspect

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-delve/delve/pkg/proc"

	"github.com/zeugkit/zeug/httperror"
)

// An error is shown with its message and with the errors that it wraps. Methods cannot be called in
// a core, so the messages of known types are built from their fields, as their Error methods do:
//
//	(*fmt.wrapError) "open shop: gone" ← (*errors.errorString) "gone"
//
// The message of any other type is not known, and its fields are shown. An error that wraps such an
// error has a known message only if it keeps the message in a field.

// errorType says how to read the errors of a type.
type errorType struct {
	// message makes the message, false if it is not known.
	message func(w *view, v *proc.Variable, depth int) (string, bool)
	// wrapped names the field of the error that it wraps, or of a list of them.
	wrapped string
}

// errorTypes maps the full names of dynamic types in error interfaces to what is known of them.
var errorTypes map[string]errorType

func init() { // the functions use the table
	errorTypes = map[string]errorType{
		"*errors.errorString":                  {kept("s"), ""},
		"*fmt.wrapError":                       {kept("msg"), "err"},
		"*fmt.wrapErrors":                      {kept("msg"), "errs"},
		"*errors.joinError":                    {joinedMessage, "errs"},
		"*strconv.NumError":                    {numMessage, "Err"},
		"*io/fs.PathError":                     {pathMessage, "Err"},
		"*os.SyscallError":                     {prefixed("Syscall"), "Err"},
		"*net/url.Error":                       {urlMessage, "Err"},
		"*net/http.ProtocolError":              {kept("ErrorString"), ""},
		"*net/http.MaxBytesError":              {always("http: request body too large"), ""},
		"*encoding/json.SyntaxError":           {kept("msg"), ""},
		"context.deadlineExceededError":        {always("context deadline exceeded"), ""},
		"runtime.errorString":                  {runtimeMessage, ""},
		"runtime.plainError":                   {wholeString, ""},
		"syscall.Errno":                        {errnoMessage, ""},
		zeugModule + "/httperror.Code":         {codeMessage, ""},
		"*" + zeugModule + "/httperror.Error":  {httpMessage, "Err"},
		"*" + zeugModule + "/middleware.Panic": {nil, ""},
		"*github.com/pkg/errors.fundamental":   {kept("msg"), ""},
		"*github.com/pkg/errors.withStack":     {same("error"), "error"},
		"*github.com/pkg/errors.withMessage":   {causeMessage, "cause"},
	}
}

// maxChain is how many errors of a chain are shown, and how many messages may be inside each other.
const maxChain = 16

func errorForm(w *view, v *proc.Variable) (string, bool) {
	chain := w.chain(v)
	if len(chain) == 0 {
		return "", false
	}
	var b strings.Builder
	for i, e := range chain {
		if i > 0 {
			b.WriteString(" ← ")
		}
		fmt.Fprintf(&b, "(%s) ", short(typeName(e)))
		if message, ok := w.message(e, 0); ok {
			b.WriteString(strconv.Quote(message))
		} else {
			w.write(&b, e, 2)
		}
	}
	return b.String(), true
}

// errorInside lists the errors of a chain, and the fields of the first one.
func errorInside(w *view, v *proc.Variable) ([]Variable, bool) {
	chain := w.chain(v)
	if len(chain) < 2 {
		return nil, false
	}
	var list []Variable
	for i, e := range chain {
		shown := w.show(e)
		shown.Name = "wraps"
		if i == 0 {
			shown.Name = "error"
		}
		if message, ok := w.message(e, 0); ok {
			shown.Value = cut(strconv.Quote(message))
		}
		list = append(list, shown)
	}
	return list, true
}

// chain lists the values in an error interface: the error and what it wraps, depth first.
func (w *view) chain(v *proc.Variable) []*proc.Variable {
	list, _ := w.wholeChain(v)
	return list
}

// wholeChain returns the same list as [view.chain], and reports whether the list is complete.
func (w *view) wholeChain(v *proc.Variable) (list []*proc.Variable, complete bool) {
	complete = true
	var add func(v *proc.Variable)
	add = func(v *proc.Variable) {
		held := w.held(v)
		if held == nil || len(list) == maxChain {
			complete = complete && len(list) < maxChain && v.Unreadable == nil && v.Kind == reflect.Interface
			return
		}
		list = append(list, held)
		known, ok := errorTypes[typeName(held)]
		if !ok || known.wrapped == "" {
			return
		}
		wrapped := field(w.opened(held), known.wrapped)
		if wrapped == nil {
			complete = false
			return
		}
		if wrapped.Kind == reflect.Slice {
			complete = complete && int64(len(wrapped.Children)) == wrapped.Len
			for i := range wrapped.Children {
				add(&wrapped.Children[i])
			}
			return
		}
		add(wrapped)
	}
	add(v)
	return list, complete
}

// held is what an interface holds, nil for none.
func (w *view) held(v *proc.Variable) *proc.Variable {
	if v == nil || v.Unreadable != nil || v.Kind != reflect.Interface {
		return nil
	}
	if len(v.Children) == 0 {
		again, err := w.again(v, shallow)
		if err != nil {
			return nil
		}
		v = again
	}
	if len(v.Children) != 1 || v.Children[0].Kind == reflect.Invalid || v.Children[0].Unreadable != nil {
		return nil
	}
	return &v.Children[0]
}

// opened returns a value with its fields, which it reads if necessary. It returns v if they cannot
// be read.
func (w *view) opened(v *proc.Variable) *proc.Variable {
	target := v
	if v.Kind == reflect.Pointer {
		if len(v.Children) != 1 || v.Children[0].Addr == 0 {
			return v
		}
		target = &v.Children[0]
	}
	if again, err := w.again(target, whole); err == nil {
		return again
	}
	return target
}

// message is the message of what an error interface holds.
func (w *view) message(held *proc.Variable, depth int) (string, bool) {
	known, ok := errorTypes[typeName(held)]
	if !ok || known.message == nil || depth > maxChain {
		return "", false
	}
	if held.Kind == reflect.Pointer && (len(held.Children) != 1 || held.Children[0].Addr == 0) {
		return "", false
	}
	return known.message(w, w.opened(held), depth)
}

// messageOf is the message of the error in a field.
func (w *view) messageOf(v *proc.Variable, depth int) (string, bool) {
	held := w.held(v)
	if held == nil {
		return "", false
	}
	return w.message(held, depth+1)
}

func kept(name string) func(*view, *proc.Variable, int) (string, bool) {
	return func(_ *view, v *proc.Variable, _ int) (string, bool) { return stringOf(field(v, name)) }
}

func always(text string) func(*view, *proc.Variable, int) (string, bool) {
	return func(*view, *proc.Variable, int) (string, bool) { return text, true }
}

func same(name string) func(*view, *proc.Variable, int) (string, bool) {
	return func(w *view, v *proc.Variable, depth int) (string, bool) { return w.messageOf(field(v, name), depth) }
}

// prefixed is the text of a field, a colon, and the message of the field Err.
func prefixed(name string) func(*view, *proc.Variable, int) (string, bool) {
	return func(w *view, v *proc.Variable, depth int) (string, bool) {
		text, ok1 := stringOf(field(v, name))
		cause, ok2 := w.messageOf(field(v, "Err"), depth)
		return text + ": " + cause, ok1 && ok2
	}
}

func wholeString(_ *view, v *proc.Variable, _ int) (string, bool) { return stringOf(v) }

func runtimeMessage(_ *view, v *proc.Variable, _ int) (string, bool) {
	text, ok := stringOf(v)
	return "runtime error: " + text, ok
}

func errnoMessage(_ *view, v *proc.Variable, _ int) (string, bool) {
	n, ok := integer(v)
	return syscall.Errno(n).Error(), ok
}

func joinedMessage(w *view, v *proc.Variable, depth int) (string, bool) {
	errs := field(v, "errs")
	if errs == nil || int64(len(errs.Children)) != errs.Len {
		return "", false
	}
	var lines []string
	for i := range errs.Children {
		line, ok := w.messageOf(&errs.Children[i], depth)
		if !ok {
			return "", false
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n"), true
}

func numMessage(w *view, v *proc.Variable, depth int) (string, bool) {
	function, ok1 := stringOf(field(v, "Func"))
	number, ok2 := stringOf(field(v, "Num"))
	cause, ok3 := w.messageOf(field(v, "Err"), depth)
	return "strconv." + function + ": parsing " + strconv.Quote(number) + ": " + cause, ok1 && ok2 && ok3
}

func pathMessage(w *view, v *proc.Variable, depth int) (string, bool) {
	op, ok1 := stringOf(field(v, "Op"))
	name, ok2 := stringOf(field(v, "Path"))
	cause, ok3 := w.messageOf(field(v, "Err"), depth)
	return op + " " + name + ": " + cause, ok1 && ok2 && ok3
}

func urlMessage(w *view, v *proc.Variable, depth int) (string, bool) {
	op, ok1 := stringOf(field(v, "Op"))
	address, ok2 := stringOf(field(v, "URL"))
	cause, ok3 := w.messageOf(field(v, "Err"), depth)
	return fmt.Sprintf("%s %q: %s", op, address, cause), ok1 && ok2 && ok3
}

func causeMessage(w *view, v *proc.Variable, depth int) (string, bool) {
	text, ok1 := stringOf(field(v, "msg"))
	cause, ok2 := w.messageOf(field(v, "cause"), depth)
	return text + ": " + cause, ok1 && ok2
}

func codeMessage(_ *view, v *proc.Variable, _ int) (string, bool) {
	code, ok := integer(v)
	return httperror.Code(code).Error(), ok
}

func httpMessage(w *view, v *proc.Variable, depth int) (string, bool) {
	code := field(v, "Code")
	if code == nil {
		return "", false
	}
	text, ok := codeMessage(w, code, depth)
	cause := field(v, "Err")
	description, ok2 := stringOf(field(v, "Description"))
	switch {
	case !ok || !ok2 || cause == nil:
		return "", false
	case w.held(cause) != nil:
		why, ok := w.messageOf(cause, depth)
		return text + ": " + why, ok
	case description != "":
		return text + ": " + description, true
	}
	return text, true
}
