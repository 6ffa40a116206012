package recording

import (
	"reflect"
	"runtime"
	"strings"
)

// NameOf returns the name of a function for a time line: "main.index" for a view,
// "middleware.Timeout" for the method Wrap of a middleware's settings.
func NameOf(function any) string {
	v := reflect.ValueOf(function)
	if v.Kind() != reflect.Func || v.IsNil() {
		return ""
	}
	f := runtime.FuncForPC(v.Pointer())
	if f == nil {
		return ""
	}
	name := f.Name()
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.TrimSuffix(strings.TrimSuffix(name, "-fm"), ".Wrap")
	return strings.NewReplacer("(*", "", ")", "", "[...]", "").Replace(name)
}
