package middleware

import (
	"strconv"

	"github.com/zeugkit/zeug/internal/secret"
)

// appendCombined appends a line in Apache's combined log format:
//
//	%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"
//
// Values that a client sent are escaped as Apache does, with a backslash or as \xhh. In fields
// without quotes spaces are escaped too. The user is the one that the request names by Basic
// authentication, even if it was not accepted.
func appendCombined(b []byte, a *access, stamp []byte) []byte {
	b = appendField(b, a.client())
	b = append(b, " - "...)
	user, _, _ := a.r.BasicAuth()
	b = appendField(b, user)
	b = append(append(b, ' '), stamp...)
	b = append(b, ` "`...)
	b = appendEscaped(b, a.r.Method, false)
	b = appendEscaped(append(b, ' '), secret.URI(a.r.RequestURI), false)
	b = appendEscaped(append(b, ' '), a.r.Proto, false)
	b = strconv.AppendInt(append(b, `" `...), int64(a.status()), 10)
	b = append(b, ' ')
	if n := a.bytes(); n > 0 {
		b = strconv.AppendInt(b, n, 10)
	} else {
		b = append(b, '-')
	}
	b = appendQuoted(b, secret.URI(a.r.Referer()))
	b = appendQuoted(b, a.r.UserAgent())
	return append(b, '\n')
}

func appendField(b []byte, s string) []byte {
	if s == "" {
		return append(b, '-')
	}
	return appendEscaped(b, s, true)
}

func appendQuoted(b []byte, s string) []byte {
	b = append(b, ` "`...)
	if s == "" {
		b = append(b, '-')
	}
	return append(appendEscaped(b, s, false), '"')
}

func appendEscaped(b []byte, s string, spaces bool) []byte {
	const hex = "0123456789abcdef"
	done := 0
	for i := range len(s) {
		c := s[i]
		if c > ' ' && c < 0x7f && c != '"' && c != '\\' || c == ' ' && !spaces {
			continue
		}
		b = append(b, s[done:i]...)
		done = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		}
	}
	return append(b, s[done:]...)
}
