package vet

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// Kind names a group of checks.
type Kind string

// The groups of checks.
const (
	Rules     Kind = "rules"     // rules that routing refuses
	URLs      Kind = "urls"      // URLs that cannot be built
	Params    Kind = "params"    // variables that the rule of a view does not have
	Templates Kind = "templates" // templates, and the names in them
	Static    Kind = "static"    // static files and embedded folders
	Responses Kind = "responses" // responses that are dropped or changed too late
)

// Finding is a mistake in a program.
type Finding struct {
	// Pos and End are the place, in a Go file or a template. End may be [token.NoPos].
	Pos, End token.Pos
	Kind     Kind
	Message  string
	// Fix is the string that replaces Pos to End, "" unless only one replacement is surely right.
	Fix string
}

// Skip is a place that the checks could not follow.
type Skip struct {
	Pos    token.Pos
	Reason string
}

// Result is what [Check] found.
type Result struct {
	Findings []Finding
	Skipped  []Skip
}

// sort sorts the findings by their places, and removes duplicates: a package may be part of
// several programs.
func (r *Result) sort(fset *token.FileSet) {
	byPlace := func(a, b token.Pos) int {
		p, q := fset.Position(a), fset.Position(b)
		return cmp.Or(cmp.Compare(p.Filename, q.Filename), p.Offset-q.Offset)
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(byPlace(a.Pos, b.Pos), cmp.Compare(a.Message, b.Message))
	})
	r.Findings = slices.CompactFunc(r.Findings, func(a, b Finding) bool { return a.Pos == b.Pos && a.Message == b.Message })
	slices.SortStableFunc(r.Skipped, func(a, b Skip) int {
		return cmp.Or(byPlace(a.Pos, b.Pos), cmp.Compare(a.Reason, b.Reason))
	})
	r.Skipped = slices.Compact(r.Skipped)
}

// report adds a finding about a node.
func (p *program) report(at ast.Node, kind Kind, format string, args ...any) {
	p.result.Findings = append(p.result.Findings, Finding{Pos: at.Pos(), End: at.End(), Kind: kind, Message: fmt.Sprintf(format, args...)})
}

// reportName adds a finding about a string that should be another one.
func (p *program) reportName(at ast.Node, kind Kind, right, format string, args ...any) {
	p.report(at, kind, format, args...)
	if lit, ok := at.(*ast.BasicLit); ok && right != "" {
		quoted := strconv.Quote(right)
		if strings.HasPrefix(lit.Value, "`") && !strings.Contains(right, "`") {
			quoted = "`" + right + "`"
		}
		p.result.Findings[len(p.result.Findings)-1].Fix = quoted
	}
}

// skip notes a place that cannot be followed.
func (p *program) skip(at token.Pos, format string, args ...any) {
	p.result.Skipped = append(p.result.Skipped, Skip{at, fmt.Sprintf(format, args...)})
}

// nearest returns the name that a misspelt one surely means: a name that differs in few letters, if
// no other name is as close. It returns "" if there is none.
func nearest(name string, known []string) string {
	limit := max(1, len(name)/4)
	best, distance, second := "", limit+1, limit+1
	for _, other := range known {
		if other == name {
			continue
		}
		switch d := editDistance(strings.ToLower(name), strings.ToLower(other)); {
		case d < distance:
			best, distance, second = other, d, distance
		case d < second && other != best:
			second = d
		}
	}
	if best == "" || second <= distance {
		return ""
	}
	return best
}

// editDistance counts the letters to insert, remove, replace or swap with their neighbour.
func editDistance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, above, above2 := rows[i%3], rows[(i+2)%3], rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], above2[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}

// didYouMean is the hint for a misspelt name.
func didYouMean(name string, known []string) string {
	limit := max(2, len(name)/3)
	if len(name) < 5 {
		limit = 1
	}
	best, distance := "", limit+1
	for _, other := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(other)); d < distance && other != name {
			best, distance = other, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", best)
}
