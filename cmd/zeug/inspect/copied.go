package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/constant"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"reflect"
	"syscall"
	"time"
	"unsafe"

	"github.com/go-delve/delve/pkg/proc"
)

// Values of some types of the standard library are copied out of the core: the reader makes a value of the
// same type in its own memory, field by field. The type's own String then writes it, so it reads as the
// program would have printed it.
//
//	core: time.Time {wall: 0, ext: 63900000000, loc: *time.Location {…}}
//	here: time.Time with the same fields           String: 2025-12-02 09:20:00 +0000 UTC
//
// A type of another Go version may have other fields. Then its values are not copied, and are shown like
// those of any struct.

// copiedTypes are the types that are copied. The keys are their full names.
var copiedTypes = map[string]reflect.Type{
	"time.Time":                     reflect.TypeFor[time.Time](),
	"time.Duration":                 reflect.TypeFor[time.Duration](),
	"net/url.URL":                   reflect.TypeFor[url.URL](),
	"net/url.Userinfo":              reflect.TypeFor[url.Userinfo](),
	"net/url.Values":                reflect.TypeFor[url.Values](),
	"net/http.Header":               reflect.TypeFor[http.Header](),
	"net/textproto.MIMEHeader":      reflect.TypeFor[textproto.MIMEHeader](),
	"net/netip.Addr":                reflect.TypeFor[netip.Addr](),
	"net/netip.AddrPort":            reflect.TypeFor[netip.AddrPort](),
	"net/netip.Prefix":              reflect.TypeFor[netip.Prefix](),
	"net.IP":                        reflect.TypeFor[net.IP](),
	"net.IPMask":                    reflect.TypeFor[net.IPMask](),
	"net.IPNet":                     reflect.TypeFor[net.IPNet](),
	"net.TCPAddr":                   reflect.TypeFor[net.TCPAddr](),
	"net.UDPAddr":                   reflect.TypeFor[net.UDPAddr](),
	"net.UnixAddr":                  reflect.TypeFor[net.UnixAddr](),
	"net.HardwareAddr":              reflect.TypeFor[net.HardwareAddr](),
	"math/big.Int":                  reflect.TypeFor[big.Int](),
	"math/big.Rat":                  reflect.TypeFor[big.Rat](),
	"math/big.Float":                reflect.TypeFor[big.Float](),
	"encoding/json.RawMessage":      reflect.TypeFor[json.RawMessage](),
	"syscall.Errno":                 reflect.TypeFor[syscall.Errno](),
	"github.com/google/uuid.UUID":   reflect.TypeFor[uuid](),
	"github.com/gofrs/uuid.UUID":    reflect.TypeFor[uuid](),
	"github.com/gofrs/uuid/v5.UUID": reflect.TypeFor[uuid](),
}

const zeugModule = "github.com/zeugkit/zeug"

// uuid is a UUID of any library that has it as an array of 16 bytes.
type uuid [16]byte

func (u uuid) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

var errLayout = errors.New("the type is not as it is in this Go version")

// copied returns a copy of a value in this process's memory, if its type is among copiedTypes.
func (w *view) copied(v *proc.Variable) (value reflect.Value, err error) {
	t, ok := copiedTypes[typeName(v)]
	if !ok {
		return value, errors.New("values of the type are not copied")
	}
	defer rescue(&err)
	value = reflect.New(t).Elem()
	if needsMore(v) {
		if v, err = w.again(v, whole); err != nil {
			return value, err
		}
	}
	return value, w.copyInto(value, v, 0)
}

// needsMore reports whether a part of a value has not been read.
func needsMore(v *proc.Variable) bool {
	switch v.Kind {
	case reflect.Bool, reflect.Int, reflect.Uint:
		return v.Value == nil
	}
	return !isBytes(v)
}

// copyInto copies a value of the core into one of the same type.
func (w *view) copyInto(to reflect.Value, from *proc.Variable, depth int) error {
	switch {
	case from.Unreadable != nil:
		return from.Unreadable
	case depth > 16:
		return errors.New("the value is too deep")
	case !sameKind(to, from):
		return errLayout
	}
	switch to.Type() {
	case reflect.TypeFor[netip.Addr]():
		return w.copyAddr(to, from)
	case reflect.TypeFor[*time.Location]():
		return w.copyLocation(to, from, depth)
	}
	switch to.Kind() {
	case reflect.Struct:
		return w.copyStruct(to, from, depth)
	case reflect.Slice:
		return w.copySlice(to, from, depth)
	case reflect.Array:
		return w.copyArray(to, from, depth)
	case reflect.Map:
		return w.copyMap(to, from, depth)
	case reflect.Pointer:
		if len(from.Children) != 1 || from.Children[0].OnlyAddr {
			return errors.New("the value was not read as a whole")
		}
		if from.Children[0].Addr == 0 {
			return nil
		}
		to.Set(reflect.New(to.Type().Elem()))
		return w.copyInto(to.Elem(), &from.Children[0], depth+1)
	}
	return copyScalar(to, from)
}

// sameKind compares the kinds of two values. Delve has one kind for the integers of all sizes.
func sameKind(to reflect.Value, from *proc.Variable) bool {
	switch from.Kind {
	case reflect.Int, reflect.Uint:
		if to.CanInt() != (from.Kind == reflect.Int) || !to.CanInt() && !to.CanUint() {
			return false
		}
		return from.RealType != nil && from.RealType.Size() == int64(to.Type().Size())
	}
	return to.Kind() == from.Kind
}

func copyScalar(to reflect.Value, from *proc.Variable) error {
	switch to.Kind() {
	case reflect.String:
		s, ok := stringOf(from)
		if !ok {
			return errors.New("the value was not read as a whole")
		}
		to.SetString(s)
		return nil
	case reflect.Bool:
		b, ok := boolean(from)
		if !ok {
			return errLayout
		}
		to.SetBool(b)
		return nil
	}
	if from.Value == nil || from.Value.Kind() != constant.Int {
		return errLayout
	}
	if to.CanInt() {
		n, ok := constant.Int64Val(from.Value)
		if !ok || to.OverflowInt(n) {
			return errLayout
		}
		to.SetInt(n)
		return nil
	}
	if !to.CanUint() {
		return errLayout
	}
	n, ok := constant.Uint64Val(from.Value)
	if !ok || to.OverflowUint(n) {
		return errLayout
	}
	to.SetUint(n)
	return nil
}

func (w *view) copyStruct(to reflect.Value, from *proc.Variable, depth int) error {
	if to.NumField() != len(from.Children) {
		return errLayout
	}
	for i := range to.NumField() {
		field := to.Type().Field(i)
		if field.Name != from.Children[i].Name {
			return errLayout
		}
		part := to.Field(i)
		if !part.CanSet() { // it is not exported
			part = reflect.NewAt(field.Type, unsafe.Pointer(part.UnsafeAddr())).Elem()
		}
		if err := w.copyInto(part, &from.Children[i], depth+1); err != nil {
			return fmt.Errorf("%v.%s: %w", to.Type(), field.Name, err)
		}
	}
	return nil
}

// maxCopied is how many bytes of a slice are copied.
const maxCopied = 1 << 16

func (w *view) copySlice(to reflect.Value, from *proc.Variable, depth int) error {
	if from.Base == 0 && from.Len == 0 {
		return nil
	}
	if to.Type().Elem().Kind() == reflect.Uint8 && isBytes(from) {
		if from.Len > maxCopied {
			return errors.New("the value is too long")
		}
		b, err := w.bytesOf(from, maxCopied)
		to.SetBytes(b)
		return err
	}
	if int64(len(from.Children)) != from.Len {
		return errors.New("the value is too long")
	}
	to.Set(reflect.MakeSlice(to.Type(), len(from.Children), len(from.Children)))
	for i := range from.Children {
		if err := w.copyInto(to.Index(i), &from.Children[i], depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *view) copyArray(to reflect.Value, from *proc.Variable, depth int) error {
	if from.Len != int64(to.Len()) {
		return errLayout
	}
	if to.Type().Elem().Kind() == reflect.Uint8 && isBytes(from) {
		b, err := w.bytesOf(from, from.Len)
		reflect.Copy(to, reflect.ValueOf(b))
		return err
	}
	if int64(len(from.Children)) != from.Len {
		return errors.New("the value is too long")
	}
	for i := range from.Children {
		if err := w.copyInto(to.Index(i), &from.Children[i], depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *view) copyMap(to reflect.Value, from *proc.Variable, depth int) error {
	if from.Base == 0 && from.Len == 0 && len(from.Children) == 0 {
		return nil
	}
	if int64(len(from.Children)) != 2*from.Len {
		return errors.New("the value is too long")
	}
	to.Set(reflect.MakeMap(to.Type()))
	for i := 0; i < len(from.Children); i += 2 {
		key, value := reflect.New(to.Type().Key()).Elem(), reflect.New(to.Type().Elem()).Elem()
		if err := errors.Join(w.copyInto(key, &from.Children[i], depth+1), w.copyInto(value, &from.Children[i+1], depth+1)); err != nil {
			return err
		}
		to.SetMapIndex(key, value)
	}
	return nil
}

// copyAddr makes an equal address: the fields have a pointer that is of use only in its program.
func (w *view) copyAddr(to reflect.Value, from *proc.Variable) error {
	hi, ok1 := integer(field(from, "addr", "hi"))
	lo, ok2 := integer(field(from, "addr", "lo"))
	z := field(from, "z", "value")
	if !ok1 || !ok2 || z == nil || z.Kind != reflect.Pointer || len(z.Children) != 1 {
		return errLayout
	}
	if z.Children[0].Addr == 0 { // the zero Addr
		return nil
	}
	is6, ok := boolean(field(z, "isV6"))
	zone, ok2 := stringOf(field(z, "zoneV6"))
	if !ok || !ok2 {
		return errLayout
	}
	var b [16]byte
	for i := range 8 {
		b[i], b[8+i] = byte(uint64(hi)>>(56-8*i)), byte(uint64(lo)>>(56-8*i))
	}
	addr := netip.AddrFrom16(b)
	if !is6 {
		addr = addr.Unmap()
		if !addr.Is4() {
			return errLayout
		}
	}
	to.Set(reflect.ValueOf(addr.WithZone(zone)))
	return nil
}

// copyLocation copies a time zone, once for each that the core has. A program that has not looked at its local
// time yet does not know its time zone: such a time is shown in UTC.
func (w *view) copyLocation(to reflect.Value, from *proc.Variable, depth int) error {
	if len(from.Children) != 1 {
		return errLayout
	}
	addr := from.Children[0].Addr
	if addr == 0 {
		return nil
	}
	loc := w.core.locations[addr]
	if loc == nil {
		full := whole
		full.MaxArrayValues = 4096
		v, err := w.load("time.Location", addr, full)
		if err != nil {
			return err
		}
		loc = new(time.Location)
		if err := w.copyStruct(reflect.ValueOf(loc).Elem(), v, depth); err != nil {
			return err
		}
		if loc.String() == "Local" && emptyLocation(v) {
			loc = unknownZone
		}
		if w.core.locations == nil || len(w.core.locations) > 1000 {
			w.core.locations = map[uint64]*time.Location{}
		}
		w.core.locations[addr] = loc
	}
	to.Set(reflect.ValueOf(loc))
	return nil
}

// unknownZone stands for the local time zone of a program that has not looked it up.
var unknownZone = time.FixedZone("UTC", 0)

// emptyLocation reports whether a time zone has not been loaded.
func emptyLocation(v *proc.Variable) bool {
	zones := field(v, "zone")
	return zones != nil && zones.Len == 0
}
