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
// name it is to be saved; "" names none. A name that is not ASCII goes out
// twice: with what is left of it without accents and foreign letters, for old
// clients, and in full as UTF-8 (RFC 6266, appendix D; RFC 8187). The name is
// otherwise sent as it is: clients take what comes after the last slash.
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
		if fallback != filename {
			b = httplex.AppendExtended(append(b, "; filename*="...), filename)
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
