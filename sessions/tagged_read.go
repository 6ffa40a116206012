package sessions

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// readTagged is the inverse of appendTagged. It reads everything that Python's json module writes:
// NaN, Infinity and halves of surrogate pairs too, which are not JSON or not Unicode. Otherwise a
// session with such a value would be lost.
func readTagged(data []byte) (any, error) {
	r := &taggedReader{text: string(data)}
	value, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if r.space(); r.at < len(r.text) {
		return nil, errors.New("session: more than one value")
	}
	return value, nil
}

// taggedReader is a recursive descent parser: each method reads one kind of value at the offset,
// and moves the offset to its end.
type taggedReader struct {
	text string
	at   int
}

func (r *taggedReader) fail() error {
	if r.at >= len(r.text) {
		return errors.New("session: unexpected end of JSON")
	}
	return fmt.Errorf("session: invalid character %q at offset %d of JSON", r.text[r.at], r.at)
}

func (r *taggedReader) space() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

// take reads a literal if it comes next.
func (r *taggedReader) take(literal string) bool {
	if !strings.HasPrefix(r.text[r.at:], literal) {
		return false
	}
	r.at += len(literal)
	return true
}

// constants are the words of Python's json module.
var constants = []struct {
	word  string
	value any
}{
	{"null", nil}, {"true", true}, {"false", false},
	{"NaN", math.NaN()}, {"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)},
}

func (r *taggedReader) value(depth int) (any, error) {
	if depth++; depth > maxDepth {
		return nil, errDeep
	}
	r.space()
	if r.at >= len(r.text) {
		return nil, r.fail()
	}
	switch r.text[r.at] {
	case '{':
		return r.object(depth)
	case '[':
		return r.list(depth)
	case '"':
		return r.str()
	}
	for _, c := range constants {
		if r.take(c.word) {
			return c.value, nil
		}
	}
	return r.number()
}

func (r *taggedReader) list(depth int) (any, error) {
	list := []any{}
	err := r.items(']', func() error {
		v, err := r.value(depth)
		list = append(list, v)
		return err
	})
	return list, err
}

func (r *taggedReader) object(depth int) (any, error) {
	dict := map[string]any{}
	err := r.items('}', func() error {
		r.space()
		key, err := r.str()
		if err != nil {
			return err
		}
		if r.space(); !r.take(":") {
			return r.fail()
		}
		dict[key], err = r.value(depth)
		return err
	})
	if err != nil || len(dict) != 1 {
		return dict, err
	}
	for key, inner := range dict {
		return untagged(dict, key, inner)
	}
	return dict, nil
}

// items reads the items between brackets, separated by commas.
func (r *taggedReader) items(closing byte, item func() error) error {
	r.at++
	if r.space(); r.take(string(closing)) {
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		r.space()
		if r.take(string(closing)) {
			return nil
		}
		if !r.take(",") {
			return r.fail()
		}
	}
}

func (r *taggedReader) number() (any, error) {
	from := r.at
	for r.at < len(r.text) && strings.IndexByte("+-.eE0123456789", r.text[r.at]) >= 0 {
		r.at++
	}
	text := r.text[from:r.at]
	if !json.Valid([]byte(text)) {
		r.at = from
		return nil, r.fail()
	}
	return number(json.Number(text))
}

func number(n json.Number) (any, error) {
	if strings.ContainsAny(string(n), ".eE") {
		f, err := strconv.ParseFloat(string(n), 64)
		if errors.Is(err, strconv.ErrRange) {
			err = nil // the number is infinite, as in Python
		}
		return f, err
	}
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	return n, nil
}

func (r *taggedReader) str() (string, error) {
	if !r.take(`"`) {
		return "", r.fail()
	}
	var b strings.Builder
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			return b.String(), nil
		case c == '\\':
			if err := r.escape(&b); err != nil {
				return "", err
			}
		case c < ' ':
			return "", r.fail()
		default:
			_, size := utf8.DecodeRuneInString(r.text[r.at:])
			if size == 1 && c >= utf8.RuneSelf {
				return "", fmt.Errorf("session: JSON that is not UTF-8 at offset %d", r.at)
			}
			b.WriteString(r.text[r.at : r.at+size])
			r.at += size
		}
	}
	return "", r.fail()
}

// escapes are the characters after a backslash, each followed by its meaning.
const escapes = "\"\"\\\\//b\bf\fn\nr\rt\t"

func (r *taggedReader) escape(b *strings.Builder) error {
	if half, ok := r.unicode(); ok {
		whole := rune(utf8.RuneError)
		if other, ok := r.unicodeAhead(); ok {
			whole = utf16.DecodeRune(half, other)
		}
		switch {
		case whole != utf8.RuneError:
			r.at += 6
			b.WriteRune(whole)
		case utf16.IsSurrogate(half):
			b.Write([]byte{0xe0 | byte(half>>12), 0x80 | byte(half>>6)&0x3f, 0x80 | byte(half)&0x3f})
		default:
			b.WriteRune(half)
		}
		return nil
	}
	if r.at+1 < len(r.text) {
		for i := 0; i < len(escapes); i += 2 {
			if escapes[i] == r.text[r.at+1] {
				b.WriteByte(escapes[i+1])
				r.at += 2
				return nil
			}
		}
	}
	return fmt.Errorf("session: invalid escape at offset %d of JSON", r.at)
}

// unicode reads an escape of four hexadecimal digits.
func (r *taggedReader) unicode() (rune, bool) {
	c, ok := r.unicodeAhead()
	if ok {
		r.at += 6
	}
	return c, ok
}

func (r *taggedReader) unicodeAhead() (rune, bool) {
	if !strings.HasPrefix(r.text[r.at:], `\u`) || r.at+6 > len(r.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(r.text[r.at+2:r.at+6], 16, 16)
	return rune(n), err == nil
}

// untagged returns the value for an object of one member.
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
			return [16]byte(b), nil
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
