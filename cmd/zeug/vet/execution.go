package vet

import (
	"fmt"
	"maps"
	"slices"
)

// A rendering does not execute all of its templates. Of templates that extend another one, pongo2 executes the
// blocks alone, and of a template from which macros are imported, the bodies of these macros:
//
//	layout.html   {% set a = 1 %}{% block body %}{{ b }}{% endblock %}
//	page.html     {% extends "layout.html" %}{% set b = 2 %}{% block body %}{{ a }}{{ c }}{% endblock %}
//
// A rendering of page.html executes "set a" and the value of c. Nothing executes "set b", so b is not defined. Nor
// does it print b, because page.html replaces that block.

// execution is what a rendering executes of a template.
type execution struct {
	entries []entered       // each time that the template is rendered, included or extended
	macros  map[string]bool // that are imported
}

// entered is one execution of a template.
type entered struct {
	replaced map[string]bool // the blocks that templates which extend it replace
	passed
}

// passed are the names that an include passes to a template, besides those of the rendering.
//
//	{% for item in cart %}{% include "card.html" with price=item.Price %}{% endfor %}
//
// passes item, forloop and price. After the loop, the including template has none of them.
type passed struct {
	names map[string]bool
	only  bool // the template does not get the names of the rendering: include "card.html" with card=item only
}

// executionsOf returns what a rendering of a template executes of it and of the templates that it names.
func executionsOf(e *environment, t *template) map[*template]*execution {
	all := map[*template]*execution{}
	get := func(t *template) *execution {
		if all[t] == nil {
			all[t] = &execution{macros: map[string]bool{}}
		}
		return all[t]
	}
	done := map[string]bool{}
	var enter, follow func(t *template, got passed)
	enter = func(t *template, got passed) {
		replaced := map[string]bool{}
		for _, at := range e.chainOf(t) {
			get(at).entries = append(get(at).entries, entered{maps.Clone(replaced), got})
			for name, b := range at.blocks {
				replaced[name] = replaced[name] || !b.super
			}
			follow(at, got)
		}
	}
	follow = func(t *template, got passed) {
		for _, ref := range t.parents {
			other := e.scanned[resolveName(t.name, ref.name)]
			if other == nil || ref.tag == "extends" {
				continue
			}
			passed := e.passedBy(&ref, got)
			key := fmt.Sprintf("%s %s %t %q", ref.tag, other.name, passed.only, slices.Sorted(maps.Keys(passed.names)))
			if ref.tag == "import" {
				for _, name := range ref.macros {
					get(other).macros[name] = true
				}
			}
			if done[key] {
				continue
			}
			done[key] = true
			if ref.tag == "import" {
				follow(other, got)
			} else {
				enter(other, passed)
			}
		}
	}
	enter(t, passed{})
	return all
}

// passedBy returns what a template gets through a reference. got is what the template with the reference got.
func (e *environment) passedBy(r *reference, got passed) passed {
	if r.tag != "include" {
		return got
	}
	if r.only {
		got = passed{only: true}
	}
	names := map[string]bool{}
	maps.Copy(names, got.names)
	for _, name := range r.given {
		names[name] = true
	}
	if !r.only {
		maps.Copy(names, e.namesAround(r.blocks))
	}
	return passed{names, got.only}
}

// namesAround returns the names of the tags that stand around blocks in any template: a template that replaces the block
// has these names there.
func (e *environment) namesAround(blocks []string) map[string]bool {
	names := map[string]bool{}
	for _, t := range e.scanned {
		for _, name := range blocks {
			if b := t.blocks[name]; b != nil {
				for _, name := range b.around {
					names[name] = true
				}
			}
		}
	}
	return names
}

// chainOf returns a template, the template that it extends, and so on.
func (e *environment) chainOf(t *template) (chain []*template) {
	for t != nil && !slices.Contains(chain, t) {
		chain = append(chain, t)
		ref := t.extends()
		if ref == nil {
			break
		}
		t = e.scanned[resolveName(t.name, ref.name)]
	}
	return chain
}

// executes reports whether a rendering executes a use.
func (s *scene) executes(t *template, u *use) bool {
	x := s.executions[t]
	switch {
	case x != nil && u.macro != "" && x.macros[u.macro]:
		return true
	case len(u.blocks) == 0 && t.extends() != nil:
		return false
	case x == nil || s.dynamic:
		return true
	}
	return slices.ContainsFunc(x.entries, func(at entered) bool { return at.executes(u) })
}

func (at entered) executes(u *use) bool {
	return !slices.ContainsFunc(u.blocks, func(name string) bool { return at.replaced[name] })
}

// defines reports whether a use finds its name in a rendering that executes it.
func (s *scene) defines(t *template, u *use) bool {
	if !s.has(u.root) {
		return false
	}
	x := s.executions[t]
	if x == nil || s.dynamic || u.macro != "" || s.everywhere[u.root] {
		return true
	}
	ofRendering := s.hasItself(u.root)
	around := s.environment.namesAround(u.blocks)[u.root]
	return slices.ContainsFunc(x.entries, func(at entered) bool {
		return at.executes(u) && (around || at.names[u.root] || ofRendering && !at.only)
	})
}

// keeps reports whether "only" keeps from a template a name that the rendering has.
func (s *scene) keeps(t *template, u *use) bool {
	x := s.executions[t]
	return x != nil && s.has(u.root) && slices.ContainsFunc(x.entries, func(at entered) bool { return at.executes(u) && at.only })
}

// definesOuter reports whether a rendering executes the tags of a template that are outside of blocks.
func (s *scene) definesOuter(t *template) bool {
	if t.extends() != nil {
		return false
	}
	x := s.executions[t]
	return x == nil || s.dynamic || len(x.entries) > 0
}

// checkBlocks reports what a template that extends another one has outside of blocks, and blocks that no other
// template has.
func (p *program) checkBlocks(e *environment, t *template) {
	if t.extends() == nil || t.broken || t.foreign {
		return
	}
	for _, o := range t.outside {
		const hint = "is outside the blocks of a template that extends another one, so it is not %s: move it into a block"
		if o.tag == "" {
			p.reportWord(o.at, Templates, "", "this value "+hint, "printed")
		} else {
			p.reportWord(o.at, Templates, "", "the tag %q "+hint, o.tag, "executed")
		}
	}
	chain := e.chainOf(t)
	if chain[len(chain)-1].extends() != nil || slices.ContainsFunc(chain, func(t *template) bool { return t.broken || t.foreign }) {
		return // not all are known
	}
	var known []string
	for _, parent := range chain[1:] {
		known = append(known, slices.Collect(maps.Keys(parent.blocks))...)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for _, name := range slices.Sorted(maps.Keys(t.blocks)) {
		if b := t.blocks[name]; !b.nested && !slices.Contains(known, name) {
			p.reportWord(b.at, Templates, nearest(name, known), "no template that this one extends has a block %q, so it is not executed%s", name, didYouMean(name, known))
		}
	}
}
