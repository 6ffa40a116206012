package vet

import (
	"go/token"
	"maps"
	"slices"
	"strings"
)

// The scanner reads the tags and variables of a template that pongo2 has parsed without an error, and
// collects which names it uses. pongo2's own tree cannot be walked from outside.
//
//	{% for item in cart.Items %}{{ item.Name|lower }}{% endfor %}
//
//	use cart, steps Items
//	use item, steps Name; item is local: an element of what the use before names

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
func (s *scanner) tag(tokens []lexeme, comment bool) bool {
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
func (s *scanner) stray(tag string, tokens []lexeme) {
	if len(s.open) == 0 && len(tokens) > 0 && tag != "extends" && tag != "block" && (tag != "macro" || !exported(tokens)) {
		s.t.outside = append(s.t.outside, outside{tag, tokens[0].at})
	}
}

// exported reports whether other templates may import a macro.
func exported(tokens []lexeme) bool {
	return slices.ContainsFunc(tokens, func(t lexeme) bool { return t.kind == 'a' && t.text == "export" })
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
func (s *scanner) content(name string, rest []lexeme) {
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
		s.expression(append([]lexeme{{text: `""`, kind: '"'}, {text: "|"}}, rest...))
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

func (s *scanner) block(rest []lexeme) {
	if len(rest) == 0 {
		return
	}
	blocks, _ := s.around()
	s.t.blocks[rest[0].text] = &block{at: rest[0].at, nested: len(blocks) > 0, around: s.locals()}
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

func (s *scanner) loop(rest []lexeme) {
	in := slices.IndexFunc(rest, func(t lexeme) bool { return t.kind == 'a' && t.text == "in" })
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

func (s *scanner) macro(rest []lexeme) {
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

func (s *scanner) imports(rest []lexeme) {
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

func (s *scanner) include(rest []lexeme) {
	maybe := slices.ContainsFunc(rest, func(t lexeme) bool { return t.kind == 'a' && t.text == "if_exists" })
	with := slices.IndexFunc(rest, func(t lexeme) bool { return t.kind == 'a' && t.text == "with" })
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
	name = slices.DeleteFunc(slices.Clone(name), func(t lexeme) bool { return t.kind == 'a' && (t.text == "if_exists" || t.text == "only") })
	if s.refer("include", name, maybe) {
		ref := &s.t.parents[len(s.t.parents)-1]
		ref.given, ref.only = given, only
		ref.blocks, _ = s.around()
		if !only {
			ref.given = append(ref.given, s.locals()...)
		}
	}
	s.giveLocals()
}

// refer notes a template that is named, or computed. It returns true for a name.
func (s *scanner) refer(tag string, rest []lexeme, maybe bool) bool {
	if len(rest) > 0 && rest[0].kind == '"' && (len(rest) == 1 || rest[1].kind == 'a') {
		s.t.parents = append(s.t.parents, reference{tag: tag, name: rest[0].text, at: rest[0].at, maybe: maybe})
		return true
	}
	s.t.dynamic = true
	s.expression(rest)
	return false
}
