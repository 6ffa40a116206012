package routing

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zeugkit/zeug/internal/percent"
)

// The grammar of a rule's path. It does not know what a converter means.
//
//	"/user/<int(min=1):id>.json"
//
// becomes the tokens
//
//	slash, literal "user", slash,
//	variable{name "id", converter "int", arguments [min=1]}, literal ".json"
//
// The whole grammar, in which spaces may be around an argument and its equals sign:
//
//	path      = { "/" | literal | variable }
//	variable  = "<" [ converter [ "(" arguments ")" ] ":" ] name ">"
//	arguments = [ argument { "," argument } [ "," ] ]
//	argument  = [ word "=" ] ( word | "'" text "'" | '"' text '"' )
//	word      = letters, digits, "_", "." and "-"
//	name, converter = ASCII letters, digits and "_", not beginning with a digit
//
// A literal is plain text, as a path is after decoding: "/café", not "/caf%C3%A9". A quoted text ends at
// the next quote of the same kind; there are no escapes, so a text with both kinds cannot be written.
//
// Every mistake has its offset in the path, so that the error can point to it. Most mistakes are
// patterns of other routers, "{id}" or ":id", and the error says how to write them here.

// token is one piece of a rule's path: a slash, a literal, or a variable. A literal ends at a slash
// and at a variable, so two literals never follow each other.
//
//	/user/<int(min=1):id>.json
//	slash      offset 0
//	static     offset 1, text "user"
//	slash      offset 5
//	variable   offset 6, name "id", converter "int", source "int(min=1)", arguments min=1
//	static     offset 21, text ".json"
type token struct {
	kind      tokenKind
	text      string // of a literal
	name      string // a variable's name
	converter string // its converter's name, or "default"
	// source is the converter with its arguments, as they were written. Equal sources make one
	// converter, so "int(min=1)" and "int(min = 1)" make two. They match alike and share their
	// edge.
	source    string
	arguments []Argument
	// offset is where the token begins in the rule, in bytes.
	offset int
}

type tokenKind uint8

const (
	slashToken tokenKind = iota
	staticToken
	variableToken
)

// syntaxError is a mistake at an offset of a rule's path. The caller makes a [RuleError] of it, which
// adds the rule and where it was registered.
type syntaxError struct {
	offset  int
	message string
}

func (e *syntaxError) Error() string { return e.message }

// faultf makes a syntaxError. Converters use it too, for mistakes in one of their arguments.
func faultf(offset int, format string, params ...any) error {
	return &syntaxError{offset, fmt.Sprintf(format, params...)}
}

// scanner reads a rule's path. Its methods start at the offset at and leave it after what they have
// read.
type scanner struct {
	text string
	at   int
}

// tokens appends the tokens of a rule's path to found; each slash is a token. found is the list of
// the rule before, without its elements, so that its memory is used again.
func tokens(found []token, text string) ([]token, error) {
	s := scanner{text: text}
	for s.at < len(text) {
		switch text[s.at] {
		case '/':
			found = append(found, token{kind: slashToken, offset: s.at})
			s.at++
		case '<':
			variable, err := s.variable()
			if err != nil {
				return nil, err
			}
			found = append(found, variable)
		default:
			start := s.at
			// A '>' does not end a literal. checkStatic finds it, and can say which bracket is
			// missing.
			for s.at < len(text) && text[s.at] != '<' && text[s.at] != '/' {
				s.at++
			}
			if err := checkStatic(text, start, s.at); err != nil {
				return nil, err
			}
			found = append(found, token{kind: staticToken, text: text[start:s.at], offset: start})
		}
	}
	return found, nil
}

// checkStatic refuses a literal, text[start:end], that is probably a mistake: a variable in the
// syntax of another router, or a URL with more than a path.
//
//	{id}  {id:[0-9]+}    of ServeMux, chi and gorilla/mux, anywhere in a segment
//	:id                  of httprouter, gin and echo, at the start of a segment
//	*rest  *             of the same, as the last segment
//	/a?page=1  /a#top    a rule does not see them
//	/a%20b               would match only a path with a percent sign in it
//
// A colon, an asterisk and a brace elsewhere are ordinary characters: "/at/12:30" is a rule.
func checkStatic(text string, start, end int) error {
	static := text[start:end]
	if at := strings.IndexAny(static, "?#>"); at >= 0 {
		switch static[at] {
		case '?':
			return faultf(start+at, "a rule is a path without a query: read the query from the request")
		case '#':
			return faultf(start+at, "a rule is a path: what follows a '#' never reaches a server")
		}
		return faultf(start+at, "there is no '<' before this '>'")
	}
	if at, escaped := escapes(static); escaped != "" {
		// The whole run is decoded at once, because "%C3%A9" is one character.
		plain, _ := url.PathUnescape(escaped)
		if strings.Contains(plain, "/") {
			return faultf(start+at, "no rule has a slash within a segment: %q matches a variable", escaped)
		}
		return faultf(start+at, "a rule is plain text: write %q, not %q", plain, escaped)
	}
	if at := strings.IndexByte(static, '{'); at >= 0 {
		// A brace is an ordinary character unless a name and a closing brace follow: "/a{" is a
		// rule.
		if name := (&scanner{text: text, at: start + at + 1}).identifier(); name != "" && strings.IndexByte(text[start+at:], '}') > 0 {
			return faultf(start+at, "a variable is written <%s> here, not {%s}", name, name)
		}
	}
	if start > 0 && text[start-1] != '/' { // it does not begin the segment, as ".json" after a variable
		return nil
	}
	switch name := (&scanner{text: text, at: start + 1}).identifier(); {
	case static[0] == ':' && name != "":
		return faultf(start, "a variable is written <%s> here, not :%s", name, name)
	case static == "*"+name && end == len(text):
		if name == "" {
			name = "rest"
		}
		return faultf(start, "all that follows is written <path:%s> here, not %s", name, static)
	}
	return nil
}

// escapes returns the first run of percent-encoded bytes in text, and its offset. For "a%C3%A9b" it
// returns 1 and "%C3%A9"; run is empty if there is no such byte.
func escapes(text string) (at int, run string) {
	for at < len(text) && !percent.IsEscape(text, at) {
		at++
	}
	end := at
	for percent.IsEscape(text, end) {
		end += 3
	}
	return at, text[at:end]
}

// variable reads "<name>", "<converter:name>" or "<converter(arguments):name>". Only what follows the
// first word tells whether it is a name or a converter.
//
//	<id>               name "id", converter "default"
//	<int:id>           name "id", converter "int"
//	<int(min=1):id>    the same, with an argument
//	<int:>             an error, with the offset of the '>'
//	<id/x              an error, with the offset of the '<'
func (s *scanner) variable() (token, error) {
	start := s.at
	s.at++
	t := token{kind: variableToken, converter: "default", source: "default", offset: start}
	word := s.identifier()
	if word == "" {
		return t, faultf(s.at, "a variable needs a name of letters, digits and underscores, as in <name> or <int:id>")
	}
	t.name = word
	if s.skip('(') {
		var err error
		if t.arguments, err = s.arguments(); err != nil {
			return t, err
		}
		if !s.skip(':') {
			return t, faultf(s.at, "a colon and the variable's name must follow the arguments of %q", word)
		}
		t.converter, t.source, t.name = word, s.text[start+1:s.at-1], s.identifier()
	} else if s.skip(':') {
		t.converter, t.source, t.name = word, word, s.identifier()
	}
	switch {
	case t.name == "" && (s.at == len(s.text) || s.text[s.at] == '>'):
		return t, faultf(s.at, "the name of the variable is missing after %q", t.converter)
	case s.skip('>'):
		return t, nil
	// A slash cannot be part of a name, so most likely the '>' of this segment was forgotten. The error
	// then points to the '<', since the place where the '>' belongs is not known.
	case s.at == len(s.text) || s.text[s.at] == '/':
		return t, faultf(start, "the variable %q is not closed by '>'", t.name)
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.at:])
	return t, faultf(s.at, "unexpected %q in a variable, which is written <name> or <int:id>: a name has letters, digits and underscores", r)
}

// arguments reads what stands between parentheses, and the closing one. A comma may follow the last
// argument, as in Python.
//
//	(min=1)           Name "min", Text "1"
//	(2, 5)            Text "2"; Text "5"
//	(a, "b c",)       Text "a"; Text "b c"
//	(min 3)           an error: arguments are separated by commas
func (s *scanner) arguments() ([]Argument, error) {
	var found []Argument
	for {
		s.space()
		if s.skip(')') {
			return found, nil
		}
		argument := Argument{Offset: s.at}
		text, quoted, err := s.value()
		if err != nil {
			return nil, err
		}
		s.space()
		// An equals sign makes the word before it a name. A quoted string is always a value.
		if !quoted && s.skip('=') {
			s.space()
			argument.Name = text
			if text, _, err = s.value(); err != nil {
				return nil, err
			}
			s.space()
		}
		argument.Text = text
		found = append(found, argument)
		if s.skip(',') {
			continue
		}
		if s.at >= len(s.text) || s.text[s.at] != ')' {
			return nil, faultf(s.at, "arguments are separated by commas and end in ')'")
		}
	}
}

// value reads a quoted string, a word or a number. A value without quotes has letters of any
// alphabet, digits, underscores, points and hyphens, which is enough for numbers and most words. A
// text with other characters must be quoted, because commas and parentheses have a meaning here.
func (s *scanner) value() (text string, quoted bool, err error) {
	if s.at < len(s.text) && (s.text[s.at] == '"' || s.text[s.at] == '\'') {
		end := strings.IndexByte(s.text[s.at+1:], s.text[s.at])
		if end < 0 {
			return "", true, faultf(s.at, "the quote is not closed")
		}
		text = s.text[s.at+1 : s.at+1+end]
		s.at += end + 2
		return text, true, nil
	}
	rest := s.text[s.at:]
	end := strings.IndexFunc(rest, func(r rune) bool {
		return r != '_' && r != '.' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		r, _ := utf8.DecodeRuneInString(rest)
		if rest == "" {
			return "", false, faultf(s.at, "the arguments are not closed by ')'")
		}
		return "", false, faultf(s.at, "unexpected %q in an argument: quote it", r)
	}
	s.at += end
	return rest[:end], false, nil
}

// identifier reads a name, or nothing if there is none. Its callers make an error of an empty name,
// since they know what it would have named.
func (s *scanner) identifier() string {
	start := s.at
	for s.at < len(s.text) && isWordByte(s.text[s.at], s.at > start) {
		s.at++
	}
	return s.text[start:s.at]
}

// space reads spaces and tabs, which are allowed only among arguments: "<int: id>" is an error.
func (s *scanner) space() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t') {
		s.at++
	}
}

// skip reads c, if it is the next byte, and reports whether it was.
func (s *scanner) skip(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// isWordByte reports whether c can be part of a name; digits says whether a digit can, which is not so
// at its start. Names are ASCII, since they are written as Go strings in programs and as Python's
// identifiers in rules that come from Werkzeug.
func isWordByte(c byte, digits bool) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || digits && '0' <= c && c <= '9'
}
