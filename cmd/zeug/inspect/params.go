package inspect

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-delve/delve/pkg/proc"
)

// Params of package routing hold the path and the rule that matched it, and no values: a value is a
// part of the path. The parts are found as routing's match_variables.go finds them.

// param is a variable of a rule with its value as text.
type param struct {
	name, converter, text string
	// plain is the text as it stands in the path.
	plain string
	// number says that text is the number itself.
	number bool
}

func paramsForm(w *view, v *proc.Variable) (string, bool) {
	list, ok := w.params(v)
	if !ok {
		return "", false
	}
	var b strings.Builder
	b.WriteByte('[')
	for i, p := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.name + ": " + p.String())
	}
	b.WriteByte(']')
	return b.String(), true
}

func (p param) String() string {
	if p.number {
		return p.text
	}
	return strconv.Quote(p.text)
}

func paramsInside(w *view, v *proc.Variable) (list []Variable, ok bool) {
	params, ok := w.params(v)
	for _, p := range params {
		list = append(list, Variable{Name: p.name, Type: p.converter, Value: cut(p.String())})
	}
	return list, ok && len(list) > 0
}

// params lists the variables of a match. It returns false for a rule whose values are not just
// segments of the path: it has defaults, variables of the host, values found by a condition, or
// several variables in a segment.
func (w *view) params(v *proc.Variable) ([]param, bool) {
	v, err := w.again(v, proc.LoadConfig{FollowPointers: false, MaxVariableRecurse: 1, MaxStringLen: 8 << 10, MaxStructFields: -1})
	if err != nil {
		return nil, false
	}
	path, ok := stringOf(field(v, "path"))
	found := named(v.Children, "found")
	if !ok || found == nil || len(found.Children) != 1 {
		return nil, false
	}
	if found.Children[0].Addr == 0 {
		return nil, true
	}
	// The rule has a pointer to all other rules: only the fields that are needed are read.
	base := fmt.Sprintf("(*(*%q)(%#x))", typeName(&found.Children[0]), found.Children[0].Addr)
	if n, ok := w.number("len(" + base + ".vars)"); !ok || n != 0 {
		return nil, false
	}
	if n, ok := w.number("len(" + base + ".rule.defaults)"); !ok || n != 0 {
		return nil, false
	}
	slash, ok := w.number(base + ".slash")
	if !ok {
		return nil, false
	}
	count, ok := w.number("len(" + base + ".rule.variables)")
	if !ok || count > 64 {
		return nil, false
	}
	parts, ok := w.number("len(" + base + ".rule.variableParts)")
	if !ok || parts != count {
		return nil, false
	}
	var list []param
	from := int64(0)
	for i := range count {
		p, to, ok := w.param(base, i, path, from)
		if !ok {
			return nil, false
		}
		if slash != 0 {
			p.text = strings.ReplaceAll(p.text, string([]byte{byte(slash)}), "/")
			p.plain = p.text
		}
		list, from = append(list, p), to
	}
	return list, true
}

// param reads variable i of the path at an offset of at least from. It also returns the offset at
// which the variable's part of the path ends.
func (w *view) param(base string, i int64, path string, from int64) (p param, to int64, ok bool) {
	s, ok := w.segment(base, i)
	if !ok {
		return p, 0, false
	}
	from += s.skip
	length := int64(len(path))
	if from < 0 || from > length {
		return p, 0, false
	}
	to = length
	switch {
	case s.final && s.suffixed && length > from && path[length-1] == '/':
		to = length - 1
	case !s.final:
		if n := strings.IndexByte(path[from:], '/'); n >= 0 {
			to = from + int64(n)
		}
	}
	if s.before < 0 || s.after < 0 || from+s.before > to-s.after {
		return p, 0, false
	}
	plain := path[from+s.before : to-s.after]
	kind, _, _ := strings.Cut(s.converter, "(")
	p = param{name: s.name, converter: kind, text: plain, plain: plain}
	if kind == "int" {
		n, err := strconv.ParseInt(p.text, 10, 64)
		if err == nil {
			p.text, p.number = strconv.FormatInt(n, 10), true
		}
	}
	return p, to, true
}

// segment is the part of a rule's path that a variable is in.
type segment struct {
	name, converter     string
	skip, before, after int64
	final, suffixed     bool
}

func (w *view) segment(base string, i int64) (s segment, ok bool) {
	variable := fmt.Sprintf("%s.rule.variables[%d]", base, i)
	part := fmt.Sprintf("%s.rule.variableParts[%d]", base, i)
	ok = true
	number := func(expression string) int64 {
		n, known := w.number(expression)
		ok = ok && known
		return n
	}
	flag := func(expression string) bool {
		set, known := w.flag(expression)
		ok = ok && known
		return set
	}
	text := func(expression string) string {
		s, known := w.text(expression)
		ok = ok && known
		return s
	}
	host, several, index := flag(variable+".host"), flag(part+".several != nil"), number(variable+".variablePart")
	custom := flag(variable + ".converter.parse != nil")
	s = segment{
		name: text(variable + ".name"), converter: text(variable + ".converter.name"),
		skip: number(part + ".skip"), before: number(part + ".before"), after: number(part + ".after"),
		final: flag(part + ".final"), suffixed: flag(part + ".suffixed"),
	}
	return s, ok && !host && !several && !custom && index == i
}

func (w *view) number(expression string) (int64, bool) {
	v, err := w.small(expression)
	if err != nil {
		return 0, false
	}
	return integer(v)
}

func (w *view) flag(expression string) (value, ok bool) {
	v, err := w.small(expression)
	if err != nil {
		return false, false
	}
	return boolean(v)
}

func (w *view) text(expression string) (string, bool) {
	v, err := w.small(expression)
	if err != nil || v.Kind != reflect.String {
		return "", false
	}
	return stringOf(v)
}

// small evaluates an expression whose value is a number, a bool or a string.
func (w *view) small(expression string) (*proc.Variable, error) {
	if w.loads--; w.loads < 0 {
		return nil, errLoads
	}
	v, err := w.scope.EvalExpression(expression, proc.LoadConfig{MaxStringLen: 8 << 10})
	if err != nil {
		return nil, err
	}
	return v, v.Unreadable
}
