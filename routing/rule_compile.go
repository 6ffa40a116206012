package routing

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/similar"
)

// Compiling turns a rule's path into the parts of the tree and the steps for building URLs.
//
//	"/user/<int:id>/<path:file>/raw"
//
// becomes one part for each segment,
//
//	"" | "user" | digits | path + "/raw"
//
// where everything from the first variable with slashes on is one part, and the steps
//
//	"/user/"  id  "/"  file  "/raw"
//
// with which a URL is written. Parts that match the same strings share one pattern, so that rules
// with the same beginning share their edges of the tree.

// rule is a Rule inside the tree, without its target.
type rule struct {
	definition
	index  int          // index among the Map's rules
	public any          // the *Rule[T]
	logger *slog.Logger // from the Map's options

	methods methodSet
	names   []string  // the methods, sorted; nil for all
	reached methodSet // the methods that earlier rules of the same node leave: see expose
	slashes slashes

	// The result of compiling the path.
	variables            []variable // the host's variables, then the path's
	defaults             []Value    // sorted by name
	arguments            []string   // names of variables and defaults, sorted
	hostParts, pathParts []part     // from which the tree is built
	hostOps              []op       // from which URLs are built
	pathOps              []op
	redirect             []redirectStep

	// The state of a match, and where to find its values.
	found         found          // of most matches
	variableParts []variablePart // where the path's variables are
	tail          int            // how many bytes follow the last of them
	// shorter are the endpoint's rules whose defaults make the URL of this rule shorter, best first.
	shorter []*rule

	match matchFlags
	build buildFlags
}

// slashes are a rule's settings for slashes.
type slashes struct {
	strict bool // a missing or additional slash at the end makes a different path
	merge  bool // several slashes in a row count as one
}

// matchFlags tell on what a match of a rule depends.
type matchFlags struct {
	// asksConverters: some converter can refuse a string of the right form.
	asksConverters bool
	// byPathAndMethod: only the path and the method count.
	byPathAndMethod bool
	// mayRedirect: a match can become a redirect.
	mayRedirect bool
	// isFinal: byPathAndMethod, and not mayRedirect.
	isFinal bool
	// hasHostParams: some variable is in the host.
	hasHostParams bool
}

// buildFlags tell what must be checked when a rule's URL is built.
type buildFlags struct {
	// sharesParts: some part has several variables.
	sharesParts bool
	// takesEmpty: some variable of the path may be empty.
	takesEmpty bool
	// hasFastPath: see build_fast.go.
	hasFastPath bool
	// canBeShadowed: another rule could match the URL before it.
	canBeShadowed bool
}

type variable struct {
	name         string
	converter    *converter
	host         bool // it is in the host or subdomain
	plain        bool // it takes one segment, and so do the variables before it
	late         bool // it is nearer to the end than to the start in every path that matches
	variablePart int  // if not plain, the index of its part among those with variables
	order        int  // its index among the variables of the part or host
}

// variable returns the index of the variable with the name, -1 for none. Rules have few variables, so
// this needs no map.
func (r *rule) variable(name string) int {
	for i := range r.variables {
		// Most names differ in length or in their first letter.
		if v := r.variables[i].name; len(v) == len(name) && v[0] == name[0] && v == name {
			return i
		}
	}
	return -1
}

// defaultOf returns the rule's default for a name. The name may be a variable's, or only a value that
// handlers get.
func (r *rule) defaultOf(name string) (Value, bool) {
	for _, d := range r.defaults {
		if d.name == name {
			return d, true
		}
	}
	return Value{}, false
}

func (r *rule) hasDefault(name string) bool {
	for i := range r.defaults {
		if r.defaults[i].name == name {
			return true
		}
	}
	return false
}

// providesDefaultsFor reports whether r's URL is the shorter form of o's URL: handlers get the same
// names from both, and r has values for some of them. That is Werkzeug's rule of the same name.
func (r *rule) providesDefaultsFor(o *rule) bool {
	return !r.buildOnly && len(r.defaults) > 0 && r != o && slices.Equal(r.arguments, o.arguments)
}

// part is one segment of a rule, or its rest if a variable may contain slashes. The zero part is an
// empty segment: the one before the first slash, and the one after a slash at the end.
type part struct {
	static  string
	pattern *pattern // nil for a static part
}

// weight orders the patterns of one node, as Werkzeug's matcher does: more literals first, then
// longer literals, then more variables, then the converters' weights. From first to last:
//
//	v<int:major>.<int:minor>   two literals, of 1 and 1
//	report-<name>              one literal, of 7
//	<name>.json                one literal, of 5
//	<a><b>                     no literal, two variables
//	<int:id>                   no literal, one variable, of weight 50
//	<name>                     no literal, one variable, of weight 100
type weight struct {
	statics   []int // lengths of the literals
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

// op is one step in building a URL: a fixed string, or a variable to format.
type op struct {
	text     string // or the variable's name
	variable int32  // its index among the rule's variables, -1 for a string
	takes    fastKind
}

// compiler turns the paths of rules into parts, variables and steps. Patterns that match the same
// strings become one, so that rules share them.
type compiler struct {
	make     map[string]func([]Argument) (*converter, error)
	made     map[string]*converter // by their text in the rules, such as "int(min=1)"
	patterns map[string]*pattern
	noHost   []part // of all rules whose host does not matter

	rule *rule // the current one

	// This memory is reused for the next rule.
	tokens   []token
	key      []byte
	elements []element
	weight   weight
	text     []byte

	partLists     slab[part]
	opLists       slab[op]
	variables     slab[variable]
	names         slab[string]
	variableParts slab[variablePart]
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
	c.rule.pathParts, c.rule.pathOps = parts, ops
	for strings.HasPrefix(ops[0].text, "//") {
		ops[0].text = ops[0].text[1:]
	}
	// From here on, what a match and a build must check is noted.
	several := func(p part) bool { return p.pattern != nil && p.pattern.variables > 1 }
	c.rule.build.sharesParts = slices.ContainsFunc(c.rule.hostParts, several) || slices.ContainsFunc(parts, several)
	c.rule.match.asksConverters = c.rule.needsChecks()
	c.rule.build.takesEmpty = slices.ContainsFunc(c.rule.variables, func(v variable) bool {
		return !v.host && v.converter.form.whole("")
	})
	return nil
}

// needsChecks reports whether a converter must still check the strings after the parts have
// matched. The pattern of <int(max=9):n> takes any digits, so the converter decides about "12". An
// <int:n> without bounds and alone in its segment needs no check: its edge takes only digits that
// fit an int.
func (r *rule) needsChecks() bool {
	i := 0
	for _, parts := range [][]part{r.hostParts, r.pathParts} {
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
		c.rule.hostParts = c.noHost
		return nil
	}
	parts, ops, err := c.parts(text, true)
	if err == nil && len(parts) != 1 {
		err = fmt.Errorf("a host holds no slash")
	}
	c.rule.hostParts, c.rule.hostOps = parts, ops
	return err
}

// parts compiles a path or a host. It reads the tokens once and fills two lists, whose borders differ:
// parts end at slashes, and steps end at variables. For "/img/<int:id>.png/" it goes
//
//	token          current part           parts so far            steps so far
//	slash                                 ""                      (the string "/" has begun)
//	"img"          "img"                  ""                      (it is "/img")
//	slash                                 "" "img"                (it is "/img/")
//	<int:id>       digits                 "" "img"                "/img/" id
//	".png"         digits ".png"          "" "img"                "/img/" id (".png" has begun)
//	slash                                 "" "img" digits+".png"  "/img/" id (it is ".png/")
//	end                                   … and ""                "/img/" id ".png/"
//
// The empty part at the end is the slash with which the path ends. A variable that may contain
// slashes makes its part final: slashes behind it are literals of this part and do not end it, except
// for one at the end of the path, which the pattern takes along (suffixed).
func (c *compiler) parts(text string, host bool) (parts []part, ops []op, err error) {
	if c.tokens, err = tokens(c.tokens[:0], text); err != nil {
		return nil, nil, err
	}
	list := c.tokens
	if !host && c.rule.slashes.merge {
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
	// write adds a step for the literal since start, usually as it is written in the rule. Then the
	// step is a part of the rule's own string and takes no memory.
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
				if t.text, err = hosts.ToASCII(t.text); err != nil {
					return nil, nil, faultf(t.offset, "%v", err)
				}
			}
			// The parts have the literal as it is matched, and the steps as it is sent.
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
			write(t.offset)
			ops = append(ops, op{t.name, int32(len(c.rule.variables) - 1), converter.fastKind()})
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

// static adds a literal to the current part.
func (c *compiler) static(text string) {
	if n := len(c.elements); n > 0 && c.elements[n-1].form == nil {
		c.elements[n-1].literal += text
	} else {
		c.elements = append(c.elements, element{literal: text})
	}
}

// patternKey returns a key that differs for different patterns. Names of variables are not part of
// it: the rules /user/<int:id> and /user/<int:number>/edit share a pattern. A literal is written with
// its length before it, so that no literal can look like the key of a variable.
//
// The order of words matters only next to other variables, which take the rest of the string: alone
// in a segment, <any(de,en):lang> and <any(en,de):lang> take the same strings. In "<any(a,ab):x><y>"
// the first word that fits decides what is left for y.
func (c *compiler) patternKey(final, suffixed bool) []byte {
	key := c.key[:0]
	for _, e := range c.elements {
		switch {
		case e.form == nil:
			key = append(strconv.AppendInt(key, int64(len(e.literal)), 10), ':')
			key = append(key, e.literal...)
		case e.form.kind == wordsForm && len(c.weight.variables) == 1:
			words := slices.Clone(e.form.words)
			slices.Sort(words)
			key = append(key, (&form{kind: wordsForm, words: slices.Compact(words)}).key()...)
		default:
			key = append(append(append(key, '<'), e.form.id...), '>')
		}
	}
	key = strconv.AppendBool(strconv.AppendBool(key, final), suffixed)
	for _, weight := range c.weight.variables {
		key = append(strconv.AppendInt(key, int64(weight), 10), ',')
	}
	return key
}

// part returns the current part, and begins a new one.
func (c *compiler) part(final, suffixed bool) (p part, err error) {
	switch {
	case len(c.weight.variables) > 0:
		c.key = c.patternKey(final, suffixed)
		if p.pattern = c.patterns[string(c.key)]; p.pattern == nil {
			if p.pattern, err = newPattern(slices.Clone(c.elements), final, suffixed); err == nil {
				p.pattern.weight = weight{slices.Clone(c.weight.statics), slices.Clone(c.weight.variables)}
				c.patterns[string(c.key)] = p.pattern
			}
		}
	case len(c.elements) > 0:
		p.static = c.elements[0].literal
	}
	c.elements = c.elements[:0]
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
		newConverter, ok := c.make[t.converter]
		if !ok {
			return nil, c.unknown(t)
		}
		var err error
		converter, err = newConverter(t.arguments)
		if fault, ok := err.(*syntaxError); ok {
			return nil, fault
		} else if err != nil {
			return nil, faultf(t.offset, "%v", err)
		}
		converter.name, converter.form.id = t.source, converter.form.key()
		c.made[t.source] = converter
	}
	if host && converter.form.overSlashes() {
		return nil, faultf(t.offset, "a host holds no slash, and <%s> may", t.converter)
	}
	c.rule.variables = append(c.rule.variables, variable{name: t.name, converter: converter, host: host})
	return converter, nil
}

// unknown says that there is no such converter, and suggests the most similar name.
func (c *compiler) unknown(t token) error {
	if _, swapped := c.make[t.name]; swapped {
		return faultf(t.offset, "unknown converter %q: the converter comes first, did you mean <%s:%s>?", t.converter, t.name, t.converter)
	}
	meant := ""
	if name, alike := similar.Name(strings.ToLower(t.converter), known(c.make)); alike >= 0.5 {
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
