package urls

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// IRIToURI returns the URI that stands for an IRI (RFC 3987): characters that do
// not travel are percent-encoded, in UTF-8, and the host is encoded as IDNA has
// it. Escapes that are there already stay, so that doing it twice changes
// nothing. A host that IDNA does not allow is percent-encoded too.
//
//	http://☃.net/påth?q=èry%DF  →  http://xn--n3h.net/p%C3%A5th?q=%C3%A8ry%DF
//
// No control character, space or backslash is left anywhere: the result can be
// sent as a Location.
func IRIToURI(iri string) string {
	p := split(iri)
	if p.hasAuthority {
		p.authority = mapAuthority(p.authority, escapeUser, encodeHost)
	}
	p.path = escape(p.path, &iriPathChars)
	p.query = escape(p.query, &iriQueryChars)
	p.fragment = escape(p.fragment, &iriFragmentChars)
	return p.String()
}

func escapeUser(s string) string { return escape(s, &iriUserChars) }

// encodeHost encodes a name; an address in brackets stays.
func encodeHost(host string) string {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return "[" + escape(host[1:len(host)-1], &iriHostChars) + "]"
	}
	if name, err := HostToASCII(host); err == nil {
		return name
	}
	return escape(host, &iriHostChars)
}

// URIToIRI returns an IRI that stands for a URI, to be read by people: escapes of
// characters that mean nothing to the syntax of their part are decoded, as far
// as they are UTF-8, and so is the host. Spaces, control characters, "%" and
// what separates stays escaped, so that [IRIToURI] leads back to the same place.
//
//	http://xn--n3h.net/p%C3%A5th?q=%C3%A8ry%DF  →  http://☃.net/påth?q=èry%DF
func URIToIRI(uri string) string {
	p := split(uri)
	if p.hasAuthority {
		p.authority = mapAuthority(p.authority, unescapeUser, decodeHost)
	}
	p.path = unescapeBut(p.path, &pathSyntax)
	p.query = unescapeBut(p.query, &querySyntax)
	p.fragment = unescapeBut(p.fragment, &fragmentSyntax)
	return p.String()
}

func unescapeUser(s string) string { return unescapeBut(s, &userSyntax) }

// decodeHost decodes the labels of a name that are in the encoding of IDNA; one
// that is not valid in it stays.
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
	fragmentSyntax = newCharset(always)
	querySyntax    = newCharset(always + "&=+#")
	pathSyntax     = newCharset(always + "/?#")
	userSyntax     = newCharset(always + ":@/?#")
)

func controls() string {
	var b [32]byte
	for i := range b {
		b[i] = byte(i)
	}
	return string(b[:])
}

// unescapeBut decodes the escapes of s but those of the characters in keep and
// those that are no UTF-8.
func unescapeBut(s string, keep *charset) string {
	if strings.IndexByte(s, '%') < 0 && utf8.ValidString(s) {
		return s
	}
	out := make([]byte, 0, len(s))
	start := 0 // in out, of what is decoded but not known to be UTF-8
	flush := func() {
		if !utf8.Valid(out[start:]) {
			out = append(out[:start], escapeInvalid(out[start:])...)
		}
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
			out = append(out, s[i])
			continue
		}
		if c := unhex(s[i+1])<<4 | unhex(s[i+2]); keep.has(c) {
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
