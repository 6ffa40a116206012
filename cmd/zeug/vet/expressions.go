package vet

import "slices"

// The names of an expression, each with the fields and calls after it. Filters have names of their own, and their
// arguments are uses by themselves:
//
//	cart.Total(currency)|add:fee
//
//	use cart, step Total called with (currency); use currency; filter add; use fee

// alone reads an expression, and returns its name, or nil if it is more than a name.
func (s *scanner) alone(tokens []lexeme) *use {
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
func (s *scanner) pairs(tokens []lexeme, define func(name string, l *local)) {
	if as := slices.IndexFunc(tokens, func(t lexeme) bool { return t.kind == 'a' && t.text == "as" }); as >= 0 {
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

var notNames = map[string]bool{"in": true, "and": true, "or": true, "not": true, "true": true, "false": true, "as": true, "export": true}

// expression reads the names of an expression.
func (s *scanner) expression(tokens []lexeme) {
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
func (s *scanner) chain(tokens []lexeme, i int) (u *use, next int) {
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
func hasDefault(tokens []lexeme) bool {
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
