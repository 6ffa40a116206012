package vet

import (
	"go/types"
	"maps"

	"slices"
)

// scene is the set of variables that a template may be rendered with.
type scene struct {
	environment *environment
	known       map[string][]entry // the names of the context, with their values
	types       map[string]types.Type
	names       map[string]bool // names without a known value
	given       map[string][]*local
	open        bool
	// everywhere are the names that every template has, even if it is included with "only".
	everywhere map[string]bool
	// executions says what the rendering executes, of any template if dynamic is set.
	executions map[*template]*execution
	dynamic    bool
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
		if t.broken {
			continue // the program does not start with it
		}
		said := map[string]bool{} // a name that is absent is absent everywhere
		for _, u := range t.uses {
			p.checkCall(e, u, scenes[t])
			p.checkArguments(e, t, u, scenes[t])
			if !said[u.root] {
				said[u.root] = p.checkUse(t, u, scenes[t])
			}
		}
		p.checkPairs(t, scenes[t])
	}
}

// scene returns the names of a rendering.
func (p *program) scene(e *environment, r *rendering, list []*template) *scene {
	s := &scene{environment: e, known: map[string][]entry{}, types: map[string]types.Type{}, names: map[string]bool{}, given: map[string][]*local{}, open: r.open || e.globalsOpen || p.rendersOpen}
	s.executions, s.dynamic, s.everywhere = r.executions[e], e.dynamic, map[string]bool{"block": true, "pongo2": true}
	for _, name := range []string{"request", "session", "get_flashed_messages", "pongo2"} {
		s.names[name] = true
	}
	s.types["block"], s.types["url_for"], s.types["static_url"] = blockInformation, urlFor, staticURL
	s.types["request"] = p.zeugType("wrappers", "Request")
	if len(p.apps()) > 0 {
		s.types["session"] = p.zeugType("sessions", "Session")
		if t := p.zeugType("sessions", "Message"); t != nil {
			s.types["get_flashed_messages"] = returning(types.NewSlice(t.(*types.Pointer).Elem()))
		}
	}
	for _, g := range e.globals {
		s.known[g.key.text] = append(s.known[g.key.text], g)
		s.everywhere[g.key.text] = true
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
		s.give(t)
		s.open = s.open || t.foreign
	}
	if e.dynamic {
		for _, t := range e.scanned {
			s.give(t)
		}
	}
	return s
}

// give adds the names that a template defines, and those that it gives to other templates.
func (s *scene) give(t *template) {
	maps.Copy(s.names, t.defined)
	maps.Copy(s.everywhere, t.defined)
	if s.definesOuter(t) {
		maps.Copy(s.names, t.outer)
		maps.Copy(s.everywhere, t.outer)
	}
	for name, locals := range t.given {
		s.given[name] = append(s.given[name], locals...)
	}
}

func (s *scene) has(name string) bool { return s.hasItself(name) || len(s.given[name]) > 0 }

// hasItself reports whether a rendering has a name that no template needs to pass.
func (s *scene) hasItself(name string) bool {
	_, typed := s.types[name]
	return s.names[name] || typed || len(s.known[name]) > 0
}

// checkUse reports a name that nothing passes, or a field that its type does not have. It returns true for a
// name that nothing passes.
func (p *program) checkUse(t *template, u *use, scenes []*scene) bool {
	scenes = slices.DeleteFunc(slices.Clone(scenes), func(s *scene) bool { return !s.executes(t, u) })
	if len(scenes) == 0 || t.foreign {
		return false
	}
	if u.local == nil && !slices.ContainsFunc(scenes, func(s *scene) bool { return s.defines(t, u) }) {
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
	switch {
	case slices.ContainsFunc(scenes, func(s *scene) bool { return s.keeps(t, u) }):
		p.reportWord(u.at, Templates, "", "no include of %q passes %q, and \"only\" keeps other names from it", t.name, u.root)
		return
	case t.outer[u.root] && t.extends() != nil:
		if t.exports[u.root] { // checkBlocks reports the tags of other names
			p.reportWord(u.at, Templates, fix, "%q is not defined: its macro is outside the blocks of a template that extends another one", u.root)
		}
		return
	case t.outer[u.root] && u.macro != "":
		p.reportWord(u.at, Templates, "", "%q is not defined where %q is imported: import it there, too", u.root, u.macro)
		return
	case u.called:
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
