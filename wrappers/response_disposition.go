package wrappers

import (
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/zeugkit/zeug/internal/httplex"
)

// The two ways of showing a body, for [Response.SetContentDisposition].
const (
	Inline     = "inline"     // in the browser, if it can
	Attachment = "attachment" // as a download
)

// SetContentDisposition says how the body is to be shown, and under which file
// name it is to be saved; "" names none. A name that clients may misread goes out
// twice: with what ASCII has of it, without accents and foreign letters, for old
// clients, and in full as UTF-8 (RFC 6266, appendix D; RFC 8187). Such are names
// that are not ASCII, and those with a quote, a backslash, "%41" or "=?", which
// browsers take for escapes. The name is otherwise sent as it is: clients take
// what comes after the last slash. Bytes that are no UTF-8 become U+FFFD.
//
// The error is an [ErrInvalidHeader] where the disposition is no token.
func (resp *Response) SetContentDisposition(disposition, filename string) error {
	if !httplex.IsToken(disposition) {
		return fmt.Errorf("%w: the disposition %q is no token", ErrInvalidHeader, disposition)
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

// asciiName returns the characters of a name that ASCII has, once accents are
// taken off, without those that control.
func asciiName(name string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f {
			return -1
		}
		return c
	}, norm.NFKD.String(name))
}

// misread reports whether browsers would see escapes in an ASCII name that is
// sent as it is: "100%25.txt" is saved as "100%.txt", and what looks like an
// encoded word of mail is decoded or dropped.
func misread(name string) bool {
	if strings.ContainsAny(name, `"\`) || strings.Contains(name, "=?") {
		return true
	}
	for i := 0; i+2 < len(name); i++ {
		if name[i] == '%' && isHex(name[i+1]) && isHex(name[i+2]) {
			return true
		}
	}
	return false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}
