package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// locate makes the places of rules exact. A program knows the call that made a map. The places
// where its rules were written are found in the source: the composite literals with the rules'
// paths.
func locate(routes []route) {
	written := map[string]map[string][]string{} // by folder and path
	taken := map[string]int{}
	for i := range routes {
		r := &routes[i]
		file, _, ok := cutLast(r.Where, ":")
		if !ok {
			continue
		}
		dir := filepath.Dir(file)
		if written[dir] == nil {
			written[dir] = pathLiterals(dir)
		}
		places := written[dir][r.Path]
		// If there are as many rules with this path as literals in the source, both are taken to be
		// in the same order.
		same := 0
		for _, o := range routes {
			if o.Path == r.Path && strings.HasPrefix(o.Where, dir+string(filepath.Separator)) {
				same++
			}
		}
		if key := dir + "\x00" + r.Path; len(places) == same && taken[key] < same {
			r.Where = places[taken[key]]
			taken[key]++
		}
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// pathLiterals returns, for each string, where in the Go files of dir a literal has that string as
// its field Path.
func pathLiterals(dir string) map[string][]string {
	found := map[string][]string{}
	names, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	files := token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			for _, element := range literal.Elts {
				field, ok := element.(*ast.KeyValueExpr)
				if !ok {
					continue
				}
				if key, ok := field.Key.(*ast.Ident); !ok || key.Name != "Path" {
					continue
				}
				if value, ok := field.Value.(*ast.BasicLit); ok && value.Kind == token.STRING {
					if text, err := strconv.Unquote(value.Value); err == nil {
						at := files.Position(literal.Pos())
						found[text] = append(found[text], fmt.Sprintf("%s:%d", at.Filename, at.Line))
					}
				}
			}
			return true
		})
	}
	return found
}
