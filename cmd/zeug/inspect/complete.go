package inspect

import (
	"reflect"
	"slices"
	"strings"

	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/service/api"
)

// Complete returns the names that can stand in place of the last one of an
// expression: after "user.Na", the fields of user that start in "Na"; without a
// dot, the frame's variables. The names are sorted; at most 50 are returned.
func (c *Core) Complete(frame int, expression string) (names []string, err error) {
	start := strings.LastIndexFunc(expression, func(r rune) bool {
		return r != '.' && r != '_' && r != ']' && r != '[' && !isName(r)
	}) + 1
	last := expression[start:]
	dot := strings.LastIndexByte(last, '.')
	if dot < 0 {
		variables, err := c.Variables(frame)
		if err != nil {
			return nil, err
		}
		for _, v := range variables {
			names = append(names, v.Name)
		}
		return matching(append(names, "len(", "cap(", "true", "false", "nil"), last), nil
	}
	names, err = c.fields(frame, last[:dot])
	return matching(names, last[dot+1:]), err
}

// fields lists the names that can follow an expression and a dot.
func (c *Core) fields(frame int, expression string) (names []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer rescue(&err)
	scope, err := c.scope(frame)
	if err != nil {
		return nil, err
	}
	value, err := scope.EvalExpression(expression, proc.LoadConfig{FollowPointers: true, MaxVariableRecurse: 1, MaxStructFields: -1})
	if err != nil {
		return nil, explain(expression, err)
	}
	v := api.ConvertVar(value)
	for (v.Kind == reflect.Pointer || v.Kind == reflect.Interface) && len(v.Children) > 0 {
		v = &v.Children[0]
	}
	if v.Kind != reflect.Struct {
		return nil, nil
	}
	for _, field := range v.Children {
		names = append(names, field.Name)
	}
	return names, nil
}

func isName(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127
}

func matching(names []string, prefix string) []string {
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) })
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), 50)]
}
