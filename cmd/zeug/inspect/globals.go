package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-delve/delve/pkg/proc"
)

// Globals is a part of the variables of a package.
type Globals struct {
	// Package is the import path, "main" for that of the program.
	Package   string     `json:"package"`
	Variables []Variable `json:"variables"`
	// Total is how many the package has.
	Total int `json:"total"`
}

// Globals returns the variables of the package of a frame's function, in the order of their names.
// It skips the first from variables, and returns at most 32.
func (c *Core) Globals(at Place, from int) (list Globals, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer rescue(&err)
	scope, err := c.scope(at)
	if err != nil {
		return list, err
	}
	list = Globals{Package: packageOf(scope.Fn.Name), Variables: []Variable{}}
	names, err := c.globalsOf(scope, list.Package)
	if err != nil {
		return list, err
	}
	list.Total = len(names)
	w := c.view(scope)
	for _, name := range names[min(max(from, 0), len(names)):] {
		if len(list.Variables) == maxItems {
			break
		}
		// A name without its package may belong to a local variable, and a path
		// without quotes may be read as a division.
		v, err := scope.EvalExpression(fmt.Sprintf("%q.%s", list.Package, name), shallow)
		if err != nil {
			list.Variables = append(list.Variables, Variable{Name: name, Unreadable: err.Error()})
			continue
		}
		shown := w.show(v)
		shown.Name = name
		list.Variables = append(list.Variables, shown)
	}
	return list, nil
}

// globalsOf lists the names of a package's variables, without the package.
func (c *Core) globalsOf(scope *proc.EvalScope, pkg string) (names []string, err error) {
	if c.globals == nil {
		all, err := scope.PackageVariables(proc.LoadConfig{})
		if err != nil {
			return nil, fmt.Errorf("read package variables: %w", err)
		}
		for _, v := range all {
			c.globals = append(c.globals, v.Name)
		}
	}
	for _, whole := range c.globals {
		name, ok := strings.CutPrefix(strings.ReplaceAll(whole, "%2e", "."), pkg+".")
		// Names that the compiler makes have a dot, such as ".inittask".
		if ok && !strings.ContainsAny(name, "./") && !strings.Contains(name, "stmp_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// packageOf is the import path of a function's package.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	if dot := strings.IndexByte(function[slash:], '.'); dot >= 0 {
		return strings.ReplaceAll(function[:slash+dot], "%2e", ".")
	}
	return function
}
