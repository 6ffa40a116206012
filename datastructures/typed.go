package datastructures

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/zeugkit/zeug/httperror"
)

// texts returns the values of key that typed reading may look at, in order of precedence. [Values]
// yields the first only, and Values made by [Combine] the first of each source, so that a malformed
// value in one source lets the next be tried.
type texts interface {
	candidates(key string, yield func(string) bool)
}

func (v *Values) candidates(key string, yield func(string) bool) {
	s, ok := v.Lookup(key)
	if !ok || !yield(s) {
		return
	}
	for _, source := range v.sources {
		if other, ok := source.Lookup(key); ok && other != s && !yield(other) {
			return
		}
	}
}

// Get returns the result of parse for the first value of key, or fallback if the key is missing or
// parse returns an error.
//
//	color := datastructures.Get(req.Query(), "color", parseColor, Red)
//
// It is Werkzeug's args.get(key, default, type).
func Get[T any](v texts, key string, parse func(string) (T, error), fallback T) T {
	result := fallback
	v.candidates(key, func(s string) bool {
		t, err := parse(s)
		if err != nil {
			return true
		}
		result = t
		return false
	})
	return result
}

// GetList returns the results of parse for the values of key, without the
// values for which it returns an error.
func GetList[T any](v *Values, key string, parse func(string) (T, error)) []T {
	var list []T
	for _, s := range v.List(key) {
		if t, err := parse(s); err == nil {
			list = append(list, t)
		}
	}
	return list
}

// Require returns the result of parse for the first value of key. Its error is an
// [*httperror.Error] that answers 400 and names the key; a [*FieldError] in it has details.
func Require[T any](v texts, key string, parse func(string) (T, error)) (T, error) {
	var (
		result T
		found  bool
		bad    error
	)
	v.candidates(key, func(s string) bool {
		t, err := parse(s)
		if err != nil {
			if bad == nil {
				bad = err
			}
			return true
		}
		result, found = t, true
		return false
	})
	if found {
		return result, nil
	}
	return result, fieldError(key, bad)
}

// FieldError says which field of a request was missing or malformed. It is the
// cause of the 400 that [Require] and its like return: find it with errors.As.
type FieldError struct {
	// Key is the field's name.
	Key string
	// Err is why its value was refused; nil means that it had no value.
	Err error
}

func (e *FieldError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("field %q is missing", e.Key)
	}
	return fmt.Sprintf("field %q: %v", e.Key, e.Err)
}

// Unwrap returns the reason.
func (e *FieldError) Unwrap() error { return e.Err }

func fieldError(key string, reason error) error {
	description := fmt.Sprintf("The field %q is missing.", key)
	if reason != nil {
		description = fmt.Sprintf("The value of the field %q is not valid.", key)
	}
	return &httperror.Error{
		Code:        httperror.BadRequest,
		Description: description,
		Err:         &FieldError{Key: key, Err: reason},
	}
}

func parseText(s string) (string, error) { return s, nil }

// parseFloat refuses the forms that strconv accepts besides decimal numbers:
// hexadecimal digits, underscores, infinities and NaN.
func parseFloat(s string) (float64, error) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9', c == '+', c == '-', c == '.', c == 'e', c == 'E':
		default:
			return 0, &strconv.NumError{Func: "ParseFloat", Num: s, Err: strconv.ErrSyntax}
		}
	}
	return strconv.ParseFloat(s, 64)
}

var errNotBool = errors.New("neither true nor false")

// parseBool knows the words that forms and people send.
func parseBool(s string) (bool, error) {
	switch s {
	case "1", "t", "T", "true", "True", "TRUE", "on", "On", "ON", "yes", "Yes", "YES", "y", "Y":
		return true, nil
	case "0", "f", "F", "false", "False", "FALSE", "off", "Off", "OFF", "no", "No", "NO", "n", "N":
		return false, nil
	}
	return false, errNotBool
}

// Int returns the first value of key as a decimal integer, or fallback if it is
// missing or not an integer.
func (v *Values) Int(key string, fallback int) int { return Get(v, key, strconv.Atoi, fallback) }

// Float returns the first value of key as a finite decimal number, or fallback.
func (v *Values) Float(key string, fallback float64) float64 {
	return Get(v, key, parseFloat, fallback)
}

// Bool returns the first value of key as a bool, or fallback: "1", "t", "true", "on", "y" or "yes"
// for true, "0", "f", "false", "off", "n" or "no", in lower case, upper case or capitalised.
func (v *Values) Bool(key string, fallback bool) bool { return Get(v, key, parseBool, fallback) }

// Require returns the first value of key, which may be empty; without one its
// error answers 400 and names the key.
func (v *Values) Require(key string) (string, error) { return Require(v, key, parseText) }
