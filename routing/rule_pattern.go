package routing

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A pattern matches one part of a path that has variables in it. The part is a segment, or the
// whole rest of the path if a variable may contain slashes.
//
// If several variables share a part, the string could be divided in several ways. The division is
// the one that a backtracking regular expression finds: from left to right, each variable takes as
// much as it can, and a path as little as it can. For "<a>-<b>" and "x-y-z":
//
//	a takes "x-y-z"   no "-" follows
//	a takes "x-y-"    no "-" follows
//	a takes "x-y"     "-" follows, b takes "z"
//
// Backtracking is quick for nearly all strings, and takes exponential time for a few. So the search
// gives up after some steps, and solve finds the same division with a table. For each element, the
// table has the offsets from which it and all later elements can match the rest. The table is
// filled from right to left. Its size is the number of elements times the length of the string, so
// no string takes longer.

// For the same pattern and string, these are the offsets in the table:
//
//	s                    x   -   y   -   z
//	offset               0   1   2   3   4   5
//	after all elements                       *    the string must end here
//	from <b> on          *   *   *   *   *        each leaves at least one character for b
//	from "-" on              *       *            a dash, and after it an offset of the line above
//	from <a> on          *   *   *                a can end at 1 or at 3
//
// The result is read from left to right. The variable a starts at 0 and takes as much as it can, so
// it ends at 3, the last marked offset of "-". The dash ends at 4, and b takes the rest.

// element is one piece of a pattern: a literal, or a variable's form.
// "v<int:major>.<int:minor>" has four: the literal "v", digits, the literal "." and digits. form is
// nil for a literal. Two literals never follow each other, since the compiler joins them.
type element struct {
	literal string
	form    *form
}

// span is the range of a variable's string, as offsets in the string that the pattern matched.
type span struct{ from, to int }

// spans is a list of spans that needs no allocation while it is short.
//
// It is on the stack of the function that divides, and a rule with more than eight variables in one
// part is rare. A slice would be allocated for each match of a rule with two.
type spans struct {
	few  [8]span
	more []span // those beyond few
	n    int
}

// add appends a span. The search also removes spans, by making n smaller, so more is cut to the
// length that n says before it grows again.
func (l *spans) add(from, to int) {
	if l.n < len(l.few) {
		l.few[l.n] = span{from, to}
	} else {
		l.more = append(l.more[:l.n-len(l.few)], span{from, to})
	}
	l.n++
}

// at returns span i, which must be less than n.
func (l *spans) at(i int) span {
	if i < len(l.few) {
		return l.few[i]
	}
	return l.more[i-len(l.few)]
}

// pattern is shared by all rules and nodes that have an equal one (compiler.patternKey), and never
// changes after it was made, so that goroutines match with it at the same time.
//
//	<int:id>             digits; one variable
//	<name>.json          text, ".json"; one variable
//	<path:p>/            path; final, suffixed
//	<path:a>/x/<path:b>  path, "/x/", path; two variables, final
type pattern struct {
	// elements are at least one, and at least one of them is a variable. variables is their number.
	elements  []element
	variables int
	// weight is the pattern's place in the order of a node's edges.
	weight weight
	// final says that the pattern takes the whole rest of the path.
	final bool
	// suffixed says that one slash follows in the rule; if the path has it, the pattern takes it.
	suffixed bool
	// regexp matches the whole pattern if there are several elements and one of them is a regular
	// expression. groups has, for each variable, the index of its group in regexp.
	regexp *regexp.Regexp
	groups []int
}

// newPattern makes a pattern from elements.
func newPattern(elements []element, final, suffixed bool) (*pattern, error) {
	p := &pattern{elements: elements, final: final, suffixed: suffixed}
	// A regular expression that is alone in its part needs no second one: form.pattern matches
	// whole strings already.
	mixed := false
	for _, e := range elements {
		if e.form != nil {
			p.variables++
			mixed = mixed || e.form.kind == regexpForm && len(elements) > 1
		}
	}
	if !mixed {
		return p, nil
	}
	return p, p.compile()
}

// compile makes one regular expression from the elements. Where a regular expression of a rule ends
// depends on what follows it, so the whole part becomes one expression:
//
//	<regexp("[0-9]+?"):a>-<b>   becomes   \A([0-9]+?)-([^/]+)\z
func (p *pattern) compile() error {
	source := &strings.Builder{}
	source.WriteString(`\A`)
	group := 1
	// Groups are numbered by their opening parentheses. Those within the source of a rule's own
	// regular expression are counted, so that the groups after it keep their numbers.
	for _, e := range p.elements {
		if e.form == nil {
			source.WriteString(regexp.QuoteMeta(e.literal))
			continue
		}
		p.groups = append(p.groups, group)
		group++
		text, err := e.form.expression()
		if err != nil {
			return err
		}
		fmt.Fprintf(source, "(%s)", text)
		if e.form.kind == regexpForm {
			group += e.form.pattern.NumSubexp()
		}
	}
	source.WriteString(`\z`)
	compiled, err := regexp.Compile(source.String())
	p.regexp = compiled
	return err
}

// expression returns the form as a regular expression. It must match the same strings as the form, and
// its quantifiers must take as much or as little as the search below does: a path is lazy, all
// others are greedy.
//
//	<name>                   [^/]+
//	<string(length=2):c>     [^/]{2,2}
//	<int(signed=True):n>     -?[0-9]+
//	<float:f>                [0-9]+\.[0-9]+
//	<any(a,ab):x>            (?:a|ab)
//	<path:p>                 [^/].*?
func (f *form) expression() (string, error) {
	sign := ""
	if f.signed {
		sign = "-?"
	}
	switch f.kind {
	case textForm:
		if f.min == 1 && f.max == math.MaxInt {
			return "[^/]+", nil
		}
		if f.min > 1000 || f.max > 1000 && f.max != math.MaxInt {
			// package regexp repeats at most 1000 times.
			return "", fmt.Errorf("beside a regular expression a text of at most 1000 characters can be asked for")
		}
		atMost := ""
		if f.max != math.MaxInt {
			atMost = strconv.Itoa(f.max)
		}
		return fmt.Sprintf("[^/]{%d,%s}", f.min, atMost), nil
	case digitsForm:
		return sign + "[0-9]+", nil
	case decimalForm:
		return sign + `[0-9]+\.[0-9]+`, nil
	case uuidForm:
		return "[A-Fa-f0-9]{8}(?:-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}", nil
	case pathForm:
		return "[^/].*?", nil
	case wordsForm:
		quoted := make([]string, len(f.words))
		for i, word := range f.words {
			quoted[i] = regexp.QuoteMeta(word)
		}
		return "(?:" + strings.Join(quoted, "|") + ")", nil
	}
	return f.source, nil
}

// matches reports whether the pattern takes all of s. slash says that s ended with the slash of a
// suffixed pattern.
//
//	<name>.json   "a.json"   true
//	              ".json"    false: an empty name
//	<path:p>/     "a/b"      true
//	              "a/b/"     true, and slash
//	              "a/b//"    false: the value would end with a slash
func (p *pattern) matches(s string) (slash, ok bool) {
	s, slash, ok = p.withoutSlash(s)
	switch {
	case !ok:
		return slash, false
	case p.regexp != nil:
		return slash, p.regexp.MatchString(s)
	case p.variables > 1:
		return slash, p.divides(s)
	}
	// One variable: what is left between the literals is its string, and there is nothing to divide.
	from, to := p.around()
	// "x" is shorter than both literals of "x<name>x" together, so from > to comes before the
	// slices.
	if to = len(s) - to; from > to || s[:from] != p.before() || s[to:] != p.after() {
		return slash, false
	}
	return slash, p.variable().whole(s[from:to])
}

// divides reports whether several variables share s.
func (p *pattern) divides(s string) bool {
	var found spans
	return p.divide(s, &found)
}

// withoutSlash removes the slash with which a suffixed pattern may end. A variable at the end does
// not take a second slash.
func (p *pattern) withoutSlash(s string) (rest string, slash, ok bool) {
	if p.suffixed && strings.HasSuffix(s, "/") {
		s = s[:len(s)-1]
		return s, true, !strings.HasSuffix(s, "/") || strings.HasSuffix(p.after(), "/")
	}
	return s, false, true
}

// before and after are the literals around a pattern's only variable. If the variable is the first
// element, its literal is empty, as before should be.
func (p *pattern) before() string { return p.elements[0].literal }

func (p *pattern) after() string {
	if last := len(p.elements) - 1; last > 0 {
		return p.elements[last].literal
	}
	return ""
}

// around returns the lengths of these literals.
func (p *pattern) around() (before, after int) { return len(p.before()), len(p.after()) }

// divide adds the spans of the variables in s. The pattern must match all of s, except for the
// slash of a suffixed pattern.
//
//	<a>-<b>               "x-y-z"      a "x-y", b "z"
//	<a><b>                "xyz"        a "xy", b "z"
//	<any(a,ab):x><y>      "abc"        x "a", y "bc"
//	<path:a>/x/<path:b>   "1/x/2/x/3"  a "1", b "2/x/3"
func (p *pattern) divide(s string, found *spans) bool {
	if p.regexp != nil {
		groups := p.regexp.FindStringSubmatchIndex(s)
		if groups == nil {
			return false
		}
		for _, g := range p.groups {
			found.add(groups[2*g], groups[2*g+1])
		}
		return true
	}
	// This one comparison refuses most strings that do not match, and no search could succeed
	// without it.
	if last := p.elements[len(p.elements)-1]; last.form == nil && !strings.HasSuffix(s, last.literal) {
		return false
	}
	// Most strings need few steps. For one that was made to need many, the table is faster.
	// "a-b-c-d" takes 30 steps in "<a>-<b>-<c>-<d>", and few rules have as many variables in a
	// segment.
	search := search{elements: p.elements, s: s, steps: 64}
	ok := search.try(0, 0, found)
	if search.steps < 0 {
		found.n = 0 // what the search had added is not a result
		return p.solve(s, found)
	}
	return ok
}

// variable returns the form of a pattern's only variable.
func (p *pattern) variable() *form {
	for i := range p.elements {
		if f := p.elements[i].form; f != nil {
			return f
		}
	}
	return nil
}

// search divides a string by backtracking, which is fast for most strings.
type search struct {
	elements []element
	s        string
	steps    int // how many steps are left; below zero, the search has given up
}

// try matches the elements from i on with s[pos:]. It returns true with all spans in found, or
// false with found as it was. When the steps are used up, the result is false and found is of no
// use.
func (m *search) try(i, pos int, found *spans) bool {
	if m.steps--; m.steps < 0 {
		return false
	}
	if i == len(m.elements) {
		return pos == len(m.s)
	}
	e := &m.elements[i]
	if e.form == nil {
		return strings.HasPrefix(m.s[pos:], e.literal) && m.try(i+1, pos+len(e.literal), found)
	}
	// Words are tried in the order in which the rule lists them, as the alternatives of a regular
	// expression are.
	if e.form.kind == wordsForm {
		for _, word := range e.form.words {
			if strings.HasPrefix(m.s[pos:], word) && m.tryEnd(i, pos, pos+len(word), found) {
				return true
			}
		}
		return false
	}
	// As much as possible first, and for a path as little as possible. There are no marks here:
	// making them would take longer than the few questions of a usual search.
	low, high := e.form.window(m.s, pos, nil)
	if i == len(m.elements)-1 { // the last variable takes the rest
		return low <= len(m.s) && high == len(m.s) && m.tryEnd(i, pos, high, found)
	}
	for k := 0; k <= high-low && m.steps >= 0; k++ {
		end := high - k
		if e.form.kind == pathForm {
			end = low + k
		}
		if boundary(m.s, end) && m.tryEnd(i, pos, end, found) {
			return true
		}
	}
	return false
}

// tryEnd matches the elements after i, if element i is s[pos:end]. If they do not match, the span
// that it added is removed again.
func (m *search) tryEnd(i, pos, end int, found *spans) bool {
	n := found.n
	found.add(pos, end)
	if m.try(i+1, end, found) {
		return true
	}
	found.n = n
	return false
}

// solve finds the same division from a table: for each element, it has the offsets from which that
// element and all later ones can take the rest of s.
func (p *pattern) solve(s string, found *spans) bool {
	marks := newMarks(s)
	count := len(p.elements)
	// good[i] has the offsets from which elements[i:] match the rest.
	good := make([]nearest, count+1)
	good[count] = newNearest(len(s), func(at int) bool { return at == len(s) })
	// Each line of the table depends only on the line below, so a line is filled in one pass.
	for i := count - 1; i >= 0; i-- {
		good[i] = newNearest(len(s), func(at int) bool {
			if !boundary(s, at) {
				return false
			}
			_, ok := p.elements[i].end(s, at, marks, &good[i+1])
			return ok
		})
	}
	// The table knows that the whole string matches if the first line has the offset 0. The
	// elements then take their preferred ends, and none of them can lead into a dead end.
	pos := 0
	for i := range p.elements {
		end, ok := p.elements[i].end(s, pos, marks, &good[i+1])
		if !ok {
			return false
		}
		if p.elements[i].form != nil {
			found.add(pos, end)
		}
		pos = end
	}
	return true
}

// end returns the preferred end of the element that starts at s[at], if only the offsets in next
// are allowed.
//
// Of the offsets 1 and 3 in the table above, <a> takes 3, and a <path:a> would take 1.
func (e *element) end(s string, at int, marks *marks, next *nearest) (int, bool) {
	if e.form == nil {
		return at + len(e.literal), strings.HasPrefix(s[at:], e.literal) && next.holds(at+len(e.literal))
	}
	if e.form.kind == wordsForm {
		for _, word := range e.form.words {
			if strings.HasPrefix(s[at:], word) && next.holds(at+len(word)) {
				return at + len(word), true
			}
		}
		return 0, false
	}
	low, high := e.form.window(s, at, marks)
	if low > high {
		return 0, false
	}
	if e.form.kind == pathForm {
		end := int(next.after[low])
		return end, end >= 0 && end <= high
	}
	// before and after are -1 if there is no such offset, and both comparisons then fail.
	end := int(next.before[high])
	return end, end >= low
}

// nearest returns, for an offset of a string, the nearest marked offset, or -1. With it a variable finds
// its end in one step: the last marked offset before the end of its range, or, for a path, the first
// one after its beginning. For the marks 1 and 3 of a string of 5 bytes:
//
//	offset    0   1   2   3   4   5
//	before   -1   1   1   3   3   3
//	after     1   1   3   3  -1  -1
type nearest struct{ before, after []int32 }

// newNearest asks about each offset once, from 0 to n.
func newNearest(n int, marked func(at int) bool) nearest {
	t := nearest{make([]int32, n+1), make([]int32, n+1)}
	last := int32(-1)
	for i := 0; i <= n; i++ {
		if marked(i) {
			last = int32(i)
		}
		t.before[i] = last
	}
	last = -1
	for i := n; i >= 0; i-- {
		if t.before[i] == int32(i) {
			last = int32(i)
		}
		t.after[i] = last
	}
	return t
}

// holds reports whether the offset itself is marked.
func (t *nearest) holds(at int) bool { return int(t.before[at]) == at }
