package middleware

import (
	"iter"
	"net/netip"
	"strings"

	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/httplex"
	"github.com/zeugkit/zeug/internal/percent"
)

// This file reads the headers of proxies: the values of a header from the last one to the first,
// and each kind of value. A proxy appends, so its value is at the end. If they are read in this
// order, nothing that a client wrote before them can change their meaning.

// fromLast ranges over the values of a header's lines, from the last one to the
// first. cut removes the last value of a line.
func fromLast(lines []string, cut func(line string) (rest, last string, more bool)) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := len(lines) - 1; i >= 0; i-- {
			line, more := lines[i], true
			for more {
				var last string
				line, last, more = cut(line)
				if !yield(httplex.Trim(last)) {
					return
				}
			}
		}
	}
}

// cutLast cuts at the last comma.
func cutLast(line string) (rest, last string, more bool) {
	if i := strings.LastIndexByte(line, ','); i >= 0 {
		return line[:i], line[i+1:], true
	}
	return "", line, false
}

// cutLastElement cuts at the last comma outside quotes, seen from the end: a
// quote that was never closed is in the client's part.
func cutLastElement(line string) (rest, last string, more bool) {
	quoted := false
	for i := len(line) - 1; i >= 0; i-- {
		switch line[i] {
		case '"':
			if !quoted || !escaped(line[:i]) {
				quoted = !quoted
			}
		case ',':
			if !quoted {
				return line[:i], line[i+1:], true
			}
		}
	}
	return "", line, false
}

// escaped reports whether s ends with an odd number of backslashes.
func escaped(s string) bool {
	return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1
}

// nthLast returns the nth value from the end; 1 is the last. If n is 0, there
// is none.
func nthLast(lines []string, n int) (string, bool) {
	if n == 0 {
		return "", false
	}
	for i := len(lines) - 1; i >= 0; i-- {
		for line, more := lines[i], true; more; {
			var last string
			line, last, more = cutLast(line)
			if n--; n == 0 {
				return httplex.Trim(last), true
			}
		}
	}
	return "", false
}

// addressOf reads an address of either kind, an IPv6 one with or without
// brackets, and its port if it has one. An IPv4 address written as IPv6 becomes
// IPv4.
func addressOf(s string) (addr netip.AddrPort, ok bool) {
	colon := strings.IndexByte(s, ':')
	if strings.HasPrefix(s, "[") || colon >= 0 && colon == strings.LastIndexByte(s, ':') {
		if strings.HasSuffix(s, "]") {
			s += ":0"
		}
		withPort, err := netip.ParseAddrPort(s)
		if err != nil || withPort.Addr().Zone() != "" {
			return addr, false
		}
		return netip.AddrPortFrom(withPort.Addr().Unmap(), withPort.Port()), true
	}
	bare, err := netip.ParseAddr(s)
	if err != nil || bare.Zone() != "" {
		return addr, false
	}
	return netip.AddrPortFrom(bare.Unmap(), 0), true
}

// schemeOf reads a scheme, in any case.
func schemeOf(s string) (string, bool) {
	switch {
	case httplex.EqualFold(s, "https"), httplex.EqualFold(s, "wss"):
		return "https", true
	case httplex.EqualFold(s, "http"), httplex.EqualFold(s, "ws"):
		return "http", true
	}
	return "", false
}

// prefixOf reads a root path. The result is "" or begins with a slash, and is safe at the start of
// a Location.
func prefixOf(s string) (string, bool) {
	s = strings.TrimSuffix(s, "/")
	if s == "" {
		return "", true
	}
	path := strings.TrimPrefix(s, "/")
	for segment := range strings.SplitSeq(path, "/") {
		if !plainSegment(segment) {
			return "", false
		}
	}
	return "/" + path, true
}

// plainSegment reports whether s is an ordinary segment: it consists of a
// path's characters (RFC 3986, section 3.3), is not empty, and is not "." or "..".
func plainSegment(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~!$&'()*+,;=:@", c) >= 0:
		case c == '%' && percent.IsEscape(s, i):
			i += 2
		default:
			return false
		}
	}
	switch strings.ReplaceAll(strings.ToLower(s), "%2e", ".") {
	case "", ".", "..":
		return false
	}
	return true
}

// element is one element of a Forwarded header. A field is zero if it is missing, or has a name
// that only the proxy knows.
type element struct {
	client netip.AddrPort
	scheme string
	host   string
}

// parseForwarded reads a forwarded-element (RFC 7239, section 4). It reports
// false if the element is malformed, even in a parameter that does not matter.
func parseForwarded(s string) (e element, ok bool) {
	var seen [4]bool
	for s != "" {
		var name, value string
		if name, value, s, ok = cutPair(s); !ok {
			return element{}, false
		}
		param := -1
		for i, known := range [...]string{"for", "proto", "host", "by"} {
			if httplex.EqualFold(name, known) {
				param = i
			}
		}
		if param < 0 {
			continue
		}
		if seen[param] {
			return element{}, false
		}
		seen[param] = true
		switch param {
		case 0:
			if addr, ok := addressOf(value); ok {
				e.client = addr
			} else if !obfuscated(value) {
				return element{}, false
			}
		case 1:
			if e.scheme, ok = schemeOf(value); !ok {
				return element{}, false
			}
		case 2:
			if e.host = value; !hosts.Valid(value) {
				return element{}, false
			}
		}
	}
	return e, seen != [4]bool{}
}

// cutPair cuts "name=value" or `name="value"` from the front of an element.
func cutPair(s string) (name, value, rest string, ok bool) {
	name, rest, ok = strings.Cut(s, "=")
	if name = httplex.Trim(name); !ok || !httplex.IsToken(name) {
		return "", "", "", false
	}
	if !strings.HasPrefix(rest, `"`) {
		value, rest, _ = strings.Cut(rest, ";")
		// Strings with colons should be quoted, but not every proxy does that.
		value = httplex.Trim(value)
		return name, value, rest, value != "" && strings.IndexByte(value, '"') < 0
	}
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case '"':
			value, rest = httplex.Unquote(rest[:i+1]), httplex.Trim(rest[i+1:])
			if rest == "" {
				return name, value, "", true
			}
			return name, value, rest[1:], rest[0] == ';'
		}
	}
	return "", "", "", false
}

// obfuscated reports whether s is a node without an address: unknown, or a name
// that begins with an underscore (RFC 7239, section 6).
func obfuscated(s string) bool {
	s, port, _ := strings.Cut(s, ":")
	if strings.Trim(port, "0123456789") != "" && !strings.HasPrefix(port, "_") {
		return false
	}
	if httplex.EqualFold(s, "unknown") {
		return true
	}
	return strings.HasPrefix(s, "_") && len(s) > 1 &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}
