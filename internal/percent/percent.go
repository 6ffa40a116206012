// Package percent encodes and decodes bytes as URLs and header fields do: as a percent
// sign and two hexadecimal digits (RFC 3986, section 2.1).
//
//	"a/b c"  →  Segment.Escape  →  "a%2Fb%20c"
//
// Each part of a URL has its own set of bytes that are not encoded. A [Set] is such a set. How
// invalid escapes are read also differs from part to part, so decoding stays with its callers,
// which use [IsEscape] and [Byte].
package percent

// Unreserved holds the bytes that mean the same whether they are encoded or not
// (RFC 3986, section 2.3).
const Unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// The sets that several packages use: the characters that the URL standard does not encode in a
// path segment, in a path, and in the name or value of a query. In a query "&", "=", "+" and "#"
// have a meaning.
var (
	Segment = NewSet(Unreserved + "!$&'()*+,:;=@")
	Path    = NewSet(Unreserved + "!$&'()*+,:;=@/")
	Query   = NewSet(Unreserved + "!$'()*,/:;?@")
)

// Set is a set of bytes that are not encoded. In a table of 256 flags, a lookup is one load for
// each byte; routing builds URLs with it.
type Set [256]bool

// EscapedPath is the set [Path] and "%", so that a path that has escapes keeps them.
var EscapedPath = NewSet(Unreserved + "%!$&'()*+,/:;=@")

// NewSet returns the set of the bytes of chars.
func NewSet(chars string) *Set {
	set := new(Set)
	for i := range len(chars) {
		set[chars[i]] = true
	}
	return set
}

// Append appends text to dst and encodes the bytes that are not in the set.
func (set *Set) Append(dst []byte, text string) []byte {
	start := 0
	for i := range len(text) {
		if c := text[i]; !set[c] {
			dst = append(dst, text[start:i]...)
			dst = AppendByte(dst, c)
			start = i + 1
		}
	}
	return append(dst, text[start:]...)
}

// Escape returns text with those bytes encoded that are not in the set. It does
// not allocate if there are none.
func (set *Set) Escape(text string) string {
	for i := range len(text) {
		if !set[text[i]] {
			return string(set.Append(make([]byte, 0, len(text)+16), text))
		}
	}
	return text
}

// AppendQuery appends text as the name or value of a query. In a query a space is "+".
func AppendQuery(dst []byte, text string) []byte {
	start := 0
	for i := range len(text) {
		c := text[i]
		if Query[c] {
			continue
		}
		dst = append(dst, text[start:i]...)
		if c == ' ' {
			dst = append(dst, '+')
		} else {
			dst = AppendByte(dst, c)
		}
		start = i + 1
	}
	return append(dst, text[start:]...)
}

const upperHex = "0123456789ABCDEF"

// AppendByte appends c in its encoded form: "%2F" for a slash.
func AppendByte(dst []byte, c byte) []byte {
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

// IsEscape reports whether a percent sign and two hexadecimal digits are at s[i:].
func IsEscape[T string | []byte](s T, i int) bool {
	return i+2 < len(s) && s[i] == '%' && IsHex(s[i+1]) && IsHex(s[i+2])
}

// IsHex reports whether c is a hexadecimal digit of either case.
func IsHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// Byte returns the byte with the hexadecimal digits high and low.
func Byte(high, low byte) byte { return Digit(high)<<4 | Digit(low) }

// Digit returns the value of a hexadecimal digit.
func Digit(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
