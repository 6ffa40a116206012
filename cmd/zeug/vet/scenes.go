package vet

import (
	"go/types"
	"maps"

	"slices"
)

// scene is the set of variables that a template may be rendered with.
type scene struct {
	known map[string][]entry // the names of the context, with their values
	types map[string]types.Type
	names map[string]bool // names without a known value
	given map[string][]*local
	open  bool
	// unused are the names of the context that no template uses.
	unused []string
}

// checkUses checks the names in the templates of an environment.
func (p *program) checkUses(e *environment) {
	scenes := map[*template][]*scene{}
	for _, r := range p.renderings {
		list := r.closure[e]
		if len(list) == 0 {
			continue
		}
		s := p.scene(e, r, list)
		if e.dynamic { // any template may be included
			list = slices.Collect(maps.Values(e.scanned))
		}
		for _, t := range list {
			scenes[t] = append(scenes[t], s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.scanned)) {
		t := e.scanned[name]
		said := map[string]bool{} // a name that is absent is absent everywhere
		for _, u := range t.uses {
			p.checkCall(e, u, scenes[t])
			if !said[u.root] {
				said[u.root] = p.checkUse(t, u, scenes[t])
			}
		}
	}
}

// scene returns the names of a rendering.
func (p *program) scene(e *environment, r *rendering, list []*template) *scene {
	s := &scene{known: map[string][]entry{}, types: map[string]types.Type{}, names: map[string]bool{}, given: map[string][]*local{}, open: r.open || e.globalsOpen || p.rendersOpen}
	for _, name := range []string{"request", "url_for", "static_url", "session", "get_flashed_messages"} {
		s.names[name] = true
	}
	s.types["request"] = p.zeugType("wrappers", "Request")
	if len(p.apps()) > 0 {
		s.types["session"] = p.zeugType("sessions", "Session")
		if t := p.zeugType("sessions", "Message"); t != nil {
			s.types["get_flashed_messages"] = types.NewSlice(t.(*types.Pointer).Elem())
		}
	}
	for _, g := range e.globals {
		s.known[g.key.text] = append(s.known[g.key.text], g)
	}
	own := map[string][]entry{}
	for _, g := range r.entries {
		own[g.key.text] = append(own[g.key.text], g)
		if !r.uses(g.key.text) {
			s.unused = append(s.unused, g.key.text)
		}
	}
	maps.Copy(s.known, own)
	maps.Copy(s.types, r.given)
	for _, t := range list {
		maps.Copy(s.names, t.defined)
		s.give(t)
		s.open = s.open || t.foreign
	}
	if e.dynamic {
		for _, t := range e.scanned {
			maps.Copy(s.names, t.defined)
			s.give(t)
		}
	}
	return s
}

// give adds the names that a template gives to those that it includes.
func (s *scene) give(t *template) {
	for name, locals := range t.given {
		s.given[name] = append(s.given[name], locals...)
	}
}

func (s *scene) has(name string) bool {
	_, typed := s.types[name]
	return s.names[name] || typed || len(s.given[name]) > 0 || len(s.known[name]) > 0
}

// checkUse reports a name that nothing passes, or a field that its type does not have. It returns true for a
// name that nothing passes.
func (p *program) checkUse(t *template, u *use, scenes []*scene) bool {
	if len(scenes) == 0 || t.foreign {
		return false
	}
	if u.local == nil && !slices.ContainsFunc(scenes, func(s *scene) bool { return s.has(u.root) }) {
		if u.optional || slices.ContainsFunc(scenes, func(s *scene) bool { return s.open }) {
			return false
		}
		p.reportAbsent(t, u, scenes)
		return true
	}
	p.checkSteps(u, scenes)
	return false
}

// reportAbsent reports a name that nothing passes.
func (p *program) reportAbsent(t *template, u *use, scenes []*scene) {
	var known, unused []string
	for _, s := range scenes {
		known = append(known, slices.Collect(maps.Keys(s.given))...)
		known = append(known, slices.Collect(maps.Keys(s.known))...)
		known = append(known, slices.Collect(maps.Keys(s.types))...)
		known = append(known, slices.Collect(maps.Keys(s.names))...)
		unused = append(unused, s.unused...)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	fix := nearest(u.root, known)
	if slices.Contains(unused, fix) {
		fix = "" // either may be the misspelt one
	}
	if u.called {
		p.reportWord(u.at, Templates, fix, "%q is not defined%s", u.root, didYouMean(u.root, known))
		return
	}
	p.reportWord(u.at, Templates, fix, "no Render of %q passes %q%s", t.name, u.root, didYouMean(u.root, known))
}

// checkSteps reports a field or method that the value of a name does not have, whichever code
// renders the template.
func (p *program) checkSteps(u *use, scenes []*scene) {
	var first *missingStep
	for _, s := range scenes {
		if u.local == nil && !s.has(u.root) {
			continue
		}
		for _, list := range p.typesOf(u, s, 0) {
			_, missing := walk(list, u)
			if missing == nil {
				return
			}
			if first == nil {
				first = missing
			}
		}
	}
	if first == nil {
		return
	}
	p.reportWord(first.at, Templates, nearest(first.name, first.known), "%q has no %q%s", first.of, first.name, didYouMean(first.name, first.known))
}
