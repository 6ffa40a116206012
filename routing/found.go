package routing

import (
	"iter"
	"strings"
)

// What a match keeps of a path: nothing but the path. A rule that matches it
// says where its variables lie, since each of its parts takes one segment, or
// all that is left. So no places are written down while matching, nor copied
// with the match; they are found when a value is asked for.

// found is what a match keeps besides the path: the rule, which holds one for
// its usual matches, and what few matches have.
type found struct {
	rule  *rule
	host  string            // that the host's variables lie in
	slash byte              // what stands for an encoded slash in the path, or 0
	vars  map[string]string // what the rule's route found
}

// stretch is a part of a rule's path that has variables.
type stretch struct {
	// skip is how many bytes of static segments and slashes are before it,
	// behind the stretch before.
	skip int
	// before and after are the lengths of the static texts around its variable,
	// if there is one.
	before, after int
	// several divides it among its variables, if there are several.
	several *pattern
	// final and suffixed are the pattern's.
	final, suffixed bool
}

// findStretches finds the rule's stretches, and which one each variable is in.
func (c *compiler) findStretches(r *rule) {
	if len(r.variables) == 0 {
		return
	}
	r.stretches = c.stretches.list(len(r.variables))
	i := 0
	if p := r.host[0].pattern; p != nil {
		for ; i < p.variables; i++ {
			r.variables[i].order = i
		}
	}
	skip, plain := 1, true
	for _, part := range r.way[1:] {
		p := part.pattern
		if p == nil {
			skip += len(part.static) + 1
			continue
		}
		s := stretch{skip: skip, final: p.final, suffixed: p.suffixed}
		if p.variables > 1 {
			s.several = p
		} else {
			s.before, s.after = p.around()
		}
		plain = plain && len(p.elements) == 1 && !p.final
		for k := range p.variables {
			v := &r.variables[i]
			v.plain, v.stretch, v.order = plain, len(r.stretches), k
			i++
		}
		r.stretches = append(r.stretches, s)
		skip = 1
	}
	// A path ends as the rule does, unless a slash there means nothing.
	if r.tail = skip - 1; !plain || !r.strict {
		return
	}
	for i := range r.variables {
		v := &r.variables[i]
		v.late = v.plain && 2*v.stretch >= len(r.stretches)
	}
}

// end returns the end of the stretch that starts at from.
func (s *stretch) end(path string, from int) int {
	if s.final {
		if s.suffixed && len(path) > from && path[len(path)-1] == '/' {
			return len(path) - 1
		}
		return len(path)
	}
	return segmentEnd(path, from)
}

// text returns the text of variable i in a path that the rule matched.
func (f *found) text(path string, i int) string {
	v := &f.rule.variables[i]
	if !v.plain || f.slash != 0 {
		return f.anyText(path, v)
	}
	if v.late {
		return f.rule.lateText(path, v.stretch)
	}
	stretches := f.rule.stretches[:v.stretch+1]
	from := stretches[0].skip
	for n := 1; n < len(stretches); n++ {
		from = segmentEnd(path, from) + stretches[n].skip
	}
	return path[from:segmentEnd(path, from)]
}

// lateText is text for variables that are nearer to the path's end.
func (r *rule) lateText(path string, stretch int) string {
	to := len(path) - r.tail
	for n := len(r.stretches) - 1; n > stretch; n-- {
		to = segmentStart(path, to) - r.stretches[n].skip
	}
	return path[segmentStart(path, to):to]
}

// anyText is text for variables of all kinds.
func (f *found) anyText(path string, v *variable) string {
	if v.host {
		return f.hostText(v.order)
	}
	from := 0
	for n := range f.rule.stretches {
		s := &f.rule.stretches[n]
		from += s.skip
		to := s.end(path, from)
		if n == v.stretch {
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

// divided returns the text of the variable with the order given in the
// stretch's text.
func (s *stretch) divided(text string, order int) string {
	var found spans
	if !s.several.divide(text, &found) {
		return ""
	}
	at := found.at(order)
	return text[at.from:at.to]
}

// hostText returns the text of a variable of the host.
func (f *found) hostText(order int) string {
	p := f.rule.host[0].pattern
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

// withSlashes puts slashes in the place of their stand-ins.
func (f *found) withSlashes(text string) string {
	if f.slash == 0 || strings.IndexByte(text, f.slash) < 0 {
		return text
	}
	return strings.ReplaceAll(text, string([]byte{f.slash}), "/")
}

// texts returns the texts of all variables in turn, in one pass over the path.
func (f *found) texts(path string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		i := 0
		for ; i < len(f.rule.variables) && f.rule.variables[i].host; i++ {
			if !yield(i, f.hostText(i)) {
				return
			}
		}
		from := 0
		for n := range f.rule.stretches {
			s := &f.rule.stretches[n]
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
