package capture

import (
	"net/http"
	"reflect"
	"slices"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
)

// maxCauses limits the list of causes: a tree that errors.Join grows in a loop
// ends there.
const maxCauses = 64

// Cause is one error in the tree of errors below the reported one.
type Cause struct {
	// Type is the error's Go type, "*fs.PathError".
	Type string `json:"type"`
	// Message is what its Error method returns.
	Message string `json:"message"`
	// Depth is how many levels below the reported error it is, from 0.
	Depth int `json:"depth"`
	// Cyclic says that this error is also further up: it wraps itself.
	Cyclic bool `json:"cyclic,omitempty"`
	// Frames is where the error was made, if it knows.
	Frames []Frame `json:"frames,omitempty"`
	// Fields are the fields of the error's type, without the errors it wraps and the
	// stack it keeps, which are shown separately. For types of packages errors,
	// fmt and runtime there are none: the message says it all.
	Fields *Value `json:"fields,omitempty"`

	err error
}

// causes lists err and all errors it wraps, by both forms of Unwrap, in the
// order in which errors.Is visits them.
func (s *sources) causes(err error) []Cause {
	var list []Cause
	walk(err, func(err error, depth int, cyclic bool) {
		cause := Cause{Type: dump.TypeName(err), Message: s.Print(err), Depth: depth, Cyclic: cyclic, err: err}
		if !cyclic {
			pcs := stackOf(err)
			if raised, ok := panicking(pcs); ok {
				pcs = raised
			}
			cause.Frames = s.frames(pcs)
			cause.Fields = s.fields(err)
		}
		list = append(list, cause)
	})
	return list
}

// fields are the fields of an error's concrete type, nil if there are none to show.
func (s *sources) fields(err error) *Value {
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.PkgPath() {
	case "errors", "fmt", "runtime", "internal/errors":
		return nil
	}
	inner := unwrap(err)
	_, ofTemplate := err.(templateError)
	d := s.Dumper(dump.FieldValues)
	d.Skip = func(v reflect.Value) bool {
		switch v.Kind() {
		case reflect.Map:
			return ofTemplate // its variables, below its lines
		case reflect.Slice:
			of := v.Type().Elem()
			return of.Kind() == reflect.Uintptr || len(inner) > 0 && of == reflect.TypeFor[error]()
		case reflect.Interface, reflect.Pointer:
			return slices.ContainsFunc(inner, func(err error) bool { return isIn(v, err) })
		}
		return false
	}
	// Its message is shown already.
	value := d.Inside(err)
	if len(value.Inside) == 0 {
		return nil
	}
	return value
}

// isIn reports whether a field holds an error.
func isIn(field reflect.Value, err error) bool {
	if field.Kind() == reflect.Interface {
		field = field.Elem()
	}
	v := reflect.ValueOf(err)
	if !field.IsValid() || !v.IsValid() || field.Type() != v.Type() {
		return false
	}
	return v.Kind() != reflect.Pointer || v.Pointer() == field.Pointer()
}

// walk visits err and all errors that it wraps, up to maxCauses of them, and reports whether those
// were all. Unlike [errors.As] it stops if an error wraps itself, and if an Unwrap panics.
func walk(err error, visit func(err error, depth int, cyclic bool)) (whole bool) {
	count := 0
	whole = true
	var path []error
	var step func(error)
	step = func(err error) {
		if err == nil {
			return
		}
		if count++; count > maxCauses {
			whole = false
			return
		}
		cyclic := false
		for _, outer := range path {
			cyclic = cyclic || same(outer, err)
		}
		visit(err, len(path), cyclic)
		if cyclic {
			whole = false
			return
		}
		path = append(path, err)
		for _, inner := range unwrap(err) {
			step(inner)
		}
		path = path[:len(path)-1]
	}
	step(err)
	return whole
}

// same reports whether a and b are the same error. It is false for errors that
// cannot be compared.
func same(a, b error) bool {
	defer func() { _ = recover() }() // a struct with a slice in an interface
	return reflect.TypeOf(a).Comparable() && a == b
}

// unwrap returns the errors that err wraps, none if its Unwrap panics.
func unwrap(err error) (inner []error) {
	defer func() { _ = recover() }()
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return nil
}

// Answers reports whether an error sends its own response: it is, or wraps, an [http.Handler]. A
// 500 with a cause does not count, because some code has made it of a failure. An error that wraps
// itself does not: the search for the handler in it would never end.
func Answers(err error) bool {
	found, failed := false, false
	whole := walk(err, func(err error, _ int, _ bool) {
		if _, ok := err.(http.Handler); ok {
			found = true
		}
		if e, ok := err.(*httperror.Error); ok && e != nil && e.Code == httperror.InternalServerError && e.Err != nil {
			failed = true
		}
	})
	return whole && found && !failed
}
