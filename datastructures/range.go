package datastructures

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/httplex"
	"github.com/zeugkit/zeug/internal/ranges"
)

// Span is a part of a content: the bytes from Start up to, but without, Stop.
type Span struct {
	Start, Stop int64
}

// RangeSpec is a part as a client asks for it, before the length is known.
type RangeSpec struct {
	// Start is the first byte. With Suffix it is how many bytes to take from the
	// end.
	Start int64
	// Stop is the byte after the last one; 0 means up to the end.
	Stop int64
	// Suffix counts from the end: "-500".
	Suffix bool
}

// Range is the Range header (RFC 9110, section 14.2): the parts of a content that a client asks
// for. The zero Range means that there is no such field.
type Range struct {
	// Unit is what is counted, in lower case: "bytes".
	Unit string
	// Specs are the parts, in ascending order, without overlap; a suffix is last.
	Specs []RangeSpec
}

// ParseRange reads a Range header. It reports false if it is malformed, or if the
// parts overlap or do not ascend: such a header is ignored (RFC 9110, section
// 14.2). Positions too large for an int64 stand for the largest.
func ParseRange(header string) (Range, bool) {
	unit, set, ok := strings.Cut(header, "=")
	if !ok {
		return Range{}, false
	}
	r := Range{Unit: httplex.Lower(httplex.Trim(unit))}
	if !httplex.IsToken(r.Unit) {
		return Range{}, false
	}
	next := int64(0) // the offset at which the next part may start, -1 if none may follow
	for more := true; more; {
		var item string
		item, set, more = strings.Cut(set, ",")
		spec, ok := ranges.ParseSpec(httplex.Trim(item))
		if !ok || next < 0 || !spec.Suffix && spec.Start < next {
			return Range{}, false
		}
		next = spec.Stop
		if spec.Suffix || spec.Stop == 0 {
			next = -1
		}
		r.Specs = append(r.Specs, RangeSpec(spec))
	}
	return r, true
}

// Spans returns the parts that a content of length bytes has, each cut to it: a part that starts
// after the end is left out, and a suffix that is longer than the content is all of it. If no part
// is left, or the unit is not bytes, the range cannot be satisfied (416).
func (r Range) Spans(length int64) []Span {
	if r.Unit != "bytes" {
		return nil
	}
	var spans []Span
	for _, spec := range r.Specs {
		start, stop := ranges.Spec(spec).Cut(length)
		if start < stop {
			spans = append(spans, Span{start, stop})
		}
	}
	return spans
}

// valid reports whether the part can be sent: it has at least one byte, and none of its numbers is
// negative.
func (s RangeSpec) valid() bool {
	return s.Start >= 0 && (s.Suffix || s.Stop == 0 || s.Stop > s.Start)
}

// String returns the header. Parts without a byte, and with a negative number, are left out, as
// [Range.Spans] leaves them out; without another part it is "".
func (r Range) String() string {
	var b []byte
	for _, spec := range r.Specs {
		if !spec.valid() {
			continue
		}
		if b == nil {
			b = append([]byte(r.Unit), '=')
		} else {
			b = append(b, ',')
		}
		if spec.Suffix {
			b = strconv.AppendInt(append(b, '-'), spec.Start, 10)
			continue
		}
		b = append(strconv.AppendInt(b, spec.Start, 10), '-')
		if spec.Stop > 0 {
			b = strconv.AppendInt(b, spec.Stop-1, 10)
		}
	}
	return string(b)
}

// ContentRange is the Content-Range header (RFC 9110, section 14.4): which part of a content is
// sent, or, with a 416, how long it is. The zero ContentRange means that there is no such field.
type ContentRange struct {
	// Unit is what is counted, "bytes".
	Unit string
	// Span is the part.
	Span Span
	// Length is the length of the whole content, -1 if it is not known.
	Length int64

	// Unsatisfied is set in the Content-Range of a 416, which has no part: "bytes */1234".
	Unsatisfied bool
}

// ParseContentRange reads a Content-Range header. It reports false if it is
// malformed, or if the part is empty or goes beyond the length.
func ParseContentRange(header string) (ContentRange, bool) {
	unit, rest, ok := strings.Cut(strings.ReplaceAll(httplex.Trim(header), "\t", " "), " ")
	if !ok || !httplex.IsToken(unit) {
		return ContentRange{}, false
	}
	part, length, ok := strings.Cut(httplex.Trim(rest), "/")
	if !ok {
		return ContentRange{}, false
	}
	c := ContentRange{Unit: unit, Length: -1, Unsatisfied: true}
	if length != "*" {
		if c.Length, ok = ranges.Position(httplex.Trim(length)); !ok {
			return ContentRange{}, false
		}
	}
	if part == "*" {
		return c, true
	}
	first, last, _ := strings.Cut(part, "-")
	if c.Span.Start, ok = ranges.Position(httplex.Trim(first)); !ok {
		return ContentRange{}, false
	}
	if c.Span.Stop, ok = ranges.Position(httplex.Trim(last)); !ok {
		return ContentRange{}, false
	}
	c.Span.Stop++
	c.Unsatisfied = false
	return c, c.Span.Stop > c.Span.Start && (c.Length < 0 || c.Span.Stop <= c.Length)
}

// String returns the header, "" for the zero ContentRange and for a part that has
// no byte or goes beyond the length.
func (c ContentRange) String() string {
	if c.Unit == "" {
		return ""
	}
	if !c.Unsatisfied && (c.Span.Start < 0 || c.Span.Stop <= c.Span.Start || c.Length >= 0 && c.Span.Stop > c.Length) {
		return ""
	}
	part, length := "*", "*"
	if !c.Unsatisfied {
		part = fmt.Sprintf("%d-%d", c.Span.Start, c.Span.Stop-1)
	}
	if c.Length >= 0 {
		length = strconv.FormatInt(c.Length, 10)
	}
	return c.Unit + " " + part + "/" + length
}

// IfRange is the If-Range header (RFC 9110, section 13.1.5): it names, by tag or by date, the state
// that a client has a part of. The zero IfRange means that there is no such field.
type IfRange struct {
	ETag ETag
	Date time.Time
}

// ParseIfRange reads an If-Range header: a date, or otherwise a tag (its quotes
// may be missing).
func ParseIfRange(header string) (IfRange, bool) {
	if date, ok := ParseDate(header); ok {
		return IfRange{Date: date}, true
	}
	tag, ok := ParseETag(header)
	return IfRange{ETag: tag}, ok
}

// Match reports whether the client's state is the one with this tag and this
// date of last change. Either may be zero. It matches if the strong tags are
// equal, or if the dates are the same second.
func (r IfRange) Match(tag ETag, modified time.Time) bool {
	if !r.Date.IsZero() {
		return !modified.IsZero() && modified.Unix() == r.Date.Unix()
	}
	return r.ETag != (ETag{}) && strongMatch(r.ETag, tag)
}
