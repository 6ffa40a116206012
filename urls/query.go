package urls

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// Query ranges over the pairs of a query or of an urlencoded form: texts
// between "&", each split at its first "=". Nothing is dropped: ";" is data, a
// pair without "=" has an empty value, an escape that is not one stays as it is,
// and a byte that is not UTF-8 becomes an escape ("%FF"). Only pairs without a
// character are skipped.
//
// A part that needs no decoding shares the memory of query.
func Query(query string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for {
			key, value, rest, ok := CutPair(query)
			if !ok || !yield(key, value) {
				return
			}
			query = rest
		}
	}
}

// CutPair takes the first pair off a query, as [Query] reads it, and reports
// false where there is none any more.
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

// UnescapeQuery decodes a key or a value of a query as [Query] does.
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
	return string(escapeInvalid([]byte(text)))
}

// UnescapeQueryBytes is [UnescapeQuery] for a text that is not in UTF-8: every
// byte is what was sent.
func UnescapeQueryBytes(s string) []byte { return []byte(unescape(s)) }

func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b.WriteByte(' ')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escapeInvalid returns b with the bytes that are not UTF-8 percent-encoded.
func escapeInvalid(b []byte) []byte {
	out := make([]byte, 0, len(b)+2*3)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			out = appendEscaped(out, b[0])
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}

// AppendQuery appends a key or a value to a query being built: a space as "+",
// and percent-encoded whatever would end the part or is no character of a URL.
// It leaves "!$'()*,/:;?@" as they are. [UnescapeQuery] is the reverse.
func AppendQuery(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case queryChars.has(c):
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, '+')
		default:
			dst = appendEscaped(dst, c)
		}
	}
	return dst
}

// EscapeQuery is [AppendQuery] for one text.
func EscapeQuery(s string) string {
	for i := 0; i < len(s); i++ {
		if !queryChars.has(s[i]) {
			return string(AppendQuery(make([]byte, 0, len(s)+8), s))
		}
	}
	return s
}
