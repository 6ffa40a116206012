package webtest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// shownBytes is how much of a body is printed.
const shownBytes = 4 << 10

// String returns the whole exchange as text: the requests and responses of the
// History, and the last ones, with up to 4 KiB of each body.
func (resp *Response) String() string {
	var b strings.Builder
	for _, r := range resp.History {
		r.write(&b)
	}
	resp.write(&b)
	return b.String()
}

func (resp *Response) write(b *strings.Builder) {
	if r := resp.Request; r != nil {
		fmt.Fprintf(b, "> %s %s://%s%s\n> Host: %s\n", r.Method, r.URL.Scheme, r.URL.Host, r.URL.RequestURI(), r.Host)
		writeHeader(b, "> ", r.Header)
		if resp.sent != nil {
			resp.sent.mu.Lock()
			writeBody(b, "> ", resp.sent.text, resp.sent.total)
			resp.sent.mu.Unlock()
		}
	}
	for _, i := range resp.Informational {
		fmt.Fprintf(b, "< %d %s\n", i.Status, http.StatusText(i.Status))
		writeHeader(b, "< ", i.Header)
	}
	if resp.Status != 0 {
		fmt.Fprintf(b, "< %s %d %s\n", resp.Proto, resp.Status, http.StatusText(resp.Status))
		writeHeader(b, "< ", resp.Header)
	}
	for _, err := range resp.RefusedCookies {
		fmt.Fprintf(b, "! %v\n", err)
	}
	if resp.live {
		b.WriteString("< (a body that is still to come)\n")
	} else {
		writeBody(b, "< ", resp.body, int64(len(resp.body)))
	}
	writeHeader(b, "< ", resp.Trailer)
	if resp.Err != nil {
		fmt.Fprintf(b, "! %v\n", resp.Err)
	}
}

func writeHeader(b *strings.Builder, prefix string, h http.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			fmt.Fprintf(b, "%s%s: %s\n", prefix, name, value)
		}
	}
}

func writeBody(b *strings.Builder, prefix string, text []byte, total int64) {
	if total == 0 {
		return
	}
	text = text[:min(len(text), shownBytes)]
	b.WriteString(strings.TrimRight(prefix, " ") + "\n")
	// The excerpt may end within a character.
	whole := text
	for i := 0; i < utf8.UTFMax && int64(len(text)) < total && !utf8.Valid(whole) && len(whole) > 0; i++ {
		whole = whole[:len(whole)-1]
	}
	if !utf8.Valid(whole) || bytes.IndexByte(whole, 0) >= 0 {
		fmt.Fprintf(b, "%s(%d bytes that are not text)\n", prefix, total)
		return
	}
	for line := range strings.Lines(string(whole)) {
		b.WriteString(prefix + strings.TrimRight(line, "\r\n") + "\n")
	}
	if int64(len(whole)) < total {
		fmt.Fprintf(b, "%s(and %d more bytes)\n", prefix, total-int64(len(whole)))
	}
}
