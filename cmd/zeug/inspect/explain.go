package inspect

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"

	"github.com/go-delve/delve/pkg/proc"
)

// Delve's messages are those of a debugger's command line. The page shows what Go would say, and
// what helps.
var (
	unknownName   = regexp.MustCompile(`^could not find symbol (?:value for )?([\pL_][\pL\pN_]*)$`)
	unknownSymbol = regexp.MustCompile(`^could not find symbol ([\pL_][\pL\pN_./]*)\.([\pL_][\pL\pN_]*)$`)
	unknownGlobal = regexp.MustCompile(`^package (\S+) has no (?:function|symbol) (\S+)$`)
	unknownField  = regexp.MustCompile(`^(.*?)(?: \(type (.*)\))? has no member (\S+)$`)
	noConversion  = regexp.MustCompile(`^can not convert (.+) constant to (.+)$`)
	syntax        = regexp.MustCompile(`^1:(\d+): (.*)$`)
)

// explain says why an expression cannot be evaluated.
func (c *Core) explain(at Place, scope *proc.EvalScope, expression string, err error) error {
	text := err.Error()
	say := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", expression, fmt.Sprintf(format, args...))
	}
	if m := syntax.FindStringSubmatch(text); m != nil {
		if isStatement(expression) {
			return say("only expressions can be evaluated: this is a picture of the program as it was, in which nothing can be changed")
		}
		return say("at column %s: %s", m[1], strings.NewReplacer("'EOF'", "the end", "'", "").Replace(m[2]))
	}
	tree, _ := parser.ParseExpr(expression)
	if called := calls(tree, text); called != "" {
		return say("functions cannot be called here, and %s is one: this is a picture of the program as it was, and the program has gone on", called)
	}
	switch {
	case strings.Contains(text, "*ast.CompositeLit not implemented"), strings.Contains(text, "*ast.FuncLit not implemented"):
		return say("values cannot be made here, only read, compared and computed with")
	case strings.Contains(text, "key not found"), strings.Contains(text, "swiss map"):
		return say("the map has no such key")
	case strings.Contains(text, "index out of bounds"):
		return say("index out of range%s", c.lengths(scope, tree))
	case strings.HasPrefix(text, "can not index "):
		return say("%s is nil, and has no items", strings.Trim(strings.TrimPrefix(text, "can not index "), `"`))
	case strings.Contains(text, "divide by zero"):
		return say("division by zero")
	case strings.HasSuffix(text, " is nil"), strings.Contains(text, "nil pointer dereference"):
		return say("nil pointer dereference%s", strings.TrimSuffix(": "+text, ": nil pointer dereference"))
	case strings.Contains(text, "no type entry found"):
		return say("there is no such type in the program: types are named with their package, as in main.T")
	}
	if m := noConversion.FindStringSubmatch(text); m != nil {
		return say("%s is not a %s", m[1], m[2])
	}
	if m := unknownGlobal.FindStringSubmatch(text); m != nil {
		names, _ := c.globalsOf(scope, m[1])
		return say("package %s has no variable %s%s", m[1], m[2], meant(m[2], names, m[1]+"."))
	}
	if m := unknownField.FindStringSubmatch(text); m != nil {
		names, _ := c.fieldsOf(scope, m[1])
		what := m[1]
		if m[2] != "" {
			what += ", of type " + m[2] + ","
		}
		return say("%s has no field %s%s", what, m[3], meant(m[3], names, ""))
	}
	if m := unknownName.FindStringSubmatch(text); m != nil {
		return say("there is no %s in this frame%s", m[1], meant(m[1], c.names(scope), ""))
	}
	if m := unknownSymbol.FindStringSubmatch(text); m != nil {
		return say("there is no %s in this frame, and no package %s that has a variable %s%s", m[1], m[1], m[2], meant(m[1], c.names(scope), ""))
	}
	return fmt.Errorf("%s: %w", expression, err)
}

// builtins are the functions that Delve evaluates itself.
var builtins = []string{"len", "cap", "min", "max", "real", "imag", "complex"}

// calls returns the function that an expression calls, or "". It is the reason why the expression
// cannot be evaluated.
func calls(tree ast.Expr, problem string) (function string) {
	if tree == nil {
		return ""
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || function != "" {
			return true
		}
		switch f := call.Fun.(type) {
		case *ast.Ident:
			if !slices.Contains(builtins, f.Name) {
				function = f.Name
			}
		case *ast.SelectorExpr:
			function = f.Sel.Name
			if x, ok := f.X.(*ast.Ident); ok {
				function = x.Name + "." + function
			}
		}
		return true
	})
	// A conversion is written like a call, but if its operand is wrong, the
	// reason is the operand.
	if strings.HasPrefix(problem, "can not call") || strings.Contains(problem, "function call") || strings.Contains(problem, "call injection") ||
		function != "" && (strings.HasSuffix(problem, "symbol "+function) || strings.HasSuffix(problem, "symbol value for "+function) || strings.Contains(problem, "in function "+function)) {
		return function
	}
	return ""
}

// isStatement reports whether text that is not an expression is a statement.
func isStatement(text string) bool {
	_, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+text+"\n}", 0)
	return err == nil
}

// lengths says how long the indexed value is.
func (c *Core) lengths(scope *proc.EvalScope, tree ast.Expr) string {
	said := ""
	ast.Inspect(tree, func(n ast.Node) bool {
		var x ast.Expr
		switch n := n.(type) {
		case *ast.IndexExpr:
			x = n.X
		case *ast.SliceExpr:
			x = n.X
		default:
			return true
		}
		name := nameOf(x)
		if name == "" {
			return true
		}
		if v, err := scope.EvalExpression("len("+name+")", shallow); err == nil && v.Value != nil {
			said += fmt.Sprintf(": %s has %s items", name, v.Value)
		}
		return true
	})
	return said
}

// nameOf is the name of a variable or of a field of one, "" for other expressions.
func nameOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		if of := nameOf(x.X); of != "" {
			return of + "." + x.Sel.Name
		}
	}
	return ""
}

// names lists the things that a name alone can mean in a scope.
func (c *Core) names(scope *proc.EvalScope) (list []string) {
	arguments, err := scope.FunctionArguments(proc.LoadConfig{})
	locals, err2 := scope.LocalVariables(proc.LoadConfig{})
	if errors.Join(err, err2) != nil {
		return nil
	}
	for _, v := range append(arguments, locals...) {
		list = append(list, strings.Trim(v.Name, "()&"))
	}
	globals, _ := c.globalsOf(scope, packageOf(scope.Fn.Name))
	return append(list, globals...)
}

// meant asks whether another name was meant, or returns "".
func meant(typed string, names []string, prefix string) string {
	best, distance := "", min(3, len(typed)/2+1)
	for _, name := range names {
		if d := edits(strings.ToLower(typed), strings.ToLower(name)); d < distance || strings.HasPrefix(name, typed) && len(typed) > 1 && best == "" {
			best, distance = name, min(d, distance)
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + prefix + best + "?"
}

// edits is how many letters must be changed, added, left out or swapped with
// their neighbour to turn a into b.
func edits(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, row, before
	}
	return rows[1][len(b)]
}
