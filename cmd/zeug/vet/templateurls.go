package vet

import (
	"go/types"

	"slices"
)

// checkCall checks url_for and static_url.
func (p *program) checkCall(e *environment, u *use, scenes []*scene) {
	if !u.called || u.local != nil || len(u.args) == 0 || slices.ContainsFunc(scenes, func(s *scene) bool { return len(s.known[u.root]) > 0 }) {
		return
	}
	name, ok := literal(u.args[0]).(string)
	if !ok {
		return
	}
	at := u.args[0][0].at
	switch u.root {
	case "static_url":
		p.checkStaticWord(name, at)
	case "url_for":
		p.checkURLFor(e, u, name, at, scenes)
	}
}

func (p *program) checkStaticWord(name string, at span) {
	before := len(p.result.Findings)
	p.checkStaticName(name, at)
	p.requote(before, at, func(right string) string { return right })
}

// requote changes the quotes in the findings of a check for Go names to those of the template.
func (p *program) requote(from int, at span, right func(string) string) {
	for i := range p.result.Findings[from:] {
		f := &p.result.Findings[from+i]
		if f.Fix = right(f.Fix); f.Fix != "" && at.quote != 0 {
			f.Fix = string(at.quote) + f.Fix + string(at.quote)
		}
	}
}

func (p *program) checkURLFor(e *environment, u *use, endpoint string, at span, scenes []*scene) {
	candidates := e.urls
	switch {
	case e.ownURLs && !e.urlsKnown:
		candidates = p.maps
	case !e.ownURLs:
		candidates = p.apps()
	}
	if len(candidates) == 0 || !p.closed && !e.urlsKnown {
		return
	}
	var values []value
	complete := true
	for i := 1; i < len(u.args); i += 2 {
		name, ok := literal(u.args[i]).(string)
		if name == "_external" {
			continue
		}
		v := value{name: name, known: ok, at: u.args[i][0].at}
		if i+1 == len(u.args) {
			if ok {
				p.reportWord(u.args[i][0].at, URLs, "", "the value of %q is missing", name)
			}
			complete = false
			break
		}
		v.constant = literal(u.args[i+1])
		if v.constant == nil {
			v.typ = p.argumentType(u.args[i+1], e, scenes)
		}
		values = append(values, v)
	}
	p.checkURL(candidates, endpoint, at, values, complete)
}

// argumentType returns the type of an argument that is a name, if it is the same for all code that
// renders the template.
func (p *program) argumentType(tokens []lexeme, e *environment, scenes []*scene) (typ types.Type) {
	var u *use
	for _, t := range e.scanned {
		for _, o := range t.uses {
			if o.at == tokens[0].at && o.whole {
				u = o
			}
		}
	}
	if u == nil {
		return nil
	}
	for _, s := range scenes {
		for _, t := range p.typesOf(u, s, 0) {
			end, missing := walk(t, u)
			if end == nil || missing != nil || typ != nil && !types.Identical(typ, end) {
				return nil
			}
			typ = end
		}
	}
	return typ
}
