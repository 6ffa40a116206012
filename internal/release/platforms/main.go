// Command platforms checks the types of every package and test of the modules in folders, for each
// system and processor that Zeug builds on.
//
//	go run ./platforms FOLDER...
//
// It reads the source of all dependencies without the bodies of their functions, and compiles
// nothing. So each platform takes seconds, while go build takes minutes. It finds the same mistakes
// in files that other platforms leave out: a name that is missing, or has another type.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

var (
	systems    = []string{"linux", "darwin", "freebsd", "windows"}
	processors = []string{"amd64", "arm64"}
)

func main() {
	failed := false
	for _, folder := range os.Args[1:] {
		for _, system := range systems {
			for _, processor := range processors {
				if err := check(folder, system, processor); err != nil {
					fmt.Printf("%s on %s/%s:\n%v\n", folder, system, processor, err)
					failed = true
				}
			}
		}
	}
	if failed {
		os.Exit(1)
	}
}

// check returns the errors in the packages and tests below a folder.
func check(folder, system, processor string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	loaded, err := packages.Load(&packages.Config{
		Mode:  packages.LoadAllSyntax,
		Dir:   folder,
		Env:   append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0"),
		Tests: true,
		ParseFile: func(set *token.FileSet, name string, source []byte) (*ast.File, error) {
			file, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
			if file != nil && !strings.HasPrefix(name, folder) {
				dropBodies(file)
			}
			return file, err
		},
	}, "./...")
	if err != nil {
		return err
	}
	var problems []error
	for _, p := range loaded {
		if strings.HasSuffix(p.ID, ".test") { // the go command has written the message
			continue
		}
		for _, e := range p.Errors {
			problems = append(problems, e)
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	// A package and its variant for tests have the same errors.
	return errors.Join(slices.CompactFunc(problems, func(a, b error) bool { return a.Error() == b.Error() })...)
}

// dropBodies removes the bodies of functions. Without bodies, dependencies have unused imports.
// Those errors are ignored.
func dropBodies(file *ast.File) {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			f.Body = nil
		}
	}
}
