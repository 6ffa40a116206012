package routing

import (
	"strings"

	"github.com/zeugkit/zeug/internal/percent"
)

// appendEscaped appends text as a part of a path; slashes stay if they separate segments.
func appendEscaped(b []byte, text string, slashes bool) []byte {
	if slashes {
		return percent.Path.Append(b, text)
	}
	return percent.Segment.Append(b, text)
}

// unescape decodes what appendEscaped encoded; encoded slashes stay
// distinguishable from plain ones.
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
