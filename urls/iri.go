package urls

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/zeugkit/zeug/internal/percent"
)

// IRIToURI returns the URI for an IRI (RFC 3987). Characters that cannot be
// sent are percent-encoded in UTF-8, and the host is encoded with IDNA.
// Existing escapes stay, so that a second call changes nothing. A host that
// IDNA does not allow is percent-encoded too.
//
//	http://☃.net/påth?q=èry%DF  →  http://xn--n3h.net/p%C3%A5th?q=%C3%A8ry%DF
//
// The result has no control characters, spaces or backslashes, so it can be
// sent as a Location.
func IRIToURI(iri string) string {
	if isPlainURI(iri) {
		return iri
	}
	return toURI(iri)
}

func toURI(iri string) string {
	p := split(iri)
	before := p
	if p.hasAuthority {
		p.authority = mapAuthority(p.authority, escapeUser, encodeHost)
	}
	p.path = iriPathChars.Escape(p.path)
	p.query = iriQueryChars.Escape(p.query)
	p.fragment = iriFragmentChars.Escape(p.fragment)
	if p == before {
		return iri // most are URIs already
	}
	return p.String()
}

// isPlainURI reports whether s is a path or an http URL that is the same as a URI. It is the fast path
// for most redirects, and may report false for other URIs that stay the same.
func isPlainURI(s string) bool {
	path := s
	name, ok := strings.CutPrefix(s, "https://")
	if !ok {
		name, ok = strings.CutPrefix(s, "http://")
	}
	if ok {
		end := 0
		for end < len(name) && isLowerNameChar(name[end]) {
			end++
		}
		path = name[end:]
	}
	if path == "" {
		return ok
	}
	if path[0] != '/' || !ok && strings.HasPrefix(path, "//") {
		return false
	}
	// A path may contain what a query may, except "?", which begins the query.
	for i := range len(path) {
		if !iriQueryChars[path[i]] {
			return false
		}
	}
	return true
}

func escapeUser(s string) string { return iriUserChars.Escape(s) }

// encodeHost encodes a name; an address in brackets is unchanged.
func encodeHost(host string) string {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return "[" + iriHostChars.Escape(host[1:len(host)-1]) + "]"
	}
	if name, err := HostToASCII(host); err == nil {
		return name
	}
	return iriHostChars.Escape(host)
}

// URIToIRI returns the IRI for a URI, to show it to people. Escapes of
// characters without a meaning in the syntax of their part are decoded, as far
// as they are UTF-8, and so is the host. Spaces, control characters, "%" and
// separators stay escaped, so that [IRIToURI] leads back to the same resource.
//
//	http://xn--n3h.net/p%C3%A5th?q=%C3%A8ry%DF  →  http://☃.net/påth?q=èry%DF
func URIToIRI(uri string) string {
	p := split(uri)
	if p.hasAuthority {
		p.authority = mapAuthority(p.authority, unescapeUser, decodeHost)
	}
	p.path = unescapeBut(p.path, pathSyntax)
	p.query = unescapeBut(p.query, querySyntax)
	p.fragment = unescapeBut(p.fragment, fragmentSyntax)
	return p.String()
}

func unescapeUser(s string) string { return unescapeBut(s, userSyntax) }

// decodeHost decodes the labels of a name that are encoded with IDNA; invalid
// ones are unchanged.
func decodeHost(host string) string {
	if !strings.Contains(host, "xn--") {
		return host
	}
	labels := strings.Split(host, ".")
	for i, label := range labels {
		if !strings.HasPrefix(label, "xn--") || len(label) > 63 {
			continue
		}
		if decoded, err := idna.Lookup.ToUnicode(label); err == nil {
			labels[i] = decoded
		}
	}
	return strings.Join(labels, ".")
}

// The characters whose escapes stay in each part of an IRI.
var (
	always         = controls() + " %\x7f"
	fragmentSyntax = percent.NewSet(always)
	querySyntax    = percent.NewSet(always + "&=+#")
	pathSyntax     = percent.NewSet(always + "/?#")
	userSyntax     = percent.NewSet(always + ":@/?#")
)

func controls() string {
	var b [32]byte
	for i := range b {
		b[i] = byte(i)
	}
	return string(b[:])
}

// unescapeBut decodes the escapes of s, except those of characters in the set keep, and those that
// are not UTF-8. It also leaves the escape of a digit if the digit would complete another escape:
// "%%366" is a percent sign and "66", and "%66" would be "f".
func unescapeBut(s string, keep *percent.Set) string {
	if strings.IndexByte(s, '%') < 0 && utf8.ValidString(s) {
		return s
	}
	out := make([]byte, 0, len(s))
	start := 0 // the offset in out where the decoded bytes begin that are not yet known to be UTF-8
	flush := func() {
		if !utf8.Valid(out[start:]) {
			out = append(out[:start], percent.EscapeInvalid(out[start:])...)
		}
	}
	for i := 0; i < len(s); i++ {
		if !percent.IsEscape(s, i) {
			out = append(out, s[i])
			continue
		}
		if c := percent.Byte(s[i+1], s[i+2]); keep[c] || percent.IsHex(c) && endsInEscape(out) {
			flush()
			out = append(out, s[i:i+3]...)
			start = len(out)
		} else {
			out = append(out, c)
		}
		i += 2
	}
	flush()
	return string(out)
}

// endsInEscape reports whether b ends with an escape that lacks a digit.
func endsInEscape(b []byte) bool {
	n := len(b)
	return n > 0 && b[n-1] == '%' || n > 1 && b[n-2] == '%' && percent.IsHex(b[n-1])
}
