package urls

// charset is a set of ASCII characters, two words of bits.
type charset [2]uint64

func newCharset(chars string) (set charset) {
	for i := 0; i < len(chars); i++ {
		set[chars[i]>>6] |= 1 << (chars[i] & 63)
	}
	return set
}

func (set *charset) has(c byte) bool {
	return c < 128 && set[c>>6]&(1<<(c&63)) != 0
}

// unreserved are the characters that mean the same escaped or not (RFC 3986,
// section 2.3).
const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// The characters that stay as they are in each part of a URL: those that the
// URL standard does not percent-encode there, without the ones that the part's
// own syntax needs.
var (
	queryChars = newCharset(unreserved + "!$'()*,/:;?@")

	// The ones of a whole part keep "%": what is escaped already stays so.
	iriPathChars     = newCharset(unreserved + "%!$&'()*+,/:;=@")
	iriQueryChars    = newCharset(unreserved + "%!$&'()*+,/:;=?@")
	iriFragmentChars = newCharset(unreserved + "%!#$&'()*+,/:;=?@")
	iriUserChars     = newCharset(unreserved + "%!$&'()*+,;=")
	iriHostChars     = newCharset(unreserved + "%!$&'()*+,;=:")
)

// EscapePath percent-encodes what a path of a URL cannot hold. Escapes that are
// there already stay, and so do slashes.
func EscapePath(path string) string { return escape(path, &iriPathChars) }

// escape percent-encodes the bytes of s that are not in keep.
func escape(s string, keep *charset) string {
	for i := 0; i < len(s); i++ {
		if keep.has(s[i]) {
			continue
		}
		b := append(make([]byte, 0, len(s)+16), s[:i]...)
		for ; i < len(s); i++ {
			if keep.has(s[i]) {
				b = append(b, s[i])
			} else {
				b = appendEscaped(b, s[i])
			}
		}
		return string(b)
	}
	return s
}

const upperHex = "0123456789ABCDEF"

func appendEscaped(dst []byte, c byte) []byte {
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
