package wrappers

import (
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/zeugkit/zeug/internal/httplex"
	"github.com/zeugkit/zeug/internal/percent"
)

// SetContentDisposition says how the body is to be shown: "inline" in the browser, or as an
// "attachment", which is a download. name is the file name for saving it; "" means none. A name
// that clients may misread is sent twice: in ASCII for old clients, without accents and other
// letters, and in full as UTF-8 (RFC 6266, appendix D; RFC 8187). These are names that are not
// ASCII, and names with a quote, a backslash, "%41" or "=?", which browsers interpret as escapes.
// Otherwise the name is sent unchanged: clients use the part after the last slash. Bytes that are
// not valid UTF-8 become U+FFFD.
//
// It returns an error if the disposition is not a token.
func (resp *Response) SetContentDisposition(disposition, filename string) error {
	if !httplex.IsToken(disposition) {
		return fmt.Errorf("%w: the disposition %q is not a token", errInvalidHeader, disposition)
	}
	b := []byte(disposition)
	if filename != "" {
		fallback := asciiName(filename)
		b = append(b, "; filename="...)
		if httplex.IsToken(fallback) {
			b = append(b, fallback...)
		} else {
			b = httplex.AppendQuoted(b, fallback)
		}
		if fallback != filename || misread(filename) {
			b = httplex.AppendExtended(append(b, "; filename*="...), strings.ToValidUTF8(filename, "\ufffd"))
		}
	}
	resp.Header()["Content-Disposition"] = []string{string(b)}
	return nil
}

// asciiName returns the ASCII characters of a name, after its accents are
// removed, without control characters.
func asciiName(name string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f {
			return -1
		}
		return c
	}, norm.NFKD.String(name))
}

// misread reports whether browsers would find escapes in an ASCII name that is
// sent unchanged: "100%25.txt" is saved as "100%.txt", and text that looks like
// an encoded word of a mail is decoded or dropped.
func misread(name string) bool {
	if strings.ContainsAny(name, `"\`) || strings.Contains(name, "=?") {
		return true
	}
	for i := 0; i < len(name); i++ {
		if percent.IsEscape(name, i) {
			return true
		}
	}
	return false
}
