package urls

import (
	"strings"

	"github.com/zeugkit/zeug/internal/percent"
)

// parts are the components of a URL (RFC 3986, section 3), unchanged. Joining
// them gives the same string again.
type parts struct {
	scheme                              string
	authority, path, query, fragment    string
	hasAuthority, hasQuery, hasFragment bool
}

// split splits a URL into its parts. Any string has parts: whatever is not
// another part is the path.
func split(s string) (p parts) {
	s, p.fragment, p.hasFragment = strings.Cut(s, "#")
	s, p.query, p.hasQuery = strings.Cut(s, "?")
	if end := strings.IndexAny(s, ":/"); end > 0 && s[end] == ':' && isScheme(s[:end]) {
		p.scheme, s = s[:end], s[end+1:]
	}
	if rest, ok := strings.CutPrefix(s, "//"); ok {
		p.hasAuthority = true
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		p.authority, s = rest[:end], rest[end:]
	}
	p.path = s
	return p
}

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return true
}

func (p parts) String() string {
	var b strings.Builder
	if p.scheme != "" {
		b.WriteString(p.scheme)
		b.WriteByte(':')
	}
	if p.hasAuthority {
		b.WriteString("//")
		b.WriteString(p.authority)
	}
	b.WriteString(p.path)
	if p.hasQuery {
		b.WriteByte('?')
		b.WriteString(p.query)
	}
	if p.hasFragment {
		b.WriteByte('#')
		b.WriteString(p.fragment)
	}
	return b.String()
}

// mapAuthority changes the user, the password and the host of an authority. It
// drops ports without digits, and makes the host lower case.
func mapAuthority(authority string, user, host func(string) string) string {
	credentials, rest, ok := cutLast(authority, '@')
	if ok {
		name, password, has := strings.Cut(credentials, ":")
		credentials = user(name)
		if has {
			credentials += ":" + user(password)
		}
		credentials += "@"
	} else {
		rest = authority
	}
	name, port := strings.TrimRight(rest, ":"), ""
	if i := strings.LastIndexByte(name, ':'); i >= 0 && isDigits(name[i+1:]) {
		name, port = name[:i], name[i:]
	}
	return credentials + host(lowerHost(name)) + port
}

// lowerHost makes the capitals of a host lower case, except those in escapes.
func lowerHost(host string) string {
	if !strings.ContainsFunc(host, func(r rune) bool { return 'A' <= r && r <= 'Z' }) {
		return host
	}
	b := []byte(host)
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '%' && percent.IsEscape(b, i):
			i += 2
		case 'A' <= c && c <= 'Z':
			b[i] = c - 'A' + 'a'
		}
	}
	return string(b)
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", "", false
}

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
