package gorillamux

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"sync"
	"unsafe"

	"github.com/gorilla/mux"
)

// This file reads fields that mux does not export.
//
// The order of a route's matchers decides the response of mux, and mux exports neither that order
// nor the middlewares of a router. FromRouter reads the fields once, and never writes them.
// [layoutError] compares the fields with those of the versions that this package was written for,
// so that another version is an error when the program starts.

// layout lists the fields that are read, with their types. A type is compared as text, because mux
// does not export the types either.
var layout = map[reflect.Type]map[string]string{
	reflect.TypeFor[mux.Router](): {
		"routes": "[]*mux.Route", "middlewares": "[]mux.middleware", "routeConf": "mux.routeConf",
	},
	reflect.TypeFor[mux.Route](): {
		"handler": "http.Handler", "buildOnly": "bool", "routeConf": "mux.routeConf",
	},
	confType: {
		"useEncodedPath": "bool", "skipClean": "bool", "regexp": "mux.routeRegexpGroup", "matchers": "[]mux.matcher",
	},
	groupType: {
		"host": "*mux.routeRegexp", "path": "*mux.routeRegexp", "queries": "[]*mux.routeRegexp",
	},
	regexpType: {
		"template": "string", "regexpType": "mux.regexpType", "options": "mux.routeRegexpOptions",
		"regexp": "*regexp.Regexp", "varsN": "[]string", "wildcardHostPort": "bool",
	},
	optionsType: {"strictSlash": "bool", "useEncodedPath": "bool"},
}

var (
	confType    = fieldType(reflect.TypeFor[mux.Route](), "routeConf")
	groupType   = fieldType(confType, "regexp")
	regexpType  = fieldType(groupType, "path")
	optionsType = fieldType(regexpType, "options")
)

// fieldType returns the type of a field, or of the value to which it points. If there is no such
// field, it returns the type of an empty struct.
func fieldType(t reflect.Type, name string) reflect.Type {
	f, ok := t.FieldByName(name)
	switch {
	case ok && f.Type.Kind() == reflect.Struct:
		return f.Type
	case ok && f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct:
		return f.Type.Elem()
	}
	return reflect.TypeFor[struct{}]()
}

// layoutError returns an error if mux has other fields than expected.
var layoutError = sync.OnceValue(func() error {
	for t, fields := range layout {
		for name, want := range fields {
			if f, ok := t.FieldByName(name); !ok || f.Type.String() != want {
				return fmt.Errorf("gorillamux: unknown version of gorilla/mux: %s has no field %s of type %s; serve the mux router itself", t, name, want)
			}
		}
	}
	return nil
})

// private returns a field of the struct v, which is addressable. reflect does not let a program
// read an unexported field as an interface. A value at the same address, made without that mark,
// can be read.
func private(v reflect.Value, name string) reflect.Value {
	f := v.FieldByName(name)
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

// field returns the value of a field with the type V, which layout has checked.
func field[V any](v reflect.Value, name string) V { return private(v, name).Interface().(V) }

// matchFunc is the interface of mux's matchers.
type matchFunc interface {
	Match(*http.Request, *mux.RouteMatch) bool
}

// middleware is the interface of mux's middlewares.
type middleware interface {
	Middleware(http.Handler) http.Handler
}

// expression is a routeRegexp of mux: the template of a host, path or query.
type expression struct {
	template string
	kind     expressionKind
	regexp   *regexp.Regexp
	// names are the names of the variables, in the order of the template. mux calls the groups v0,
	// v1, …, so a name need not be valid as the name of a group.
	names []string

	// strictSlash says that a path with or without its last slash is redirected. encodedPath says
	// that the path is matched as it was sent. anyPort says that the template of a host has no
	// port, so that every port matches.
	strictSlash, encodedPath, anyPort bool
}

// expressionKind is mux's regexpType.
type expressionKind int

const (
	pathExpression expressionKind = iota
	hostExpression
	prefixExpression
	queryExpression
)

// readExpression reads a *routeRegexp; nil if that is nil.
func readExpression(v reflect.Value) *expression {
	if v.IsNil() {
		return nil
	}
	v = v.Elem()
	options := private(v, "options")
	return &expression{
		template: field[string](v, "template"), kind: expressionKind(private(v, "regexpType").Int()),
		regexp: field[*regexp.Regexp](v, "regexp"), names: field[[]string](v, "varsN"),
		strictSlash: field[bool](options, "strictSlash"), encodedPath: field[bool](options, "useEncodedPath"),
		anyPort: field[bool](v, "wildcardHostPort"),
	}
}
