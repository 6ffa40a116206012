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
// Digits at the start of "12a-3" end between 1 and 2, any segment ends between 1 and 5. The second
// question is for segments with several variables: see rule_pattern.go.
//
// Two offsets are enough for an answer because there are no gaps: a string can end after every
// character between them. Words and regular expressions have gaps, and are searched in other ways.
//
// All forms are scanned by hand. Werkzeug compiles each rule to a regular expression instead; only
// the regexp form has one here.

// formKind says how a form is scanned. Each kind has a case in whole, window and expression, and
// the three must agree. FuzzDivisions compares window and expression.
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

// form is what one variable accepts. These are some variables and their forms:
//
//	<name>                    text, min 1, max the largest int
//	<string(length=2):code>   text, min 2, max 2
//	<int(signed=True):n>      digits, signed
//	<any(de, en):lang>        words "de" and "en"
//	<regexp("[a-z]+"):s>      regexp, source "[a-z]+", pattern \A(?:[a-z]+)\z
type form struct {
	// id is the result of key, which the compiler asks for once for each converter.
	id   string
	kind formKind
	// min and max are numbers of characters, not of bytes, and are set for textForm only.
	min, max int
	// signed allows a minus sign before digits and decimals.
	signed bool
	// words are in the order of the rule, which matters next to other variables: see patternKey.
	words []string
	// pattern matches whole strings, and source is what the author wrote. A larger expression for a
	// whole part is made of the source (rule_pattern.go).
	pattern *regexp.Regexp
	source  string
	// slashes is Converter.Slashes: the strings of pattern may contain slashes.
	slashes bool
}

// overSlashes reports whether strings of the form may contain slashes. For such a form, the
// compiler puts the whole rest of the rule into one part. It is a property of the form, not of a
// string: "a" matches <path:p> too.
func (f *form) overSlashes() bool {
	return f.kind == pathForm || f.slashes
}

// unbounded reports whether the form accepts any string except the empty one. Such a variable takes
// every segment that is not empty, and most variables of rules are of this kind. So the walk, the
// single edge and the fast path of building each have a case for it.
func (f *form) unbounded() bool { return f.kind == textForm && f.min == 1 && f.max == math.MaxInt }

// key is different for different forms. Variables with equal keys share an edge of the tree.
//
//	<name>                     text{1,9223372036854775807}
//	<string(length=2):c>       text{2,2}
//	<int:n>, <int(max=9):n>    number1,false    bounds are the converter's
//	<float(signed=True):f>     number2,true
//	<any(de,en):lang>          words["de" "en"]
//	<path:p>                   form5            the number of its kind
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
		// "é" has two bytes and is one character. Werkzeug counts characters, since its strings
		// consist of them.
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
		// The usual case needs the first character and the end of the segment, and counts nothing.
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
		// If there are no digits, high is start, and low is larger: the form does not fit.
		return start + 1, high
	case decimalForm:
		start := f.sign(s, at)
		point := marks.digits(s, start)
		if point == start || point >= len(s) || s[point] != '.' {
			return 1, 0
		}
		// The form needs a digit after the point. If there is none, high is point+1, which is less
		// than low.
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

// sign returns the offset after a minus sign at s[at], if the form allows one. For "-12a" and a
// signed int, the window is 2 to 3: the sign belongs to the string, and at least one digit must
// follow it.
func (f *form) sign(s string, at int) int {
	if f.signed && at < len(s) && s[at] == '-' {
		return at + 1
	}
	return at
}

// digits returns the end of the digits at s[at]. Only ASCII digits count. Python's \d, and so
// Werkzeug, would also accept "٣".
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
//
//	segmentEnd("/user/anna", 6)     10, the end
//	segmentStart("/user/anna", 10)  6
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
//
// The offsets are int32, which halves the memory, as a path that the server reads is far shorter
// than 2 GB.
type marks struct {
	slashes, lines, digitEnds []int32
	index                     []int32 // for each offset, how many characters are before it
	valueIndexes              []int32 // where each character starts, and the end
}

// newMarks goes through s twice: from the end for the offsets of what comes next, and from the
// start for the characters.
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
		// An offset within a character has the count of the character's start. No window asks for
		// one, because boundary refuses such offsets.
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

// slash, line and digits answer from the marks, or search s if there are none.
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
// most high. For 2 to 3 characters at the start:
//
//	"abcd"    2, 3
//	"aéb"     3, 4    "é" has two bytes
//	"a/bc"    1, 0    the segment has only one character: no string fits
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
	// low stays at if atLeast is 0, since an empty string fits then.
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
