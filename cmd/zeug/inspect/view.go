package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"go/constant"
	"reflect"
	"regexp"
	"strings"

	"github.com/go-delve/delve/pkg/dwarf/godwarf"
	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/service/api"
)

// view reads the values of one frame while a question is answered.
type view struct {
	core  *Core
	scope *proc.EvalScope
	// loads is how many more values may be read from the core for this answer. Without
	// a limit, a list of a thousand large values would be read a thousand times.
	loads int
}

// maxLoads is the limit of view.loads.
const maxLoads = 2000

func (c *Core) view(scope *proc.EvalScope) *view {
	return &view{core: c, scope: scope, loads: maxLoads}
}

var errLoads = errors.New("too many values for one answer")

// load reads a value of the given type at an address.
func (w *view) load(typ string, addr uint64, cfg proc.LoadConfig) (*proc.Variable, error) {
	if w.loads--; w.loads < 0 {
		return nil, errLoads
	}
	if typ == "" || addr == 0 {
		return nil, errors.New("the value has no address")
	}
	v, err := w.scope.EvalExpression(fmt.Sprintf("*(*%q)(%#x)", typ, addr), cfg)
	if err != nil {
		return nil, err
	}
	return v, v.Unreadable
}

// again reads a value once more, within the limits of cfg.
func (w *view) again(v *proc.Variable, cfg proc.LoadConfig) (*proc.Variable, error) {
	if v.Flags&proc.VariableFakeAddress != 0 {
		return nil, errors.New("the value has no address")
	}
	return w.load(typeName(v), v.Addr, cfg)
}

// whole is how much of a value is read to write it in its own form.
var whole = proc.LoadConfig{FollowPointers: true, MaxVariableRecurse: 4, MaxStringLen: 8 << 10, MaxArrayValues: 512, MaxStructFields: -1}

// typeName is the full name of a value's type, as in *net/url.URL.
func typeName(v *proc.Variable) string { return api.PrettyTypeName(v.DwarfType) }

// field returns a field of a struct, or of the struct that a pointer leads to; nil if there is
// none, or it has not been read. Several names lead from struct to struct.
func field(v *proc.Variable, path ...string) *proc.Variable {
	for _, name := range path {
		v = pointed(v)
		if v == nil || v.Kind != reflect.Struct {
			return nil
		}
		var found *proc.Variable
		for i := range v.Children {
			if v.Children[i].Name == name {
				found = &v.Children[i]
			}
		}
		v = found
	}
	return v
}

// pointed follows pointers and interfaces to the value they lead to; nil if that is nil or was not read.
func pointed(v *proc.Variable) *proc.Variable {
	for range 8 {
		if v == nil || v.Unreadable != nil {
			return nil
		}
		if v.Kind != reflect.Pointer && v.Kind != reflect.Interface {
			return v
		}
		if len(v.Children) == 0 || v.Children[0].OnlyAddr || v.Children[0].Addr == 0 {
			return nil
		}
		v = &v.Children[0]
	}
	return nil
}

func integer(v *proc.Variable) (int64, bool) {
	if v == nil || v.Value == nil || v.Unreadable != nil || v.Value.Kind() != constant.Int {
		return 0, false
	}
	if n, ok := constant.Int64Val(v.Value); ok {
		return n, true
	}
	n, ok := constant.Uint64Val(v.Value)
	return int64(n), ok
}

func boolean(v *proc.Variable) (value, ok bool) {
	if v == nil || v.Value == nil || v.Unreadable != nil || v.Value.Kind() != constant.Bool {
		return false, false
	}
	return constant.BoolVal(v.Value), true
}

// stringOf is a string that was read as a whole.
func stringOf(v *proc.Variable) (string, bool) {
	if v == nil || v.Kind != reflect.String || v.Unreadable != nil {
		return "", false
	}
	if v.Len == 0 {
		return "", true
	}
	if v.Value == nil || v.Value.Kind() != constant.String {
		return "", false
	}
	s := constant.StringVal(v.Value)
	return s, int64(len(s)) == v.Len
}

// isBytes reports whether a value is a slice or an array of bytes. Bytes of a named type, such as a
// color, are shown as a list of its constants.
func isBytes(v *proc.Variable) bool {
	u := elementOf(v)
	return u != nil && (u.Name == "uint8" || u.Name == "byte")
}

// elementOf is the type of the items of a list of unsigned integers, nil for any other value.
func elementOf(v *proc.Variable) *godwarf.UintType {
	var elem godwarf.Type
	switch t := v.RealType.(type) {
	case *godwarf.SliceType:
		elem = t.ElemType
	case *godwarf.ArrayType:
		elem = t.Type
	}
	if elem == nil {
		return nil
	}
	u, _ := godwarf.ResolveTypedef(elem).(*godwarf.UintType)
	return u
}

// bytesOf reads the bytes of a slice or an array, at most limit of them.
func (w *view) bytesOf(v *proc.Variable, limit int64) ([]byte, error) {
	if v.Unreadable != nil {
		return nil, v.Unreadable
	}
	addr := v.Base
	if v.Kind == reflect.Array {
		addr = v.Addr
	}
	if v.Len < 0 || addr == 0 && v.Len > 0 {
		return nil, errors.New("the value has no address")
	}
	b := make([]byte, min(v.Len, limit))
	if len(b) == 0 {
		return b, nil
	}
	n, err := w.scope.Mem.ReadMemory(b, addr)
	if err == nil && n < len(b) {
		err = errors.New("the core was cut short")
	}
	return b, err
}

// word reads a machine word of the program.
func (w *view) word(addr uint64) (uint64, error) {
	var b [8]byte
	if _, err := w.scope.Mem.ReadMemory(b[:], addr); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// answerMemory is the memory of the program as one answer reads it. It ends after a number of
// reads, since a value that leads to many others would be read for minutes.
//
// It also has two words of memory that the program does not have. The two words of an interface can
// be written there, so that Delve finds the type of the interface's value.
type answerMemory struct {
	proc.MemoryReadWriter
	reads int // that are left
	words [16]byte
	// pages tells where stacks are, and low and high are the bounds of the goroutine's own stack. It is nil if that
	// is not known.
	pages     *heapPages
	low, high uint64
}

const (
	// maxReads is how many parts of the memory one answer reads.
	maxReads = 100_000
	// madeAddr is the address of the words: no program uses it.
	madeAddr = 1<<56 + 0x1000
)

var errReads = errors.New("too much memory to read for one answer")

func (m *answerMemory) ReadMemory(buf []byte, addr uint64) (int, error) {
	if addr >= madeAddr && addr+uint64(len(buf)) <= madeAddr+uint64(len(m.words)) {
		return copy(buf, m.words[addr-madeAddr:]), nil
	}
	if m.reads--; m.reads < 0 {
		return 0, errReads
	}
	if m.pages != nil && (addr < m.low || addr >= m.high) && !m.pages.hasValues(addr) {
		to, ok := m.pages.moved(addr, m.high)
		if !ok || to < m.low || to+uint64(len(buf)) > m.high {
			return 0, errLeftStack
		}
		addr = to
	}
	return m.MemoryReadWriter.ReadMemory(buf, addr)
}

// dynamic reads what an interface with the given words holds.
func (w *view) dynamic(runtimeType, data uint64) (*proc.Variable, error) {
	binary.LittleEndian.PutUint64(w.core.memory.words[:], runtimeType)
	binary.LittleEndian.PutUint64(w.core.memory.words[8:], data)
	v, err := w.load("interface {}", madeAddr, shallow)
	if err != nil {
		return nil, err
	}
	if len(v.Children) != 1 {
		return nil, errors.New("the value cannot be read")
	}
	return &v.Children[0], v.Children[0].Unreadable
}

// folders matches the folders of package paths in a type's name.
var folders = regexp.MustCompile(`(?:[\pL\pN_.~%-]+/)+`)

// short is a type's name without the folders of its packages' paths.
func short(typ string) string {
	return strings.ReplaceAll(folders.ReplaceAllString(typ, ""), "interface {}", "any")
}
