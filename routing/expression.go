package routing

import "regexp/syntax"

// slashInExpression reports whether a regular expression could match a text that
// holds a slash. A faulty one could match anything.
func slashInExpression(source string) bool {
	parsed, err := syntax.Parse(source, syntax.Perl)
	return err != nil || holdsSlash(parsed)
}

func holdsSlash(e *syntax.Regexp) bool {
	switch e.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return true
	case syntax.OpLiteral:
		for _, r := range e.Rune {
			if r == '/' {
				return true
			}
		}
	case syntax.OpCharClass:
		for i := 0; i < len(e.Rune); i += 2 {
			if e.Rune[i] <= '/' && '/' <= e.Rune[i+1] {
				return true
			}
		}
	}
	for _, sub := range e.Sub {
		if holdsSlash(sub) {
			return true
		}
	}
	return false
}
