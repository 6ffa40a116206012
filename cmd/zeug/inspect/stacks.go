package inspect

import (
	"encoding/binary"
	"errors"
	"go/constant"

	"github.com/go-delve/delve/pkg/proc"
)

// A stack that is full moves to a larger place, and the runtime corrects the pointers to it that the program
// still uses. A variable that no later line uses keeps the old address, where other stacks lie since:
//
//	list := numbers[1:]    numbers is on the stack, and so are the items of list
//	sum(list)              the last line that uses list
//	deep(1000)             the stack moves; list[0] is now in the stack of another goroutine
//
// No pointer of a goroutine leads to the stack of another one. So an address in memory of stacks, other than
// the goroutine's own, is of a place that its stack has left. The heap knows what its memory is used for, and how
// large the stacks of a span are:
//
//	runtime.mheap_.arenas[0][arena].spans[page]    state, startAddr, elemsize
//
// A stack keeps its distance from the upper end when it moves. So what was at the address is found in the stack as it is now:
//
//	span at 0x4000, stacks of 0x800: 0x4a20 was in the stack up to 0x5000, 0x5e0 below its end
//
// Memory that is free is not read. A limit is left: if the heap has taken the place of the old stack for values, or for stacks of
// another size, what is shown is wrong.

var errLeftStack = errors.New("it leads to a place that the stack has left, since no later line uses the variable")

// heapPages tells which pages of the heap hold values. It knows the layout from the debug information.
type heapPages struct {
	memory proc.MemoryReadWriter
	arenas uint64 // the address of the list of arenas
	spans  uint64 // where the field is in an arena
	// state, start and size say where the fields are in a span.
	state, start, size uint64
	perArena           uint64 // pages
	base               uint64 // the address of the first arena
	values             map[uint64]bool
}

const (
	heapPage   = 8 << 10
	spanInUse  = 1 // mSpanInUse: it has values
	spanManual = 2 // mSpanManual: it has stacks
	minStack   = 2 << 10
	amd64First = 0xffff800000000000 // arenaBaseOffset
)

// pagesOf finds out where the heap of the program is. It returns nil if that is not known.
func pagesOf(scope *proc.EvalScope, memory proc.MemoryReadWriter) *heapPages {
	at := func(expression string) (uint64, *proc.Variable) {
		v, err := scope.EvalExpression(expression, proc.LoadConfig{})
		if err != nil {
			return 0, nil
		}
		return v.Addr, v
	}
	// The address of a field of a struct at this address tells where the field is.
	const pretended = 1 << 20
	h := &heapPages{memory: memory, values: map[uint64]bool{}}
	list, _ := at("runtime.mheap_.arenas[0]")
	spans, pages := at(`(*(*"runtime.heapArena")(0x100000)).spans`)
	state, _ := at(`(*(*"runtime.mspan")(0x100000)).state`)
	start, _ := at(`(*(*"runtime.mspan")(0x100000)).startAddr`)
	size, _ := at(`(*(*"runtime.mspan")(0x100000)).elemsize`)
	if list == 0 || spans < pretended || pages == nil || pages.Len <= 0 || state < pretended || start < pretended || size < pretended {
		return nil
	}
	h.spans, h.perArena = spans-pretended, uint64(pages.Len)
	h.state, h.start, h.size = state-pretended, start-pretended, size-pretended
	if scope.BinInfo.Arch.Name == "amd64" {
		h.base = amd64First
	}
	var ok bool
	if h.arenas, ok = h.word(list); !ok || h.arenas == 0 {
		return nil
	}
	return h
}

func (h *heapPages) word(addr uint64) (uint64, bool) {
	var b [8]byte
	n, err := h.memory.ReadMemory(b[:], addr)
	return binary.LittleEndian.Uint64(b[:]), err == nil && n == len(b)
}

// hasValues reports whether a page may hold values: it is of the heap and in use, or not of the heap at all.
func (h *heapPages) hasValues(addr uint64) bool {
	page := addr / heapPage
	has, known := h.values[page]
	if !known {
		has = h.pageHasValues(addr)
		h.values[page] = has
	}
	return has
}

func (h *heapPages) pageHasValues(addr uint64) bool {
	_, state, ok := h.span(addr)
	return !ok || state == spanInUse
}

// span finds the span of an address, and its state. It returns false if the address is not of the heap.
func (h *heapPages) span(addr uint64) (span uint64, state byte, ok bool) {
	page := (addr - h.base) / heapPage
	if page/h.perArena >= 1<<22 {
		return 0, 0, false
	}
	arena, ok := h.word(h.arenas + 8*(page/h.perArena))
	if !ok || arena == 0 {
		return 0, 0, false
	}
	span, ok = h.word(arena + h.spans + 8*(page%h.perArena))
	if !ok || span == 0 {
		return 0, 0, false
	}
	var b [1]byte
	n, err := h.memory.ReadMemory(b[:], span+h.state)
	return span, b[0], err == nil && n == 1
}

// moved returns where an address of a left stack is in the stack that ends at high. It returns false if that is
// not known.
func (h *heapPages) moved(addr, high uint64) (uint64, bool) {
	span, state, ok := h.span(addr)
	if !ok || state != spanManual {
		return 0, false
	}
	start, ok1 := h.word(span + h.start)
	size, ok2 := h.word(span + h.size)
	if !ok1 || !ok2 || addr < start || size < minStack || size&(size-1) != 0 {
		return 0, false
	}
	below := size - (addr-start)%size // the distance from the end
	return high - below, below < high
}

// ownStack returns the bounds of the stack of the scope's goroutine.
func ownStack(scope *proc.EvalScope) (low, high uint64, ok bool) {
	bound := func(name string) uint64 {
		v, err := scope.EvalExpression("runtime.curg.stack."+name, proc.LoadConfig{})
		if err != nil || v.Value == nil {
			return 0
		}
		n, _ := constant.Uint64Val(v.Value)
		return n
	}
	low, high = bound("lo"), bound("hi")
	return low, high, low > 0 && low < high
}

// withoutOtherStacks lets a memory refuse what is not the goroutine's own.
func (c *Core) withoutOtherStacks(scope *proc.EvalScope, s *stack, m *answerMemory) {
	if !s.bounded {
		s.low, s.high, _ = ownStack(scope)
		s.bounded = true
	}
	if c.pages == nil && !c.noPages {
		c.pages = pagesOf(scope, c.target.Memory())
		c.noPages = c.pages == nil
	}
	if s.high > 0 {
		m.pages, m.low, m.high = c.pages, s.low, s.high
	}
}
