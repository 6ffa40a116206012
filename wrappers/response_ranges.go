package wrappers

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/httplex"
	"github.com/zeugkit/zeug/internal/ranges"
)

// maxRanges is how many ranges one request may ask for. A request for more gets
// the whole body, which RFC 9110, section 14.2, allows: parts of one byte each
// would cost a hundred times their content.
const maxRanges = 64

// parseRanges reads a Range header for a body of size bytes; size must be above 0. If it returns no
// ranges, the header must be ignored: it has another unit, is malformed, has a range that ends
// before its start, has too many ranges, or its ranges add up to more than the whole. If
// unsatisfiable is true, all the ranges are valid, but none of them contains a byte of the body.
//
// Unlike [datastructures.ParseRange], it follows the rules of RFC 9110 for
// servers: ranges may overlap and come in any order, and a suffix of no bytes
// cannot be satisfied.
func parseRanges(header string, size int64) (spans []datastructures.Span, unsatisfiable bool) {
	unit, set, ok := strings.Cut(header, "=")
	if !ok || !httplex.EqualFold(httplex.Trim(unit), "bytes") {
		return nil, false
	}
	asked, sum := 0, int64(0)
	for spec := range strings.SplitSeq(set, ",") {
		if spec = httplex.Trim(spec); spec == "" {
			continue // RFC 9110, section 5.6.1.2
		}
		if asked++; asked > maxRanges {
			return nil, false
		}
		part, ok := ranges.ParseSpec(spec)
		if !ok {
			return nil, false
		}
		if start, stop := part.Cut(size); start < stop {
			spans = append(spans, datastructures.Span{Start: start, Stop: stop})
			sum += stop - start // this cannot overflow: it is checked each time
			if sum > size && len(spans) > 1 {
				return nil, false
			}
		}
	}
	return spans, asked > 0 && len(spans) == 0
}

// inOrder reports whether the spans can be cut out of a body that is read once,
// from its beginning to its end.
func inOrder(spans []datastructures.Span) bool {
	for i := 1; i < len(spans); i++ {
		if spans[i].Start < spans[i-1].Stop {
			return false
		}
	}
	return true
}

// parts are the parts of a body that a 206 has: one range, or several in multipart/byteranges (RFC
// 9110, section 14.6).
type parts struct {
	spans []datastructures.Span
	total int64 // length of the whole body

	heads       []string // the header before each of several spans
	tail        string   // the delimiter after them
	contentType string   // of several spans
}

// newParts returns the parts of a body of the given media type, and how many
// bytes they are.
func newParts(spans []datastructures.Span, total int64, contentType string) (*parts, int64) {
	p := &parts{spans: spans, total: total}
	if len(spans) == 1 {
		return p, spans[0].Stop - spans[0].Start
	}
	boundary := rand.Text()
	p.contentType = "multipart/byteranges; boundary=" + boundary
	p.tail = "\r\n--" + boundary + "--\r\n"
	size := int64(len(p.tail))
	for i, span := range spans {
		var head strings.Builder
		if i > 0 {
			head.WriteString("\r\n")
		}
		head.WriteString("--" + boundary + "\r\n")
		if contentType != "" {
			head.WriteString("Content-Type: " + contentType + "\r\n")
		}
		head.WriteString("Content-Range: " + contentRange(span, total) + "\r\n\r\n")
		p.heads = append(p.heads, head.String())
		size += int64(head.Len()) + span.Stop - span.Start
	}
	return p, size
}

func (p *parts) setHeader(h http.Header) {
	if p.heads != nil {
		h["Content-Type"] = []string{p.contentType}
		return
	}
	h["Content-Range"] = []string{contentRange(p.spans[0], p.total)}
}

// head returns the header before the i-th span.
func (p *parts) head(i int) string {
	if p.heads == nil {
		return ""
	}
	return p.heads[i]
}

// send writes the parts of the body.
func (p *parts) send(resp *Response, out *output) error {
	var err error
	src, _ := resp.source.(*readerSource)
	if resp.source != nil && (src == nil || src.seeker == nil) {
		err = p.cut(resp, out)
	} else {
		for i, span := range p.spans {
			if head := p.head(i); head != "" && err == nil {
				_, err = out.WriteString(head)
			}
			switch {
			case err != nil:
			case src != nil:
				if err = src.seek(span.Start); err == nil {
					err = src.copyN(out, span.Stop-span.Start)
				}
			case resp.data != nil:
				_, err = out.Write(resp.data[span.Start:span.Stop])
			default:
				_, err = out.WriteString(resp.text[span.Start:span.Stop])
			}
		}
	}
	if err == nil && p.tail != "" {
		_, err = out.WriteString(p.tail)
	}
	return err
}

// window lets only the requested ranges pass when a whole body is written
// through it. It is for bodies that cannot seek.
type window struct {
	parts *parts
	out   *output
	pos   int64 // of the body
	next  int   // the first span that is not complete
	begun bool  // its header was written
}

// errEnough ends a body of which the ranges need no more bytes.
var errEnough = errors.New("the client asked for no more of the body")

// cut sends the ranges of a body that can be written only once.
func (p *parts) cut(resp *Response, out *output) error {
	win := &window{parts: p, out: out}
	err := resp.source.sendTo(win)
	if win.next == len(p.spans) {
		return nil // whatever error the stop has caused
	}
	if err == nil {
		err = fmt.Errorf("body of a response ended at %d of %d bytes: %w", win.pos, p.total, io.ErrUnexpectedEOF)
	}
	return err
}

func (win *window) Write(b []byte) (int, error) {
	n := 0
	for {
		if win.next == len(win.parts.spans) {
			return n, errEnough
		}
		span := win.parts.spans[win.next]
		if skip := span.Start - win.pos; skip > 0 {
			skip = min(skip, int64(len(b)))
			b, n, win.pos = b[skip:], n+int(skip), win.pos+skip
		}
		if len(b) == 0 {
			return n, nil
		}
		if !win.begun {
			win.begun = true
			if head := win.parts.head(win.next); head != "" {
				if _, err := win.out.WriteString(head); err != nil {
					return n, err
				}
			}
		}
		m, err := win.out.Write(b[:min(span.Stop-win.pos, int64(len(b)))])
		b, n, win.pos = b[m:], n+m, win.pos+int64(m)
		if err != nil {
			return n, err
		}
		if win.pos == span.Stop {
			win.next, win.begun = win.next+1, false
		}
	}
}

func (win *window) WriteString(s string) (int, error) { return win.Write([]byte(s)) }

// Flush flushes only if the window has let bytes pass.
func (win *window) Flush() error {
	if !win.out.started {
		return nil
	}
	return win.out.Flush()
}

func contentRange(part datastructures.Span, length int64) string {
	return datastructures.ContentRange{Unit: "bytes", Span: part, Length: length}.String()
}
