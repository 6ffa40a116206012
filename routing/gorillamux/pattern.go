package gorillamux

import (
	"net/url"
	"regexp/syntax"
	"slices"
	"strings"
)

// A pattern is a template of mux. It has the regular expression that mux made from the template.
// Nearly all patterns also have steps, which match the same strings without the regular expression.
//
// The regular expression of "/users/{id:[0-9]+}/posts" is
//
//	^/users/(?P<v0>[0-9]+)/posts$
//
// which can match in one way only, because no digit is a slash: the part after the variable can
// begin only where the digits end. So these steps match it in one pass:
//
//	the literal "/users/"
//	open 0
//	as many of [0-9] as there are, at least 1
//	close 0
//	the literal "/posts"
//	the end
//
// An expression that can match in several ways, such as "{a}.{b}", has no steps. It is tried only
// if the string contains its longest literal.
//
//	/users/{id}              "/users/", a run of all but slashes
//	/{y:[0-9]{4}}/{m:…{2}}   "/", a run of 4 digits, "/", a run of 2 digits
//	/files/{rest:.*}/edit    "/files/", a run to the last "/edit"
//	/{a}.{b}                 none: the first run may itself contain a point
//	/{l:en|de}               none: there are no steps for a choice
type pattern struct {
	*expression
	// steps is nil if there are none; then the regular expression matches.
	steps []step
	// whole says that nothing may follow the last step. A PathPrefix has no end.
	whole    bool
	required string // the longest literal
	key      string // the key of a query, before the equals sign
}

// step is one piece of a pattern.
type step struct {
	kind    stepKind
	literal string
	set     *byteSet // of a run
	// min and max are how many bytes a run may have; a max of -1 means no maximum. Only sets
	// without characters outside ASCII have other numbers than 0, 1 and -1.
	min, max int
	// rest says that a run ends where the last literal of the string begins. In
	// "/files/{rest:.*}/edit" it ends at the last "/edit", as that of the regular expression does.
	rest bool
	// group is the index of the variable that an openStep or closeStep is about.
	group int
}

type stepKind uint8

const (
	literalStep stepKind = iota
	runStep
	openStep
	closeStep
	slashStep // a slash at the end of the string, or nothing
)

// byteSet is a class of characters. Either all characters outside ASCII are in it, or none. If they
// are in it, all of their bytes are, so a run takes whole characters without decoding them.
type byteSet [256]bool

// newPattern prepares an expression; the result is nil if the expression is nil.
func newPattern(e *expression) *pattern {
	if e == nil {
		return nil
	}
	p := &pattern{expression: e}
	// The template of Queries("a", "{v}") is "a={v}".
	if e.kind == queryExpression {
		p.key, _, _ = strings.Cut(e.template, "=")
	}
	parsed, err := syntax.Parse(e.regexp.String(), syntax.Perl)
	if err != nil {
		return p
	}
	c := stepCompiler{}
	if c.add(parsed) && c.begun && c.settle() {
		p.steps, p.whole = c.steps, c.ended
	}
	// A literal of the outermost level is in every string that matches. One within a choice need
	// not be.
	if parsed.Op == syntax.OpConcat {
		for _, e := range parsed.Sub {
			if e.Op == syntax.OpLiteral && e.Flags&syntax.FoldCase == 0 && len(e.Rune) > len(p.required) {
				p.required = string(e.Rune)
			}
		}
	}
	return p
}

// stepCompiler turns a regular expression into steps.
type stepCompiler struct {
	steps []step
	// begun and ended say that "^" and "$" were there. Steps match at the start only, so an
	// expression without "^" has none.
	begun, ended bool
}

// add appends the steps of e. It reports whether e has steps. It goes through the parsed expression
// from left to right. Everything that it does not know makes the result false, which only costs
// time: the regular expression then matches.
func (c *stepCompiler) add(e *syntax.Regexp) bool {
	if e.Op == syntax.OpBeginText {
		ok := !c.begun && len(c.steps) == 0
		c.begun = true
		return ok
	}
	if c.ended || e.Flags&(syntax.FoldCase|syntax.NonGreedy) != 0 && e.Op != syntax.OpConcat && e.Op != syntax.OpCapture {
		return false
	}
	switch e.Op {
	case syntax.OpEmptyMatch:
	case syntax.OpConcat:
		for _, sub := range e.Sub {
			if !c.add(sub) {
				return false
			}
		}
	case syntax.OpEndText:
		c.ended = true
	case syntax.OpLiteral:
		c.steps = append(c.steps, step{kind: literalStep, literal: string(e.Rune)})
	// Groups are counted from 1, and the whole match is group 0.
	case syntax.OpCapture:
		c.steps = append(c.steps, step{kind: openStep, group: e.Cap - 1})
		if !c.add(e.Sub[0]) {
			return false
		}
		c.steps = append(c.steps, step{kind: closeStep, group: e.Cap - 1})
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return c.run(e, 1, 1)
	case syntax.OpStar:
		return c.run(e.Sub[0], 0, -1)
	case syntax.OpPlus:
		return c.run(e.Sub[0], 1, -1)
	case syntax.OpRepeat:
		return c.run(e.Sub[0], e.Min, e.Max)
	// "[/]?" at the end is mux's own, for StrictSlash.
	case syntax.OpQuest:
		if s := e.Sub[0]; s.Op == syntax.OpLiteral && string(s.Rune) == "/" {
			c.steps = append(c.steps, step{kind: slashStep})
			return true
		}
		return c.run(e.Sub[0], 0, 1)
	default:
		return false
	}
	return true
}

// run appends a run of the characters of e. The set has the bytes of the characters of e: ten for
// [0-9], and all but the slash for [^/].
func (c *stepCompiler) run(e *syntax.Regexp, atLeast, atMost int) bool {
	set := new(byteSet)
	switch e.Op {
	case syntax.OpCharClass:
		if e.Flags&syntax.FoldCase != 0 {
			return false
		}
		// A class is a list of ranges, each with its first and last character.
		for i := 0; i < len(e.Rune); i += 2 {
			for r := e.Rune[i]; r <= e.Rune[i+1] && r < 0x80; r++ {
				set[r] = true
			}
		}
		// [^/] has all characters outside ASCII, and [é] has some.
		if last := len(e.Rune) - 1; last > 0 && e.Rune[last] >= 0x80 {
			if e.Rune[last] != 0x10FFFF || e.Rune[last-1] > 0x80 {
				return false // some, but not all, of the others
			}
			set.addOthers()
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		for i := range 0x80 {
			set[i] = true
		}
		set['\n'] = e.Op == syntax.OpAnyChar
		set.addOthers()
	default:
		return false
	}
	if set[0x80] && (atLeast > 1 || atMost >= 0) {
		return false // bytes are not characters
	}
	c.steps = append(c.steps, step{kind: runStep, set: set, min: atLeast, max: atMost})
	return true
}

func (s *byteSet) addOthers() {
	for i := 0x80; i < len(s); i++ {
		s[i] = true
	}
}

// settle joins literals, and reports whether the steps can match in one way only. A run takes as
// much as it can. That is the only way to match if the run has a fixed length, if nothing that
// follows begins with one of its characters, or if it is the last step. A run before one last
// literal has a second way, and takes what is left before that literal.
func (c *stepCompiler) settle() bool {
	var joined []step
	for _, s := range c.steps {
		if n := len(joined); s.kind == literalStep && n > 0 && joined[n-1].kind == literalStep {
			joined[n-1].literal += s.literal
			continue
		}
		joined = append(joined, s)
	}
	c.steps = joined
	for i := range c.steps {
		s := &c.steps[i]
		// An optional slash elsewhere could be taken or left, which the steps cannot decide.
		if s.kind == slashStep && !(c.ended && c.last(i)) {
			return false
		}
		if s.kind != runStep || s.min == s.max || c.disjoint(i) || c.ended && c.last(i) {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(c.steps[i+1:]), func(s step) bool { return s.kind == openStep || s.kind == closeStep })
		if !c.ended || s.max >= 0 || len(rest) != 1 || rest[0].kind != literalStep {
			return false
		}
		s.rest, s.literal = true, rest[0].literal
	}
	return true
}

// disjoint reports whether nothing that may follow step i begins with a character of its run. After
// [a-z]+, a run of [0-9]+ is disjoint, and one of [a-z]+ is not.
func (c *stepCompiler) disjoint(i int) bool {
	set := c.steps[i].set
	for _, s := range c.steps[i+1:] {
		switch s.kind {
		case literalStep:
			return !set[s.literal[0]]
		case slashStep:
			return !set['/']
		case runStep:
			for b := range set {
				if set[b] && s.set[b] {
					return false
				}
			}
			// An optional run may be empty, so the step after it counts too.
			if s.min > 0 {
				return true
			}
		}
	}
	return true
}

// last reports whether nothing but an optional slash follows step i.
func (c *stepCompiler) last(i int) bool {
	return !slices.ContainsFunc(c.steps[i+1:], func(s step) bool { return s.kind == literalStep || s.kind == runStep })
}

// prefix returns the literal with which the pattern begins.
func (p *pattern) prefix() string {
	if len(p.steps) > 0 && p.steps[0].kind == literalStep {
		return p.steps[0].literal
	}
	return ""
}

// matches reports whether the pattern matches s. Without steps, a search for the longest literal
// refuses most strings before the regular expression runs.
func (p *pattern) matches(s string) bool {
	if p.steps == nil {
		return strings.Contains(s, p.required) && p.regexp.MatchString(s)
	}
	return p.walk(s, nil)
}

// walk matches the steps against s. If found is not nil, it records where the variables begin and
// end. For the steps above and "/users/7/posts", found has 7 and 8.
func (p *pattern) walk(s string, found []int) bool {
	at := 0
	for i := range p.steps {
		st := &p.steps[i]
		switch st.kind {
		case literalStep:
			if !strings.HasPrefix(s[at:], st.literal) {
				return false
			}
			at += len(st.literal)
		case runStep:
			end := st.end(s, at)
			if end < 0 {
				return false
			}
			at = end
		case slashStep:
			if at < len(s) && s[at] == '/' {
				at++
			}
		case openStep:
			if found != nil {
				found[2*st.group] = at
			}
		case closeStep:
			if found != nil {
				found[2*st.group+1] = at
			}
		}
	}
	return !p.whole || at == len(s)
}

// end returns where the run that begins at s[at] ends, or -1. For a run of digits in
// "/users/7/posts" at 7 it is 8, and -1 at 0.
func (st *step) end(s string, at int) int {
	limit := len(s)
	// The literal that follows is at the end of the string, so the run has exactly what is before
	// it.
	if st.rest {
		limit -= len(st.literal)
		if limit < at {
			return -1
		}
	}
	if st.max >= 0 {
		limit = min(limit, at+st.max)
	}
	end := at
	for end < limit && st.set[s[end]] {
		end++
	}
	if end-at < st.min || st.rest && end < limit {
		return -1
	}
	return end
}

// capture adds the variables in s to vars. It reports whether the pattern matches. For
// "/users/{id:[0-9]+}/posts" and "/users/7/posts" it adds id="7".
func (p *pattern) capture(s string, vars map[string]string) bool {
	var space [16]int
	var found []int
	switch {
	// More than eight variables are rare enough for the regular expression.
	case p.steps == nil || 2*len(p.names) > len(space):
		groups := p.regexp.FindStringSubmatchIndex(s)
		if groups == nil {
			return false
		}
		found = groups[2:]
	case !p.walk(s, space[:]):
		return false
	default:
		found = space[:]
	}
	for i, name := range p.names {
		vars[name] = s[found[2*i]:found[2*i+1]]
	}
	return true
}

// queryOf returns "key=value" for the pattern's key, or "" if the query has no such key. It reads a
// query as mux does: parameters end with "&" or ";", the first parameter with the key counts, and
// parameters with invalid escapes are left out. For the key "a":
//
//	a=1&b=2      "a=1"
//	b=2;a=3      "a=3"
//	a=%zz&a=4    "a=4"
//	a            "a="
func (p *pattern) queryOf(query string) string {
	for query != "" {
		parameter := query
		if i := strings.IndexAny(query, "&;"); i >= 0 {
			parameter, query = query[:i], query[i+1:]
		} else {
			query = ""
		}
		name, value, _ := strings.Cut(parameter, "=")
		if parameter == "" {
			continue
		}
		if name, err := url.QueryUnescape(name); err != nil || name != p.key {
			continue
		}
		if value, err := url.QueryUnescape(value); err == nil {
			return p.key + "=" + value
		}
	}
	return ""
}
