package routing

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// Values as strings of a URL, made by their variables' converters. A value that would not match
// again is refused, unless Options.LooseBuild is set.
//
//	variable                   value                written
//	<int(fixed_digits=3):n>    7                    007
//	                           7.5, -7              errors: not an integer; not signed
//	<float:f>                  1                    1.0: without the point it would not match
//	                           1e-9                 0.000000001: an exponent would not match
//	<name>                     "a/b"                a%2Fb
//	                           ""                   an error
//	<path:p>                   "a/b"                a/b
//	<any(de, en):lang>         "fr"                 an error, with LooseBuild too
//
// An int and a float have functions of their own, because a number has many spellings and only some
// of them match. All other converters make a string, and the question is whether it has their form.
//
// With LooseBuild, values are written as Werkzeug's to_url writes them, which converts with Python's
// int, float and str, and checks nothing but words.

// appendValue appends the percent-encoded text of v to b. Unless loose, a value that would not
// match again is refused.
//
//	<int(fixed_digits=3):n>, 7            "007"
//	<string(length=2):code>, "abc"        an error; with loose "abc"
//	<name>, "ü/@"                         "%C3%BC%2F@"
//	<path:p>, "/a"                        an error, since a path does not start with a slash
func (c *converter) appendValue(b []byte, v *Value, loose bool) ([]byte, error) {
	switch c.kind {
	case intConverter:
		return c.appendInt(b, v, loose)
	case floatConverter:
		return c.appendFloat(b, v, loose)
	case stringConverter:
		// The digits of an int need no encoding, and have at least one character.
		if v.kind == intValue && c.form.min <= 1 && c.form.max == math.MaxInt {
			return strconv.AppendInt(b, int64(v.bits), 10), nil
		}
	}
	text, err := c.text(v, loose)
	if err != nil {
		return b, err
	}
	// Werkzeug checks only words.
	if (!loose || c.kind == anyConverter) && !c.form.whole(text) {
		if text == "" {
			return b, errEmpty
		}
		return b, fmt.Errorf("%q is not what <%s> matches", text, c.name)
	}
	// A UUID that was checked needs no encoding. With LooseBuild it is written unchanged, as in
	// Werkzeug.
	if c.kind == uuidConverter {
		return append(b, text...), nil
	}
	return appendEscaped(b, text, loose || c.form.overSlashes()), nil
}

// text returns the plain text of v. An array of 16 bytes is a UUID for sure; any other value for a
// uuid converter must be checked, and the error says what is wrong with it.
func (c *converter) text(v *Value, loose bool) (string, error) {
	switch {
	// Format gets the value as the caller passed it, or the nearest basic type (Value.any).
	case c.format != nil:
		return c.format(v.any())
	case c.kind == uuidConverter && v.kind != uuidValue && !loose:
		text, err := v.Text()
		if err == nil && !isUUID(text) {
			err = fmt.Errorf("%q is not a UUID", text)
		}
		return text, err
	}
	return v.Text()
}

// appendInt appends an integer. Strings of digits are accepted too, since the values of a template
// or a form are strings, but not floats: 7.0 is more likely a mistake than a number of a page.
//
//	<int(fixed_digits=3):n>               7      "007"
//	                                      "08"   "008"
//	                                      1234   an error: more than 3 digits
//	<int(fixed_digits=3,signed=True):n>   -7     "-07"
//	<int(max=9):n>                        12     an error: out of range
func (c *converter) appendInt(b []byte, v *Value, loose bool) ([]byte, error) {
	var n int64
	switch v.kind {
	case intValue:
		n = int64(v.bits)
	case uintValue:
		// The highest bit is set, so the uint64 is larger than every int64.
		if n = int64(v.bits); n < 0 {
			return b, fmt.Errorf("%d is out of range", v.bits)
		}
	default:
		if loose {
			return c.appendLooseInt(b, v)
		}
		text, err := v.Text()
		if err != nil {
			return b, err
		}
		// The text of the float 7.0 is "7.0", which is an error here.
		if n, err = strconv.ParseInt(text, 10, 64); err != nil {
			return b, fmt.Errorf("%q is not an integer", text)
		}
	}
	start := len(b)
	b = strconv.AppendInt(b, n, 10)
	// Zeros go between the sign and the digits, and the sign counts as a digit: -7 becomes "-07".
	for c.digits > len(b)-start {
		sign := 0
		if n < 0 {
			sign = 1
		}
		b = append(b, 0)
		copy(b[start+sign+1:], b[start+sign:])
		b[start+sign] = '0'
	}
	if loose {
		return b, nil
	}
	switch {
	case c.digits > 0 && len(b)-start > c.digits:
		return b[:start], fmt.Errorf("%d has more than %d digits", n, c.digits)
	case n < 0 && !c.form.signed:
		return b[:start], fmt.Errorf("%d is negative, and <%s> is not signed", n, c.name)
	case c.bounded && (n < c.min || n > c.max):
		return b[:start], fmt.Errorf("%d is out of the range of <%s>", n, c.name)
	}
	return b, nil
}

// appendFloat appends a number with a point. A sign is refused by its bit and not by comparing with
// zero, because -0 would be written "-0.0", which an unsigned float does not match.
func (c *converter) appendFloat(b []byte, v *Value, loose bool) ([]byte, error) {
	f, ok := v.number()
	if !ok {
		text, err := v.Text()
		if err != nil {
			return b, err
		}
		if f, err = strconv.ParseFloat(text, 64); err != nil {
			return b, fmt.Errorf("%q is not a number", text)
		}
	}
	start := len(b)
	b, err := appendFloat(b, f)
	if err != nil || loose {
		return b, err
	}
	switch {
	case math.Signbit(f) && !c.form.signed:
		return b[:start], fmt.Errorf("%v is negative, and <%s> is not signed", f, c.name)
	case f < c.low || f > c.high:
		return b[:start], fmt.Errorf("%v is out of the range of <%s>", f, c.name)
	}
	return b, nil
}

// appendLooseInt appends a value as Python's int converts it, for [Options].LooseBuild: 7.9 becomes
// 7, a UUID is a number of 128 bits, True is 1, and " 7 " is 7. The numbers have any size there, so
// this takes math/big.
//
//	<int(fixed_digits=3):n>   7.9     "007"
//	                          -7.9    "-07"
//	                          " 7 "   "007"
//	                          true    "001"
//	                          "x"     an error, in Python too
func (c *converter) appendLooseInt(b []byte, v *Value) ([]byte, error) {
	text := ""
	switch v.kind {
	case floatValue:
		f := v.float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return b, fmt.Errorf("%v is not an integer", f)
		}
		whole, _ := big.NewFloat(f).Int(nil)
		text = whole.String()
	case uuidValue:
		u := v.other.(uuid.UUID)
		text = new(big.Int).SetBytes(u[:]).String()
	case boolValue:
		text = strconv.FormatUint(v.bits, 10)
	default:
		plain, err := v.Text()
		if err != nil {
			return b, err
		}
		n, ok := new(big.Int).SetString(strings.TrimSpace(plain), 10)
		if !ok {
			return b, fmt.Errorf("%q is not an integer", plain)
		}
		text = n.String()
	}
	// Python's zfill counts the sign, so one zero fewer follows it.
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		b, text = append(b, '-'), rest
		b = append(b, strings.Repeat("0", max(c.digits-1-len(text), 0))...)
	} else {
		b = append(b, strings.Repeat("0", max(c.digits-len(text), 0))...)
	}
	return append(b, text...), nil
}
