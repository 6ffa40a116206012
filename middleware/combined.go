package middleware

import "strconv"

// appendCombined appends a line in Apache's combined log format:
//
//	%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"
//
// What a client sent is escaped as Apache does, with a backslash or as \xhh; in
// fields without quotes spaces are escaped too. The user is the one that the
// request names by Basic authentication, whether or not it was believed.
func appendCombined(b []byte, a *access) []byte {
	b = appendField(b, a.client())
	b = append(b, " - "...)
	user, _, _ := a.r.BasicAuth()
	b = appendField(b, user)
	b = a.start.AppendFormat(append(b, ' '), "[02/Jan/2006:15:04:05 -0700]")
	b = append(b, ` "`...)
	b = appendEscaped(b, a.r.Method, false)
	b = appendEscaped(append(b, ' '), a.r.RequestURI, false)
	b = appendEscaped(append(b, ' '), a.r.Proto, false)
	b = strconv.AppendInt(append(b, `" `...), int64(a.status()), 10)
	b = append(b, ' ')
	if n := a.bytes(); n > 0 {
		b = strconv.AppendInt(b, n, 10)
	} else {
		b = append(b, '-')
	}
	b = appendQuoted(b, a.r.Referer())
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
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < ' ' || c >= 0x7f || spaces && c == ' ':
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}
