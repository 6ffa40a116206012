package datastructures

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/httplex"
)

// Span is a part of a content: the bytes from Start up to, but without, Stop.
type Span struct {
	Start, Stop int64
}

// Len is the number of bytes.
func (s Span) Len() int64 { return s.Stop - s.Start }

// ContentRange returns the Content-Range header of the span in a content of
// length bytes; a negative length is an unknown one.
func (s Span) ContentRange(length int64) ContentRange {
	return ContentRange{Unit: "bytes", Span: s, Length: max(length, -1), satisfied: true}
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

// Range is the Range header (RFC 9110, section 14.2): the parts of a content that
// a client asks for. The zero Range is none.
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
	next := int64(0) // where the next part may start, -1 if none may follow
	for more := true; more; {
		var item string
		item, set, more = strings.Cut(set, ",")
		spec, ok := parseRangeSpec(httplex.Trim(item))
		if !ok || next < 0 || !spec.Suffix && spec.Start < next {
			return Range{}, false
		}
		next = spec.Stop
		if spec.Suffix || spec.Stop == 0 {
			next = -1
		}
		r.Specs = append(r.Specs, spec)
	}
	return r, true
}

func parseRangeSpec(item string) (spec RangeSpec, ok bool) {
	first, last, ok := strings.Cut(item, "-")
	if !ok {
		return spec, false
	}
	first, last = httplex.Trim(first), httplex.Trim(last)
	if first == "" {
		spec.Suffix = true
		spec.Start, ok = parsePosition(last)
		// "- 5" is no suffix: the sign and its number are one.
		return spec, ok && strings.HasSuffix(item, "-"+last)
	}
	if spec.Start, ok = parsePosition(first); !ok || last == "" {
		return spec, ok
	}
	if spec.Stop, ok = parsePosition(last); ok {
		spec.Stop++
	}
	return spec, ok && spec.Start < spec.Stop
}

// parsePosition reads digits. What is too large is the largest position that
// has one after it.
func parsePosition(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n == math.MaxInt64 {
		return math.MaxInt64 - 1, true
	}
	return n, true
}

// IsZero reports whether nothing was asked for.
func (r Range) IsZero() bool { return len(r.Specs) == 0 }

// Spans returns the parts that a content of length bytes has, each cut to it: a
// part that starts behind the end is left out, a suffix that is longer than the
// content is all of it. None left, or a unit other than bytes, means that the
// range cannot be satisfied (416).
func (r Range) Spans(length int64) []Span {
	if r.Unit != "bytes" {
		return nil
	}
	var spans []Span
	for _, spec := range r.Specs {
		span := Span{spec.Start, spec.Stop}
		switch {
		case spec.Suffix:
			span = Span{max(0, length-spec.Start), length}
		case spec.Stop == 0 || spec.Stop > length:
			span.Stop = length
		}
		if span.Start < span.Stop {
			spans = append(spans, span)
		}
	}
	return spans
}

// Single returns the part that a content of length bytes has, where exactly one
// was asked for.
func (r Range) Single(length int64) (Span, bool) {
	if len(r.Specs) == 1 {
		if spans := r.Spans(length); len(spans) == 1 {
			return spans[0], true
		}
	}
	return Span{}, false
}

// String returns the header, "" for the zero Range.
func (r Range) String() string {
	if r.IsZero() {
		return ""
	}
	b := append([]byte(r.Unit), '=')
	for i, spec := range r.Specs {
		if i > 0 {
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

// ContentRange is the Content-Range header (RFC 9110, section 14.4): which part
// of a content is sent, or, with a 416, how long it is. The zero ContentRange is
// none.
type ContentRange struct {
	// Unit is what is counted, "bytes".
	Unit string
	// Span is the part.
	Span Span
	// Length is that of the whole content, -1 if it is not known.
	Length int64

	satisfied bool
}

// UnsatisfiedRange returns the Content-Range of a 416: "bytes */1234".
func UnsatisfiedRange(length int64) ContentRange {
	return ContentRange{Unit: "bytes", Length: max(length, -1)}
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
	c := ContentRange{Unit: unit, Length: -1}
	if length != "*" {
		if c.Length, ok = parsePosition(httplex.Trim(length)); !ok {
			return ContentRange{}, false
		}
	}
	if part == "*" {
		return c, true
	}
	first, last, _ := strings.Cut(part, "-")
	if c.Span.Start, ok = parsePosition(httplex.Trim(first)); !ok {
		return ContentRange{}, false
	}
	if c.Span.Stop, ok = parsePosition(httplex.Trim(last)); !ok {
		return ContentRange{}, false
	}
	c.Span.Stop++
	c.satisfied = true
	return c, c.Span.Len() > 0 && (c.Length < 0 || c.Span.Stop <= c.Length)
}

// IsZero reports whether there is no Content-Range.
func (c ContentRange) IsZero() bool { return c.Unit == "" }

// Satisfied reports whether a part is named: not by the Content-Range of a 416.
func (c ContentRange) Satisfied() bool { return c.satisfied }

// String returns the header, "" for the zero ContentRange.
func (c ContentRange) String() string {
	if c.IsZero() {
		return ""
	}
	part, length := "*", "*"
	if c.satisfied {
		part = fmt.Sprintf("%d-%d", c.Span.Start, c.Span.Stop-1)
	}
	if c.Length >= 0 {
		length = strconv.FormatInt(c.Length, 10)
	}
	return c.Unit + " " + part + "/" + length
}

// IfRange is the If-Range header (RFC 9110, section 13.1.5): the state that a
// client has a part of, by tag or by date. The zero IfRange is none.
type IfRange struct {
	ETag ETag
	Date time.Time
}

// ParseIfRange reads an If-Range header: a date, or else a tag, whose quotes may
// be missing.
func ParseIfRange(header string) (IfRange, bool) {
	if date, ok := ParseDate(header); ok {
		return IfRange{Date: date}, true
	}
	tag, ok := ParseETag(header)
	return IfRange{ETag: tag}, ok
}

// IsZero reports whether there is neither a tag nor a date.
func (r IfRange) IsZero() bool { return r.ETag.IsZero() && r.Date.IsZero() }

// Match reports whether the client's state is the one with this tag and this
// date of last change, either of which may be zero: the strong tags are equal,
// or the dates are the same second.
func (r IfRange) Match(tag ETag, modified time.Time) bool {
	if !r.Date.IsZero() {
		return !modified.IsZero() && modified.Unix() == r.Date.Unix()
	}
	return !r.ETag.IsZero() && r.ETag.StrongMatch(tag)
}

// String returns the header, "" for the zero IfRange.
func (r IfRange) String() string {
	switch {
	case !r.Date.IsZero():
		return FormatDate(r.Date)
	case !r.ETag.IsZero():
		return r.ETag.String()
	}
	return ""
}
