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

// rule is a Rule inside the tree, without its target. For "/user/<int:id>/<path:file>/raw" with the
// endpoint "raw" and no methods, the fields that the compiler fills are
//
//	methods        all of the bits
//	variables      id, converter int; file, converter path
//	arguments      "file", "id"
//	hostParts      one empty part, which all rules without a host share
//	pathParts      "" | "user" | digits | path + "/raw"
//	pathOps        "/user/"  id  "/"  file  "/raw"
//	variableParts  skip 6; skip 1, and 4 bytes after the variable
//
// A rule is written only while its table is made. Matches of many goroutines read it later.
type rule struct {
	definition
	// index is the rule's index in snapshot.rules, with which Match finds the target.
	index int
	// public is the *Rule[T] for Match.Rule. The table does not know T, so it holds the pointer in
	// an interface. Map.add sets it when the whole table is valid.
	public any
	// logger is from the Map's options; nil means slog.Default. It is for wrong uses of Params.
	logger *slog.Logger

	methods methodSet
	// names are the methods in sorted order, with the HEAD that GET includes. Nil means all
	// methods.
	names []string
	// reached is what earlier rules of the same node leave of methods: see expose. It is 0 for a
	// rule that only builds, since it is at no node.
	reached methodSet
	slashes slashes

	// The result of compiling the path. The order of variables is that of the rule as a whole:
	// those of the host, then those of the path. The parts, the steps and valueIndexes all count
	// variables in this order.
	variables            []variable
	defaults             []Value  // sorted by name
	arguments            []string // names of variables and defaults, sorted
	hostParts, pathParts []part   // from which the tree is built
	hostOps              []op     // from which URLs are built
	pathOps              []op
	redirect             []redirectStep

	// The state of a match, and where to find its values. found is the state that most matches
	// share: matcher.found tells which do not.
	found         found
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
//
// They are set once, so that a match tests one bool where it would otherwise look at all variables.
// For a rule with this path:
//
//	/user/<int:id>         byPathAndMethod, isFinal: the digits edge has checked the value
//	/user/<int(min=1):id>  asksConverters, because of the minimum
//	/v<int:a>.<int:b>      asksConverters: the pattern of several variables checks no number
//	/all/<int:page>        byPathAndMethod and mayRedirect, if /all/ has the default page=1
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

// variable is one variable of a rule, and how its string is found in a path that the rule matched.
type variable struct {
	name      string
	converter *converter
	host      bool // it is in the host or subdomain
	// plain is true if the variable takes a whole segment, and so do all variables of the path
	// before it. Then its string lies between two slashes that can be counted. In /<a>/<b>.json/<c>
	// only a is plain.
	plain bool
	// late is true if the variable is in the second half of the variable parts, and its distance to
	// the end of the path is known. It is then counted from there (lateText).
	late bool
	// variablePart is the index of its part in rule.variableParts. Variables of the host have none;
	// it is 0 for them, and nothing reads it.
	variablePart int
	// order is its index among the variables of the same part, or of the host: 1 for minor in
	// "v<int:major>.<int:minor>".
	order int
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
//
//	"user"         static "user"
//	"<int:id>"     pattern of one element, digits
//	"<int:id>.png" pattern of two elements, digits and the literal ".png"
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
//
// In Werkzeug this is the named tuple Weighting, with the numbers negated so that tuples can be
// compared. Werkzeug's tuple also has the index of each literal. It is the same in both lists, so
// it changes nothing.
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
	// Both lists have one length here. The first variable that differs decides, so "<int:a><b>"
	// comes before "<b><int:a>".
	return slices.Compare(w.variables, o.variables)
}

// op is one step in building a URL: a fixed string, or a variable to format.
//
// The steps of "/café/<name>" are the string "/caf%C3%A9/" and the variable name: strings are
// encoded when the Map is made, and not for each URL.
type op struct {
	text     string // or the variable's name
	variable int32  // its index among the rule's variables, -1 for a string
	// takes says which values can be written without a look at the converter (build_fast.go).
	takes fastKind
}

// compiler turns the paths of rules into parts, variables and steps. Patterns that match the same
// strings become one, so that rules share them.
type compiler struct {
	make     map[string]func([]Argument) (*converter, error)
	made     map[string]*converter // by their text in the rules, such as "int(min=1)"
	patterns map[string]*pattern
	// noHost is the host of all rules that have none: one empty part.
	noHost []part

	rule *rule // the current one

	// These belong to the rule or part that is being compiled, and their memory is reused for the
	// next one. A new pattern clones what it keeps, so a Map in which a thousand rules have the same
	// patterns pays for their elements once.
	tokens   []token
	key      []byte
	elements []element
	weight   weight
	text     []byte

	// The rules keep lists from these slabs. Most lists have one to five elements.
	partLists     slab[part]
	opLists       slab[op]
	variables     slab[variable]
	names         slab[string]
	variableParts slab[variablePart]
}

// newCompiler returns a compiler with the built-in converters and those of the options. A custom
// converter is wrapped, since the application's function returns a Converter and the compiler needs
// a converter. The map of the built-in ones is cloned only if there are custom ones: it is a global
// variable, which other Maps read.
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
	// So "/a" finds a rule "//a". Without MergeSlashes "/a//b" keeps its empty part, and only the
	// slashes at the start are removed, because oneSlash removes them from each request's path.
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
//
//	/<int:n>          no    digitsEdge has checked the number
//	/<int:n>.png      yes   the pattern has two elements, so its edge is not a digitsEdge
//	/<float:f>        yes   "1.5" fits, and a number with 400 digits before the point does not
//	/<name>           no    a form alone decides
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
		// The text of a subdomain is a pattern like a path, and a slash in it would make a second
		// part.
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
	// With MergeSlashes the second slash of "/a//b" is dropped here, before anything is compiled.
	// So the rule is the same as "/a/b", in its parts and in the URLs that it builds.
	list := c.tokens
	if !host && c.rule.slashes.merge {
		list = slices.CompactFunc(list, func(a, b token) bool {
			return a.kind == slashToken && b.kind == slashToken
		})
	}
	// Counting first makes a list that is large enough. The host is compiled before the path, so a
	// rule with variables in both has a list for those of the host, and append makes a longer one.
	variables := 0
	for _, t := range list {
		if t.kind == variableToken {
			variables++
		}
	}
	if variables > 0 && len(c.rule.variables) == 0 {
		c.rule.variables = c.variables.list(variables)
	}
	// There are at most as many parts as slashes, and one before the first. Between two variables
	// there is at most one string, and one at each end.
	parts, ops = c.partLists.list(strings.Count(text, "/")+1), c.opLists.list(2*variables+1)
	// final is true from a variable with slashes to the end of its part. start is the offset at
	// which the current literal begins in the rule.
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
			// In <int:a>-<path:b> the part is final because of its second variable. The part is
			// then the rest of the path, and a pattern divides it.
			final = final || converter.form.overSlashes()
			c.elements = append(c.elements, element{form: &converter.form})
			c.weight.variables = append(c.weight.variables, converter.weight)
			write(t.offset)
			ops = append(ops, op{t.name, int32(len(c.rule.variables) - 1), converter.fastKind()})
		case slashToken:
			c.text = append(c.text, '/')
			last := i == len(list)-1
			// The slash in the middle of "<path:a>/x/<path:b>" is part of the pattern's literal
			// "/x/".
			if final && !last {
				c.static("/")
				continue
			}
			if err := finish(final && last); err != nil {
				return nil, nil, faultf(0, "%v", err)
			}
		}
	}
	// The last literal becomes a step. The last part is the empty one if the path ends with a slash.
	write(len(text))
	if err := finish(false); err != nil {
		return nil, nil, faultf(0, "%v", err)
	}
	return parts, ops, nil
}

// static adds a literal to the current part.
//
//	"/img/<int:id>.png"      the literals "img" and ".png" are elements of two parts
//	"/<path:a>/x/<path:b>"   "/", "x" and "/" become one literal "/x/", which a division
//	                         compares at once
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
//
//	v<int:major>.<int:minor>   1:v<number1,false>1:.<number1,false>falsefalse50,50,
//	<name>.json                <text{1,9223372036854775807}>5:.jsonfalsefalse100,
//	<any(en,de):lang>          words["de" "en"]falsefalse100,
//	<path:p>/                  <form5>truetrue200,
//
// The weights are part of the key too. Two custom converters can have the same form and different
// weights; their edges are then tried at different times.
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
	// Only a part with variables has a pattern. The lookup by string(c.key) does not allocate, so a
	// pattern that is known costs nothing.
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
	// Equal text makes an equal converter, so that a ConverterFunc runs once for
	// "<list(sep=';'):a>" in a hundred rules, and takes can compare two converters by name.
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
	// A host has one part, so a path variable in it would take the whole host. A regexp stays
	// allowed if it has no Slashes.
	if host && converter.form.overSlashes() {
		return nil, faultf(t.offset, "a host holds no slash, and <%s> may", t.converter)
	}
	c.rule.variables = append(c.rule.variables, variable{name: t.name, converter: converter, host: host})
	return converter, nil
}

// unknown says that there is no such converter, and suggests the most similar name.
//
//	<id:int>    the converter comes first, did you mean <int:id>?
//	<itn:id>    there are any, float, int, …; did you mean "int"?
func (c *compiler) unknown(t token) error {
	if _, swapped := c.make[t.name]; swapped {
		return faultf(t.offset, "unknown converter %q: the converter comes first, did you mean <%s:%s>?", t.converter, t.name, t.converter)
	}
	meant := ""
	// A name that is less alike would only mislead.
	if name, alike := similar.Name(strings.ToLower(t.converter), known(c.make)); alike >= 0.5 {
		meant = fmt.Sprintf("; did you mean %q?", name)
	}
	return faultf(t.offset, "unknown converter %q: there are %s, and those of Options.Converters%s",
		t.converter, strings.Join(known(c.make), ", "), meant)
}

// known returns the names of converters, sorted.
//
// "default" is left out. It stands for a name that is missing, so no misspelt name means it.
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
