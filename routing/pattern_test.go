package routing

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// choices are the elements of random patterns, with one letter for each.
var choices = map[byte]element{
	't': {form: &form{kind: textForm, min: 1, max: math.MaxInt}},
	'2': {form: &form{kind: textForm, min: 2, max: 3}},
	'0': {form: &form{kind: textForm, min: 0, max: 2}},
	'd': {form: &form{kind: digitsForm}},
	's': {form: &form{kind: digitsForm, signed: true}},
	'f': {form: &form{kind: decimalForm}},
	'p': {form: &form{kind: pathForm}},
	'w': {form: &form{kind: wordsForm, words: []string{"a", "ab", "abc", "b"}}},
	'u': {form: &form{kind: uuidForm}},
	'-': {literal: "-"}, '.': {literal: "."}, '/': {literal: "/"}, 'a': {literal: "a"}, 'e': {literal: "é"},
}

func drawn(letters string) *pattern {
	p := &pattern{}
	for i := range min(len(letters), 6) {
		if e, ok := choices[letters[i]]; ok {
			p.elements = append(p.elements, e)
		}
	}
	return p
}

// divisions returns how the table, the backtracking and a regular expression divide s. A result is
// nil if s cannot be divided.
func divisions(t *testing.T, p *pattern, s string) (table, backtracking, expression []span) {
	spansOf := func(ok bool, l *spans) (list []span) {
		for i := range l.n {
			if ok {
				list = append(list, l.at(i))
			}
		}
		return list
	}
	var found spans
	ok := p.solve(s, &found)
	table = spansOf(ok, &found)
	var again spans
	m := search{elements: p.elements, s: s, steps: 1 << 20}
	ok = m.try(0, 0, &again)
	require.GreaterOrEqual(t, m.steps, 0)
	backtracking = spansOf(ok, &again)
	return table, backtracking, byExpression(t, p, s)
}

// byExpression returns how a regular expression of the pattern divides s.
func byExpression(t *testing.T, p *pattern, s string) (list []span) {
	compiled := &pattern{elements: p.elements}
	require.NoError(t, compiled.compile())
	if groups := compiled.regexp.FindStringSubmatchIndex(s); groups != nil {
		for _, g := range compiled.groups {
			list = append(list, span{groups[2*g], groups[2*g+1]})
		}
	}
	return list
}

func TestDivisions(t *testing.T) {
	for _, c := range []struct {
		name, elements, s string
		want              []string // of the variables; nil if s cannot be divided
	}{
		{"the first takes as much as it can", "t-t", "x-y-z", []string{"x-y", "z"}},
		{"each of three", "t-t-t", "a-b-c-d", []string{"a-b", "c", "d"}},
		{"a path takes what the last segment leaves", "p/t", "a/b/c", []string{"a/b", "c"}},
		{"a path before a path", "p/p", "a/b/c", []string{"a", "b/c"}},
		{"digits leave the sign", "d-s", "1--2", []string{"1", "-2"}},
		{"a word is the first listed that fits", "wt", "abc", []string{"a", "bc"}},
		{"the next word if the first leaves nothing", "w-", "ab-", []string{"ab"}},
		{"lengths count characters", "22", "äöüß", []string{"äö", "üß"}},
		{"as long as a length allows", "22", "äöüßé", []string{"äöü", "ßé"}},
		{"an empty string beside another", "0t", "a", []string{"", "a"}},
		{"a float before a point", "f.d", "1.5.2", []string{"1.5", "2"}},
		{"nothing fits", "d-d", "1-x", nil},
		{"too short", "22", "abc", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, backtracking, expression := divisions(t, drawn(c.elements), c.s)
			require.Equal(t, expression, table)
			require.Equal(t, expression, backtracking)
			var have []string
			for _, at := range table {
				have = append(have, c.s[at.from:at.to])
			}
			require.Equal(t, c.want, have)
		})
	}
}

// TestLongStringsAreDividedByTheTable checks that a string is divided even if backtracking takes
// too long, and in the same way as by a regular expression.
func TestLongStringsAreDividedByTheTable(t *testing.T) {
	p := drawn("t-t-d")
	for _, end := range []string{"7", "x"} {
		s := strings.Repeat("a-", 400) + end
		var found spans
		ok := p.divide(s, &found)
		expression := byExpression(t, p, s)
		require.Equal(t, expression != nil, ok)
		for i, at := range expression {
			require.Equal(t, at, found.at(i))
		}
	}
}

// FuzzDivisions checks that the table and the backtracking divide a string as a regular expression
// does.
func FuzzDivisions(f *testing.F) {
	for _, elements := range []string{"t-t", "p/p", "wt", "22", "0t", "d-s", "f.d", "p-p/t", "2a2", "pp", "tt", "0p0", "wwww", "ut", "te0"} {
		for _, s := range []string{"", "a-b-c", "a/b/c", "abc", "äöü", "1--2", "1.5.2", "aa", "é", "ab\nc/d", "//", "a8098c1a-f86e-11da-bd1a-00112444be1ex"} {
			f.Add(elements, s)
		}
	}
	f.Fuzz(func(t *testing.T, elements, s string) {
		p := drawn(elements)
		s = strings.ToValidUTF8(s, "")
		if len(s) > 40 || len(p.elements) == 0 {
			return
		}
		table, backtracking, expression := divisions(t, p, s)
		require.Equal(t, expression, table, "%s in %q", elements, s)
		require.Equal(t, expression, backtracking, "%s in %q", elements, s)
	})
}
