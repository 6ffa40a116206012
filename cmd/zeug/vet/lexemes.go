package vet

import (
	"slices"
	"strconv"
	"strings"
)

// A tag or a value of a template is cut into lexemes before it is read:
//
//	{{ item.Name|default:"none" }}
//
//	item . Name | default : "none"

// lexeme is a token of a tag.
type lexeme struct {
	text string
	kind byte // 'a' name, '"' string, '0' number, 0 symbol
	at   span
}

// tokens returns the tokens of the tag at an offset, and its length.
func (s *scanner) tokens(at int) (list []lexeme, length int) {
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
		t := lexeme{text: text[from:i], kind: kind, at: s.span(at+from, at+i)}
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

// closing returns the index of the bracket that closes the one at i.
func closing(tokens []lexeme, i int) int {
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
func split(tokens []lexeme) (list [][]lexeme) {
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
func literal(tokens []lexeme) any {
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
