package routing

// Percent-encoding: the characters that the URL standard leaves as they are in
// a path segment and in a query.

const upperHex = "0123456789ABCDEF"

// plainInPath and plainInQuery hold the bytes that are not encoded.
var (
	plainInPath  = bytesOf("-._~!$&'()*+,:;=@")
	plainInQuery = bytesOf("-._~!$'()*,/:;?@")
)

func bytesOf(marks string) (plain [256]bool) {
	for c := range plain {
		plain[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	for i := range len(marks) {
		plain[marks[i]] = true
	}
	return plain
}

// appendEscaped appends text as a part of a path; slashes stay if they part
// segments.
func appendEscaped(b []byte, text string, slashes bool) []byte {
	start := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if plainInPath[c] || c == '/' && slashes {
			continue
		}
		b = append(b, text[start:i]...)
		b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		start = i + 1
	}
	return append(b, text[start:]...)
}

// appendQuery appends text as a name or value of a query; a space is "+".
func appendQuery(b []byte, text string) []byte {
	start := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if plainInQuery[c] {
			continue
		}
		b = append(b, text[start:i]...)
		if c == ' ' {
			b = append(b, '+')
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
		start = i + 1
	}
	return append(b, text[start:]...)
}
