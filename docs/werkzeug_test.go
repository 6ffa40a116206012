// Package docs_test checks pages of docs against the code.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// packages maps the packages that docs/coming-from-werkzeug.md names to their directories.
var packages = map[string]string{
	"zeug": "..", "certs": "../serving/certs", "debugger": "../middleware/debugger",
	"datastructures": "../datastructures", "gateway": "../gateway", "httperror": "../httperror", "middleware": "../middleware",
	"routing": "../routing", "security": "../security", "serving": "../serving", "staticfiles": "../staticfiles",
	"urls": "../urls", "webtest": "../webtest", "wrappers": "../wrappers",
}

// standard are packages of the standard library that the page names.
var standard = map[string]string{
	"bufio": "bufio", "context": "context", "errors": "errors", "maps": "maps", "http": "net/http", "httptest": "net/http/httptest", "multipart": "mime/multipart",
	"rand": "crypto/rand", "sync": "sync", "url": "net/url",
}

var (
	span = regexp.MustCompile("`([^`]+)`")
	name = regexp.MustCompile(`^([a-z]+)\.([A-Z]\w*(?:\.[A-Z]\w*)?)`)
	rows = regexp.MustCompile(`(?m)^\| (.*) \| (.*) \|$`)
)

func TestEachNameOnThePageForWerkzeugExists(t *testing.T) {
	text, err := os.ReadFile("coming-from-werkzeug.md")
	require.NoError(t, err)
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	known := map[string]map[string]bool{}
	checked := 0
	var missing []string
	for _, s := range span.FindAllStringSubmatch(string(text), -1) {
		m := name.FindStringSubmatch(s[1])
		if m == nil {
			continue
		}
		dir, ours := packages[m[1]]
		if path, ok := standard[m[1]]; ok {
			dir, ours = filepath.Join(strings.TrimSpace(string(goroot)), "src", path), true
		}
		require.True(t, ours, "%s: the test does not know the package", s[1])
		if known[m[1]] == nil {
			known[m[1]] = exported(t, dir)
		}
		if !known[m[1]][m[2]] {
			missing = append(missing, s[1])
		}
		checked++
	}
	require.Empty(t, missing, "these names do not exist")
	require.Greater(t, checked, 300)
}

// exported returns the exported names of the package in dir, and those of the methods and fields of its types as
// "Type.Name".
func exported(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					names[d.Name.Name] = true
				} else {
					names[receiver(d.Recv.List[0].Type)+"."+d.Name.Name] = true
				}
			case *ast.GenDecl:
				declared(names, d)
			}
		}
	}
	return names
}

func declared(names map[string]bool, d *ast.GenDecl) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.ValueSpec:
			for _, n := range s.Names {
				names[n.Name] = true
			}
		case *ast.TypeSpec:
			names[s.Name.Name] = true
			st, ok := s.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range st.Fields.List {
				for _, n := range field.Names {
					names[s.Name.Name+"."+n.Name] = true
				}
			}
		}
	}
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// list prints the public names of Werkzeug: classes and functions, and the members of the central classes.
const list = `
import importlib, inspect
modules = """wsgi wrappers sansio.utils sansio.multipart http datastructures routing routing.rules routing.converters
exceptions middleware.shared_data middleware.dispatcher middleware.proxy_fix middleware.http_proxy middleware.lint
middleware.profiler debug debug.console debug.repr serving test testapp formparser security utils urls local user_agent"""
names = set()
for name in modules.split():
    for key, value in vars(importlib.import_module("werkzeug." + name)).items():
        if not key.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__.startswith("werkzeug." + name.split(".")[0]):
            names.add(key)
from werkzeug import wrappers, routing, exceptions, test
for c in [wrappers.Request, wrappers.Response, routing.Map, routing.MapAdapter, routing.Rule, test.Client]:
    names |= {key for key in dir(c) if not key.startswith("_")}
names |= {key for key in vars(exceptions.HTTPException) if not key.startswith("_")}
print("\n".join(sorted(names - {"run_wsgi_app"})))
`

func TestThePageForWerkzeugHasAllOfIt(t *testing.T) {
	out, err := exec.Command("/usr/bin/python3", "-W", "ignore", "-c", list).Output()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("install python3-werkzeug: %v", err)
		}
		t.Skip("/usr/bin/python3 has no Werkzeug: install python3-werkzeug")
	}
	text, err := fs.ReadFile(os.DirFS("."), "coming-from-werkzeug.md")
	require.NoError(t, err)
	has := map[string]bool{}
	for _, row := range rows.FindAllStringSubmatch(string(text), -1) {
		for _, s := range span.FindAllStringSubmatch(row[1], -1) {
			for _, word := range regexp.MustCompile(`\w+`).FindAllString(s[1], -1) {
				has[word] = true
			}
		}
	}
	var missing []string
	for _, n := range strings.Fields(string(out)) {
		if !has[n] {
			missing = append(missing, n)
		}
	}
	require.Empty(t, missing)
}
