package datastructures

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/zeugkit/zeug/httperror"
)

// texts is what typed reading needs: the values of key that it may look at, in
// order of precedence. The one of [Values] yields the first only, the one of
// [CombinedValues] the first of each source, so that a malformed value in one
// lets the next be tried.
type texts interface {
	candidates(key string, yield func(string) bool)
}

func (v *Values) candidates(key string, yield func(string) bool) {
	if s, ok := v.Lookup(key); ok {
		yield(s)
	}
}

// Get returns what parse makes of the first value of key, or fallback where the
// key is missing or parse returns an error.
//
//	color := datastructures.Get(req.Args(), "color", parseColor, Red)
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

// GetList returns what parse makes of each value of key, without those for
// which it returns an error.
func GetList[T any](v Reader[string], key string, parse func(string) (T, error)) []T {
	var list []T
	for _, s := range v.List(key) {
		if t, err := parse(s); err == nil {
			list = append(list, t)
		}
	}
	return list
}

// Require returns what parse makes of the first value of key. Its error is an
// [*httperror.Error] that answers 400 and names the key; a [*FieldError] in it
// tells more.
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
	// Err is why its value was refused; nil means that there was none.
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

func parseInt64(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

// parseFloat refuses what strconv adds to decimal numbers: hexadecimal digits,
// underscores, infinities and NaN.
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

// parseBool knows what forms and people send.
func parseBool(s string) (bool, error) {
	switch s {
	case "1", "t", "T", "true", "True", "TRUE", "on", "On", "ON", "yes", "Yes", "YES", "y", "Y":
		return true, nil
	case "0", "f", "F", "false", "False", "FALSE", "off", "Off", "OFF", "no", "No", "NO", "n", "N":
		return false, nil
	}
	return false, errNotBool
}

func parseTime(layout string) func(string) (time.Time, error) {
	return func(s string) (time.Time, error) { return time.Parse(layout, s) }
}

// Int returns the first value of key as a decimal integer, or fallback where it
// is missing or none.
func (v *Values) Int(key string, fallback int) int { return Get(v, key, strconv.Atoi, fallback) }

// Int64 is [Values.Int] for an int64.
func (v *Values) Int64(key string, fallback int64) int64 { return Get(v, key, parseInt64, fallback) }

// Float returns the first value of key as a finite decimal number, or fallback.
func (v *Values) Float(key string, fallback float64) float64 {
	return Get(v, key, parseFloat, fallback)
}

// Bool returns the first value of key as a truth value, or fallback: "1", "t",
// "true", "on", "y" or "yes" against "0", "f", "false", "off", "n" or "no", in
// lower case, upper case or capitalised.
func (v *Values) Bool(key string, fallback bool) bool { return Get(v, key, parseBool, fallback) }

// Time returns the first value of key as a time in layout ([time.DateOnly],
// "2006-01-02T15:04" for a datetime-local input, …), or fallback.
func (v *Values) Time(key, layout string, fallback time.Time) time.Time {
	return Get(v, key, parseTime(layout), fallback)
}

// Duration returns the first value of key as [time.ParseDuration] reads it
// ("90s", "1h30m"), or fallback.
func (v *Values) Duration(key string, fallback time.Duration) time.Duration {
	return Get(v, key, time.ParseDuration, fallback)
}

// Require returns the first value of key, which may be empty; without one its
// error answers 400 and names the key.
func (v *Values) Require(key string) (string, error) { return Require(v, key, parseText) }

// RequireInt returns the first value of key as a decimal integer; its error
// answers 400 and names the key.
func (v *Values) RequireInt(key string) (int, error) { return Require(v, key, strconv.Atoi) }

// RequireFloat is [Values.RequireInt] for a finite decimal number.
func (v *Values) RequireFloat(key string) (float64, error) { return Require(v, key, parseFloat) }

// RequireBool is [Values.RequireInt] for a truth value as [Values.Bool] reads it.
func (v *Values) RequireBool(key string) (bool, error) { return Require(v, key, parseBool) }

// RequireTime is [Values.RequireInt] for a time in layout.
func (v *Values) RequireTime(key, layout string) (time.Time, error) {
	return Require(v, key, parseTime(layout))
}
