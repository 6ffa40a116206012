package routing

import (
	"regexp/syntax"
	"slices"
)

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

// wantsSlash reports whether every text that a regular expression matches holds a
// slash, as far as that is easily seen.
func wantsSlash(e *syntax.Regexp) bool {
	switch e.Op {
	case syntax.OpLiteral:
		return holdsSlash(e)
	case syntax.OpCapture, syntax.OpPlus:
		return wantsSlash(e.Sub[0])
	case syntax.OpConcat:
		return slices.ContainsFunc(e.Sub, wantsSlash)
	}
	return false
}
