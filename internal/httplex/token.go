// Package httplex is the grammar that the fields of an HTTP header share (RFC
// 9110, section 5.6): tokens, quoted strings, lists, parameters with the
// encodings of RFC 8187 and RFC 2231, and weights. The types of package
// datastructures are built on it, and package httperror negotiates with it.
//
// Parsing never fails, whatever a client sends, and never takes more than
// linear time.
package httplex

import "strings"

// tokenBits has a bit for each character of a token (RFC 9110, section 5.6.2).
var tokenBits = func() (bits [4]uint64) {
	const chars = "!#$%&'*+-.^_`|~" + "0123456789" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "abcdefghijklmnopqrstuvwxyz"
	for i := 0; i < len(chars); i++ {
		bits[chars[i]>>6] |= 1 << (chars[i] & 63)
	}
	return bits
}()

// IsTokenChar reports whether c may be in a token.
func IsTokenChar(c byte) bool { return tokenBits[c>>6]&(1<<(c&63)) != 0 }

// IsToken reports whether s is a token: one or more of its characters.
func IsToken(s string) bool { return s != "" && tokenLen(s) == len(s) }

// tokenLen is the length of the token at the start of s, 0 if there is none.
func tokenLen(s string) int {
	for i := 0; i < len(s); i++ {
		if !IsTokenChar(s[i]) {
			return i
		}
	}
	return len(s)
}

// IsFieldValue reports whether s can be sent as the value of a field: it has no
// control characters except tabs.
func IsFieldValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// isSpace reports whether c is optional whitespace (RFC 9110, section 5.6.3).
func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// Trim removes the whitespace around s.
func Trim(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func trimLeft(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

// Lower returns s with its ASCII capitals made small, s itself if it has none.
func Lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if c := b[i]; 'A' <= c && c <= 'Z' {
					b[i] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// EqualFold reports whether a and b are the same apart from the case of ASCII letters: the
// comparison of field names, schemes, directives and codings.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x |= 0x20; x != y|0x20 || x < 'a' || x > 'z' {
			return false
		}
	}
	return true
}

// Quote returns s as the value of a parameter or the item of a list: a token
// unchanged, anything else as a quoted string.
func Quote(s string) string {
	if IsToken(s) {
		return s
	}
	return QuoteAlways(s)
}

// QuoteAlways returns s as a quoted string.
func QuoteAlways(s string) string {
	if !strings.ContainsAny(s, `"\`) {
		return `"` + s + `"`
	}
	return string(AppendQuoted(make([]byte, 0, len(s)+8), s))
}

// AppendQuoted appends s as a quoted string.
func AppendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

// Unquote returns the value of a quoted string; any other string is returned unchanged. A backslash
// makes the next character plain, whatever it is.
func Unquote(s string) string {
	if !isQuoted(s) {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// isQuoted reports whether s starts with a quote and ends with another one.
func isQuoted(s string) bool {
	return len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"'
}
