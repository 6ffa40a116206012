// Package place says where source files are: below the main module, Go's own folder or the module cache.
package place

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// Build returns the information in the binary about its build.
var Build = sync.OnceValue(func() *debug.BuildInfo {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return new(debug.BuildInfo)
	}
	return info
})

// ModuleRoot returns the nearest folder with a go.mod, beginning at dir and
// going up; "" is the working directory.
func ModuleRoot(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// Short returns a file's path in its shortest form: relative to the module's folder if it is below
// that, otherwise to Go's folder or the module cache.
func Short(file string) string {
	slashed := filepath.ToSlash(file)
	if root := GoRoot(); root != "" {
		if rest, ok := strings.CutPrefix(slashed, root); ok {
			return rest
		}
	}
	if _, rest, ok := strings.Cut(slashed, "/pkg/mod/"); ok {
		return rest
	}
	if root := ModuleRoot(""); root != "" {
		if rest, ok := strings.CutPrefix(slashed, filepath.ToSlash(root)+"/"); ok {
			return rest
		}
	}
	return file
}

// GoRoot returns the folder in which the Go that built the program keeps its
// packages, with "/src/" at its end, or "" in a program built with -trimpath.
var GoRoot = sync.OnceValue(func() string {
	f := runtime.FuncForPC(reflect.ValueOf(strings.ToUpper).Pointer())
	file, _ := f.FileLine(f.Entry())
	if root, ok := strings.CutSuffix(file, "strings/strings.go"); ok {
		return root
	}
	return ""
})
