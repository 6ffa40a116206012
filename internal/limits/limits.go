// Package limits gives every limit of a settings struct the same meaning. Zero
// is the default, a negative value removes the limit, and a value that is too
// large is an error that names the field.
package limits

import (
	"fmt"
	"math"
	"time"
)

// Forever is the largest duration of a setting: 100 years. A deadline that far
// in the future still fits into a time.Duration and a time.Time.
const Forever = 100 * 365 * 24 * time.Hour

// Set completes the limit to which v points. Zero becomes the value of preset. A
// negative value becomes the value of most, the largest one that the code behind
// the limit can work with. Set returns an error that names the field if the value
// is larger than that. field is the name that the user of the package reads:
// "serving: Options.MaxHeader".
func Set[T ~int | ~int64](v *T, field string, preset, most T) error {
	switch {
	case *v == 0:
		*v = preset
	case *v < 0:
		*v = most
	case *v > most:
		return fmt.Errorf("%s is %v: the largest value is %v, and a negative one means no limit", field, *v, most)
	}
	return nil
}

// Duration returns the duration that v stands for, without an error: preset for 0, and
// [Forever] for a negative value or a larger one.
func Duration(v, preset time.Duration) time.Duration {
	switch {
	case v == 0:
		return preset
	case v < 0:
		return Forever
	}
	return min(v, Forever)
}

// Number returns the limit that v stands for, without an error: preset for 0, and
// [Unlimited] for a negative value or a larger one.
func Number[T int | int64](v, preset T) T {
	switch {
	case v == 0:
		return preset
	case v < 0:
		return Unlimited[T]()
	}
	return min(v, Unlimited[T]())
}

// Unlimited returns a number that no counter reaches. It is half of the largest one, so that the
// sum of two of them does not overflow.
func Unlimited[T int | int64]() T {
	largest := int64(math.MaxInt64)
	if T(largest) < 0 { // an int of 32 bits
		largest = math.MaxInt32
	}
	return T(largest / 2)
}

// Within returns an error that names the field if v is not in the range from
// least to most. It is for numbers that are not limits, such as a delay.
func Within[T ~int | ~int64](v T, field string, least, most T) error {
	if v < least || v > most {
		return fmt.Errorf("%s is %v: use a value from %v to %v", field, v, least, most)
	}
	return nil
}
