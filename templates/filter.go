package templates

import (
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/flosch/pongo2/v6"
)

// Filter is a function that templates apply to a value with {{ value|name }} or {{
// value|name:argument }}; argument is nil in the first form. A returned string is escaped; to
// return markup, return a [pongo2.AsSafeValue].
//
// pongo2 keeps one table of filters for the whole process. So each name means one function for all
// environments. [New] returns an error for a second function with the same name, and also for a
// function literal that was registered before. It is called by several goroutines at once. If a
// function depends on the environment, put it into Globals.
type Filter func(value, argument any) (any, error)

var published = struct {
	sync.Mutex
	filters map[string]uintptr // the code of each filter that New added to pongo2's table
}{filters: map[string]uintptr{}}

// publish adds filters to pongo2's table.
func publish(filters map[string]Filter) error {
	published.Lock()
	defer published.Unlock()
	for _, name := range slices.Sorted(maps.Keys(filters)) {
		f := filters[name]
		if f == nil {
			return fmt.Errorf("templates: filter %q is nil", name)
		}
		code := reflect.ValueOf(f).Pointer()
		if published.filters[name] == code && !isClosure(code) {
			continue
		}
		if pongo2.FilterExists(name) {
			return fmt.Errorf("templates: filter %q exists already, and pongo2 has one table of filters for the process: choose another name, or make it a function among Globals", name)
		}
		if err := pongo2.RegisterFilter(name, adapt(name, f)); err != nil {
			return fmt.Errorf("templates: %w", err)
		}
		published.filters[name] = code
	}
	return nil
}

// isClosure reports whether code belongs to a function literal or to a method bound to its value,
// which may be one of several that share it.
func isClosure(code uintptr) bool {
	name := runtime.FuncForPC(code).Name()
	return strings.Contains(name, ".func") || strings.HasSuffix(name, "-fm")
}

func adapt(name string, f Filter) pongo2.FilterFunction {
	return func(in, argument *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
		out, err := f(in.Interface(), argument.Interface())
		if err != nil {
			return nil, &pongo2.Error{Sender: "filter:" + name, OrigError: err}
		}
		if value, ok := out.(*pongo2.Value); ok {
			return value, nil
		}
		return pongo2.AsValue(out), nil
	}
}
