package routing

import (
	"iter"
	"strings"
)

// A match keeps only the path itself, not its variables. For a path that matches, the rule says
// where its variables are, because each of its parts takes one segment, or the whole rest. So no
// offsets are recorded during matching or copied with the match. They are computed when a value is
// read:
//
//	rule  /user/<int:id>/x<name>    parts: skip 6 bytes; skip 1 byte, "x" before
//	path  /user/17/xanna
//	id    from 6 to the next slash: "17"
//	name  from 9 to the end, without the "x": "anna"
//
// A variable of a long rule can be nearer to the end. If every variable takes exactly one segment, and
// a slash at the end counts, the distance to the end is known too, and the path is read backwards:
//
//	rule  /<lang>/docs/<version>/<page>/edit     tail: the 5 bytes of "/edit"
//	path  /en/docs/v2/intro/edit
//	page  the segment that ends 5 bytes before the end: "intro"
//
// A handler usually reads each value once or not at all. So this costs less than recording the
// values of each match.

// found is the state of one match, without the path. Most matches of a rule share one that the rule
// allocates in advance.
type found struct {
	rule *rule
	// host is the string that the host's pattern matched: the subdomain, or the whole host. Only
	// rules with variables there use it.
	host  string
	slash byte // the byte that stands for an encoded slash in the path, or 0
	// vars are the values that the rule's condition found, or nil.
	vars map[string]string
}

// variablePart is a part of a rule's path that has variables.
//
//	/user/<int:id>/x<name>    skip 6, before 0; and skip 1, before 1
//	/d/<path:p>/              skip 3, final, suffixed
//	/v<int:a>.<int:b>         skip 1, several is the pattern; before and after are not used
type variablePart struct {
	// skip is how many bytes of static segments and slashes lie between the previous variable part
	// and this one.
	skip int
	// before and after are the lengths of the literals around its variable, if there is one.
	before, after int
	// several divides its string among the variables, if there are several.
	several *pattern
	// final and suffixed have the same meaning as in pattern.
	final, suffixed bool
}

// findVariableParts finds the parts of the rule that have variables, and the part to which each
// variable belongs. It also finds out how each variable is read: from the start of the path, from
// its end, or by a division. In /<lang>/docs/<version>/<page>/edit the first two are read from the
// start, and page from the end.
func (c *compiler) findVariableParts(r *rule) {
	if len(r.variables) == 0 {
		return
	}
	r.variableParts = c.variableParts.list(len(r.variables))
	i := 0
	if p := r.hostParts[0].pattern; p != nil {
		for ; i < p.variables; i++ {
			r.variables[i].order = i
		}
	}
	// The first part begins behind the leading slash.
	skip, plain := 1, true
	for _, part := range r.pathParts[1:] {
		p := part.pattern
		if p == nil {
			skip += len(part.static) + 1
			continue
		}
		s := variablePart{skip: skip, final: p.final, suffixed: p.suffixed}
		if p.variables > 1 {
			s.several = p
		} else {
			s.before, s.after = p.around()
		}
		plain = plain && len(p.elements) == 1 && !p.final
		for k := range p.variables {
			v := &r.variables[i]
			v.plain, v.variablePart, v.order = plain, len(r.variableParts), k
			i++
		}
		r.variableParts = append(r.variableParts, s)
		skip = 1
	}
	// The end of a path is the end of the rule, unless a slash there is ignored. skip counts the
	// slash before the next part, which does not exist here. Otherwise the distance of a variable
	// to the end of the path is not known.
	if r.tail = skip - 1; !plain || !r.slashes.strict {
		return
	}
	for i := range r.variables {
		v := &r.variables[i]
		// The first part is never late, since its start needs no search.
		v.late = v.plain && 2*v.variablePart >= len(r.variableParts)
	}
}

// end returns the end of the part that starts at from. For /d/<path:p>/ and "/d/a/b/" it is 6, so
// that p is "a/b".
func (s *variablePart) end(path string, from int) int {
	if s.final {
		// The slash belongs to the rule /docs/<path:page>/, not to the value.
		if s.suffixed && len(path) > from && path[len(path)-1] == '/' {
			return len(path) - 1
		}
		return len(path)
	}
	return segmentEnd(path, from)
}

// text returns the string of variable i in a path that the rule matched. With an encoded slash in
// the path, the value may contain a stand-in, which anyText replaces.
func (f *found) text(path string, i int) string {
	v := &f.rule.variables[i]
	if !v.plain || f.slash != 0 {
		return f.anyText(path, v)
	}
	if v.late {
		return f.rule.lateText(path, v.variablePart)
	}
	// All parts up to this variable are single segments, so only slashes need to be counted.
	variableParts := f.rule.variableParts[:v.variablePart+1]
	from := variableParts[0].skip
	for n := 1; n < len(variableParts); n++ {
		from = segmentEnd(path, from) + variableParts[n].skip
	}
	return path[from:segmentEnd(path, from)]
}

// lateText does what text does, for variables that are nearer to the end of the path. In
// "/en/docs/v2/intro/edit" the tail is 5, so the last variable part ends at 17, and begins behind
// the slash before it, at 12.
func (r *rule) lateText(path string, variablePart int) string {
	to := len(path) - r.tail
	for n := len(r.variableParts) - 1; n > variablePart; n-- {
		to = segmentStart(path, to) - r.variableParts[n].skip
	}
	return path[segmentStart(path, to):to]
}

// anyText does what text does, for variables of all kinds. It goes through the variable parts from
// the start, as a part before may be of any length.
func (f *found) anyText(path string, v *variable) string {
	if v.host {
		return f.hostText(v.order)
	}
	from := 0
	for n := range f.rule.variableParts {
		s := &f.rule.variableParts[n]
		from += s.skip
		to := s.end(path, from)
		if n == v.variablePart {
			text := path[from:to]
			if s.several != nil {
				text = s.divided(text, v.order)
			} else {
				text = path[from+s.before : to-s.after]
			}
			return f.withSlashes(text)
		}
		from = to
	}
	return ""
}

// divided returns the string of one variable in a part that has several. order is the index of the
// variable in the part, and text is the string of the part: for "v<int:major>.<int:minor>" and
// "v2.10", the order 1 gives "10". The part is divided again for each variable that is read.
func (s *variablePart) divided(text string, order int) string {
	var found spans
	// The part has matched, so this cannot happen.
	if !s.several.divide(text, &found) {
		return ""
	}
	at := found.at(order)
	return text[at.from:at.to]
}

// hostText returns the string of a variable of the host. For "<name>.api" and the host "anna.api"
// it is "anna".
func (f *found) hostText(order int) string {
	p := f.rule.hostParts[0].pattern
	if p.variables == 1 {
		before, after := p.around()
		return f.host[before : len(f.host)-after]
	}
	var found spans
	if !p.divide(f.host, &found) {
		return ""
	}
	at := found.at(order)
	return f.host[at.from:at.to]
}

// withSlashes replaces the stand-ins by slashes (match_path.go). Only a path with such slashes pays for
// it with an allocation.
func (f *found) withSlashes(text string) string {
	if f.slash == 0 || strings.IndexByte(text, f.slash) < 0 {
		return text
	}
	return strings.ReplaceAll(text, string([]byte{f.slash}), "/")
}

// texts returns the strings of all variables in turn, in one pass over the path. text would begin
// at the start of the path for each of them. It is for Params.All, and for converters that check
// all strings before the match is decided.
func (f *found) texts(path string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		i := 0
		for ; i < len(f.rule.variables) && f.rule.variables[i].host; i++ {
			if !yield(i, f.hostText(i)) {
				return
			}
		}
		from := 0
		for n := range f.rule.variableParts {
			s := &f.rule.variableParts[n]
			from += s.skip
			to := s.end(path, from)
			if s.several == nil {
				if !yield(i, f.withSlashes(path[from+s.before:to-s.after])) {
					return
				}
				i++
			} else {
				var found spans
				s.several.divide(path[from:to], &found)
				for k := range found.n {
					at := found.at(k)
					if !yield(i, f.withSlashes(path[from+at.from:from+at.to])) {
						return
					}
					i++
				}
			}
			from = to
		}
	}
}
