package percent

import (
	"strings"
	"unicode/utf8"
)

// CutPair returns the first pair of a query, parsed as package urls does, and the rest. It reports
// false if there is no pair.
func CutPair(query string) (key, value, rest string, ok bool) {
	for query != "" && query[0] == '&' {
		query = query[1:]
	}
	if query == "" {
		return "", "", "", false
	}
	equals, end := -1, len(query)
	plain := true
loop:
	for i := 0; i < len(query); i++ {
		switch c := query[i]; {
		case c == '&':
			end = i
			break loop
		case c == '=':
			if equals < 0 {
				equals = i
			}
		case c == '%', c == '+', c >= utf8.RuneSelf:
			plain = false
		}
	}
	pair := query[:end]
	if end < len(query) {
		rest = query[end+1:]
	}
	if equals < 0 {
		key = pair
	} else {
		key, value = pair[:equals], pair[equals+1:]
	}
	if !plain {
		key, value = UnescapeQuery(key), UnescapeQuery(value)
	}
	return key, value, rest, true
}

// UnescapeQuery decodes a key or a value of a query as [CutPair] does.
func UnescapeQuery(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '%' || c == '+' || c >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	text := unescape(s)
	if utf8.ValidString(text) {
		return text
	}
	return string(EscapeInvalid([]byte(text)))
}

// UnescapeQueryBytes is like [UnescapeQuery], but for a string that is not in UTF-8: every byte
// stays as it was sent.
func UnescapeQueryBytes(s string) []byte { return []byte(unescape(s)) }

func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b.WriteByte(' ')
		case c == '%' && IsEscape(s, i):
			b.WriteByte(Byte(s[i+1], s[i+2]))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// EscapeInvalid returns b with all bytes percent-encoded that are not valid UTF-8.
func EscapeInvalid(b []byte) []byte {
	out := make([]byte, 0, len(b)+2*3)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			out = AppendByte(out, b[0])
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}
