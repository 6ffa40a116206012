package inspect

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"

	"github.com/go-delve/delve/pkg/proc"
)

// Nothing of the program runs when an expression calls a function. The result is known in four cases:
//
//   - the function is one of knownFunctions, and this process calls its own copy with the same arguments;
//   - the method is one of knownMethods of a type that can be copied out of the core;
//   - it is a method of an error or of params whose result this package knows (callKnown);
//   - the program's source has the function, and its body is one return statement with one expression. Then that
//     expression is evaluated, with the arguments in place of the parameters:
//
//     func (u *user) Title() string { return strings.ToUpper(u.Name) }     u.Title() is strings.ToUpper(u.Name)
//
// Everything else is refused. An operation whose result might differ from what the program would
// have computed is refused too: no answer is better than a wrong one.

// evaluation evaluates an expression that has calls.
type evaluation struct {
	*view
	// names are the parameters of the function whose body is evaluated; nil in the frame itself.
	names map[string]operand
	// pkg is the package of the expression. imports maps the names of its file's imports to their
	// paths; it is nil if the imports are not known.
	pkg     string
	imports map[string]string
	depth   int
	steps   *int
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
			name, _ := call.Fun.(*ast.Ident)
			switch call.Fun.(type) {
			case *ast.Ident:
				found = found || !slices.Contains(builtins, name.Name) && basicTypes[name.Name] == nil
			case *ast.SelectorExpr:
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
	steps := 0
	e := &evaluation{view: w, pkg: packageOf(w.scope.Fn.Name), steps: &steps}
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
	if *e.steps++; *e.steps > maxSteps {
		return operand{}, unknown("the expression takes too many steps")
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
		return e.read("*" + e.address(o))
	case *ast.CallExpr:
		return e.called(x)
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
	if x.Ellipsis.IsValid() {
		return operand{}, unknown("arguments with ... are not known here")
	}
	switch f := ast.Unparen(x.Fun).(type) {
	case *ast.Ident:
		return e.calledName(f, x)
	case *ast.SelectorExpr:
		if pkg, ok := e.packageNamed(f.X); ok {
			return e.calledFunction(pkg, f.Sel.Name, x)
		}
		receiver, err := e.eval(f.X)
		if err != nil {
			return receiver, err
		}
		return e.calledMethod(receiver, f.Sel.Name, x)
	}
	return operand{}, unknown("a call of this form is not known here")
}

func (e *evaluation) calledName(f *ast.Ident, x *ast.CallExpr) (operand, error) {
	if _, ok := e.names[f.Name]; ok {
		return operand{}, errUnknownFunction(f.Name)
	}
	if e.names == nil {
		if _, err := e.scope.EvalExpression(f.Name, proc.LoadConfig{}); err == nil && e.scope.BinInfo.LookupFunc()[e.pkg+"."+f.Name] == nil {
			return operand{}, errUnknownFunction(f.Name)
		}
	}
	if e.scope.BinInfo.LookupFunc()[e.pkg+"."+f.Name] != nil {
		return e.body(e.pkg+"."+f.Name, operand{}, x)
	}
	if basicTypes[f.Name] != nil && len(x.Args) == 1 {
		o, err := e.eval(x.Args[0])
		if err != nil {
			return o, err
		}
		return o.converted(f.Name)
	}
	if f.Name == "len" && len(x.Args) == 1 {
		return e.length(x.Args[0])
	}
	return e.body(e.pkg+"."+f.Name, operand{}, x)
}

// calledFunction evaluates a call of a package's function.
func (e *evaluation) calledFunction(pkg, name string, x *ast.CallExpr) (operand, error) {
	if pkg == "errors" && name == "Is" && len(x.Args) == 2 {
		return e.errorsIs(x)
	}
	f, ok := knownFunctions[pkg+"."+name]
	if !ok {
		return e.body(pkg+"."+name, operand{}, x)
	}
	return e.native(pkg+"."+name, reflect.ValueOf(f), x)
}

// calledMethod evaluates a call of a method.
func (e *evaluation) calledMethod(receiver operand, name string, x *ast.CallExpr) (operand, error) {
	if receiver.core != nil && receiver.core.Kind == reflect.Interface {
		if receiver.typ == "error" && name == "Error" && len(x.Args) == 0 {
			return e.errorText(receiver.core)
		}
		held := e.held(receiver.core)
		if held == nil {
			return receiver, unknown("nil pointer dereference: the interface is nil")
		}
		o, err := e.fromCore(held)
		if err != nil && o.typ == "" {
			return o, err
		}
		receiver = o
	}
	target := receiver
	if receiver.core != nil && receiver.core.Kind == reflect.Pointer {
		if len(receiver.core.Children) != 1 || receiver.core.Children[0].Addr == 0 {
			return receiver, unknown("nil pointer dereference: the receiver of %s is nil", name)
		}
		pointed, err := e.read("*" + e.address(receiver))
		if err != nil {
			return pointed, err
		}
		target = pointed
	}
	if target.typ == zeugModule+"/routing.Params" && target.core != nil {
		return e.paramsMethod(target.core, name, x)
	}
	if methods, ok := knownMethods[target.typ]; ok {
		return e.copiedMethod(target, methods, name, x)
	}
	if i := strings.LastIndexByte(target.typ, '.'); i > 0 && !strings.ContainsAny(target.typ, "[ {") {
		pkg, typ := target.typ[:i], target.typ[i+1:]
		for _, function := range []string{pkg + ".(*" + typ + ")." + name, pkg + "." + typ + "." + name} {
			if e.scope.BinInfo.LookupFunc()[function] != nil {
				return e.body(function, target, x)
			}
		}
	}
	return receiver, errUnknownFunction(name)
}
