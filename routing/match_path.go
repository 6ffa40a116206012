package routing

import (
	"net/url"
	"strings"

	"github.com/zeugkit/zeug/internal/percent"
)

// The path against which rules are matched. It is decoded, but a slash that was encoded stays
// inside its segment, because another byte stands for it.
//
//	/a%2Fb/c    "/a\xF5b/c", and slash is 0xF5
//
// So "/<name>/c" matches with the name "a/b", and "/a/b/c" is another path. Werkzeug gets the path
// decoded from its server and cannot tell the two apart. The values that a handler reads, and the
// redirects, have the slash again (found.withSlashes, quoted).
//
// Nearly all paths have no encoded slash; net/http then leaves RawPath empty, and the path is matched
// as it is. Another byte, and not the text "%2F", stands for the slash so that a segment has the
// length that converters count, and "%2F" can be a value itself ("%252F" in the URL).

// mergeSlashes makes one slash of several in a row: "/a//b///" becomes "/a/b/". It runs only for
// paths that match nothing as they are.
func mergeSlashes(path string) string {
	var merged strings.Builder
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			merged.WriteByte(path[i])
		}
	}
	return merged.String()
}

// oneSlash returns the path with exactly one slash at its start; it adds none to the empty path.
// Several slashes there are read as one without a redirect, as in Werkzeug.
func oneSlash(path string) string {
	if path == "" {
		return path
	}
	return "/" + strings.TrimLeft(path, "/")
}

// quoted percent-encodes the path of the matcher, for the Location of a redirect.
func (m *matcher) quoted(path string) string {
	if m.slash == 0 {
		return string(appendEscaped(nil, path, true))
	}
	var b []byte
	// Each stand-in becomes "%2F" again, and the pieces between are encoded as usual: "/a\xF5b/é"
	// becomes "/a%2Fb/%C3%A9".
	for i, piece := range strings.Split(path, string([]byte{m.slash})) {
		if i > 0 {
			b = append(b, "%2F"...)
		}
		b = appendEscaped(b, piece, true)
	}
	return string(b)
}

// unescapeSegments returns the URL's decoded path, and a byte that stands in it for each encoded
// slash, so that such slashes do not separate segments. The byte is 0 if there was no such slash.
// If a path contains every byte of standIns, which no UTF-8 string does, it is matched fully
// decoded.
//
//	/a%2Fb/%C3%A9    "/a\xF5b/é", 0xF5
//	/%F5%2Fx         "/\xF5\xF6x", 0xF6, as the path itself has the byte 0xF5
//	/a%252Fb         "/a%2Fb", 0: the value contains a percent sign
//	/a/b             "/a/b", 0
func unescapeSegments(u *url.URL) (string, byte) {
	escaped := u.EscapedPath()
	if !strings.Contains(escaped, "%2F") && !strings.Contains(escaped, "%2f") {
		return u.Path, 0
	}
	for _, c := range standIns {
		if strings.IndexByte(u.Path, c) >= 0 {
			continue
		}
		b := make([]byte, 0, len(u.Path))
		for i := 0; i < len(escaped); i++ {
			if escaped[i] != '%' {
				b = append(b, escaped[i])
				continue
			}
			// EscapedPath has two digits after each percent sign.
			decoded := percent.Byte(escaped[i+1], escaped[i+2])
			if decoded == '/' {
				decoded = c
			}
			b = append(b, decoded)
			i += 2
		}
		return string(b), c
	}
	return u.Path, 0
}

// standIns are bytes that stand for an encoded slash: bytes that UTF-8 does not use, and then
// control characters. The first is taken for every path in UTF-8. The others are for paths in other
// encodings, which may have any byte. Zero is not among them: it says that a path has no such byte.
var standIns = func() (list []byte) {
	for _, span := range [][2]int{{0xF5, 0xFF}, {0xC0, 0xC1}, {0x01, 0x1F}} {
		for c := span[0]; c <= span[1]; c++ {
			list = append(list, byte(c))
		}
	}
	return list
}()

// decoded returns the matcher's form of an encoded path, and the byte that stands for encoded
// slashes in it. It is for URLs that are being built. It returns an error for a path in which no byte
// is free: a request for it would be matched fully decoded, so it would not match again.
func decoded(path string) (plain string, slash byte, err error) {
	if strings.IndexByte(path, '%') < 0 {
		return path, 0, nil
	}
	if plain, err = url.PathUnescape(path); err != nil {
		return "", 0, err
	}
	plain, slash = unescapeSegments(&url.URL{Path: plain, RawPath: path})
	if slash == 0 && strings.Contains(path, "%2F") {
		return "", 0, errStandIns
	}
	return plain, slash, nil
}
