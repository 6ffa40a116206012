package wrappers

import (
	"crypto/rand"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxRanges is how many ranges one request may ask for. One that asks for more
// gets the whole (RFC 9110, section 14.2, allows it): parts of a byte each would
// cost a hundred times what they carry.
const maxRanges = 64

// byteRange is a part of a body.
type byteRange struct{ start, length int64 }

func (br byteRange) end() int64 { return br.start + br.length }

// contentRange is the Content-Range of the part.
func (br byteRange) contentRange(total int64) string {
	b := make([]byte, 0, 48)
	b = append(b, "bytes "...)
	b = strconv.AppendInt(b, br.start, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, br.end()-1, 10)
	b = append(b, '/')
	return string(strconv.AppendInt(b, total, 10))
}

// parseRanges reads a Range header for a body of size bytes, size being above 0.
// Nothing at all means that the header is to be ignored: another unit, garbage,
// a range whose end comes before its start, more ranges than are sensible, or
// ranges that add up to more than the whole. unsatisfiable means that all the
// ranges are valid and none of them has a byte of the body.
//
// It reads what [datastructures.ParseRange] does and, as RFC 9110 wants, also
// ranges that overlap or come in any order, a suffix of no bytes (which cannot
// be satisfied) and numbers of any size.
func parseRanges(header string, size int64) (ranges []byteRange, unsatisfiable bool) {
	unit, set, ok := strings.Cut(header, "=")
	if !ok || !strings.EqualFold(strings.Trim(unit, " \t"), "bytes") {
		return nil, false
	}
	asked, sum := 0, int64(0)
	for spec := range strings.SplitSeq(set, ",") {
		if spec = strings.Trim(spec, " \t"); spec == "" {
			continue // RFC 9110, section 5.6.1.2
		}
		if asked++; asked > maxRanges {
			return nil, false
		}
		br, ok := parseRange(spec, size)
		if !ok {
			return nil, false
		}
		if br.length > 0 {
			ranges = append(ranges, br)
			sum += br.length // no overflow: at most maxRanges sizes, and checked each time
			if sum > size && len(ranges) > 1 {
				return nil, false
			}
		}
	}
	return ranges, asked > 0 && len(ranges) == 0
}

// parseRange reads "0-499", "500-" or "-500"; a range without a byte of the
// body has the length 0.
func parseRange(spec string, size int64) (br byteRange, ok bool) {
	first, last, dash := strings.Cut(spec, "-")
	first, last = strings.Trim(first, " \t"), strings.Trim(last, " \t")
	if !dash || first == "" && last == "" {
		return br, false
	}
	if first == "" {
		n, ok := parsePosition(last)
		n = min(n, size)
		return byteRange{size - n, n}, ok
	}
	start, ok := parsePosition(first)
	if !ok {
		return br, false
	}
	end := int64(math.MaxInt64)
	if last != "" {
		if end, ok = parsePosition(last); !ok || end < start {
			return br, false
		}
	}
	if start >= size {
		return br, true
	}
	return byteRange{start, min(end, size-1) - start + 1}, true
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

// inOrder reports whether the ranges can be cut out of a body that is seen
// once, from its beginning to its end.
func inOrder(ranges []byteRange) bool {
	return slices.IsSortedFunc(ranges, func(a, b byteRange) int {
		if a.start < b.end() {
			return -1
		}
		return 0
	})
}

// parts is what a 206 has of a body: one range, or several in
// multipart/byteranges (RFC 9110, section 14.6).
type parts struct {
	ranges []byteRange
	total  int64 // length of the whole body

	heads       []string // what comes before each of several ranges
	tail        string   // what comes after them
	contentType string   // of several ranges
}

// newParts returns the parts of a body of the given media type, and how many
// bytes they are.
func newParts(ranges []byteRange, total int64, contentType string) (*parts, int64) {
	p := &parts{ranges: ranges, total: total}
	if len(ranges) == 1 {
		return p, ranges[0].length
	}
	boundary := rand.Text()
	p.contentType = "multipart/byteranges; boundary=" + boundary
	p.tail = "\r\n--" + boundary + "--\r\n"
	size := int64(len(p.tail))
	for i, br := range ranges {
		var head strings.Builder
		if i > 0 {
			head.WriteString("\r\n")
		}
		head.WriteString("--" + boundary + "\r\n")
		if contentType != "" {
			head.WriteString("Content-Type: " + contentType + "\r\n")
		}
		head.WriteString("Content-Range: " + br.contentRange(total) + "\r\n\r\n")
		p.heads = append(p.heads, head.String())
		size += int64(head.Len()) + br.length
	}
	return p, size
}

func (p *parts) setHeader(h http.Header) {
	if p.heads != nil {
		h["Content-Type"] = []string{p.contentType}
		return
	}
	h["Content-Range"] = []string{p.ranges[0].contentRange(p.total)}
}

// head returns what comes before the i-th range.
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
		for i, br := range p.ranges {
			if head := p.head(i); head != "" && err == nil {
				_, err = out.WriteString(head)
			}
			switch {
			case err != nil:
			case src != nil:
				if err = src.seek(br.start); err == nil {
					err = src.copyN(out, br.length)
				}
			case resp.data != nil:
				_, err = out.Write(resp.data[br.start:br.end()])
			default:
				_, err = out.WriteString(resp.text[br.start:br.end()])
			}
		}
	}
	if err == nil && p.tail != "" {
		_, err = out.WriteString(p.tail)
	}
	return err
}
