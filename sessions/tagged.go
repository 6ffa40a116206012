package sessions

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Flask's sessions are JSON. An object with one member whose name is a tag
// stands for a value that JSON cannot express. The values of Go are these:
//
//	nil, bool, string    None, bool, str
//	int64, float64       int, float
//	json.Number          an int beyond int64
//	[]any, Tuple         list, tuple
//	map[string]any       dict
//	[]byte, Markup       bytes, Markup
//	[16]byte, time.Time  UUID, datetime
//
// All integer types of Go and float32 are written too, and so is every UUID type with 16 bytes,
// such as uuid.UUID of github.com/google/uuid.

type (
	// Tuple is a Python tuple.
	Tuple []any
	// Markup is text that is already HTML: markupsafe's Markup.
	Markup string
)

// uuidType is the type of a Python uuid.UUID.
var uuidType = reflect.TypeFor[[16]byte]()

// The tags.
const (
	tagDict     = " di" // a dict whose only key is a tag
	tagTuple    = " t"
	tagBytes    = " b"
	tagMarkup   = " m"
	tagUUID     = " u"
	tagDatetime = " d"
)

func isTag(key string) bool {
	switch key {
	case tagDict, tagTuple, tagBytes, tagMarkup, tagUUID, tagDatetime:
		return true
	}
	return false
}

// maxDepth limits how deep values may be nested, so that a value that contains itself is an error.
// Python's own limit is lower.
const maxDepth = 10_000

var errDeep = errors.New("session: a value holds itself, or is nested more than 10,000 levels deep")

// appendTagged writes a value as Flask does: with sorted members, without spaces, in ASCII.
func appendTagged(b []byte, value any, depth int) ([]byte, error) {
	if depth++; depth > maxDepth {
		return nil, errDeep
	}
	switch v := value.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		return appendASCII(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case int8, int16, int32, uint, uint8, uint16, uint32, uint64:
		return fmt.Append(b, v), nil
	case float32:
		return appendFloat(b, float64(v))
	case float64:
		return appendFloat(b, v)
	case json.Number:
		if !json.Valid([]byte(v)) || strings.Trim(string(v), "+-.eE0123456789") != "" {
			return nil, fmt.Errorf("session: %q is not a number", string(v))
		}
		return append(b, v...), nil
	case []any:
		return appendList(b, v, depth)
	case Tuple:
		return appendWrapped(b, tagTuple, func(b []byte) ([]byte, error) { return appendList(b, v, depth) })
	case map[string]any:
		return appendDict(b, v, depth)
	case []byte:
		return appendWrapped(b, tagBytes, func(b []byte) ([]byte, error) {
			return appendASCII(b, base64.StdEncoding.EncodeToString(v))
		})
	case Markup:
		return appendWrapped(b, tagMarkup, func(b []byte) ([]byte, error) { return appendASCII(b, string(v)) })
	case time.Time:
		return appendWrapped(b, tagDatetime, func(b []byte) ([]byte, error) {
			return appendASCII(b, v.UTC().Format(http.TimeFormat))
		})
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.Array && v.Type().ConvertibleTo(uuidType) {
		u := v.Convert(uuidType).Interface().([16]byte)
		return appendWrapped(b, tagUUID, func(b []byte) ([]byte, error) { return appendASCII(b, hex.EncodeToString(u[:])) })
	}
	return nil, fmt.Errorf("session: a Python session has no form for a %T", value)
}

func appendWrapped(b []byte, tag string, inner func([]byte) ([]byte, error)) ([]byte, error) {
	b = append(append(append(b, `{"`...), tag...), `":`...)
	b, err := inner(b)
	return append(b, '}'), err
}

func appendList(b []byte, list []any, depth int) (_ []byte, err error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendTagged(b, v, depth); err != nil {
			return nil, inside(fmt.Sprintf("[%d]", i), err)
		}
	}
	return append(b, ']'), nil
}

func appendDict(b []byte, dict map[string]any, depth int) (_ []byte, err error) {
	for key, v := range dict {
		if len(dict) == 1 && isTag(key) {
			return appendWrapped(b, tagDict, func(b []byte) ([]byte, error) {
				return appendWrapped(b, key+"__", func(b []byte) ([]byte, error) { return appendTagged(b, v, depth) })
			})
		}
	}
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(dict)) {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendASCII(b, key); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendTagged(b, dict[key], depth); err != nil {
			return nil, inside(fmt.Sprintf("[%q]", key), err)
		}
	}
	return append(b, '}'), nil
}

// inside adds the name of a member to an error in its value.
func inside(member string, err error) error {
	if err == errDeep {
		return err
	}
	return fmt.Errorf("%s: %w", member, err)
}

// appendASCII writes a string as Python's json does.
func appendASCII(b []byte, s string) ([]byte, error) {
	b = append(b, '"')
	for i, c := range s {
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			half, ok := surrogateAt(s, i)
			if !ok {
				return nil, fmt.Errorf("session: %q is not UTF-8: keep bytes as []byte", s)
			}
			if half != 0 {
				b = fmt.Appendf(b, `\u%04x`, half)
			}
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c == '\b':
			b = append(b, `\b`...)
		case c == '\f':
			b = append(b, `\f`...)
		case c >= ' ' && c <= '~':
			b = append(b, byte(c))
		case c > 0xffff:
			c -= 0x10000
			b = fmt.Appendf(b, `\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
		default:
			b = fmt.Appendf(b, `\u%04x`, c)
		}
	}
	return append(b, '"'), nil
}

// surrogateAt returns the half of a surrogate pair that begins at s[i], 0 inside of a half, and
// false for any other byte that is not UTF-8. A Python string may hold such a half alone. In Go it
// takes three bytes, which are not valid UTF-8 (WTF-8).
func surrogateAt(s string, i int) (rune, bool) {
	for back := range 3 {
		if at := i - back; at >= 0 && at+3 <= len(s) && s[at] == 0xed && s[at+1]&^0x1f == 0xa0 && s[at+2]&^0x3f == 0x80 {
			if back > 0 {
				return 0, true
			}
			return 0xd000 | rune(s[at+1]&0x3f)<<6 | rune(s[at+2]&0x3f), true
		}
	}
	return 0, false
}

// appendFloat writes the shortest form from which the same number is read, with an exponent if
// Python would use one. Python's json also writes values that JSON does not have.
func appendFloat(b []byte, f float64) ([]byte, error) {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...), nil
	case math.IsInf(f, 1):
		return append(b, "Infinity"...), nil
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...), nil
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(b, f, 'e', -1, 64), nil
	}
	from := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if !bytes.ContainsRune(b[from:], '.') {
		b = append(b, ".0"...)
	}
	return b, nil
}
