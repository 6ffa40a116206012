package inspect

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"reflect"
	"slices"

	"github.com/go-delve/delve/pkg/proc"
)

// Nothing of the program runs when an expression calls a function. The result is known in four cases:
//
//   - the function is one of knownFunctions, and this process calls its own copy with the same arguments;
//   - the method is one of knownMethods of a type that can be copied out of the core;
//   - it is a method of an error or of params whose result this package knows, or a function of package errors;
//   - the program's source has the function. Then its statements are interpreted (interpret.go).
//
// Everything else is refused. An operation whose result might differ from what the program would
// have computed is refused too: no answer is better than a wrong one.

// evaluation evaluates an expression that has calls, in a frame.
type evaluation struct {
	*caller
	// pkg is the package of the expression. imports maps the names of its file's imports to their
	// paths; it is nil if the imports are not known.
	pkg     string
	imports map[string]string
}

const (
	maxSteps = 10_000
	maxCalls = 32 // inside each other
)

// errUnknown says why the result of an expression with calls is not known.
type errUnknown struct{ why string }

func (e errUnknown) Error() string { return e.why }

func unknown(format string, args ...any) error { return errUnknown{fmt.Sprintf(format, args...)} }

var errUnknownZone = errUnknown{"the program had not looked up its time zone yet, so the time of day is not known"}

// hasCall reports whether an expression calls a function other than those that Delve evaluates.
func hasCall(tree ast.Expr) (found bool) {
	ast.Inspect(tree, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			switch f := call.Fun.(type) {
			case *ast.Ident:
				found = found || !slices.Contains(builtins, f.Name) && basicTypes[f.Name] == nil
			case *ast.SelectorExpr, *ast.IndexExpr:
				found = true
			}
		}
		return true
	})
	return found
}

// computes reports whether an expression has operators or conversions. Delve computes them with
// numbers of any size, and not always as Go does: ^x of an unsigned x is negative.
func computes(tree ast.Expr) (found bool) {
	ast.Inspect(tree, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.BinaryExpr:
			found = true
		case *ast.UnaryExpr:
			found = found || x.Op != token.AND
		case *ast.CallExpr:
			name, ok := x.Fun.(*ast.Ident)
			found = found || ok && basicTypes[name.Name] != nil
		}
		return true
	})
	return found
}

// call evaluates an expression that has calls in a frame.
func (w *view) call(expression string) (v Variable, err error) {
	defer rescue(&err)
	tree, err := parser.ParseExpr(expression)
	if err != nil {
		return v, err
	}
	e := &evaluation{caller: &caller{view: w, run: new(run)}, pkg: packageOf(w.scope.Fn.Name)}
	if file, _ := w.scope.BinInfo.EntryLineForFunc(w.scope.Fn); file != "" {
		e.imports = importsOf(file)
	}
	o, err := e.eval(tree)
	if err != nil {
		return v, err
	}
	return w.describe(o)
}

func (e *evaluation) eval(tree ast.Expr) (operand, error) {
	if err := e.step(); err != nil {
		return operand{}, err
	}
	switch x := tree.(type) {
	case *ast.ParenExpr:
		return e.eval(x.X)
	case *ast.BasicLit:
		return literal(x)
	case *ast.Ident:
		return e.name(x)
	case *ast.BinaryExpr:
		return e.binary(x)
	case *ast.UnaryExpr:
		if x.Op == token.AND || x.Op == token.ARROW {
			return operand{}, unknown("operator %s cannot be used with calls", x.Op)
		}
		o, err := e.eval(x.X)
		if err != nil {
			return o, err
		}
		return unary(x.Op, o)
	case *ast.SelectorExpr:
		return e.selector(x)
	case *ast.IndexExpr:
		return e.index(x)
	case *ast.SliceExpr:
		return e.slice(x)
	case *ast.StarExpr:
		o, err := e.eval(x.X)
		if err != nil || o.core == nil || o.core.Kind != reflect.Pointer {
			return o, cmpErr(err, unknown("only pointers of the program can be followed here"))
		}
		return e.read("*" + address(o.core))
	case *ast.CallExpr:
		o, err := e.called(x)
		if err == nil && o.nothing {
			err = unknown("it returns nothing")
		}
		return o, err
	}
	return operand{}, unknown("an expression of this form cannot be used with calls")
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// called evaluates a call, or a conversion.
func (e *evaluation) called(x *ast.CallExpr) (operand, error) {
	switch f := ast.Unparen(x.Fun).(type) {
	case *ast.Ident:
		return e.calledName(f, x)
	case *ast.IndexExpr:
		if selector, ok := f.X.(*ast.SelectorExpr); ok && selector.Sel.Name == "AsType" {
			if pkg, ok := e.packageNamed(selector.X); ok && pkg == "errors" {
				return e.errorsAsExpression(x, f.Index)
			}
		}
	case *ast.SelectorExpr:
		if pkg, ok := e.packageNamed(f.X); ok {
			if pkg == "errors" && f.Sel.Name == "As" {
				return e.errorsAsExpression(x, nil)
			}
			args, err := e.arguments(x)
			if err != nil {
				return operand{}, err
			}
			return e.function(pkg, f.Sel.Name, args)
		}
		receiver, err := e.eval(f.X)
		if err != nil {
			return receiver, err
		}
		args, err := e.arguments(x)
		if err != nil {
			return operand{}, err
		}
		return e.method(receiver, f.Sel.Name, args)
	}
	return operand{}, unknown("a call of this form is not known here")
}

func (e *evaluation) arguments(x *ast.CallExpr) (list []operand, err error) {
	for _, arg := range x.Args {
		o, err := e.eval(arg)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	if x.Ellipsis.IsValid() {
		list[len(list)-1].spread = true
	}
	return list, nil
}

func (e *evaluation) calledName(f *ast.Ident, x *ast.CallExpr) (operand, error) {
	isFunction := e.scope.BinInfo.LookupFunc()[e.pkg+"."+f.Name] != nil
	if _, err := e.scope.EvalExpression(f.Name, proc.LoadConfig{}); err == nil && !isFunction {
		return operand{}, errUnknownFunction(f.Name)
	}
	if !isFunction && basicTypes[f.Name] != nil && len(x.Args) == 1 {
		o, err := e.eval(x.Args[0])
		if err != nil {
			return o, err
		}
		return o.converted(f.Name)
	}
	if !isFunction && f.Name == "len" && len(x.Args) == 1 {
		return e.length(x.Args[0])
	}
	if types.Universe.Lookup(f.Name) != nil && !isFunction {
		return operand{}, errUnknownFunction(f.Name)
	}
	args, err := e.arguments(x)
	if err != nil {
		return operand{}, err
	}
	return e.function(e.pkg, f.Name, args)
}

func (e *evaluation) length(x ast.Expr) (operand, error) {
	o, err := e.eval(x)
	if err != nil {
		return o, err
	}
	if o.typ == "" && !o.null {
		if o, err = o.settled(); err != nil {
			return o, err
		}
	}
	n, err := e.lengthOf(o)
	return operand{typ: "int", native: reflect.ValueOf(int(n))}, err
}
