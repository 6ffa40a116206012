package dump

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// Visible replaces characters that a terminal would obey or a reader would not see: control
// characters, escape sequences, marks that change the direction of text. Tabs stay; newlines become
// \n.
func Visible(s string) string { return replaceHidden(s, false) }

// VisibleLines does what Visible does, but newlines stay.
func VisibleLines(s string) string { return replaceHidden(s, true) }

func replaceHidden(s string, lines bool) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	hidden := func(c rune) bool { return c != '\t' && !(lines && c == '\n') && isHidden(c) }
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		switch {
		case !hidden(c):
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c < 0x80:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}

// isHidden reports whether a terminal obeys c, or a reader does not see it.
func isHidden(c rune) bool {
	return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c == '\u2028' || c == '\u2029'
}

// EscapeHidden escapes characters in JSON that JSON allows and a terminal may obey. The JSON value
// stays the same.
func EscapeHidden(text []byte) []byte {
	hidden := func(c rune) bool { return c != '\n' && isHidden(c) }
	if bytes.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b bytes.Buffer
	for _, c := range string(text) {
		switch {
		case !hidden(c):
			b.WriteRune(c)
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.Bytes()
}
