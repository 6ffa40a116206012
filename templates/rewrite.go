package templates

import (
	"strconv"
	"strings"
)

// pongo2 lacks some hooks that this package needs. It does not escape values that are not strings,
// and lets a macro call itself until the stack is full. But a program can add tags and filters to
// it. So a template is rewritten before pongo2 parses it:
//
//	{{ user }}                    {%zeug_value user %}
//	{% macro m(n) %}…             {% macro m(n) %}{%zeug_enter%}…
//	…{% endmacro %}               …{%zeug_leave%}{% endmacro %}
//	{% if f(x) %}                 {%zeug_at%}{% if f(x) %}
//	{% include page %}            {% zeug_include "this.html" page %}
//	{% include "a.html" only %}   {% include "a.html" with zeug_rendering=zeug_rendering only %}
//	{% cycle a b %}               {% zeug_cycle a b %}
//	{{ v|ljust:n }}               {%zeug_value v|zeug_ljust:n %}
//
// Lines do not change; the list of edits maps columns back.

// edit is a string that was inserted into a line, so that the columns after it became larger.
type edit struct{ line, column, length int }

// rewritten is a template for pongo2.
type rewritten struct {
	text  string
	edits []edit
	// calls are the names that are called as functions; the value says whether
	// a call has no arguments.
	calls map[string]bool
	// macros are the names that are defined or imported.
	macros map[string]bool
}

// original returns the column in the original template.
func (r *rewritten) original(line, column int) int {
	for i := len(r.edits) - 1; i >= 0; i-- {
		if e := r.edits[i]; e.line == line && column > e.column {
			column = max(e.column, column-e.length)
		}
	}
	return column
}

// Renamed tags and filters.
var (
	ownTags    = map[string]string{"cycle": tagCycle, "firstof": tagFirstOf, "ifchanged": tagIfChanged}
	markedTags = map[string]bool{
		"if": true, "for": true, "with": true, "set": true, "ifequal": true, "ifnotequal": true,
		"include": true, "filter": true, "widthratio": true, "ifchanged": true, "firstof": true, "cycle": true,
	}
)

// rewriter scans a template as pongo2's lexer does.
type rewriter struct {
	name, source string
	at           int
	out          strings.Builder
	line, column int // of out
	result       rewritten
}

// rewrite returns the template called name for pongo2.
func rewrite(name, source string) *rewritten {
	w := &rewriter{name: name, source: source, line: 1, column: 1}
	w.result.calls, w.result.macros = map[string]bool{}, map[string]bool{}
	for w.at < len(source) {
		rest := source[w.at:]
		switch {
		case strings.HasPrefix(rest, "{% verbatim %}"):
			w.copyUntil("{% endverbatim %}")
		case strings.HasPrefix(rest, "{#"):
			w.copyUntil("#}")
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "{%"):
			w.code()
		default:
			next := strings.IndexByte(rest[1:], '{')
			if next < 0 {
				next = len(rest) - 1
			}
			w.copy(1 + next)
		}
	}
	w.result.text = w.out.String()
	return &w.result
}

// copy copies the next n bytes.
func (w *rewriter) copy(n int) {
	text := w.source[w.at : w.at+n]
	w.out.WriteString(text)
	w.at += n
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		w.line += strings.Count(text, "\n")
		w.column = n - i
		return
	}
	w.column += n
}

// copyUntil copies everything up to and including the end, or everything that is left.
func (w *rewriter) copyUntil(end string) {
	rest := w.source[w.at:]
	if i := strings.Index(rest[2:], end); i >= 0 {
		w.copy(2 + i + len(end))
		return
	}
	w.copy(len(rest))
}

// insert adds a string that the template does not have.
func (w *rewriter) insert(text string) {
	w.result.edits = append(w.result.edits, edit{w.line, w.column, len(text)})
	w.out.WriteString(text)
	w.column += len(text)
}

// word is a token of a variable or tag, with its offsets in the source.
type word struct {
	text     string
	from, to int
	kind     byte // 'a' for a name, '"' for a string, '0' for a number, or 0
}

// words returns the tokens between the brackets at the offset, and the offsets of the closing
// bracket and after it. It returns false if pongo2 will refuse the template.
func (w *rewriter) words() (words []word, closing, end int, ok bool) {
	s := w.source
	i := w.at + 2
	if i < len(s) && s[i] == '-' {
		i++
	}
	for i < len(s) {
		c := s[i]
		switch {
		case c == '\n':
			return nil, 0, 0, false
		case c == '"' || c == '\'':
			from := i
			for i++; i < len(s) && s[i] != c; i++ {
				if s[i] == '\n' {
					return nil, 0, 0, false
				}
				if s[i] == '\\' {
					i++
				}
			}
			if i >= len(s) {
				return nil, 0, 0, false
			}
			i++
			words = append(words, word{s[from:i], from, i, '"'})
		case isNameByte(c):
			from := i
			for i < len(s) && isNameByte(s[i]) {
				i++
			}
			kind := byte('a')
			if strings.Trim(s[from:i], "0123456789") == "" {
				kind = '0'
			}
			words = append(words, word{s[from:i], from, i, kind})
		default:
			for _, bracket := range []string{"-}}", "-%}", "}}", "%}"} {
				if strings.HasPrefix(s[i:], bracket) {
					return words, i, i + len(bracket), true
				}
			}
			if c != ' ' && c != '\t' && c != '\r' {
				words = append(words, word{s[i : i+1], i, i + 1, 0})
			}
			i++
		}
	}
	return nil, 0, 0, false
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// code rewrites the variable or tag at the offset.
func (w *rewriter) code() {
	words, closing, end, ok := w.words()
	if !ok {
		w.copy(len(w.source) - w.at) // pongo2 will return the error
		return
	}
	if strings.HasPrefix(w.source[w.at:], "{{") {
		w.variable(words, closing, end)
		return
	}
	w.tag(words, closing, end)
}

func (w *rewriter) variable(words []word, closing, end int) {
	bracket := w.source[closing:end]
	if !strings.HasSuffix(bracket, "}}") {
		w.copy(end - w.at)
		return
	}
	w.note(words)
	w.replace("{{", "{%")
	if w.source[w.at] == '-' {
		w.copy(1)
	}
	w.insert(tagValue + " ")
	w.arguments(words, closing)
	if bracket[0] == '-' {
		w.copy(1)
	}
	w.replace("}}", "%}")
}

// replace replaces a string by another one of the same length.
func (w *rewriter) replace(old, other string) {
	w.out.WriteString(other)
	w.at += len(old)
	w.column += len(old)
}

func (w *rewriter) tag(words []word, closing, end int) {
	if len(words) == 0 || words[0].kind != 'a' || !strings.HasSuffix(w.source[closing:end], "%}") {
		w.copy(end - w.at)
		return
	}
	name, opening := words[0].text, "{%"
	if w.source[w.at+2] == '-' {
		opening = "{%-"
	}
	if markedTags[name] {
		w.insert(opening + tagAt + "%}")
	}
	switch name {
	case "macro":
		w.define(words)
		w.arguments(words, end)
		w.insert("{%" + tagEnter + w.source[closing:end])
		return
	case "endmacro":
		w.insert(opening + tagLeave + "%}")
	case "import":
		w.define(words)
	case "include":
		w.include(words, closing)
		w.copy(end - w.at)
		return
	default:
		w.note(words[1:])
	}
	if own, renamed := ownTags[name]; renamed {
		w.copy(words[0].from - w.at)
		w.insert(strings.TrimSuffix(own, name))
	}
	w.arguments(words, end)
}

// include adds to a computed name the name of the including template. To an include that passes no
// names on, it adds the names that this package needs.
func (w *rewriter) include(words []word, closing int) {
	w.note(words[1:])
	if isComputed(words) {
		w.copy(words[0].from - w.at)
		w.insert("zeug_")
		w.copy(words[0].to - w.at)
		w.insert(" " + strconv.Quote(w.name))
	}
	if last := words[len(words)-1]; last.text == "only" && last.kind == 'a' {
		w.arguments(words[:len(words)-1], last.from)
		w.insert(keyRendering + "=" + keyRendering + " ")
		w.copy(last.to - w.at)
	}
	w.arguments(words, closing)
}

// isComputed reports whether the name of an include is more than a literal.
func isComputed(words []word) bool {
	if len(words) < 2 || words[1].kind != '"' {
		return len(words) > 1
	}
	return len(words) > 2 && words[2].kind != 'a'
}

// arguments copies everything before the offset end, with filters renamed.
func (w *rewriter) arguments(words []word, end int) {
	for i, token := range words {
		isFilter := i > 0 && (words[i-1].text == "|" || words[i-1].text == "filter" && i == 1)
		if isFilter && ownFilters[token.text] != nil && token.from >= w.at && token.to <= end {
			w.copy(token.from - w.at)
			w.insert(filterPrefix)
		}
	}
	w.copy(end - w.at)
}

// note records which names are called.
func (w *rewriter) note(words []word) {
	for i := 0; i+1 < len(words); i++ {
		if words[i].kind != 'a' || words[i+1].text != "(" || i > 0 && (words[i-1].text == "." || words[i-1].text == "|") {
			continue
		}
		switch words[i].text {
		case "in", "and", "or", "not", "as":
			continue
		}
		bare := i+2 < len(words) && words[i+2].text == ")"
		w.result.calls[words[i].text] = w.result.calls[words[i].text] || bare
	}
}

// define records the names that a macro or import tag defines.
func (w *rewriter) define(words []word) {
	for _, token := range words[1:] {
		if token.text == "(" {
			return
		}
		if token.kind == 'a' {
			w.result.macros[token.text] = true
		}
	}
}
