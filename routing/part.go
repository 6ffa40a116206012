package routing

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A part is what one transition of the state machine takes: a static segment,
// or a pattern. Compiling a rule makes parts of its tokens.

type part struct {
	static  string
	pattern *pattern // nil for a static part
	weight  weight
	key     string // equal for parts that match the same texts
}

// weight orders the patterns of one place, as Werkzeug's matcher does: more
// static text first, then longer static text, then more variables, then the
// converters' weights.
type weight struct {
	statics   []int // lengths of the static texts
	variables []int // weights of the converters
}

func (w weight) compare(o weight) int {
	if c := len(o.statics) - len(w.statics); c != 0 {
		return c
	}
	for i := range w.statics {
		if c := o.statics[i] - w.statics[i]; c != 0 {
			return c
		}
	}
	if c := len(o.variables) - len(w.variables); c != 0 {
		return c
	}
	return slices.Compare(w.variables, o.variables)
}

// op is a step of building a URL: text that is ready, or a variable to format.
type op struct {
	text     string
	variable int // -1 for text
}

// compiler turns the text of a rule into parts, variables and steps.
type compiler struct {
	rule       *rule
	converters map[string]func([]Argument) (*converter, error)
}

// path compiles the rule's path.
func (c *compiler) path(text string) error {
	parts, ops, err := c.parts(text, false)
	c.rule.way, c.rule.pathOps = parts, ops
	if err != nil {
		return err
	}
	// A URL has one slash after the mount, whatever the rule starts with.
	ops[0].text = "/" + strings.TrimLeft(ops[0].text, "/")
	c.rule.shared = slices.ContainsFunc(append(slices.Clip(c.rule.host), parts...), func(p part) bool {
		return p.pattern != nil && p.pattern.variables > 1
	})
	c.rule.checked = c.rule.needsChecks()
	return nil
}

// needsChecks reports whether a converter must be asked once the parts match.
func (r *rule) needsChecks() bool {
	i := 0
	for _, parts := range [][]part{r.host, r.way} {
		for _, p := range parts {
			if p.pattern == nil {
				continue
			}
			for range p.pattern.variables {
				c := r.variables[i].converter
				if c.checks() && !(c.decided() && len(p.pattern.elements) == 1 && !r.variables[i].host) {
					return true
				}
				i++
			}
		}
	}
	return false
}

// domain compiles the pattern of a host or subdomain.
func (c *compiler) domain(text string) error {
	parts, ops, err := c.parts(text, true)
	if err == nil && len(parts) != 1 {
		err = fmt.Errorf("a host holds no slash")
	}
	c.rule.host, c.rule.hostOps = parts, ops
	return err
}

func (c *compiler) parts(text string, host bool) ([]part, []op, error) {
	list, err := tokens(text)
	if err != nil {
		return nil, nil, err
	}
	if !host && c.rule.merge {
		list = slices.CompactFunc(list, func(a, b token) bool {
			return a.kind == slashToken && b.kind == slashToken
		})
	}
	var (
		parts    []part
		ops      []op
		elements []element
		w        weight
		key      strings.Builder
		final    bool
	)
	write := func(text string) {
		if n := len(ops); n > 0 && ops[n-1].variable < 0 {
			ops[n-1].text += text
		} else {
			ops = append(ops, op{text: text, variable: -1})
		}
	}
	finish := func(suffixed bool) error {
		p := part{weight: w}
		switch {
		case len(w.variables) > 0:
			if p.pattern, err = newPattern(elements, final, suffixed); err != nil {
				return err
			}
			p.key = fmt.Sprintf("%s %t %t %v", key.String(), final, suffixed, w)
		case len(elements) > 0:
			p.static = elements[0].literal
		}
		parts = append(parts, p)
		elements, w, final = nil, weight{}, false
		key.Reset()
		return nil
	}
	static := func(text string) {
		if n := len(elements); n > 0 && elements[n-1].form == nil {
			elements[n-1].literal += text
		} else {
			elements = append(elements, element{literal: text})
		}
		fmt.Fprintf(&key, "%q", text)
	}
	for i, t := range list {
		switch t.kind {
		case staticToken:
			if host {
				if t.text, err = hostText(t.text); err != nil {
					return nil, nil, faultf(t.offset, "%v", err)
				}
			}
			w.statics = append(w.statics, utf8.RuneCountInString(t.text))
			static(t.text)
			write(string(appendEscaped(nil, t.text, true)))
		case variableToken:
			converter, err := c.variable(t, host)
			if err != nil {
				return nil, nil, err
			}
			final = final || converter.form.overSlashes()
			elements = append(elements, element{form: &converter.form})
			w.variables = append(w.variables, converter.weight)
			fmt.Fprintf(&key, "<%s>", converter.form.key())
			ops = append(ops, op{variable: len(c.rule.variables) - 1})
		case slashToken:
			write("/")
			if final && i == len(list)-1 {
				if err := finish(true); err != nil {
					return nil, nil, faultf(0, "%v", err)
				}
				break
			}
			if final {
				static("/")
				break
			}
			if err := finish(false); err != nil {
				return nil, nil, faultf(0, "%v", err)
			}
		}
	}
	if err := finish(false); err != nil {
		return nil, nil, faultf(0, "%v", err)
	}
	return parts, ops, nil
}

// variable makes the converter of a variable and adds the variable to the rule.
func (c *compiler) variable(t token, host bool) (*converter, error) {
	make, ok := c.converters[t.converter]
	if !ok {
		return nil, faultf(t.offset, "unknown converter %q: there are %s", t.converter, known(c.converters))
	}
	if c.rule.variable(t.name) >= 0 {
		return nil, faultf(t.offset, "the variable %q stands in the rule twice", t.name)
	}
	converter, err := make(t.arguments)
	if fault, ok := err.(*syntaxError); ok {
		return nil, fault
	} else if err != nil {
		return nil, faultf(t.offset, "%v", err)
	}
	if host && converter.form.overSlashes() {
		return nil, faultf(t.offset, "a host holds no slash, and <%s> may", t.converter)
	}
	converter.name = t.converter
	if len(t.arguments) > 0 {
		converter.name += "(" + arguments(t.arguments) + ")"
	}
	c.rule.variables = append(c.rule.variables, variable{t.name, converter, host})
	return converter, nil
}

// arguments writes arguments as in a rule's text.
func arguments(list []Argument) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.Text
		if a.Name != "" {
			texts[i] = a.Name + "=" + a.Text
		}
	}
	return strings.Join(texts, ",")
}

func known[V any](converters map[string]V) string {
	names := make([]string, 0, len(converters))
	for name := range converters {
		if name != "default" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
