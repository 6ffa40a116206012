package routing

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A part is what one transition of the state machine takes: a static segment,
// or a pattern. Compiling a rule makes parts of its tokens.

type part struct {
	static  string
	pattern *pattern // nil for a static part
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
	text     string // or the variable's name
	variable int32  // its place in the rule's, -1 for text
	takes    straightKind
}

// compiler turns the texts of rules into parts, variables and steps. Patterns
// that match the same texts become one, so that rules share them.
type compiler struct {
	make     map[string]func([]Argument) (*converter, error)
	made     map[string]*converter // by what the rule's text says
	patterns map[string]*pattern
	noHost   []part

	rule *rule // the one at hand

	// What is used again for the next rule.
	tokens   []token
	key      []byte
	elements []element
	weight   weight
	text     []byte

	partLists slab[part]
	opLists   slab[op]
	variables slab[variable]
	names     slab[string]
	stretches slab[stretch]
}

func newCompiler(options Options) *compiler {
	c := &compiler{make: builtin, made: map[string]*converter{}, patterns: map[string]*pattern{}, noHost: []part{{}}}
	if len(options.Converters) == 0 {
		return c
	}
	c.make = maps.Clone(builtin)
	for name, public := range options.Converters {
		c.make[name] = func(arguments []Argument) (*converter, error) {
			custom, err := public(arguments)
			if err != nil {
				return nil, err
			}
			return newCustom(custom)
		}
	}
	return c
}

// path compiles the rule's path.
func (c *compiler) path(text string) error {
	parts, ops, err := c.parts(text, false)
	if err != nil {
		return err
	}
	// A path has one slash after the mount, whatever the rule starts with.
	for len(parts) > 2 && parts[1] == (part{}) {
		parts = parts[1:]
	}
	c.rule.way, c.rule.pathOps = parts, ops
	for strings.HasPrefix(ops[0].text, "//") {
		ops[0].text = ops[0].text[1:]
	}
	several := func(p part) bool { return p.pattern != nil && p.pattern.variables > 1 }
	c.rule.shared = slices.ContainsFunc(c.rule.host, several) || slices.ContainsFunc(parts, several)
	c.rule.checked = c.rule.needsChecks()
	c.rule.hollow = slices.ContainsFunc(c.rule.variables, func(v variable) bool {
		return !v.host && v.converter.form.whole("")
	})
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
	if text == "" {
		c.rule.host = c.noHost
		return nil
	}
	parts, ops, err := c.parts(text, true)
	if err == nil && len(parts) != 1 {
		err = fmt.Errorf("a host holds no slash")
	}
	c.rule.host, c.rule.hostOps = parts, ops
	return err
}

func (c *compiler) parts(text string, host bool) (parts []part, ops []op, err error) {
	if c.tokens, err = tokens(c.tokens[:0], text); err != nil {
		return nil, nil, err
	}
	list := c.tokens
	if !host && c.rule.merge {
		list = slices.CompactFunc(list, func(a, b token) bool {
			return a.kind == slashToken && b.kind == slashToken
		})
	}
	variables := 0
	for _, t := range list {
		if t.kind == variableToken {
			variables++
		}
	}
	if variables > 0 && len(c.rule.variables) == 0 {
		c.rule.variables = c.variables.list(variables)
	}
	parts, ops = c.partLists.list(strings.Count(text, "/")+1), c.opLists.list(2*variables+1)
	final, start := false, 0
	c.text = c.text[:0]
	// write makes a step of the static text since start, which is mostly as it
	// stands in the rule.
	write := func(end int) {
		if len(c.text) == 0 {
			return
		}
		static := text[start:end]
		if static != string(c.text) {
			static = string(c.text)
		}
		ops, c.text = append(ops, op{text: static, variable: -1}), c.text[:0]
	}
	finish := func(suffixed bool) error {
		p, err := c.part(final, suffixed)
		parts, final = append(parts, p), false
		return err
	}
	for i, t := range list {
		if len(c.text) == 0 {
			start = t.offset
		}
		switch t.kind {
		case staticToken:
			if host {
				if t.text, err = hostText(t.text); err != nil {
					return nil, nil, faultf(t.offset, "%v", err)
				}
			}
			c.weight.statics = append(c.weight.statics, utf8.RuneCountInString(t.text))
			c.static(t.text)
			c.text = appendEscaped(c.text, t.text, true)
		case variableToken:
			converter, err := c.variable(t, host)
			if err != nil {
				return nil, nil, err
			}
			final = final || converter.form.overSlashes()
			c.elements = append(c.elements, element{form: &converter.form})
			c.weight.variables = append(c.weight.variables, converter.weight)
			c.key = append(append(append(c.key, '<'), converter.key...), '>')
			write(t.offset)
			ops = append(ops, op{t.name, int32(len(c.rule.variables) - 1), converter.straightKind()})
		case slashToken:
			c.text = append(c.text, '/')
			last := i == len(list)-1
			if final && !last {
				c.static("/")
				continue
			}
			if err := finish(final && last); err != nil {
				return nil, nil, faultf(0, "%v", err)
			}
		}
	}
	write(len(text))
	if err := finish(false); err != nil {
		return nil, nil, faultf(0, "%v", err)
	}
	return parts, ops, nil
}

// static adds static text to the part at hand.
func (c *compiler) static(text string) {
	if n := len(c.elements); n > 0 && c.elements[n-1].form == nil {
		c.elements[n-1].literal += text
	} else {
		c.elements = append(c.elements, element{literal: text})
	}
	c.key = append(strconv.AppendInt(c.key, int64(len(text)), 10), ':')
	c.key = append(c.key, text...)
}

// part returns the part at hand, and begins a new one.
func (c *compiler) part(final, suffixed bool) (p part, err error) {
	switch {
	case len(c.weight.variables) > 0:
		c.key = strconv.AppendBool(strconv.AppendBool(c.key, final), suffixed)
		for _, weight := range c.weight.variables {
			c.key = append(strconv.AppendInt(c.key, int64(weight), 10), ',')
		}
		if p.pattern = c.patterns[string(c.key)]; p.pattern == nil {
			if p.pattern, err = newPattern(slices.Clone(c.elements), final, suffixed); err == nil {
				p.pattern.weight = weight{slices.Clone(c.weight.statics), slices.Clone(c.weight.variables)}
				c.patterns[string(c.key)] = p.pattern
			}
		}
	case len(c.elements) > 0:
		p.static = c.elements[0].literal
	}
	c.elements, c.key = c.elements[:0], c.key[:0]
	c.weight.statics, c.weight.variables = c.weight.statics[:0], c.weight.variables[:0]
	return p, err
}

// variable makes the converter of a variable and adds the variable to the rule.
func (c *compiler) variable(t token, host bool) (*converter, error) {
	if c.rule.variable(t.name) >= 0 {
		return nil, faultf(t.offset, "the variable %q stands in the rule twice", t.name)
	}
	converter := c.made[t.source]
	if converter == nil {
		make, ok := c.make[t.converter]
		if !ok {
			return nil, c.unknown(t)
		}
		var err error
		converter, err = make(t.arguments)
		if fault, ok := err.(*syntaxError); ok {
			return nil, fault
		} else if err != nil {
			return nil, faultf(t.offset, "%v", err)
		}
		converter.name, converter.key = t.source, converter.form.key()
		c.made[t.source] = converter
	}
	if host && converter.form.overSlashes() {
		return nil, faultf(t.offset, "a host holds no slash, and <%s> may", t.converter)
	}
	c.rule.variables = append(c.rule.variables, variable{name: t.name, converter: converter, host: host})
	return converter, nil
}

// unknown says that there is no such converter, and what was perhaps meant.
func (c *compiler) unknown(t token) error {
	if _, swapped := c.make[t.name]; swapped {
		return faultf(t.offset, "unknown converter %q: the converter comes first, did you mean <%s:%s>?", t.converter, t.name, t.converter)
	}
	meant := ""
	if name, alike := mostAlike(strings.ToLower(t.converter), known(c.make)); alike >= 0.5 {
		meant = fmt.Sprintf("; did you mean %q?", name)
	}
	return faultf(t.offset, "unknown converter %q: there are %s, and those of Options.Converters%s",
		t.converter, strings.Join(known(c.make), ", "), meant)
}

// known returns the names of converters, sorted.
func known[V any](converters map[string]V) []string {
	names := make([]string, 0, len(converters))
	for name := range converters {
		if name != "default" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
