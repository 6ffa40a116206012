package vet

import (
	"fmt"
	"maps"

	"path"
	"slices"
	"strings"
)

// checkTemplates checks the names of templates and the names in them.
func (p *program) checkTemplates() {
	for _, e := range p.environments {
		for _, t := range e.scanned {
			p.checkReferences(e, t)
			p.checkBlocks(e, t)
		}
	}
	for _, r := range p.renderings {
		p.checkRendering(r)
	}
	for _, e := range p.environments {
		if e.known {
			p.checkUses(e)
		}
	}
	p.checkKeys()
}

// resolveName returns the template name that a name in another template stands
// for.
func resolveName(base, name string) string {
	if strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") {
		return path.Join(path.Dir(base), name)
	}
	return name
}

func (p *program) checkReferences(e *environment, t *template) {
	for _, ref := range t.parents {
		name := resolveName(t.name, ref.name)
		if slices.Contains(closureOf(e, e.scanned[name]), t) {
			through := ""
			if name != t.name {
				through = fmt.Sprintf(" through %q", name)
			}
			p.reportWord(ref.at, Templates, "", "the template includes or extends itself%s, so it cannot be read", through)
		}
		if _, ok := e.files[name]; ok || ref.maybe {
			continue
		}
		known := slices.Collect(maps.Keys(e.scanned))
		p.reportWord(ref.at, Templates, nearest(name, known), "there is no template %q%s", ref.name, didYouMean(name, known))
	}
}

// reportWord adds a finding about a word of a template.
func (p *program) reportWord(at span, kind Kind, right, format string, args ...any) {
	if right != "" && at.quote != 0 {
		right = string(at.quote) + right + string(at.quote)
	}
	p.result.Findings = append(p.result.Findings, Finding{Pos: at.pos, End: at.end, Kind: kind, Message: fmt.Sprintf(format, args...), Fix: right})
}
