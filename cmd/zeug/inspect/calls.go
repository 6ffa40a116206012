package inspect

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

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

func literal(x *ast.BasicLit) (operand, error) {
	kinds := map[token.Token]string{token.INT: "int", token.FLOAT: "float64", token.CHAR: "rune", token.STRING: "string"}
	c := constant.MakeFromLiteral(x.Value, x.Kind, 0)
	if kinds[x.Kind] == "" || c.Kind() == constant.Unknown {
		return operand{}, unknown("%s cannot be used with calls", x.Value)
	}
	return operand{constant: c, kind: kinds[x.Kind]}, nil
}

// name evaluates a name alone.
func (e *evaluation) name(x *ast.Ident) (operand, error) {
	if o, ok := e.names[x.Name]; ok {
		return o, nil
	}
	if e.names == nil {
		if o, err := e.read(x.Name); err == nil {
			return o, nil
		} else if x.Name != "true" && x.Name != "false" {
			return o, err
		}
	}
	switch x.Name {
	case "true", "false":
		return operand{constant: constant.MakeBool(x.Name == "true"), kind: "bool"}, nil
	case "nil":
		return operand{}, unknown("nil cannot be used with calls")
	}
	return e.read(fmt.Sprintf("%q.%s", e.pkg, x.Name)) // a variable of the package
}

// read lets Delve evaluate an expression, which must not have operators.
func (e *evaluation) read(expression string) (operand, error) {
	if e.loads--; e.loads < 0 {
		return operand{}, errLoads
	}
	v, err := e.scope.EvalExpression(expression, shallow)
	if err != nil {
		return operand{}, err
	}
	if v.Addr == 0 || v.Addr >= madeAddr || v.Flags&proc.VariableFakeAddress != 0 {
		return operand{}, unknown("%s has no address, and cannot be used with calls", expression)
	}
	o, err := e.fromCore(v)
	if err != nil && o.typ == "" {
		return o, err
	}
	return o, nil // without its value, which may not be needed
}

// address is an expression by which Delve finds a value of the core again.
func (e *evaluation) address(o operand) string {
	return fmt.Sprintf("(*(*%q)(%#x))", typeName(o.core), o.core.Addr)
}

func (e *evaluation) binary(x *ast.BinaryExpr) (operand, error) {
	left, err := e.eval(x.X)
	if err != nil {
		return left, err
	}
	if x.Op == token.LAND || x.Op == token.LOR {
		return e.logical(x, left)
	}
	right, err := e.eval(x.Y)
	if err != nil {
		return right, err
	}
	if runtime.GOARCH != "amd64" && (x.Op == token.ADD || x.Op == token.SUB) && left.native.IsValid() && left.native.CanFloat() {
		return left, unknown("floats cannot be added with calls here: the program may have done it in another precision")
	}
	return operate(x.Op, left, right)
}

func (e *evaluation) logical(x *ast.BinaryExpr, left operand) (operand, error) {
	value := func(o operand) (bool, error) {
		o, err := o.settled()
		if err == nil && (!o.native.IsValid() || o.native.Kind() != reflect.Bool) {
			err = unknown("operator %s is not defined on %s", x.Op, o.typ)
		}
		if err != nil {
			return false, err
		}
		return o.native.Bool(), nil
	}
	a, err := value(left)
	if err != nil {
		return left, err
	}
	if a == (x.Op == token.LOR) {
		return left.settled()
	}
	right, err := e.eval(x.Y)
	if err != nil {
		return right, err
	}
	if _, err := value(right); err != nil {
		return right, err
	}
	right, err = right.settled()
	return right, err
}

// selector evaluates a field, or a variable of a package.
func (e *evaluation) selector(x *ast.SelectorExpr) (operand, error) {
	if pkg, ok := e.packageNamed(x.X); ok {
		return e.read(fmt.Sprintf("%q.%s", pkg, x.Sel.Name))
	}
	o, err := e.eval(x.X)
	if id, ok := x.X.(*ast.Ident); ok && e.names == nil && (err != nil || o.core != nil && o.core.Kind == reflect.Func) {
		return e.read(id.Name + "." + x.Sel.Name) // a package that is not imported in this file, or the program's own
	}
	if err != nil {
		return o, err
	}
	if o.core == nil {
		return o, unknown("the fields of a result cannot be read")
	}
	return e.read(e.address(o) + "." + x.Sel.Name)
}

// packageNamed returns the path of the package that a name stands for, unless a variable has the
// name.
func (e *evaluation) packageNamed(x ast.Expr) (string, bool) {
	id, ok := x.(*ast.Ident)
	if !ok {
		return "", false
	}
	if _, ok := e.names[id.Name]; ok {
		return "", false
	}
	if e.names == nil {
		if _, err := e.scope.EvalExpression(id.Name, proc.LoadConfig{}); err == nil {
			return "", false
		}
	}
	if path, ok := e.imports[id.Name]; ok {
		return path, true
	}
	path, ok := packageNames[id.Name]
	return path, ok && e.names == nil
}

func (e *evaluation) index(x *ast.IndexExpr) (operand, error) {
	o, err := e.eval(x.X)
	if err != nil {
		return o, err
	}
	at, err := e.eval(x.Index)
	if err != nil {
		return at, err
	}
	if at, err = at.settled(); err != nil {
		return at, err
	}
	if !at.native.IsValid() || !at.basic() {
		return at, unknown("a %s is not an index that can be used with calls", at.typ)
	}
	if o.native.IsValid() && (at.native.CanInt() || at.native.CanUint()) {
		i := int64(-1)
		if at.native.CanInt() {
			i = at.native.Int()
		} else if at.native.Uint() < maxOperand {
			i = int64(at.native.Uint())
		}
		switch {
		case o.native.Type() != reflect.TypeFor[[]string]() && o.native.Type() != basicTypes["string"]:
			return o, unknown("a %s has no items that can be read here", o.typ)
		case i < 0 || i >= int64(o.native.Len()):
			return o, unknown("index out of range: there are %d items", o.native.Len())
		}
		return nativeOperand(o.native.Index(int(i)))
	}
	if o.core == nil {
		return o, unknown("a %s has no items that can be read here", o.typ)
	}
	if o.core.Kind == reflect.Map && at.native.Kind() != reflect.String && !at.native.CanInt() && !at.native.CanUint() {
		return o, unknown("the key of the map cannot be looked up with calls")
	}
	key := fmt.Sprint(at.native.Interface())
	if at.native.Kind() == reflect.String {
		key = fmt.Sprintf("%q", key)
	}
	return e.read(fmt.Sprintf("%s[%s]", e.address(o), key))
}

// slice evaluates a part of a string.
func (e *evaluation) slice(x *ast.SliceExpr) (operand, error) {
	o, err := e.eval(x.X)
	if err != nil {
		return o, err
	}
	if o, err = o.settled(); err != nil {
		return o, err
	}
	if x.Slice3 || !o.native.IsValid() || o.native.Kind() != reflect.String {
		return o, unknown("only strings can be sliced with calls")
	}
	bounds := [2]int64{0, int64(o.native.Len())}
	for i, bound := range []ast.Expr{x.Low, x.High} {
		if bound == nil {
			continue
		}
		at, err := e.eval(bound)
		if err != nil {
			return at, err
		}
		if at, err = at.settled(); err != nil {
			return at, err
		}
		if !at.native.IsValid() || !at.native.CanInt() {
			return at, unknown("a %s is not an index that can be used with calls", at.typ)
		}
		bounds[i] = at.native.Int()
	}
	if bounds[0] < 0 || bounds[0] > bounds[1] || bounds[1] > int64(o.native.Len()) {
		return o, unknown("index out of range: the string has %d bytes", o.native.Len())
	}
	return operand{typ: o.typ, native: o.native.Slice(int(bounds[0]), int(bounds[1]))}, nil
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

func (e *evaluation) length(x ast.Expr) (operand, error) {
	o, err := e.eval(x)
	if err != nil {
		return o, err
	}
	if o.typ == "" {
		if o, err = o.settled(); err != nil {
			return o, err
		}
	}
	switch {
	case o.core != nil && (isList(o.core) || o.core.Kind == reflect.String):
		return operand{typ: "int", native: reflect.ValueOf(int(o.core.Len))}, nil
	case o.native.IsValid() && (o.native.Kind() == reflect.String || o.native.Kind() == reflect.Slice || o.native.Kind() == reflect.Map):
		return operand{typ: "int", native: reflect.ValueOf(o.native.Len())}, nil
	}
	return o, unknown("a %s has no length that is known here", o.typ)
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

// native calls a function of this process.
func (e *evaluation) native(name string, f reflect.Value, x *ast.CallExpr) (o operand, err error) {
	if err := e.sameVersion(); err != nil {
		return o, err
	}
	t := f.Type()
	if t.NumOut() != 1 {
		return o, unknown("%s has %d results", name, t.NumOut())
	}
	fixed := t.NumIn()
	if t.IsVariadic() {
		fixed--
	}
	if len(x.Args) < fixed || len(x.Args) > fixed && !t.IsVariadic() {
		return o, unknown("%s takes %d arguments", name, fixed)
	}
	var args []reflect.Value
	for i, arg := range x.Args {
		want := t.In(min(i, t.NumIn()-1))
		if t.IsVariadic() && i >= fixed {
			want = want.Elem()
		}
		value, err := e.argument(arg, want)
		if err != nil {
			return o, err
		}
		args = append(args, value)
	}
	if name == "fmt.Sprintf" && strings.Contains(args[0].String(), "p") && slices.ContainsFunc(args, func(v reflect.Value) bool { return v.Kind() == reflect.Map || v.Kind() == reflect.Slice }) {
		return o, unknown("a format with the letter p may show an address, which is not known here")
	}
	defer func() {
		switch p := recover(); p.(type) {
		case nil:
		case tooLong:
			err = unknown("the result of %s is too long", name)
		default:
			err = unknown("%s panics: %v", name, p)
		}
	}()
	result := f.Call(args)[0]
	if result.Kind() == reflect.String && result.Len() > maxOperand {
		return o, unknown("the result of %s is too long", name)
	}
	return nativeOperand(result)
}

// argument evaluates an argument of a function of this process.
func (e *evaluation) argument(x ast.Expr, want reflect.Type) (value reflect.Value, err error) {
	o, err := e.eval(x)
	if err != nil {
		return value, err
	}
	if o.typ == "" && want.Kind() != reflect.Interface {
		o, err = o.typed(want.String())
	} else {
		o, err = o.settled()
	}
	if err != nil {
		return value, err
	}
	if !o.native.IsValid() {
		return e.stringList(o, want)
	}
	return passed(o, want)
}

// stringList copies a []string of the program for a function that takes one.
func (e *evaluation) stringList(o operand, want reflect.Type) (value reflect.Value, err error) {
	if want != reflect.TypeFor[[]string]() || o.core == nil || o.typ != "[]string" {
		return value, unknown("a %s cannot be passed to a function here", o.typ)
	}
	value = reflect.New(want).Elem()
	full, err := e.again(o.core, whole)
	if err != nil {
		return value, err
	}
	return value, e.copyInto(value, full, 0)
}

// passed is a value in the form in which a function of this process takes it.
func passed(o operand, want reflect.Type) (value reflect.Value, err error) {
	if t, ok := o.native.Interface().(time.Time); ok && t.Location() == unknownZone {
		return value, errUnknownZone
	}
	// A value of a named type of the program may have methods that the function would call.
	known := copiedTypes[o.typ]
	if known == nil {
		known = basicTypes[o.typ]
	}
	if o.typ == "[]string" {
		known = reflect.TypeFor[[]string]()
	}
	native := o.native
	if o.typ == "time.Duration" {
		native = native.Convert(known)
	}
	switch {
	case known == nil || native.Type() != known || known == reflect.TypeFor[uuid]():
		return value, unknown("a %s cannot be passed to a function here", o.typ)
	case want.Kind() == reflect.Interface && want.NumMethod() == 0 && (known.Kind() != reflect.Struct || known.PkgPath() == "time" || known.PkgPath() == "net/netip"):
		return native, nil
	case want == known:
		return native, nil
	case want.Kind() == reflect.Pointer && want.Elem() == known:
		pointer := reflect.New(known)
		pointer.Elem().Set(native)
		return pointer, nil
	}
	return value, unknown("a %s cannot be used as a %v", o.typ, want)
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

func (e *evaluation) copiedMethod(target operand, methods, name string, x *ast.CallExpr) (operand, error) {
	if !strings.Contains(methods, " "+name+" ") || !target.native.IsValid() {
		return target, errUnknownFunction(name)
	}
	if t, ok := target.native.Interface().(time.Time); ok && t.Location() == unknownZone {
		return target, errUnknownZone
	}
	t := copiedTypes[target.typ]
	receiver := reflect.New(t)
	receiver.Elem().Set(target.native.Convert(t))
	return e.native(name, receiver.MethodByName(name), x)
}

// sameVersion refuses a program of another version of Go, whose functions may do something else.
func (e *evaluation) sameVersion() error {
	producer := e.scope.BinInfo.Producer()
	minor := func(version string) string {
		_, version, _ = strings.Cut(version, "go1.")
		end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			return version
		}
		return version[:end]
	}
	if got, own := minor(producer), minor(runtime.Version()); got != own {
		return unknown("the program was built with Go 1.%s, and zeug with Go 1.%s: a call might have another result", got, own)
	}
	return nil
}

func (e *evaluation) errorText(v *proc.Variable) (operand, error) {
	held := e.held(v)
	if held == nil {
		return operand{}, unknown("nil pointer dereference: the error is nil")
	}
	message, ok := e.message(held, 0)
	if !ok {
		return operand{}, unknown("the Error method of %s cannot be called here", short(typeName(held)))
	}
	return operand{typ: "string", native: reflect.ValueOf(message)}, nil
}

// errorsIs looks for an error among those that another one wraps. Only chains of known types are
// read: these types have no Is method.
func (e *evaluation) errorsIs(x *ast.CallExpr) (operand, error) {
	err, failed := e.eval(x.Args[0])
	if failed != nil {
		return err, failed
	}
	target, failed := e.eval(x.Args[1])
	if failed != nil {
		return target, failed
	}
	if err.core == nil || target.core == nil || err.typ != "error" || target.typ != "error" {
		return err, unknown("errors.Is is known here only for variables of the type error")
	}
	no := operand{typ: "bool", native: reflect.ValueOf(false)}
	want := e.held(target.core)
	if want == nil || e.held(err.core) == nil {
		return operand{typ: "bool", native: reflect.ValueOf(want == nil && e.held(err.core) == nil)}, nil
	}
	if want.Kind != reflect.Pointer || len(want.Children) != 1 {
		return no, unknown("errors.Is is known here only for errors that are pointers, and the target is a %s", short(typeName(want)))
	}
	chain, complete := e.wholeChain(err.core)
	for _, held := range chain {
		if held.Kind == reflect.Pointer && typeName(held) == typeName(want) && len(held.Children) == 1 && held.Children[0].Addr == want.Children[0].Addr {
			return operand{typ: "bool", native: reflect.ValueOf(true)}, nil
		}
		if known, ok := errorTypes[typeName(held)]; !ok || known.message == nil || held.Kind != reflect.Pointer {
			return no, unknown("whether a %s is the error cannot be known here", short(typeName(held)))
		}
	}
	if !complete {
		return no, unknown("the chain of errors cannot be read as a whole")
	}
	return no, nil
}

// paramsMethod evaluates a method of routing.Params.
func (e *evaluation) paramsMethod(v *proc.Variable, name string, x *ast.CallExpr) (operand, error) {
	list, ok := e.params(v)
	if !ok {
		return operand{}, unknown("the params of this rule are not known here")
	}
	if name == "Len" && len(x.Args) == 0 {
		return operand{typ: "int", native: reflect.ValueOf(len(list))}, nil
	}
	if len(x.Args) != 1 || name != "Int" && name != "String" {
		return operand{}, errUnknownFunction(name)
	}
	arg, err := e.argument(x.Args[0], basicTypes["string"])
	if err != nil {
		return operand{}, err
	}
	for _, p := range list {
		switch {
		case p.name != arg.String():
		case name == "String":
			return operand{typ: "string", native: reflect.ValueOf(p.plain)}, nil
		case p.number:
			var n int
			if _, err := fmt.Sscan(p.text, &n); err != nil {
				return operand{}, unknown("the param %s is not an int", p.name)
			}
			return operand{typ: "int", native: reflect.ValueOf(n)}, nil
		default:
			return operand{}, unknown("the param %s is a %s, not an int", p.name, p.converter)
		}
	}
	return operand{}, unknown("the rule has no param %s", arg.String())
}

// body evaluates the expression that a function of the program returns.
func (e *evaluation) body(function string, receiver operand, x *ast.CallExpr) (operand, error) {
	fn := e.scope.BinInfo.LookupFunc()[function]
	if len(fn) == 0 {
		return operand{}, errUnknownFunction(function)
	}
	if e.depth >= maxCalls {
		return operand{}, unknown("%s calls too many functions", function)
	}
	file, line := e.scope.BinInfo.EntryLineForFunc(fn[0])
	source, err := e.source(file)
	if err != nil {
		return operand{}, unknown("functions cannot be called here, and what %s returns is not known: %v", function, err)
	}
	decl := source.declared(line, function[strings.LastIndexByte(function, '.')+1:])
	if decl == nil || decl.Type.TypeParams != nil {
		return operand{}, unknown("functions cannot be called here, and %s is generic, or not where the debug information says", function)
	}
	result, typ := returned(decl)
	if result == nil {
		return operand{}, unknown("functions cannot be called here, and %s does more than return one expression", function)
	}
	inner := &evaluation{view: e.view, names: map[string]operand{}, pkg: packageOf(function), imports: source.imports, depth: e.depth + 1, steps: e.steps}
	if err := inner.bind(decl, receiver, x, e); err != nil {
		return operand{}, err
	}
	o, err := inner.eval(result)
	if err != nil {
		return o, err
	}
	if name, ok := typ.(*ast.Ident); ok && basicTypes[name.Name] != nil && !source.declares(name.Name) {
		if o, err = o.typed(name.Name); err != nil {
			return o, err
		}
		if o.typ != name.Name && basicTypes[o.typ] != basicTypes[name.Name] {
			return o, unknown("%s returns a %s, which is not known here", function, name.Name)
		}
		return o, nil
	}
	if o.typ == "" || o.core == nil {
		return o, unknown("%s returns a type that is not known here", function)
	}
	if name, ok := typ.(*ast.Ident); ok && o.typ != inner.pkg+"."+name.Name && o.typ != name.Name {
		return o, unknown("%s returns a %s, which is not known here", function, name.Name)
	}
	return o, nil
}

// bind gives the parameters of a function their values.
func (e *evaluation) bind(decl *ast.FuncDecl, receiver operand, x *ast.CallExpr, outer *evaluation) error {
	if decl.Recv != nil && len(decl.Recv.List) == 1 && len(decl.Recv.List[0].Names) == 1 {
		e.names[decl.Recv.List[0].Names[0].Name] = receiver
	}
	i := 0
	for _, field := range decl.Type.Params.List {
		typ, ok := field.Type.(*ast.Ident)
		if !ok || basicTypes[typ.Name] == nil {
			return unknown("%s has a parameter whose type is not a basic one, which is not known here", decl.Name.Name)
		}
		for range max(len(field.Names), 1) {
			if i >= len(x.Args) {
				return unknown("%s takes more arguments", decl.Name.Name)
			}
			value, err := outer.argument(x.Args[i], basicTypes[typ.Name])
			if err != nil {
				return err
			}
			o, err := nativeOperand(value)
			if err != nil {
				return err
			}
			if len(field.Names) > 0 {
				e.names[field.Names[i-indexOf(decl, field)].Name] = o
			}
			i++
		}
	}
	if i != len(x.Args) {
		return unknown("%s takes %d arguments", decl.Name.Name, i)
	}
	return nil
}

// indexOf is the index of the first parameter that is declared in a field.
func indexOf(decl *ast.FuncDecl, field *ast.Field) int {
	n := 0
	for _, f := range decl.Type.Params.List {
		if f == field {
			break
		}
		n += max(len(f.Names), 1)
	}
	return n
}

// returned is the expression that a function returns, and its type; nil if its body does more.
func returned(decl *ast.FuncDecl) (result, typ ast.Expr) {
	if decl.Body == nil || len(decl.Body.List) != 1 || decl.Type.Results == nil || len(decl.Type.Results.List) != 1 || len(decl.Type.Results.List[0].Names) > 0 {
		return nil, nil
	}
	statement, ok := decl.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(statement.Results) != 1 {
		return nil, nil
	}
	return statement.Results[0], decl.Type.Results.List[0].Type
}

// sourceFile is a file of the program's source.
type sourceFile struct {
	fset    *token.FileSet
	tree    *ast.File
	imports map[string]string
}

// source reads a file of the program's source, which must not have changed since the program was
// built.
func (e *evaluation) source(file string) (*sourceFile, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, errors.New("its source is not on this machine")
	}
	program, err := os.Stat(e.core.program)
	if err != nil {
		return nil, err
	}
	if info.Size() > 1<<20 || info.ModTime().After(program.ModTime()) {
		return nil, fmt.Errorf("%s has changed since the program was built", file)
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, errors.New("its source cannot be read")
	}
	return &sourceFile{fset, tree, importNames(tree)}, nil
}

// declared returns the function with a name whose declaration is on a line.
func (s *sourceFile) declared(line int, name string) *ast.FuncDecl {
	for _, d := range s.tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name && s.fset.Position(f.Pos()).Line == line {
			return f
		}
	}
	return nil
}

// declares reports whether the file declares a name, such as string, that otherwise belongs to the
// language.
func (s *sourceFile) declares(name string) bool {
	for _, d := range s.tree.Decls {
		if g, ok := d.(*ast.GenDecl); ok {
			for _, spec := range g.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok && t.Name.Name == name {
					return true
				}
			}
		}
	}
	return false
}

// importsOf reads the imports of a file; nil if it is not on this machine.
func importsOf(file string) map[string]string {
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return nil
	}
	return importNames(tree)
}

func importNames(tree *ast.File) map[string]string {
	names := map[string]string{}
	for _, i := range tree.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = path
	}
	return names
}
