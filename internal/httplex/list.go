package httplex

import (
	"iter"
	"strings"
)

// Items ranges over the items of a list (RFC 9110, section 5.6.1): the strings between commas
// outside quoted strings, without the whitespace around them, still quoted. Empty items are left
// out. A list with a quoted string that does not end has no items, because it is unknown where
// they would end.
func Items(header string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if strings.IndexByte(header, '"') < 0 {
			for header != "" {
				var item string
				item, header, _ = strings.Cut(header, ",")
				if item = Trim(item); item != "" && !yield(item) {
					return
				}
			}
			return
		}
		if !closed(header) {
			return
		}
		for header != "" {
			end := itemEnd(header)
			item := Trim(header[:end])
			header = header[min(end+1, len(header)):]
			if item != "" && !yield(item) {
				return
			}
		}
	}
}

// itemEnd is the end of the first item: at a comma, or at the end of s.
func itemEnd(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case '\\':
			if quoted {
				i++
			}
		case ',':
			if !quoted {
				return i
			}
		}
	}
	return len(s)
}

// closed reports whether every quoted string in s ends.
func closed(s string) bool {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case '\\':
			if quoted {
				i++
			}
		}
	}
	return !quoted
}

// ParseList returns the items of a list. Items that are quoted strings as a whole are unquoted;
// quotes inside an item stay.
func ParseList(header string) []string {
	var list []string
	for item := range Items(header) {
		list = append(list, Unquote(item))
	}
	return list
}

// FormatList is the reverse of [ParseList]: each item is quoted if necessary.
func FormatList(items []string) string {
	var b []byte
	for i, item := range items {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = AppendValue(b, item)
	}
	return string(b)
}

// AppendValue appends a token unchanged and any other string quoted.
func AppendValue(dst []byte, s string) []byte {
	if IsToken(s) {
		return append(dst, s...)
	}
	return AppendQuoted(dst, s)
}
