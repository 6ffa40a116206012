package vet

import (
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The scanner reads the tags and variables of a template that pongo2 has parsed without an error, and
// collects which names it uses. pongo2's own tree cannot be walked from outside.
//
//	{% for item in cart.Items %}{{ item.Name|lower }}{% endfor %}
//
//	use cart, steps Items
//	use item, steps Name; item is local: an element of what the use before names

// span is a place in a template.
type span struct {
	pos, end token.Pos
	quote    byte // of a string
}

func (s span) Pos() token.Pos { return s.pos }
func (s span) End() token.Pos { return s.end }

// template is what a template refers to.
type template struct {
	name, path string
	text       string
	file       *token.File
	// parents are the templates that it extends, includes and imports.
	parents []reference
	dynamic bool                // it includes a template whose name is computed
	defined map[string]bool     // by set, import, macro and cycle in blocks and macros
	outer   map[string]bool     // by the same tags outside of blocks and macros
	exports map[string]bool     // the macros among outer that other templates may import
	given   map[string][]*local // by include … with, and by the tags around a block
	blocks  map[string]*block
	outside []outside // tags and values that are in no other tag
	pairs   []pair
	macros  map[string]int // the macros that it defines, with their numbers of parameters
	imports map[string]imported
	uses    []*use
	filters []filter
	foreign bool // it has tags of the program
	broken  bool // pongo2 does not parse it
}

// block is a block of a template.
type block struct {
	at     span
	nested bool // in another block
	super  bool // it uses the block that it replaces
}

// pair are the two names of a loop: for key, value in map.
type pair struct {
	of    *use // nil if it is not known
	name  string
	at    span
	local *local
}

// imported is a macro of another template.
type imported struct{ template, macro string }

// outside is a tag or a value outside of blocks.
type outside struct {
	tag string // "" for a value
	at  span
}

// extends returns the reference to the template that it extends, nil if there is none.
func (t *template) extends() *reference {
	for i, ref := range t.parents {
		if ref.tag == "extends" {
			return &t.parents[i]
		}
	}
	return nil
}

type filter struct {
	name string
	at   span
}

type reference struct {
	tag    string // extends, include or import
	name   string
	at     span
	maybe  bool     // if_exists
	macros []string // that are imported
	given  []string // the names of include … with
	only   bool     // the included template gets no other names
}

// use is a name with the fields and calls after it: cart.Items.0, price(item).
type use struct {
	root     string
	at       span
	local    *local
	called   bool
	args     [][]token2 // of a call of the name itself
	steps    []step
	optional bool // a filter gives a default
	whole    bool // nothing but the name itself is used
	blocks   []string
	macro    string // in whose body it is, "" if in none
}

type step struct {
	name   string
	index  bool // [0] or .0
	called bool
	args   [][]token2
	at     span
}

// local is a name that a tag defines.
type local struct {
	of      *use // nil if its value is not known
	element bool // of the list, or the key of the map if there is one name
	key     bool // of the map, or the element of the list if there are two names
	second  bool // the value of the map
	loop    bool // it is forloop
}

// token2 is a token of a tag.
type token2 struct {
	text string
	kind byte // 'a' name, '"' string, '0' number, 0 symbol
	at   span
}

type scanner struct {
	t      *template
	scopes []map[string]*local
	open   []openTag
}

// openTag is a tag whose end has not come yet.
type openTag struct {
	tag, name string // the name of a block or macro
}

// scan reads a template.
func scan(name, path, text string, file *token.File) *template {
	t := &template{
		name: name, path: path, text: text, file: file,
		defined: map[string]bool{}, outer: map[string]bool{}, exports: map[string]bool{}, macros: map[string]int{}, imports: map[string]imported{}, given: map[string][]*local{}, blocks: map[string]*block{},
	}
	s := &scanner{t: t, scopes: []map[string]*local{{}}}
	comment := false
	for at := 0; at < len(text); {
		rest := text[at:]
		switch {
		case strings.HasPrefix(rest, "{% verbatim %}"):
			at += skipPast(rest, "{% endverbatim %}")
		case strings.HasPrefix(rest, "{#"):
			at += skipPast(rest, "#}")
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "{%"):
			tokens, length := s.tokens(at)
			at += length
			if rest[1] == '{' && !comment {
				s.stray("", tokens)
				s.expression(tokens)
			} else if len(tokens) > 0 && rest[1] == '%' {
				comment = s.tag(tokens, comment)
			}
		default:
			at++
		}
	}
	return t
}

func skipPast(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i + len(end)
	}
	return len(text)
}

// tokens returns the tokens of the tag at an offset, and its length.
func (s *scanner) tokens(at int) (list []token2, length int) {
	text := s.t.text[at:]
	i := 2
	for i < len(text) {
		from := i
		c := text[i]
		kind := byte(0)
		switch {
		case c == '"' || c == '\'':
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			i++
			kind = '"'
		case isWordByte(c):
			for i < len(text) && isWordByte(text[i]) {
				i++
			}
			if kind = 'a'; c >= '0' && c <= '9' {
				kind = '0'
			}
		case strings.HasPrefix(text[i:], "}}"), strings.HasPrefix(text[i:], "%}"):
			return list, i + 2
		case c <= ' ' || c == '-' && (strings.HasPrefix(text[i:], "-}}") || strings.HasPrefix(text[i:], "-%}") || i == 2):
			i++
			continue
		case i+1 < len(text) && slices.Contains([]string{"==", ">=", "<=", "&&", "||", "!=", "<>"}, text[i:i+2]):
			i += 2
		default:
			i++
		}
		i = min(i, len(text))
		t := token2{text: text[from:i], kind: kind, at: s.span(at+from, at+i)}
		if kind == '"' {
			t.at.quote = c
			t.text = unquoted(t.text)
		}
		list = append(list, t)
	}
	return list, len(text)
}

func unquoted(text string) string {
	if len(text) < 2 {
		return ""
	}
	body := text[1 : len(text)-1]
	return strings.NewReplacer(`\"`, `"`, `\'`, `'`, `\\`, `\`).Replace(body)
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (s *scanner) span(from, to int) span {
	return span{pos: s.t.file.Pos(from), end: s.t.file.Pos(min(to, s.t.file.Size()))}
}

func (s *scanner) push() { s.scopes = append(s.scopes, map[string]*local{}) }

func (s *scanner) pop() {
	if len(s.scopes) > 1 {
		s.scopes = s.scopes[:len(s.scopes)-1]
	}
}

func (s *scanner) define(name string, l *local) { s.scopes[len(s.scopes)-1][name] = l }

func (s *scanner) lookup(name string) *local {
	for i := len(s.scopes) - 1; i >= 0; i-- {
		if l := s.scopes[i][name]; l != nil {
			return l
		}
	}
	return nil
}

var plainTags = map[string]bool{
	"now": true, "templatetag": true, "lorem": true, "autoescape": true, "endautoescape": true, "spaceless": true,
	"endspaceless": true, "block": true, "endblock": true, "else": true, "endif": true, "endifequal": true, "endifnotequal": true,
	"endifchanged": true, "endfilter": true, "empty": true, "verbatim": true, "endverbatim": true, "ssi": true,
}

var expressionTags = map[string]bool{
	"if": true, "elif": true, "ifequal": true, "ifnotequal": true, "ifchanged": true, "firstof": true, "widthratio": true,
}

// pairedTags have an end.
var pairedTags = map[string]bool{
	"for": true, "with": true, "if": true, "ifequal": true, "ifnotequal": true, "ifchanged": true, "filter": true, "spaceless": true,
	"autoescape": true, "macro": true, "block": true,
}

// tag reads a tag, and reports whether a comment is open after it.
func (s *scanner) tag(tokens []token2, comment bool) bool {
	name, rest := tokens[0].text, tokens[1:]
	if comment || name == "comment" {
		return name != "endcomment"
	}
	if opened, ok := strings.CutPrefix(name, "end"); ok && pairedTags[opened] {
		s.close(opened)
	} else {
		s.stray(name, tokens)
	}
	s.content(name, rest)
	if pairedTags[name] {
		o := openTag{tag: name}
		if len(rest) > 0 {
			o.name = rest[0].text
		}
		s.open = append(s.open, o)
	}
	return false
}

// close forgets the tag that an end belongs to.
func (s *scanner) close(tag string) {
	for i := len(s.open) - 1; i >= 0; i-- {
		if s.open[i].tag == tag {
			s.open = s.open[:i]
			return
		}
	}
}

// stray notes a tag or a value that is in no other tag, unless it has an effect outside of blocks.
func (s *scanner) stray(tag string, tokens []token2) {
	if len(s.open) == 0 && len(tokens) > 0 && tag != "extends" && tag != "block" && (tag != "macro" || !exported(tokens)) {
		s.t.outside = append(s.t.outside, outside{tag, tokens[0].at})
	}
}

// exported reports whether other templates may import a macro.
func exported(tokens []token2) bool {
	return slices.ContainsFunc(tokens, func(t token2) bool { return t.kind == 'a' && t.text == "export" })
}

// around returns the blocks and the macro that are open.
func (s *scanner) around() (blocks []string, macro string) {
	for _, o := range s.open {
		switch o.tag {
		case "block":
			blocks = append(blocks, o.name)
		case "macro":
			macro = o.name
		}
	}
	return blocks, macro
}

// name notes a name that a tag defines for everything that is executed after it.
func (s *scanner) name(name string) {
	if blocks, macro := s.around(); len(blocks) == 0 && macro == "" {
		s.t.outer[name] = true
	} else {
		s.t.defined[name] = true
	}
}

// content reads what is in a tag besides its name.
func (s *scanner) content(name string, rest []token2) {
	switch name {
	case "for":
		s.loop(rest)
	case "with":
		s.push()
		s.pairs(rest, func(name string, l *local) { s.define(name, l) })
	case "endfor", "endwith", "endmacro":
		s.pop()
	case "set":
		if len(rest) > 2 {
			s.expression(rest[2:])
			s.name(rest[0].text)
		}
	case "macro":
		s.macro(rest)
	case "import":
		s.imports(rest)
	case "include":
		s.include(rest)
	case "block":
		s.block(rest)
	case "extends":
		s.refer(name, rest, false)
	case "filter":
		s.expression(append([]token2{{text: `""`, kind: '"'}, {text: "|"}}, rest...))
	case "cycle":
		for i, t := range rest {
			if t.text == "as" && t.kind == 'a' && i+1 < len(rest) {
				s.name(rest[i+1].text)
				rest = rest[:i]
				break
			}
		}
		s.expression(rest)
	default:
		switch {
		case expressionTags[name]:
			s.expression(rest)
		case !plainTags[name]:
			s.t.foreign = true
		}
	}
}

func (s *scanner) block(rest []token2) {
	if len(rest) == 0 {
		return
	}
	blocks, _ := s.around()
	s.t.blocks[rest[0].text] = &block{at: rest[0].at, nested: len(blocks) > 0}
	s.giveLocals() // to the block that replaces it
}

// locals returns the names of the tags around.
func (s *scanner) locals() (names []string) {
	for _, scope := range s.scopes[1:] {
		names = slices.AppendSeq(names, maps.Keys(scope))
	}
	return names
}

// giveLocals makes the names of the tags around known to another template.
func (s *scanner) giveLocals() {
	for _, scope := range s.scopes[1:] {
		for name, l := range scope {
			s.t.given[name] = append(s.t.given[name], l)
		}
	}
}

func (s *scanner) loop(rest []token2) {
	in := slices.IndexFunc(rest, func(t token2) bool { return t.kind == 'a' && t.text == "in" })
	if in < 0 {
		return
	}
	list := rest[in+1:]
	for len(list) > 1 && list[len(list)-1].kind == 'a' && (list[len(list)-1].text == "reversed" || list[len(list)-1].text == "sorted") &&
		list[len(list)-2].text != "." {
		list = list[:len(list)-1]
	}
	of := s.alone(list)
	s.push()
	s.define("forloop", &local{loop: true})
	first := &local{of: of, element: true}
	if in == 3 { // key, value
		first = &local{of: of, key: true}
		second := &local{of: of, second: true}
		s.define(rest[2].text, second)
		s.t.pairs = append(s.t.pairs, pair{of, rest[2].text, rest[2].at, second})
	}
	s.define(rest[0].text, first)
}

// alone reads an expression, and returns its name, or nil if it is more than a name.
func (s *scanner) alone(tokens []token2) *use {
	before := len(s.t.uses)
	s.expression(tokens)
	if before < len(s.t.uses) {
		for _, u := range s.t.uses[before:] {
			if u.whole {
				return u
			}
		}
	}
	return nil
}

// pairs reads name=expression …, or expression as name.
func (s *scanner) pairs(tokens []token2, define func(name string, l *local)) {
	if as := slices.IndexFunc(tokens, func(t token2) bool { return t.kind == 'a' && t.text == "as" }); as >= 0 {
		l := &local{of: s.alone(tokens[:as])}
		if as+1 < len(tokens) {
			define(tokens[as+1].text, l)
			if len(tokens) > as+2 {
				s.pairs(tokens[as+2:], define)
			}
		}
		return
	}
	for i := 0; i+1 < len(tokens); {
		end := i + 2
		for depth := 0; end < len(tokens) && (depth > 0 || end+1 >= len(tokens) || tokens[end+1].text != "="); end++ {
			switch tokens[end].text {
			case "(", "[":
				depth++
			case ")", "]":
				depth--
			}
		}
		of := s.alone(tokens[min(i+2, len(tokens)):end])
		define(tokens[i].text, &local{of: of})
		i = end
	}
}

func (s *scanner) macro(rest []token2) {
	if len(rest) > 0 && exported(rest) {
		s.t.exports[rest[0].text] = true
	}
	s.push()
	for i, t := range rest {
		switch {
		case i == 0:
			s.name(t.text)
			s.t.macros[t.text] = 0
		case t.kind == 'a' && i > 0 && (rest[i-1].text == "(" || rest[i-1].text == ","):
			s.define(t.text, &local{})
			s.t.macros[rest[0].text]++
		case t.text == "=" && i+1 < len(rest) && rest[i+1].kind == 'a':
			s.expression(rest[i+1 : i+2])
		}
	}
}

func (s *scanner) imports(rest []token2) {
	var macros []string
	for i := 1; i < len(rest); i++ {
		if rest[i].kind != 'a' {
			continue
		}
		macro := rest[i].text
		macros = append(macros, macro)
		if i+2 < len(rest) && rest[i+1].text == "as" {
			i += 2
		}
		s.name(rest[i].text)
		s.t.imports[rest[i].text] = imported{rest[0].text, macro}
	}
	if s.refer("import", rest, false) {
		s.t.parents[len(s.t.parents)-1].macros = macros
	}
}

func (s *scanner) include(rest []token2) {
	maybe := slices.ContainsFunc(rest, func(t token2) bool { return t.kind == 'a' && t.text == "if_exists" })
	with := slices.IndexFunc(rest, func(t token2) bool { return t.kind == 'a' && t.text == "with" })
	name := rest
	var given []string
	only := false
	if with >= 0 {
		name = rest[:with]
		pairs := rest[with+1:]
		if n := len(pairs); n > 0 && pairs[n-1].text == "only" && pairs[n-1].kind == 'a' {
			pairs, only = pairs[:n-1], true
		}
		s.pairs(pairs, func(name string, l *local) {
			s.t.given[name] = append(s.t.given[name], l)
			given = append(given, name)
		})
	}
	name = slices.DeleteFunc(slices.Clone(name), func(t token2) bool { return t.kind == 'a' && (t.text == "if_exists" || t.text == "only") })
	if s.refer("include", name, maybe) {
		ref := &s.t.parents[len(s.t.parents)-1]
		ref.given, ref.only = given, only
		if !only {
			ref.given = append(ref.given, s.locals()...)
		}
	}
	s.giveLocals()
}

// refer notes a template that is named, or computed. It returns true for a name.
func (s *scanner) refer(tag string, rest []token2, maybe bool) bool {
	if len(rest) > 0 && rest[0].kind == '"' && (len(rest) == 1 || rest[1].kind == 'a') {
		s.t.parents = append(s.t.parents, reference{tag: tag, name: rest[0].text, at: rest[0].at, maybe: maybe})
		return true
	}
	s.t.dynamic = true
	s.expression(rest)
	return false
}

var notNames = map[string]bool{"in": true, "and": true, "or": true, "not": true, "true": true, "false": true, "as": true, "export": true}

// expression reads the names of an expression.
func (s *scanner) expression(tokens []token2) {
	for i := 0; i < len(tokens); {
		t := tokens[i]
		switch {
		case t.text == "|" && t.kind == 0 && i+1 < len(tokens):
			s.t.filters = append(s.t.filters, filter{tokens[i+1].text, tokens[i+1].at})
			i += 2 // a filter's argument is a separate use
		case t.kind == 'a' && !notNames[t.text]:
			u, next := s.chain(tokens, i)
			u.whole = i == 0 && next == len(tokens)
			s.t.uses = append(s.t.uses, u)
			i = next
		default:
			i++
		}
	}
}

// chain reads a name with the fields and calls after it.
func (s *scanner) chain(tokens []token2, i int) (u *use, next int) {
	u = &use{root: tokens[i].text, at: tokens[i].at, local: s.lookup(tokens[i].text)}
	u.blocks, u.macro = s.around()
	if u.root == "block" {
		for _, name := range u.blocks {
			if b := s.t.blocks[name]; b != nil {
				b.super = true
			}
		}
	}
	i++
	for i < len(tokens) {
		switch {
		case tokens[i].text == "." && tokens[i].kind == 0 && i+1 < len(tokens):
			name := tokens[i+1]
			u.steps = append(u.steps, step{name: name.text, index: name.kind == '0', at: name.at})
			i += 2
		case tokens[i].text == "[" && tokens[i].kind == 0:
			end := closing(tokens, i)
			s.expression(tokens[i+1 : end])
			u.steps = append(u.steps, step{index: true, at: tokens[i].at})
			i = min(end+1, len(tokens))
		case tokens[i].text == "(" && tokens[i].kind == 0:
			end := closing(tokens, i)
			args := split(tokens[i+1 : end])
			for _, a := range args {
				s.expression(a)
			}
			if n := len(u.steps); n > 0 {
				u.steps[n-1].called, u.steps[n-1].args = true, args
			} else {
				u.called, u.args = true, args
			}
			i = min(end+1, len(tokens))
		default:
			u.optional = hasDefault(tokens[i:])
			return u, i
		}
	}
	return u, i
}

// hasDefault reports whether the filters at the start of the tokens have a default.
func hasDefault(tokens []token2) bool {
	for i := 0; i+1 < len(tokens) && tokens[i].text == "|" && tokens[i].kind == 0; {
		if tokens[i+1].text == "default" || tokens[i+1].text == "default_if_none" {
			return true
		}
		i += 2
		if i+1 < len(tokens) && tokens[i].text == ":" {
			i += 2
			for i+1 < len(tokens) && tokens[i].text == "." {
				i += 2
			}
		}
	}
	return false
}

// closing returns the index of the bracket that closes the one at i.
func closing(tokens []token2, i int) int {
	depth := 0
	for j := i; j < len(tokens); j++ {
		if tokens[j].kind != 0 {
			continue
		}
		switch tokens[j].text {
		case "(", "[":
			depth++
		case ")", "]":
			if depth--; depth == 0 {
				return j
			}
		}
	}
	return len(tokens)
}

// split returns the arguments between commas.
func split(tokens []token2) (list [][]token2) {
	depth, from := 0, 0
	for i, t := range tokens {
		switch {
		case t.kind != 0:
		case t.text == "(" || t.text == "[":
			depth++
		case t.text == ")" || t.text == "]":
			depth--
		case t.text == "," && depth == 0:
			list, from = append(list, tokens[from:i]), i+1
		}
	}
	if from < len(tokens) {
		list = append(list, tokens[from:])
	}
	return list
}

// literal returns the value of an argument that is a literal, or nil.
func literal(tokens []token2) any {
	if len(tokens) == 2 && tokens[0].text == "-" {
		if n, ok := literal(tokens[1:]).(int); ok {
			return -n
		}
	}
	if len(tokens) == 3 && tokens[0].kind == '0' && tokens[1].text == "." && tokens[2].kind == '0' {
		f, err := strconv.ParseFloat(tokens[0].text+"."+tokens[2].text, 64)
		if err != nil {
			return nil
		}
		return f
	}
	if len(tokens) != 1 {
		return nil
	}
	switch t := tokens[0]; t.kind {
	case '"':
		return t.text
	case '0':
		if n, err := strconv.Atoi(t.text); err == nil {
			return n
		}
	case 'a':
		switch t.text {
		case "true":
			return true
		case "false":
			return false
		}
	}
	return nil
}
