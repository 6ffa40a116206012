package routing

import (
	"fmt"
	"math"
	"strconv"
)

// Values as texts of a URL, by their variables' converters.

// appendValue appends the percent-encoded text of v to b. Unless loose, a value
// that would not match again is refused.
func (c *converter) appendValue(b []byte, v *Value, loose bool) ([]byte, error) {
	switch c.kind {
	case intConverter:
		return c.appendInt(b, v, loose)
	case floatConverter:
		return c.appendFloat(b, v, loose)
	case stringConverter:
		if v.kind == intValue && c.form.min <= 1 && c.form.max == math.MaxInt {
			return strconv.AppendInt(b, int64(v.bits), 10), nil
		}
	}
	text, err := c.text(v, loose)
	if err != nil {
		return b, err
	}
	// Werkzeug looks at words alone.
	if (!loose || c.kind == anyConverter) && !c.form.whole(text) {
		if text == "" {
			return b, errEmpty
		}
		return b, fmt.Errorf("%q is not what <%s> matches", text, c.name)
	}
	if c.kind == uuidConverter {
		return append(b, text...), nil
	}
	return appendEscaped(b, text, loose || c.form.overSlashes()), nil
}

// text returns the plain text of v.
func (c *converter) text(v *Value, loose bool) (string, error) {
	switch {
	case c.format != nil:
		return c.format(v.Any())
	case c.kind == uuidConverter && v.kind != uuidValue && !loose:
		text, err := v.plain()
		if err == nil && !isUUID(text) {
			err = fmt.Errorf("%q is no UUID", text)
		}
		return text, err
	}
	return v.plain()
}

func (c *converter) appendInt(b []byte, v *Value, loose bool) ([]byte, error) {
	var n int64
	switch v.kind {
	case intValue:
		n = int64(v.bits)
	case uintValue:
		if n = int64(v.bits); n < 0 {
			return b, fmt.Errorf("%d is out of range", v.bits)
		}
	default:
		if loose {
			return c.appendLooseInt(b, v)
		}
		text, err := v.plain()
		if err != nil {
			return b, err
		}
		if n, err = strconv.ParseInt(text, 10, 64); err != nil || v.kind == floatValue {
			return b, fmt.Errorf("%q is no integer", text)
		}
	}
	start := len(b)
	b = strconv.AppendInt(b, n, 10)
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

func (c *converter) appendFloat(b []byte, v *Value, loose bool) ([]byte, error) {
	f, ok := v.number()
	if !ok {
		text, err := v.plain()
		if err != nil {
			return b, err
		}
		if f, err = strconv.ParseFloat(text, 64); err != nil {
			return b, fmt.Errorf("%q is no number", text)
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
