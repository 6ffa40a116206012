package inspect

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
)

// body evaluates the expression that a function of the program returns.
func (e *evaluation) body(function string, receiver operand, x *ast.CallExpr) (operand, error) {
	fn := e.scope.BinInfo.LookupFunc()[function]
	if len(fn) == 0 {
		return operand{}, errUnknownFunction(function)
	}
	if e.depth >= maxCalls {
		return operand{}, unknown("%s calls too many functions", function)
	}
	file, line := e.scope.BinInfo.EntryLineForFunc(fn[0])
	source, err := e.source(file)
	if err != nil {
		return operand{}, unknown("functions cannot be called here, and what %s returns is not known: %v", function, err)
	}
	decl := source.declared(line, function[strings.LastIndexByte(function, '.')+1:])
	if decl == nil || decl.Type.TypeParams != nil {
		return operand{}, unknown("functions cannot be called here, and %s is generic, or not where the debug information says", function)
	}
	result, typ := returned(decl)
	if result == nil {
		return operand{}, unknown("functions cannot be called here, and %s does more than return one expression", function)
	}
	inner := &evaluation{view: e.view, names: map[string]operand{}, pkg: packageOf(function), imports: source.imports, depth: e.depth + 1, steps: e.steps}
	if err := inner.bind(decl, receiver, x, e); err != nil {
		return operand{}, err
	}
	o, err := inner.eval(result)
	if err != nil {
		return o, err
	}
	if name, ok := typ.(*ast.Ident); ok && basicTypes[name.Name] != nil && !source.declares(name.Name) {
		if o, err = o.typed(name.Name); err != nil {
			return o, err
		}
		if o.typ != name.Name && basicTypes[o.typ] != basicTypes[name.Name] {
			return o, unknown("%s returns a %s, which is not known here", function, name.Name)
		}
		return o, nil
	}
	if o.typ == "" || o.core == nil {
		return o, unknown("%s returns a type that is not known here", function)
	}
	if name, ok := typ.(*ast.Ident); ok && o.typ != inner.pkg+"."+name.Name && o.typ != name.Name {
		return o, unknown("%s returns a %s, which is not known here", function, name.Name)
	}
	return o, nil
}

// bind gives the parameters of a function their values.
func (e *evaluation) bind(decl *ast.FuncDecl, receiver operand, x *ast.CallExpr, outer *evaluation) error {
	if decl.Recv != nil && len(decl.Recv.List) == 1 && len(decl.Recv.List[0].Names) == 1 {
		e.names[decl.Recv.List[0].Names[0].Name] = receiver
	}
	i := 0
	for _, field := range decl.Type.Params.List {
		typ, ok := field.Type.(*ast.Ident)
		if !ok || basicTypes[typ.Name] == nil {
			return unknown("%s has a parameter whose type is not a basic one, which is not known here", decl.Name.Name)
		}
		for range max(len(field.Names), 1) {
			if i >= len(x.Args) {
				return unknown("%s takes more arguments", decl.Name.Name)
			}
			value, err := outer.argument(x.Args[i], basicTypes[typ.Name])
			if err != nil {
				return err
			}
			o, err := nativeOperand(value)
			if err != nil {
				return err
			}
			if len(field.Names) > 0 {
				e.names[field.Names[i-indexOf(decl, field)].Name] = o
			}
			i++
		}
	}
	if i != len(x.Args) {
		return unknown("%s takes %d arguments", decl.Name.Name, i)
	}
	return nil
}

// indexOf is the index of the first parameter that is declared in a field.
func indexOf(decl *ast.FuncDecl, field *ast.Field) int {
	n := 0
	for _, f := range decl.Type.Params.List {
		if f == field {
			break
		}
		n += max(len(f.Names), 1)
	}
	return n
}

// returned is the expression that a function returns, and its type; nil if its body does more.
func returned(decl *ast.FuncDecl) (result, typ ast.Expr) {
	if decl.Body == nil || len(decl.Body.List) != 1 || decl.Type.Results == nil || len(decl.Type.Results.List) != 1 || len(decl.Type.Results.List[0].Names) > 0 {
		return nil, nil
	}
	statement, ok := decl.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(statement.Results) != 1 {
		return nil, nil
	}
	return statement.Results[0], decl.Type.Results.List[0].Type
}

// sourceFile is a file of the program's source.
type sourceFile struct {
	fset    *token.FileSet
	tree    *ast.File
	imports map[string]string
}

// source reads a file of the program's source, which must not have changed since the program was
// built.
func (e *evaluation) source(file string) (*sourceFile, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, errors.New("its source is not on this machine")
	}
	program, err := os.Stat(e.core.program)
	if err != nil {
		return nil, err
	}
	if info.Size() > 1<<20 || info.ModTime().After(program.ModTime()) {
		return nil, fmt.Errorf("%s has changed since the program was built", file)
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, errors.New("its source cannot be read")
	}
	return &sourceFile{fset, tree, importNames(tree)}, nil
}

// declared returns the function with a name whose declaration is on a line.
func (s *sourceFile) declared(line int, name string) *ast.FuncDecl {
	for _, d := range s.tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name && s.fset.Position(f.Pos()).Line == line {
			return f
		}
	}
	return nil
}

// declares reports whether the file declares a name, such as string, that otherwise belongs to the
// language.
func (s *sourceFile) declares(name string) bool {
	for _, d := range s.tree.Decls {
		if g, ok := d.(*ast.GenDecl); ok {
			for _, spec := range g.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok && t.Name.Name == name {
					return true
				}
			}
		}
	}
	return false
}

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
