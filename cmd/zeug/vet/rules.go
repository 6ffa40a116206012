package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/routing"
)

// checkRules reports the rules that routing refuses.
func (p *program) checkRules() {
	for _, m := range p.maps {
		if !m.opaque {
			for _, e := range m.errors {
				p.reportRule(m, e)
			}
		}
		p.checkNames(m)
	}
}

func (p *program) reportRule(m *urlMap, e *routing.RuleError) {
	r := m.ruleAt(e.Where)
	if r == nil {
		return
	}
	reason := placeOfRule.ReplaceAllStringFunc(e.Reason, func(where string) string {
		position := p.fset.Position(m.ruleAt(where).at.Pos())
		return fmt.Sprintf("%s:%d", filepath.Base(position.Filename), position.Line)
	})
	p.report(r.at, Rules, "rule %q: %s", e.Rule, reason)
	f := &p.result.Findings[len(p.result.Findings)-1]
	offset := e.Offset - (len(r.Path) - len(r.written)) // without the prefixes of groups
	lit, ok := r.at.(*ast.BasicLit)
	if ok && e.Rule == r.Path && offset >= 0 && len(lit.Value) == len(r.written)+2 && offset < len(r.written) {
		f.Pos, f.End = lit.Pos()+token.Pos(1+offset), token.NoPos
	}
	converters := []string{"string", "path", "any", "int", "float", "uuid", "regexp"}
	for name := range m.options.Converters {
		if name != mountConverter {
			converters = append(converters, name)
		}
	}
	if !strings.Contains(reason, "unknown converter") || strings.Contains(reason, "did you mean") {
		return
	}
	for _, v := range variablesOf(r.Path) {
		if hint := didYouMean(v.converter, converters); strings.Contains(reason, strconv.Quote(v.converter)) && hint != "" {
			f.Message += hint
		}
	}
}

// checkNames reports different views whose name is the same endpoint, which zeug.New refuses.
func (p *program) checkNames(m *urlMap) {
	seen := map[string]*rule{}
	for _, r := range m.rules {
		if r.auto == nil || r.Endpoint == "" || !r.sure {
			continue
		}
		if other := seen[r.Endpoint]; other == nil {
			seen[r.Endpoint] = r
		} else if other.auto != r.auto {
			position := p.fset.Position(other.at.Pos())
			p.report(r.at, Rules, "the endpoint %q is also that of another view (%s:%d): give one of them a name with Endpoint",
				r.Endpoint, filepath.Base(position.Filename), position.Line)
		}
	}
}

// variablesOf returns the variables of a rule's path, which routing has accepted.
func variablesOf(text string) (list []variable) {
	for {
		from := strings.IndexByte(text, '<')
		if from < 0 {
			return list
		}
		text = text[from+1:]
		end, quote, depth := -1, byte(0), 0
		for i := 0; i < len(text) && end < 0; i++ {
			switch c := text[i]; {
			case quote != 0:
				if c == '\\' {
					i++
				} else if c == quote {
					quote = 0
				}
			case depth > 0 && (c == '"' || c == '\''):
				quote = c
			case c == '(':
				depth++
			case c == ')':
				depth--
			case c == '>' && depth == 0:
				end = i
			}
		}
		if end < 0 {
			return list
		}
		v := variable{name: text[:end], converter: "default", text: "<" + text[:end] + ">"}
		if i := strings.LastIndexByte(text[:end], ':'); i >= 0 {
			v.name = text[i+1 : end]
			v.converter, _, _ = strings.Cut(text[:i], "(")
		}
		list, text = append(list, v), text[end+1:]
	}
}
