package routing

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// appendLooseInt appends what Python's int makes of a value, for
// [Options].LooseBuild: a float is cut off, a UUID is a number of 128 bits.
func (c *converter) appendLooseInt(b []byte, v *Value) ([]byte, error) {
	text := ""
	switch v.kind {
	case floatValue:
		text = strconv.FormatFloat(v.float(), 'f', 0, 64)
		if f := v.float(); f == f {
			whole, _ := big.NewFloat(f).Int(nil)
			text = whole.String()
		}
	case uuidValue:
		u := v.other.(UUID)
		text = new(big.Int).SetBytes(u[:]).String()
	case boolValue:
		text = strconv.FormatUint(v.bits, 10)
	default:
		plain, err := v.plain()
		if err != nil {
			return b, err
		}
		n, ok := new(big.Int).SetString(strings.TrimSpace(plain), 10)
		if !ok {
			return b, fmt.Errorf("%q is no integer", plain)
		}
		text = n.String()
	}
	for n := len(text); n < c.digits; n++ {
		b = append(b, '0')
	}
	return append(b, text...), nil
}
