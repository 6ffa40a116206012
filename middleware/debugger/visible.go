package debugger

import (
	"fmt"
	"strings"
	"unicode"
)

// visible replaces what a terminal would obey and what a reader would not see:
// control characters, escape sequences, marks that turn the direction of text.
// Tabs stay; newlines become \n.
func visible(s string) string { return replaceHidden(s, false) }

// visibleLines is visible, but newlines stay.
func visibleLines(s string) string { return replaceHidden(s, true) }

func replaceHidden(s string, lines bool) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	hidden := func(c rune) bool {
		return c != '\t' && !(lines && c == '\n') && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c == '\u2028' || c == '\u2029')
	}
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
