package dump

import (
	"encoding/hex"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zeugkit/zeug/middleware/debugger/internal/place"
)

// Values without parts are written as Go writes them; strings and bytes are cut, and copied.

// scalar writes a value without parts.
func (d *Dumper) scalar(node *Value, v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return d.text(node, v.String())
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Uintptr:
		return "0x" + strconv.FormatUint(v.Uint(), 16)
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	case reflect.Complex64, reflect.Complex128:
		return strconv.FormatComplex(v.Complex(), 'g', -1, v.Type().Bits())
	case reflect.Chan:
		if v.IsNil() {
			return "nil"
		}
		return "(" + strconv.Itoa(v.Len()) + " of " + strconv.Itoa(v.Cap()) + " waiting)"
	case reflect.Func:
		if v.IsNil() {
			return "nil"
		}
		if f := runtime.FuncForPC(v.Pointer()); f != nil {
			file, line := f.FileLine(f.Entry())
			return f.Name() + " (" + place.Short(file) + ":" + strconv.Itoa(line) + ")"
		}
	}
	return "0x" + strconv.FormatUint(uint64(v.Pointer()), 16)
}

// text writes a string as Go does; the node of a long string also has the whole.
func (d *Dumper) text(node *Value, s string) string {
	if len(s) <= MaxText {
		return strconv.Quote(d.spend(d.src.withoutSecrets(s, MaxField)))
	}
	whole := d.spend(d.src.withoutSecrets(s, MaxField))
	node.Whole = whole
	return strconv.Quote(whole[:Boundary(whole, MaxText)]) + "… (" + strconv.Itoa(len(s)) + " bytes)"
}

// octets shows n bytes as text if they are text.
func (d *Dumper) octets(node *Value, v reflect.Value, n int) {
	b := make([]byte, min(v.Len(), MaxField+utf8.UTFMax))
	for i := range b {
		b[i] = byte(v.Index(i).Uint())
	}
	end := len(b)
	if n > end {
		end = Boundary(string(b), end-1) // the last character may be cut
	}
	if n > 0 && utf8.Valid(b[:end]) && len(bytesHidden(b[:end])) == 0 {
		if n == len(b) {
			node.Text = d.text(node, string(b))
			return
		}
		whole := d.spend(d.src.withoutSecrets(string(b[:Boundary(string(b), MaxField)]), MaxField))
		node.Whole = whole + "… (" + strconv.Itoa(n) + " bytes)"
		node.Text = strconv.Quote(whole[:Boundary(whole, MaxText)]) + "… (" + strconv.Itoa(n) + " bytes)"
		return
	}
	shown := min(n, MaxText/4)
	node.Text = "0x" + hex.EncodeToString(b[:shown])
	if n > shown {
		node.Text += "… (" + strconv.Itoa(n) + " bytes)"
		node.Whole = d.spend(hex.Dump(b[:min(n, MaxText*5)]))
		if n > MaxText*5 {
			node.Whole += "… (" + strconv.Itoa(n) + " bytes)\n"
		}
	} else if n == 0 {
		node.Text = "0 bytes"
	}
}

// bytesHidden are the characters of a string that a person would not see in it.
func bytesHidden(b []byte) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) || c == '\n' || c == '\r' || c == '\t' {
			return -1
		}
		return c
	}, string(b))
}

// Boundary returns where to cut a string so that at most limit bytes are left and no character is
// split.
func Boundary(s string, limit int) int {
	if len(s) <= limit {
		return len(s)
	}
	end := max(limit, 0)
	for end > 0 && end > limit-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return end
}

// spend subtracts a string's length from the limit of all strings, and cuts the string if too
// little is left. It returns a copy, which keeps nothing else in memory.
func (d *Dumper) spend(s string) string {
	if len(s) > d.bytes {
		s = Cut(s, max(d.bytes, 0))
	}
	d.bytes -= len(s)
	return strings.Clone(s)
}
