package wrappers

import (
	"crypto/rand"
	"math"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/httplex"
)

// maxRanges is how many ranges one request may ask for. One that asks for more
// gets the whole (RFC 9110, section 14.2, allows it): parts of a byte each would
// cost a hundred times what they carry.
const maxRanges = 64

// parseRanges reads a Range header for a body of size bytes, size being above 0.
// Nothing at all means that the header is to be ignored: another unit, garbage,
// a range whose end comes before its start, more ranges than are sensible, or
// ranges that add up to more than the whole. unsatisfiable means that all the
// ranges are valid and none of them has a byte of the body.
//
// It differs from [datastructures.ParseRange] in what RFC 9110 wants of a
// server: ranges may overlap and come in any order, and a suffix of no bytes is
// one that cannot be satisfied.
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
		span, ok := parseRange(spec, size)
		if !ok {
			return nil, false
		}
		if span.Len() > 0 {
			spans = append(spans, span)
			sum += span.Len() // no overflow: checked each time
			if sum > size && len(spans) > 1 {
				return nil, false
			}
		}
	}
	return spans, asked > 0 && len(spans) == 0
}

// parseRange reads "0-499", "500-" or "-500"; a range without a byte of the
// body is empty.
func parseRange(spec string, size int64) (span datastructures.Span, ok bool) {
	first, last, dash := strings.Cut(spec, "-")
	first, last = httplex.Trim(first), httplex.Trim(last)
	if !dash || first == "" && last == "" {
		return span, false
	}
	if first == "" {
		n, ok := parsePosition(last)
		return datastructures.Span{Start: size - min(n, size), Stop: size}, ok
	}
	start, ok := parsePosition(first)
	if !ok {
		return span, false
	}
	stop := size
	if last != "" {
		end, ok := parsePosition(last)
		if !ok || end < start {
			return span, false
		}
		stop = min(end, size-1) + 1
	}
	return datastructures.Span{Start: min(start, stop), Stop: stop}, true
}

// parsePosition reads digits; what no int64 holds is the greatest one.
func parsePosition(s string) (n int64, ok bool) {
	for i := range len(s) {
		d := int64(s[i]) - '0'
		if d < 0 || d > 9 {
			return 0, false
		}
		if n > (math.MaxInt64-d)/10 {
			n = math.MaxInt64 / 10 // stays beyond every size
			continue
		}
		n = n*10 + d
	}
	return n, s != ""
}

// inOrder reports whether the spans can be cut out of a body that is seen once,
// from its beginning to its end.
func inOrder(spans []datastructures.Span) bool {
	for i := 1; i < len(spans); i++ {
		if spans[i].Start < spans[i-1].Stop {
			return false
		}
	}
	return true
}

// parts is what a 206 has of a body: one range, or several in
// multipart/byteranges (RFC 9110, section 14.6).
type parts struct {
	spans []datastructures.Span
	total int64 // length of the whole body

	heads       []string // what comes before each of several spans
	tail        string   // what comes after them
	contentType string   // of several spans
}

// newParts returns the parts of a body of the given media type, and how many
// bytes they are.
func newParts(spans []datastructures.Span, total int64, contentType string) (*parts, int64) {
	p := &parts{spans: spans, total: total}
	if len(spans) == 1 {
		return p, spans[0].Len()
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
		head.WriteString("Content-Range: " + span.ContentRange(total).String() + "\r\n\r\n")
		p.heads = append(p.heads, head.String())
		size += int64(head.Len()) + span.Len()
	}
	return p, size
}

func (p *parts) setHeader(h http.Header) {
	if p.heads != nil {
		h["Content-Type"] = []string{p.contentType}
		return
	}
	h["Content-Range"] = []string{p.spans[0].ContentRange(p.total).String()}
}

// head returns what comes before the i-th span.
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
					err = src.copyN(out, span.Len())
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
