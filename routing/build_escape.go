package routing

import (
	"strings"

	"github.com/zeugkit/zeug/internal/percent"
)

// Percent-encoding of values, in the way that the matcher decodes:
//
//	value "a/b c" of <name>        a%2Fb%20c    the slash belongs to the segment
//	value "a/b c" of <path:name>   a/b%20c      the slash separates segments
//
// Only what the URL Standard escapes in a path is escaped, as in Werkzeug: "ü" is, "@" and ":" are
// not.

// appendEscaped appends text as a part of a path; slashes stay if they separate segments.
func appendEscaped(b []byte, text string, slashes bool) []byte {
	if slashes {
		return percent.Path.Append(b, text)
	}
	return percent.Segment.Append(b, text)
}

// unescape decodes what appendEscaped encoded; encoded slashes stay distinguishable from plain
// ones: they become a byte that no UTF-8 string has, as in the matcher (match_path.go). After each
// percent sign there are two digits, since appendEscaped wrote it.
func unescape(text string, slashes bool) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' {
			c = percent.Byte(text[i+1], text[i+2])
			i += 2
			if c == '/' && !slashes {
				c = 0xFF
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
