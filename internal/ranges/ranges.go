// Package ranges reads the parts of a Range header (RFC 9110, section 14.1.1).
//
//	"0-499"  Spec{Start: 0, Stop: 500}
//	"500-"   Spec{Start: 500}
//	"-500"   Spec{Start: 500, Suffix: true}
package ranges

import (
	"math"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/internal/httplex"
)

// Spec is a part as a client asks for it, before the length is known.
type Spec struct {
	// Start is the first byte. With Suffix it is how many bytes to take from the end.
	Start int64
	// Stop is the byte after the last one. 0 means up to the end.
	Stop int64
	// Suffix counts from the end: "-500".
	Suffix bool
}

// ParseSpec reads one part. It reports false if the part is malformed or ends before its
// start.
func ParseSpec(item string) (spec Spec, ok bool) {
	first, last, ok := strings.Cut(item, "-")
	if !ok {
		return spec, false
	}
	first, last = httplex.Trim(first), httplex.Trim(last)
	if first == "" {
		spec.Suffix = true
		spec.Start, ok = Position(last)
		// "- 5" is not a suffix: the sign and its number belong together.
		return spec, ok && strings.HasSuffix(item, "-"+last)
	}
	if spec.Start, ok = Position(first); !ok || last == "" {
		return spec, ok
	}
	if spec.Stop, ok = Position(last); ok {
		spec.Stop++
	}
	return spec, ok && spec.Start < spec.Stop
}

// Cut returns the offsets of the part in a content of length bytes: from start up to, but not
// including, stop. If the content has no byte of the part, start >= stop.
func (s Spec) Cut(length int64) (start, stop int64) {
	switch {
	case s.Suffix:
		return max(0, length-s.Start), length
	case s.Stop == 0 || s.Stop > length:
		return s.Start, length
	}
	return s.Start, s.Stop
}

// Position reads digits. A number that is too large becomes the largest position to which 1 can be
// added.
func Position(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	for i := range len(s) {
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
