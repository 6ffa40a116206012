package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"go/constant"
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
	// target is the value of the core that a pointer leads to, if the pointer itself is not in the core.
	target *proc.Variable
	// copied says that the target, or the value in the core, stands for a copy that the program has
	// at an address that is not known.
	copied bool
	// null says that the value is nil; typ is "" for a nil without a type.
	null bool
	// own is a slice that an interpreted function has made, and builder a builder of its own, or a pointer to it.
	own     *ownSlice
	builder *builder
	// spread says that the value is the last argument of a call, and is passed with ...
	spread bool
	// nothing says that a call has no result.
	nothing bool
	// list has several results of a call; they have no type of their own.
	list []operand
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

// isNegativeZero reports whether a value is -0.
func (w *view) isNegativeZero(v *proc.Variable) bool {
	if v.Kind != reflect.Float32 && v.Kind != reflect.Float64 || v.Value == nil || v.FloatSpecial != 0 || constant.Sign(v.Value) != 0 {
		return false
	}
	number := reflect.New(basicTypes[v.Kind.String()]).Elem()
	return w.copyFloat(number, v) == nil && math.Signbit(number.Float())
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
	}
	return operand{}, fmt.Errorf("the result is a %v, which cannot be shown", v.Type())
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
