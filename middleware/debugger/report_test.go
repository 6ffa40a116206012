package debugger_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/debugger"
)

// Go doc shows no fields of an alias, so its comment has to name them.
func TestTheCommentsNameTheFields(t *testing.T) {
	types := map[string]reflect.Type{
		"Report": reflect.TypeFor[debugger.Report](), "Cause": reflect.TypeFor[debugger.Cause](), "Frame": reflect.TypeFor[debugger.Frame](),
		"SourceLine": reflect.TypeFor[debugger.SourceLine](), "Goroutine": reflect.TypeFor[debugger.Goroutine](),
		"RequestFacts": reflect.TypeFor[debugger.RequestFacts](), "Field": reflect.TypeFor[debugger.Field](), "Crash": reflect.TypeFor[debugger.Crash](),
		"PostMortem": reflect.TypeFor[debugger.PostMortem](), "Live": reflect.TypeFor[debugger.Live](), "Value": reflect.TypeFor[debugger.Value](),
	}
	for _, file := range []string{"report.go", "dump.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, d := range parsed.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.TYPE {
				continue
			}
			name := group.Specs[0].(*ast.TypeSpec).Name.Name
			require.Contains(t, types, name)
			for i := range types[name].NumField() {
				if f := types[name].Field(i); f.IsExported() {
					require.Regexp(t, `\b`+regexp.QuoteMeta(f.Name)+`\b`, group.Doc.Text(), "the comment of %s", name)
				}
			}
			delete(types, name)
		}
	}
	require.Empty(t, types, "types without a declaration in these files")
}
