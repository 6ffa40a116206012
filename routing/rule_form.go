package routing

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zeugkit/zeug/internal/percent"
)

// A form is the pattern that the string of a variable must match before its converter parses it. It
// answers two questions:
//
//	whole("12a")          is all of it such a string?
//	window("12a-3", 0)    if such a string starts here, between which offsets can it end?
//
// Digits at the start of "12a-3" end between 1 and 2, any segment ends between 1 and 5.
// The second question is for segments with several variables: see rule_pattern.go.
//
// Two offsets are enough for an answer because there are no gaps: a string can end after every
// character between them. Words and regular expressions have gaps, and are searched in other ways.
//
// All forms are scanned by hand. Werkzeug compiles each rule to a regular expression instead; only
// the regexp form has one here.

type formKind uint8

const (
	textForm    formKind = iota // characters except slashes
	digitsForm                  // digits, with an optional minus sign
	decimalForm                 // digits, a point, digits
	wordsForm                   // one of a list of words
	uuidForm                    // a UUID's 36 characters
	pathForm                    // segments: the first character is not a slash, and there are no line breaks
	regexpForm                  // strings that a regular expression matches
)

type form struct {
	id       string // the result of key, once it is needed
	kind     formKind
	min, max int // characters of a string
	signed   bool
	words    []string
	pattern  *regexp.Regexp
	source   string // of pattern
	slashes  bool   // of pattern
}

// overSlashes reports whether strings of the form may contain slashes.
func (f *form) overSlashes() bool {
	return f.kind == pathForm || f.slashes
}

// unbounded reports whether the form accepts any string except the empty one.
func (f *form) unbounded() bool { return f.kind == textForm && f.min == 1 && f.max == math.MaxInt }

// key is different for different forms. Variables with equal keys share an edge of the tree.
func (f *form) key() string {
	switch f.kind {
	case textForm:
		return fmt.Sprintf("text{%d,%d}", f.min, f.max)
	case digitsForm, decimalForm:
		return fmt.Sprintf("number%d,%t", f.kind, f.signed)
	case wordsForm:
		return fmt.Sprintf("words%q", f.words)
	case regexpForm:
		return fmt.Sprintf("regexp%q,%t", f.source, f.slashes)
	}
	return "form" + strconv.Itoa(int(f.kind))
}

// whole reports whether all of s has the form.
func (f *form) whole(s string) bool {
	switch f.kind {
	case textForm:
		// A string has at most as many characters as bytes, so they need not be counted here.
		if f.min <= 1 && len(s) <= f.max {
			return s != "" || f.min == 0
		}
		n := characters(s, f.max)
		return n >= f.min && n <= f.max
	case digitsForm:
		if f.signed && s != "" && s[0] == '-' {
			s = s[1:]
		}
		return s != "" && digits(s, 0) == len(s)
	case pathForm:
		// Werkzeug's pattern is "[^/].*?". A line break is not a slash, so it may come first; later,
		// the dot does not match it.
		return s != "" && s[0] != '/' && strings.IndexByte(s[1:], '\n') < 0
	case uuidForm:
		return isUUID(s)
	case wordsForm:
		for _, word := range f.words {
			if s == word {
				return true
			}
		}
		return false
	case regexpForm:
		return f.pattern.MatchString(s)
	}
	// A decimal is left. All of s has the form if the window reaches to its end.
	low, high := f.window(s, 0, nil)
	return low <= len(s) && high == len(s)
}

// window returns the first and the last offset at which a string of the form that starts at s[at]
// can end. It can also end after every character between them. If the first is larger than the
// last, no string of the form starts there.
//
// For at = 0:
//
//	form             s            low  high
//	any segment      "ab/c"       1    2       the slash is not part of it
//	digits           "12a"        1    2
//	decimal          "1.25x"      3    4       after the first digit behind the point, or the second
//	UUID             36 of them   36   36
//	path             "a/b"        1    3
//	digits           "x"          1    0       none
//
// It does not support words and regular expressions, which have no window.
func (f *form) window(s string, at int, marks *marks) (low, high int) {
	switch f.kind {
	case textForm:
		high = marks.slash(s, at)
		if f.min == 1 && f.max > len(s) {
			if at == high {
				return 1, 0
			}
			_, size := utf8.DecodeRuneInString(s[at:high])
			return at + size, high
		}
		return marks.characters(s, at, high, f.min, f.max)
	case digitsForm:
		start := f.sign(s, at)
		high = marks.digits(s, start)
		return start + 1, high
	case decimalForm:
		start := f.sign(s, at)
		point := marks.digits(s, start)
		if point == start || point >= len(s) || s[point] != '.' {
			return 1, 0
		}
		return point + 2, marks.digits(s, point+1)
	case uuidForm:
		if len(s)-at >= 36 && isUUID(s[at:at+36]) {
			return at + 36, at + 36
		}
	case pathForm:
		if at < len(s) && s[at] != '/' {
			_, size := utf8.DecodeRuneInString(s[at:])
			return at + size, marks.line(s, at+size)
		}
	}
	return 1, 0
}

// sign returns the offset after a minus sign at s[at], if the form allows one.
func (f *form) sign(s string, at int) int {
	if f.signed && at < len(s) && s[at] == '-' {
		return at + 1
	}
	return at
}

// digits returns the end of the digits at s[at].
func digits(s string, at int) int {
	for at < len(s) && '0' <= s[at] && s[at] <= '9' {
		at++
	}
	return at
}

// segmentEnd returns the offset of the first slash in path from at on, or the end. Segments are
// short, and a search made for long strings takes longer to start.
func segmentEnd(path string, at int) int {
	for at < len(path) && path[at] != '/' {
		at++
	}
	return at
}

// segmentStart returns the offset after the last slash before path[at].
func segmentStart(path string, at int) int {
	for at > 0 && path[at-1] != '/' {
		at--
	}
	return at
}

// end returns the offset of the first c in s from at on, or the end of s.
func end(s string, at int, c byte) int {
	if at >= len(s) {
		return len(s)
	}
	if i := strings.IndexByte(s[at:], c); i >= 0 {
		return at + i
	}
	return len(s)
}

// characters counts the characters of text, up to one more than limit, so that a path of a megabyte
// is not counted to its end for a variable of ten characters.
func characters(text string, limit int) int {
	if len(text) <= limit {
		return utf8.RuneCountInString(text)
	}
	n := 0
	for range text {
		if n++; n > limit {
			break
		}
	}
	return n
}

// marks are the offsets in one string that windows need. They are found in one pass, so that each
// lookup takes the same time, however long the string is. A nil marks searches the string each
// time, which is faster for the few questions that most strings need. For "12/é":
//
//	offset            0   1   2   3   4   5     "é" has the offsets 3 and 4
//	slashes           2   2   2   5   5   5     the first slash from here on
//	lines             5   5   5   5   5   5     the first line break from here on
//	digitEnds         2   2   2   3   4   5     the end of the digits that start here
//	index             0   1   2   3   3   4     characters before
//	valueIndexes      0   1   2   3   5         where character 0, 1, … starts, and the end
type marks struct {
	slashes, lines, digitEnds []int32
	index                     []int32 // for each offset, how many characters are before it
	valueIndexes              []int32 // where each character starts, and the end
}

func newMarks(s string) *marks {
	n := len(s)
	m := &marks{
		slashes: make([]int32, n+1), lines: make([]int32, n+1), digitEnds: make([]int32, n+1),
		index: make([]int32, n+1), valueIndexes: make([]int32, 0, n+1),
	}
	m.slashes[n], m.lines[n], m.digitEnds[n] = int32(n), int32(n), int32(n)
	for i := n - 1; i >= 0; i-- {
		m.slashes[i], m.lines[i], m.digitEnds[i] = m.slashes[i+1], m.lines[i+1], int32(i)
		switch c := s[i]; {
		case c == '/':
			m.slashes[i] = int32(i)
		case c == '\n':
			m.lines[i] = int32(i)
		case '0' <= c && c <= '9':
			m.digitEnds[i] = m.digitEnds[i+1]
		}
	}
	for i := 0; i < n; {
		_, size := utf8.DecodeRuneInString(s[i:])
		for j := i; j < i+size; j++ {
			m.index[j] = int32(len(m.valueIndexes))
		}
		m.valueIndexes = append(m.valueIndexes, int32(i))
		i += size
	}
	m.index[n] = int32(len(m.valueIndexes))
	m.valueIndexes = append(m.valueIndexes, int32(n))
	return m
}

func (m *marks) slash(s string, at int) int {
	if m == nil {
		return end(s, at, '/')
	}
	return int(m.slashes[at])
}

func (m *marks) line(s string, at int) int {
	if m == nil {
		return end(s, at, '\n')
	}
	return int(m.lines[at])
}

func (m *marks) digits(s string, at int) int {
	if m == nil {
		return digits(s, at)
	}
	return int(m.digitEnds[at])
}

// characters returns the offsets that are atLeast and atMost characters after at; the second is at
// most high.
func (m *marks) characters(s string, at, high, atLeast, atMost int) (int, int) {
	if m != nil {
		first := int(m.index[at])
		last := int(m.index[high])
		if last-first < atLeast {
			return 1, 0
		}
		if atMost < last-first {
			high = int(m.valueIndexes[first+atMost])
		}
		return int(m.valueIndexes[first+atLeast]), high
	}
	low, n := at, 0
	for i := at; i < high; {
		_, size := utf8.DecodeRuneInString(s[i:high])
		i += size
		n++
		if n == atLeast {
			low = i
		}
		if n == atMost {
			high = i
		}
	}
	if n < atLeast {
		return 1, 0
	}
	return low, high
}

// boundary reports whether a character starts at s[at], or s ends there. A variable never ends within
// a character, as it does not in Werkzeug, whose strings consist of characters.
func boundary(s string, at int) bool {
	return at >= len(s) || utf8.RuneStart(s[at])
}

// isUUID reports whether text has the form of 36 characters that a rule's uuid converter matches, in
// either case. The package uuid reads other forms too, with braces for example. Its errors allocate
// memory, and a tree of rules meets text that is not a UUID all the time.
func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := 0; i < len(text); i++ {
		switch i {
		case 8, 13, 18, 23:
			if text[i] != '-' {
				return false
			}
		default:
			if !percent.IsHex(text[i]) {
				return false
			}
		}
	}
	return true
}
