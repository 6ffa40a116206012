package inspect

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// importsOf reads the imports of a file; nil if it is not on this machine.
func importsOf(file string) map[string]string {
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return nil
	}
	return importNames(tree)
}

func importNames(tree *ast.File) map[string]string {
	names := map[string]string{}
	for _, i := range tree.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = path
	}
	return names
}
