package sessions

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Flask's sessions are JSON, in which an object of one member whose name is a tag
// stands for a value that JSON has no form for. The values of Go are these:
//
//	nil, bool, string    None, bool, str
//	int64, float64       int, float
//	json.Number          an int beyond int64
//	[]any, Tuple         list, tuple
//	map[string]any       dict
//	[]byte, Markup       bytes, Markup
//	UUID, time.Time      UUID, datetime
//
// All kinds of Go's integers and float32 are written too.

type (
	// Tuple is a Python tuple.
	Tuple []any
	// Markup is text that is HTML already: markupsafe's Markup.
	Markup string
	// UUID is a uuid.UUID (RFC 9562); github.com/google/uuid's is convertible.
	UUID [16]byte
)

// String returns the UUID in its five groups.
func (u UUID) String() string {
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// The tags.
const (
	tagDict     = " di" // of a dict whose only key is a tag
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

// maxDepth bounds how deep values may be, so that one that holds itself is an
// error.
const maxDepth = 500

// appendTagged writes a value as Flask does: members sorted, no spaces, ASCII.
func appendTagged(b []byte, value any, depth int) ([]byte, error) {
	if depth++; depth > maxDepth {
		return nil, errors.New("session: a value holds itself, or is deeper than 500 levels")
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
		if _, err := number(v); err != nil {
			return nil, err
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
	case UUID:
		return appendWrapped(b, tagUUID, func(b []byte) ([]byte, error) { return appendASCII(b, hex.EncodeToString(v[:])) })
	case time.Time:
		return appendWrapped(b, tagDatetime, func(b []byte) ([]byte, error) {
			return appendASCII(b, v.UTC().Format(http.TimeFormat))
		})
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
			return nil, fmt.Errorf("[%d]: %w", i, err)
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
			return nil, fmt.Errorf("[%q]: %w", key, err)
		}
	}
	return append(b, '}'), nil
}

// appendASCII writes a string as Python's json does.
func appendASCII(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("session: %q is not UTF-8: keep bytes as []byte", s)
	}
	b = append(b, '"')
	for _, c := range s {
		switch {
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

// appendFloat writes the shortest form that reads back the same, with an
// exponent where Python has one.
func appendFloat(b []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("session: JSON has no %v", f)
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

// readTagged is the inverse of appendTagged, of any JSON.
func readTagged(data []byte) (any, error) {
	if i := loneSurrogate(data); i >= 0 {
		return nil, fmt.Errorf("session: half a surrogate pair at offset %d, which Go's strings cannot hold", i)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("session: more than one value")
	}
	return untag(v)
}

// loneSurrogate returns where the first \u escape of half a pair is, or -1.
func loneSurrogate(data []byte) int {
	escape := func(i int) uint64 {
		if i+6 > len(data) || data[i] != '\\' || data[i+1] != 'u' {
			return 0
		}
		n, _ := strconv.ParseUint(string(data[i+2:i+6]), 16, 16)
		return n
	}
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		switch n := escape(i); {
		case n>>10 == 0xd800>>10 && escape(i+6)>>10 == 0xdc00>>10:
			i += 11
		case n>>11 == 0xd800>>11:
			return i
		default:
			i++ // what is escaped escapes nothing
		}
	}
	return -1
}

func number(n json.Number) (any, error) {
	if strings.ContainsAny(string(n), ".eE") {
		return n.Float64()
	}
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	for i, c := range []byte(n) {
		if (c < '0' || c > '9') && (i > 0 || c != '-') {
			return nil, fmt.Errorf("session: %q is no number", string(n))
		}
	}
	return n, nil
}

// untag turns what encoding/json made into the values above.
func untag(value any) (any, error) {
	switch v := value.(type) {
	case json.Number:
		return number(v)
	case []any:
		for i := range v {
			var err error
			if v[i], err = untag(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			var err error
			if v[key], err = untag(v[key]); err != nil {
				return nil, err
			}
		}
		if len(v) == 1 {
			for key, inner := range v {
				return untagged(v, key, inner)
			}
		}
	}
	return value, nil
}

// untagged is what an object of one member stands for.
func untagged(whole map[string]any, key string, inner any) (any, error) {
	text, isText := inner.(string)
	switch {
	case key == tagDict:
		if dict, ok := inner.(map[string]any); ok && len(dict) == 1 {
			for key, v := range dict {
				if key, ok := strings.CutSuffix(key, "__"); ok {
					return map[string]any{key: v}, nil
				}
			}
		}
	case key == tagTuple:
		if list, ok := inner.([]any); ok {
			return Tuple(list), nil
		}
	case key == tagMarkup && isText:
		return Markup(text), nil
	case key == tagBytes && isText:
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			return b, nil
		}
	case key == tagUUID && isText:
		if b, err := hex.DecodeString(text); err == nil && len(b) == 16 {
			return UUID(b), nil
		}
	case key == tagDatetime && isText:
		if at, err := time.Parse(http.TimeFormat, text); err == nil {
			return at, nil
		}
	case !isTag(key):
		return whole, nil
	}
	return nil, fmt.Errorf("session: the tag %q has no such value as %v", key, inner)
}
