package inspect

import (
	"reflect"
	"slices"
	"strings"

	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/service/api"
)

// Complete returns the names that can replace the last one of an expression. After "user.Na" these
// are the fields of user that start with "Na", and after "main." the variables of that package.
// Without a dot they are the frame's variables and those of its package. The names are sorted; at
// most 50 are returned.
func (c *Core) Complete(at Place, expression string) (names []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer rescue(&err)
	scope, err := c.scope(at)
	if err != nil {
		return nil, err
	}
	start := strings.LastIndexFunc(expression, func(r rune) bool {
		return r != '.' && r != '_' && r != ']' && r != '[' && !isName(r)
	}) + 1
	last := expression[start:]
	dot := strings.LastIndexByte(last, '.')
	if dot < 0 {
		names = append(c.names(scope), "len(", "cap(", "min(", "max(", "true", "false", "nil")
		return matching(names, last), nil
	}
	names, err = c.fieldsOf(scope, last[:dot])
	if len(names) == 0 {
		// The name is not a value, or it is the function main, which has no fields.
		globals, _ := c.globalsOf(scope, last[:dot])
		if len(globals) == 0 && err != nil {
			return nil, c.explain(at, scope, last[:dot], err)
		}
		names = globals
	}
	return matching(names, last[dot+1:]), nil
}

// fieldsOf lists the names that can follow an expression and a dot, those of
// embedded structs too.
func (c *Core) fieldsOf(scope *proc.EvalScope, expression string) (names []string, err error) {
	value, err := scope.EvalExpression(expression, proc.LoadConfig{FollowPointers: true, MaxVariableRecurse: 3, MaxStructFields: -1})
	if err != nil {
		return nil, err
	}
	var list func(*api.Variable, int)
	list = func(v *api.Variable, depth int) {
		for (v.Kind == reflect.Pointer || v.Kind == reflect.Interface) && len(v.Children) > 0 {
			v = &v.Children[0]
		}
		if v.Kind != reflect.Struct || depth == 3 {
			return
		}
		for i := range v.Children {
			field := &v.Children[i]
			names = append(names, field.Name)
			// An embedded field has the name of its type.
			typ := strings.TrimLeft(field.Type, "*")
			if typ[strings.LastIndexAny(typ, "./")+1:] == field.Name && field.Kind != reflect.Interface {
				list(field, depth+1)
			}
		}
	}
	list(api.ConvertVar(value), 0)
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
