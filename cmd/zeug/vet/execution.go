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
	// only are the names that the template gets, nil for all: include "card.html" with card=item only.
	only map[string]bool
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
	var enter, follow func(t *template, only map[string]bool)
	enter = func(t *template, only map[string]bool) {
		replaced := map[string]bool{}
		for _, at := range e.chainOf(t) {
			get(at).entries = append(get(at).entries, entered{maps.Clone(replaced), only})
			for name, b := range at.blocks {
				replaced[name] = replaced[name] || !b.super
			}
			follow(at, only)
		}
	}
	follow = func(t *template, only map[string]bool) {
		for _, ref := range t.parents {
			other := e.scanned[resolveName(t.name, ref.name)]
			if other == nil || ref.tag == "extends" {
				continue
			}
			names := ref.names(only)
			key := fmt.Sprintf("%s %s %t %q", ref.tag, other.name, names == nil, slices.Sorted(maps.Keys(names)))
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
				follow(other, only)
			} else {
				enter(other, names)
			}
		}
	}
	enter(t, nil)
	return all
}

// names returns the names that a template gets through the reference. only has the names of the template
// with the reference. nil means all names.
func (r *reference) names(only map[string]bool) map[string]bool {
	if r.tag != "include" || only == nil && !r.only {
		return only
	}
	names := map[string]bool{}
	if !r.only {
		maps.Copy(names, only)
	}
	for _, name := range r.given {
		names[name] = true
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
	return slices.ContainsFunc(x.entries, func(at entered) bool { return at.executes(u) && (at.only == nil || at.only[u.root]) })
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
