package prose

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
)

// Shadowed returns the declarations of a Go file that hide a builtin such as len or new, each with
// its line. Fields and methods hide nothing, since they are written after a dot.
func Shadowed(name string, source []byte) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var list []string
	declare := func(identifiers ...*ast.Ident) {
		for _, id := range identifiers {
			if id != nil && types.Universe.Lookup(id.Name) != nil {
				list = append(list, fmt.Sprintf("%s:%d: %s hides the builtin: choose another name", name, files.Position(id.Pos()).Line, id.Name))
			}
		}
	}
	parameters := func(lists ...*ast.FieldList) {
		for _, l := range lists {
			if l != nil {
				for _, field := range l.List {
					declare(field.Names...)
				}
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil {
				declare(n.Name)
			}
			parameters(n.Recv, n.Type.TypeParams)
		case *ast.FuncType:
			parameters(n.Params, n.Results)
		case *ast.TypeSpec:
			declare(n.Name)
			parameters(n.TypeParams)
		case *ast.ValueSpec:
			declare(n.Names...)
		case *ast.ImportSpec:
			declare(n.Name)
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, e := range n.Lhs {
					if id, ok := e.(*ast.Ident); ok {
						declare(id)
					}
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					declare(id)
				}
			}
		}
		return true
	})
	return list, nil
}
