package routing

import "fmt"

// A Converter says which strings a variable of a rule accepts, and turns them into values and
// back. The zero Converter accepts any string without a slash.
type Converter struct {
	// Pattern is a regular expression (RE2 syntax) that the whole string must match, or "" for any
	// string that is not empty.
	Pattern string
	// Slashes lets the variable contain slashes.
	Slashes bool
	// Weight orders the variables that could be at the same place of a path; the lowest is tried
	// first. 0 means 100, the weight of the string converter; int, float and uuid are 50, 50 and
	// 100, path is 200.
	Weight int
	// Parse turns the string into the variable's value. If it returns an error, the next rule is
	// tried. Nil leaves the string unchanged.
	//
	// Parse is called while matching, by many goroutines at a time.
	Parse func(text string) (any, error)
	// Format turns a value into a string, which Build then percent-encodes. Nil formats the types
	// that [With] lists.
	Format func(value any) (string, error)
}

// ConverterFunc makes the converter of variables from the arguments that a rule gives it. It is
// called at registration, once for all variables that are written in the same way. If it fails, the
// error names the rule.
type ConverterFunc func(arguments []Argument) (Converter, error)

// Argument is one argument of a converter in a rule's path, such as `length=2` in
// "/<string(length=2):code>".
type Argument struct {
	// Name is the word before the equals sign, or "".
	Name string
	// Text is the value, without the quotes if it had any.
	Text string
	// Offset is where in the rule's path the argument starts.
	Offset int
}

// Typed returns a Converter for values of one type: parse returns the value for [Param], and format
// gets such a value.
func Typed[V any](parse func(text string) (V, error), format func(value V) string) Converter {
	return Converter{
		Parse: func(text string) (any, error) { return parse(text) },
		Format: func(value any) (string, error) {
			v, ok := value.(V)
			if !ok {
				return "", fmt.Errorf("it is a %T, not a %T", value, v)
			}
			return format(v), nil
		},
	}
}
