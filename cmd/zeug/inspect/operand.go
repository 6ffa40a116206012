package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"go/constant"
	"go/token"
	"math"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/go-delve/delve/pkg/proc"
)

// operand is a value of an expression that has calls.
type operand struct {
	// typ is the full name of its type; "" for a constant without a type.
	typ string
	// constant is the value of a constant without a type, and kind is its default type.
	constant constant.Value
	kind     string
	// native is the value in this process: of a basic type, of one of copiedTypes, or what a known
	// function has returned. A value of a named type, such as that of a color, has the basic type
	// under it.
	native reflect.Value
	// core is the value in the core, if it comes from there.
	core *proc.Variable
}

// basicTypes are the types of the language that calls can work with.
var basicTypes = map[string]reflect.Type{
	"bool": reflect.TypeFor[bool](), "string": reflect.TypeFor[string](),
	"int": reflect.TypeFor[int](), "int8": reflect.TypeFor[int8](), "int16": reflect.TypeFor[int16](), "int32": reflect.TypeFor[int32](), "int64": reflect.TypeFor[int64](),
	"uint": reflect.TypeFor[uint](), "uint8": reflect.TypeFor[uint8](), "uint16": reflect.TypeFor[uint16](), "uint32": reflect.TypeFor[uint32](), "uint64": reflect.TypeFor[uint64](), "uintptr": reflect.TypeFor[uintptr](),
	"float32": reflect.TypeFor[float32](), "float64": reflect.TypeFor[float64](),
	"byte": reflect.TypeFor[byte](), "rune": reflect.TypeFor[rune](),
}

// fromCore makes an operand from a value in the core.
func (w *view) fromCore(v *proc.Variable) (operand, error) {
	if v.Unreadable != nil {
		return operand{}, v.Unreadable
	}
	o := operand{typ: typeName(v), core: v}
	if v.DwarfType == nil || v.Flags&proc.VariableConstant != 0 {
		return o, errors.New("a constant of the program cannot be used with calls")
	}
	if _, ok := copiedTypes[o.typ]; ok && o.typ != "time.Duration" {
		value, err := w.copied(v)
		o.native = value
		return o, err
	}
	if v.RealType == nil {
		return o, nil
	}
	under := underlying(v)
	if under == nil {
		return o, nil
	}
	value := reflect.New(under).Elem()
	switch {
	case v.Kind == reflect.Float32 || v.Kind == reflect.Float64:
		if err := w.copyFloat(value, v); err != nil {
			return o, err
		}
	case v.Kind == reflect.String && v.Len > maxOperand:
		return o, fmt.Errorf("a string of %d bytes is too long for calls", v.Len)
	case v.Kind == reflect.String && int64(len(constant.StringVal(valueOr(v.Value, "")))) < v.Len:
		cfg := shallow
		cfg.MaxStringLen = maxOperand
		again, err := w.again(v, cfg)
		if err != nil {
			return o, err
		}
		if err := copyScalar(value, again); err != nil {
			return o, err
		}
	default:
		if err := copyScalar(value, v); err != nil {
			return o, err
		}
	}
	o.native = value
	return o, nil
}

// underlying is the basic type under that of a value; nil for none.
func underlying(v *proc.Variable) reflect.Type {
	if t := basicTypes[v.RealType.Common().Name]; t != nil {
		return t
	}
	bits := strconv.FormatInt(8*v.RealType.Size(), 10)
	switch v.Kind {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64:
		return basicTypes[v.Kind.String()]
	case reflect.Int:
		return basicTypes["int"+bits]
	case reflect.Uint:
		return basicTypes["uint"+bits]
	}
	return nil
}

// maxOperand is the longest string that an expression with calls may use or make.
const maxOperand = 64 << 10

func valueOr(v constant.Value, otherwise string) constant.Value {
	if v == nil || v.Kind() != constant.String {
		return constant.MakeString(otherwise)
	}
	return v
}

// copyFloat reads the bits of a float: Delve's value loses the sign of -0.
func (w *view) copyFloat(to reflect.Value, from *proc.Variable) error {
	var b [8]byte
	size := to.Type().Size()
	if from.Addr == 0 || from.Flags&proc.VariableFakeAddress != 0 {
		return errors.New("the value has no address")
	}
	if _, err := w.scope.Mem.ReadMemory(b[:size], from.Addr); err != nil {
		return err
	}
	if size == 4 {
		to.SetFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(b[:]))))
	} else {
		to.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(b[:])))
	}
	return nil
}

func nativeOperand(v reflect.Value) (operand, error) {
	for name, t := range basicTypes {
		if t == v.Type() && name != "byte" && name != "rune" {
			return operand{typ: name, native: v}, nil
		}
	}
	switch v.Type() {
	case reflect.TypeFor[time.Duration]():
		return operand{typ: "time.Duration", native: v.Convert(basicTypes["int64"])}, nil
	case reflect.TypeFor[time.Month]():
		return operand{typ: "time.Month", native: v.Convert(basicTypes["int"])}, nil
	case reflect.TypeFor[time.Weekday]():
		return operand{typ: "time.Weekday", native: v.Convert(basicTypes["int"])}, nil
	}
	for name, t := range copiedTypes {
		if t == v.Type() && t != reflect.TypeFor[uuid]() {
			return operand{typ: name, native: v}, nil
		}
	}
	switch v.Type() {
	case reflect.TypeFor[*url.URL]():
		if v.IsNil() {
			return operand{}, errors.New("the result is nil")
		}
		return operand{typ: "net/url.URL", native: v.Elem()}, nil
	case reflect.TypeFor[[]string]():
		return operand{typ: "[]string", native: v}, nil
	}
	return operand{}, fmt.Errorf("the result is a %v, which cannot be shown", v.Type())
}

// typed converts a constant without a type to the type given, as an assignment does. It does not
// change other operands.
func (o operand) typed(name string) (operand, error) {
	if o.typ != "" {
		return o, nil
	}
	t := basicTypes[name]
	if t == nil || o.constant == nil {
		return o, fmt.Errorf("a constant cannot be used as a %s here", name)
	}
	v := reflect.New(t).Elem()
	bad := fmt.Errorf("%s is not a valid %s", o.constant, name)
	switch {
	case t.Kind() == reflect.Bool:
		if o.constant.Kind() != constant.Bool {
			return o, bad
		}
		v.SetBool(constant.BoolVal(o.constant))
	case t.Kind() == reflect.String:
		if o.constant.Kind() != constant.String {
			return o, bad
		}
		v.SetString(constant.StringVal(o.constant))
	case v.CanFloat():
		c := constant.ToFloat(o.constant)
		if c.Kind() != constant.Float {
			return o, bad
		}
		f, _ := constant.Float64Val(c)
		if t.Kind() == reflect.Float32 {
			f32, _ := constant.Float32Val(c)
			f = float64(f32)
		}
		if math.IsInf(f, 0) {
			return o, bad
		}
		v.SetFloat(f)
	default:
		if err := setInteger(v, o.constant); err != nil {
			return o, bad
		}
	}
	if t.Kind() == reflect.Uint8 {
		name = "uint8"
	} else if name == "rune" {
		name = "int32"
	}
	return operand{typ: name, native: v}, nil
}

var errNotInteger = errors.New("not an integer of the type")

func setInteger(v reflect.Value, c constant.Value) error {
	c = constant.ToInt(c)
	if c.Kind() != constant.Int {
		return errNotInteger
	}
	if v.CanInt() {
		n, ok := constant.Int64Val(c)
		if !ok || v.OverflowInt(n) {
			return errNotInteger
		}
		v.SetInt(n)
		return nil
	}
	n, ok := constant.Uint64Val(c)
	if !ok || v.OverflowUint(n) {
		return errNotInteger
	}
	v.SetUint(n)
	return nil
}

// settled gives a constant its default type.
func (o operand) settled() (operand, error) {
	if o.typ == "" {
		return o.typed(o.kind)
	}
	return o, nil
}

// basic reports whether operators work on the operand.
func (o operand) basic() bool {
	if !o.native.IsValid() {
		return false
	}
	switch o.native.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64:
		return true
	}
	return o.native.CanInt() || o.native.CanUint()
}

// constantKinds are the default types of constants. The result of an operation has the later type
// of the two.
var constantKinds = map[string]int{"int": 1, "rune": 2, "float64": 3}

// operate applies an operator as Go does.
func operate(op token.Token, x, y operand) (operand, error) {
	if op == token.SHL || op == token.SHR {
		return shift(op, x, y)
	}
	if x.typ == "" && y.typ == "" {
		return binaryConstants(op, x, y)
	}
	var err error
	if x, err = underTyped(x, y); err != nil {
		return x, err
	}
	if y, err = underTyped(y, x); err != nil {
		return y, err
	}
	if x.typ != y.typ {
		return x, fmt.Errorf("mismatched types %s and %s", x.typ, y.typ)
	}
	if !x.basic() || !y.basic() {
		return x, fmt.Errorf("operator %s cannot be applied to values of the type %s here", op, x.typ)
	}
	switch op {
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
		return compare(op, x, y)
	}
	result := reflect.New(x.native.Type()).Elem()
	switch {
	case x.native.Kind() == reflect.String:
		if op != token.ADD {
			return x, errOperator(op, x)
		}
		if x.native.Len()+y.native.Len() > maxOperand {
			return x, errors.New("the result is too long")
		}
		result.SetString(x.native.String() + y.native.String())
	case result.CanFloat():
		f, ok := floatOperation(op, x.native.Float(), y.native.Float())
		if !ok {
			return x, errOperator(op, x)
		}
		result.SetFloat(f) // which rounds a float32
	case result.CanInt():
		n, err := intOperation(op, x.native.Int(), y.native.Int())
		if err != nil {
			return x, err
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type())) // which wraps around
	case result.CanUint():
		n, err := intOperation(op, x.native.Uint(), y.native.Uint())
		if err != nil {
			return x, err
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type()))
	default:
		return x, errOperator(op, x)
	}
	return operand{typ: x.typ, native: result}, nil
}

func errOperator(op token.Token, x operand) error {
	return fmt.Errorf("operator %s is not defined on %s", op, x.typ)
}

// underTyped gives a constant the type of the other operand.
func underTyped(o, other operand) (operand, error) {
	if o.typ != "" || other.typ == "" {
		return o, nil
	}
	if !other.basic() {
		return o, errors.New("the value cannot be compared or computed with here")
	}
	converted, err := o.typed(other.native.Type().String())
	converted.typ = other.typ
	return converted, err
}

func binaryConstants(op token.Token, x, y operand) (operand, error) {
	if x.constant == nil || y.constant == nil {
		return x, errors.New("nil cannot be computed with")
	}
	numbers := constantKinds[x.kind] > 0 && constantKinds[y.kind] > 0
	if !numbers && x.kind != y.kind {
		return x, fmt.Errorf("mismatched types %s and %s", x.kind, y.kind)
	}
	kind := x.kind
	if constantKinds[y.kind] > constantKinds[x.kind] {
		kind = y.kind
	}
	if op == token.EQL || op == token.NEQ || op == token.LSS || op == token.LEQ || op == token.GTR || op == token.GEQ {
		if x.kind == "bool" && op != token.EQL && op != token.NEQ {
			return x, fmt.Errorf("operator %s is not defined on bool", op)
		}
		return operand{constant: constant.MakeBool(constant.Compare(x.constant, op, y.constant)), kind: "bool"}, nil
	}
	return computeConstants(op, x, y, kind, numbers)
}

// computeConstants applies an operator of arithmetic to constants. numbers says that both are numbers.
func computeConstants(op token.Token, x, y operand, kind string, numbers bool) (operand, error) {
	switch op {
	case token.QUO, token.REM:
		if !numbers || op == token.REM && kind == "float64" {
			return x, fmt.Errorf("operator %s is not defined on %s", op, kind)
		}
		if constant.Sign(y.constant) == 0 {
			return x, errors.New("division by zero")
		}
		if kind != "float64" && op == token.QUO {
			op = token.QUO_ASSIGN // of integers
		}
	case token.ADD:
		if kind == "bool" {
			return x, fmt.Errorf("operator %s is not defined on bool", op)
		}
	case token.SUB, token.MUL:
		if !numbers {
			return x, fmt.Errorf("operator %s is not defined on %s", op, kind)
		}
	case token.AND, token.OR, token.XOR, token.AND_NOT:
		if !numbers || kind == "float64" {
			return x, fmt.Errorf("operator %s is not defined on %s", op, kind)
		}
	default:
		return x, fmt.Errorf("operator %s is not defined on %s", op, kind)
	}
	a, b := x.constant, y.constant
	if kind == "float64" {
		a, b = constant.ToFloat(a), constant.ToFloat(b)
	}
	return operand{constant: constant.BinaryOp(a, op, b), kind: kind}, nil
}

func shift(op token.Token, x, y operand) (operand, error) {
	if x.typ == "" || !x.basic() || !x.native.CanInt() && !x.native.CanUint() {
		return x, errors.New("only values with a type are shifted here")
	}
	y, err := y.settled()
	if err != nil {
		return y, err
	}
	var count uint64
	switch {
	case y.native.IsValid() && y.native.CanUint():
		count = y.native.Uint()
	case y.native.IsValid() && y.native.CanInt() && y.native.Int() >= 0:
		count = uint64(y.native.Int())
	default:
		return y, errors.New("a shift by a negative number")
	}
	result := reflect.New(x.native.Type()).Elem()
	if x.native.CanInt() {
		n := x.native.Int()
		if op == token.SHL {
			n <<= count
		} else {
			n >>= count
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type()))
	} else {
		n := x.native.Uint()
		if op == token.SHL {
			n <<= count
		} else {
			n >>= count
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type()))
	}
	return operand{typ: x.typ, native: result}, nil
}

func floatOperation(op token.Token, x, y float64) (float64, bool) {
	switch op {
	case token.ADD:
		return x + y, true
	case token.SUB:
		return x - y, true
	case token.MUL:
		return x * y, true
	case token.QUO:
		return x / y, true
	}
	return 0, false
}

func intOperation[T int64 | uint64](op token.Token, x, y T) (T, error) {
	switch op {
	case token.ADD:
		return x + y, nil
	case token.SUB:
		return x - y, nil
	case token.MUL:
		return x * y, nil
	case token.AND:
		return x & y, nil
	case token.OR:
		return x | y, nil
	case token.XOR:
		return x ^ y, nil
	case token.AND_NOT:
		return x &^ y, nil
	case token.QUO, token.REM:
		if y == 0 {
			return 0, errors.New("division by zero")
		}
		if op == token.QUO {
			return x / y, nil
		}
		return x % y, nil
	}
	return 0, fmt.Errorf("operator %s is not defined on integers", op)
}

func compare(op token.Token, x, y operand) (operand, error) {
	var less, equal bool
	a, b := x.native, y.native
	switch {
	case a.Kind() == reflect.String:
		less, equal = a.String() < b.String(), a.String() == b.String()
	case a.Kind() == reflect.Bool:
		if op != token.EQL && op != token.NEQ {
			return x, errOperator(op, x)
		}
		equal = a.Bool() == b.Bool()
	case a.CanFloat():
		if math.IsNaN(a.Float()) || math.IsNaN(b.Float()) {
			return operand{typ: "bool", native: reflect.ValueOf(op == token.NEQ)}, nil
		}
		less, equal = a.Float() < b.Float(), a.Float() == b.Float()
	case a.CanInt():
		less, equal = a.Int() < b.Int(), a.Int() == b.Int()
	default:
		less, equal = a.Uint() < b.Uint(), a.Uint() == b.Uint()
	}
	result := false
	switch op {
	case token.EQL:
		result = equal
	case token.NEQ:
		result = !equal
	case token.LSS:
		result = less
	case token.LEQ:
		result = less || equal
	case token.GTR:
		result = !less && !equal
	case token.GEQ:
		result = !less
	}
	return operand{typ: "bool", native: reflect.ValueOf(result)}, nil
}

// unary applies an operator to one operand.
func unary(op token.Token, x operand) (operand, error) {
	if x.typ == "" {
		switch {
		case x.constant == nil, op == token.NOT && x.kind != "bool", op != token.NOT && constantKinds[x.kind] == 0, op == token.XOR && x.kind == "float64":
			return x, fmt.Errorf("operator %s is not defined on %s", op, x.kind)
		}
		return operand{constant: constant.UnaryOp(op, x.constant, 0), kind: x.kind}, nil
	}
	if !x.basic() {
		return x, errOperator(op, x)
	}
	result := reflect.New(x.native.Type()).Elem()
	switch {
	case op == token.NOT && result.Kind() == reflect.Bool:
		result.SetBool(!x.native.Bool())
	case op == token.ADD && (result.CanInt() || result.CanUint() || result.CanFloat()):
		result.Set(x.native)
	case op == token.SUB && result.CanFloat():
		result.SetFloat(-x.native.Float())
	case (op == token.SUB || op == token.XOR) && result.CanInt():
		n := -x.native.Int()
		if op == token.XOR {
			n = ^x.native.Int()
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type()))
	case (op == token.SUB || op == token.XOR) && result.CanUint():
		n := -x.native.Uint()
		if op == token.XOR {
			n = ^x.native.Uint()
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type()))
	default:
		return x, errOperator(op, x)
	}
	return operand{typ: x.typ, native: result}, nil
}

var errNoFit = errors.New("does not fit into the type")

// converted converts an operand to a basic type, as T(x) does.
func (o operand) converted(name string) (operand, error) {
	if o.typ == "" && !(name == "string" && o.kind != "string") {
		return o.typed(name)
	}
	o, err := o.settled()
	if err != nil {
		return o, err
	}
	t := basicTypes[name]
	if !o.basic() || o.native.Kind() == reflect.Bool != (t.Kind() == reflect.Bool) {
		return o, fmt.Errorf("a %s cannot be converted to %s", o.typ, name)
	}
	from, to := o.native.Kind() == reflect.String, t.Kind() == reflect.String
	if from && !to || to && !from && o.native.CanFloat() {
		return o, fmt.Errorf("a %s cannot be converted to %s", o.typ, name)
	}
	if o.native.CanFloat() && t.Kind() != reflect.Float32 && t.Kind() != reflect.Float64 {
		// The result of converting a float that does not fit depends on the machine.
		f := math.Trunc(o.native.Float())
		low, high := -0x1p63, 0x1p63
		if reflect.New(t).Elem().CanUint() {
			low, high = 0, 0x1p64
		}
		if math.IsNaN(f) || f < low || f >= high || reflect.ValueOf(f).Convert(t).Convert(reflect.TypeFor[float64]()).Float() != f {
			return o, fmt.Errorf("%v %w, a %s: the result depends on the machine", o.native.Float(), errNoFit, name)
		}
	}
	switch name {
	case "byte":
		name = "uint8"
	case "rune":
		name = "int32"
	}
	return operand{typ: name, native: o.native.Convert(t)}, nil
}

// describe shows an operand as a variable.
func (w *view) describe(o operand) (Variable, error) {
	o, err := o.settled()
	if err != nil {
		return Variable{}, err
	}
	if o.core != nil {
		return w.show(o.core), nil
	}
	shown := Variable{Type: o.typ}
	switch v := o.native; {
	case !v.IsValid():
		return shown, errors.New("the value is not known")
	case o.typ == "time.Duration":
		shown.Value = time.Duration(v.Int()).String()
	case o.typ == "time.Month":
		shown.Value = fmt.Sprintf("%v (%d)", time.Month(v.Int()), v.Int())
	case o.typ == "time.Weekday":
		shown.Value = fmt.Sprintf("%v (%d)", time.Weekday(v.Int()), v.Int())
	case v.Kind() == reflect.String && basicTypes["string"] == v.Type():
		s := v.String()
		shown.Value = quoted(s[:min(len(s), maxString)], int64(len(s)))
		shown.Note = fmt.Sprintf("%d bytes", len(s))
	case v.Kind() == reflect.Float32 && v.Type() == basicTypes["float32"]:
		shown.Value = strconv.FormatFloat(v.Float(), 'g', -1, 32)
	case v.Kind() == reflect.Float64:
		shown.Value = strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case v.Type() == reflect.TypeFor[[]string]():
		list := v.Interface().([]string)
		shown.Note = fmt.Sprintf("len %d", len(list))
		for i, item := range list {
			shown.Value += map[bool]string{true: "[", false: " "}[i == 0] + strconv.Quote(item)
			if len(shown.Value) > maxValue {
				break
			}
		}
		if len(list) == 0 {
			shown.Value = "["
		}
		shown.Value = cut(shown.Value + "]")
	case o.basic() && basicTypes[v.Type().String()] == v.Type():
		shown.Value = fmt.Sprint(v.Interface())
	default:
		copied := reflect.New(v.Type()).Elem()
		copied.Set(v)
		text, ok := copiedForm(copied, &proc.Variable{Len: int64(lengthOf(v))})
		if !ok {
			return shown, errors.New("the value has no form here")
		}
		shown.Value = cut(text)
	}
	return shown, nil
}

func lengthOf(v reflect.Value) int {
	if v.Kind() == reflect.Slice {
		return v.Len()
	}
	return 0
}
