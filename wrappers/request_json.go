package wrappers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/zeugkit/zeug/httperror"
)

// JSONRules say how [Request.JSON] reads. The zero value takes a body that is
// declared as JSON and decodes it as encoding/json does.
type JSONRules struct {
	// Unmarshal decodes in place of encoding/json. RefuseUnknown and
	// UseNumber are then its own affair.
	Unmarshal func(data []byte, v any) error
	// AnyType reads the body whatever the Content-Type says (Werkzeug's force).
	AnyType bool
	// RefuseUnknown refuses an object's key that v has no field for.
	RefuseUnknown bool
	// RefuseDuplicates refuses an object with the same key twice, where the
	// last one counts otherwise (RFC 8259, section 4).
	RefuseDuplicates bool
	// UseNumber decodes a number in an any as a json.Number, not a float64.
	UseNumber bool
}

// IsJSON reports whether the body is declared as JSON: application/json or
// application/*+json.
func (req *Request) IsJSON() bool { return isJSON(req.Header.Get("Content-Type")) }

// JSON decodes the body into v, by the rules given here or else those of the
// settings. The error answers 415 where the body is not declared as JSON, and
// 400 with the offset where it is not JSON (RFC 8259: UTF-8, one value and
// nothing behind it) or not of v's shape. The body is kept, so JSON may be
// called again.
func (req *Request) JSON(v any, rules ...JSONRules) error {
	as := &req.reading().JSON
	if len(rules) > 0 {
		as = &rules[0]
	}
	if !as.AnyType && !req.IsJSON() {
		return &httperror.Error{
			Code:        httperror.UnsupportedMediaType,
			Description: "The body must be JSON, with the Content-Type application/json.",
			Header:      http.Header{"Accept": {"application/json"}}, // RFC 9110, section 12.5.1
		}
	}
	data, err := req.Data()
	if err != nil {
		return err
	}
	return as.decode(data, v)
}

func (as *JSONRules) decode(data []byte, v any) error {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // RFC 8259, section 8.1: may be ignored
	if !utf8.Valid(data) {
		return malformed("The body is not JSON: byte %d is not UTF-8.", invalidUTF8(data))
	}
	if as.RefuseDuplicates {
		if err := refuseDuplicates(data); err != nil {
			return notJSON(err, data)
		}
	}
	if as.Unmarshal != nil {
		if err := as.Unmarshal(data, v); err != nil {
			return notJSON(err, data)
		}
		return nil
	}
	if !as.RefuseUnknown && !as.UseNumber {
		if err := json.Unmarshal(data, v); err != nil {
			return notJSON(err, data)
		}
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if as.RefuseUnknown {
		d.DisallowUnknownFields()
	}
	if as.UseNumber {
		d.UseNumber()
	}
	if err := d.Decode(v); err != nil {
		return notJSON(err, data)
	}
	rest := bytes.TrimLeft(data[d.InputOffset():], " \t\r\n")
	if len(rest) > 0 {
		return malformed("The body is not JSON: there is more after the value, at offset %d.", len(data)-len(rest))
	}
	return nil
}

// notJSON makes the answer of a decoder's error. An error that is the
// programmer's, of a v that cannot be decoded into, stays what it is.
func notJSON(err error, data []byte) error {
	var wrong *json.InvalidUnmarshalError
	if errors.As(err, &wrong) {
		return err
	}
	description := "The body is not JSON of the wanted shape."
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	var twice *duplicateKey
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		description = "The body is empty where JSON was expected."
	case errors.As(err, &syntax):
		description = fmt.Sprintf("The body is not JSON: %s, at offset %d.", syntax.Error(), syntax.Offset)
	case errors.As(err, &shape) && shape.Field != "":
		description = fmt.Sprintf("The JSON value of %q, a %s before offset %d, is not of the wanted type.", shape.Field, shape.Value, shape.Offset)
	case errors.As(err, &shape):
		description = fmt.Sprintf("The JSON value, a %s before offset %d, is not of the wanted type.", shape.Value, shape.Offset)
	case errors.As(err, &twice):
		description = fmt.Sprintf("The JSON object has the key %q twice, at offset %d.", twice.key, twice.offset)
	case errors.Is(err, io.ErrUnexpectedEOF):
		description = fmt.Sprintf("The body is not JSON: it ends early, at offset %d.", len(data))
	default:
		if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			description = fmt.Sprintf("The JSON object has the unknown key %s.", key)
		}
	}
	return &httperror.Error{Code: httperror.BadRequest, Description: description, Err: err}
}

type duplicateKey struct {
	key    string
	offset int64
}

func (e *duplicateKey) Error() string {
	return fmt.Sprintf("duplicate key %q at offset %d", e.key, e.offset)
}

// refuseDuplicates returns a duplicateKey if an object in data has one key
// twice, or the error of data that is no JSON.
func refuseDuplicates(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	type level struct {
		keys map[string]bool // nil in an array
		key  bool            // the next token is a key
	}
	var levels []level
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if delim, ok := token.(json.Delim); ok {
			switch delim {
			case '{':
				levels = append(levels, level{keys: map[string]bool{}, key: true})
				continue
			case '[':
				levels = append(levels, level{})
				continue
			}
			levels = levels[:len(levels)-1]
		}
		if len(levels) == 0 {
			continue
		}
		top := &levels[len(levels)-1]
		if top.keys == nil {
			continue
		}
		if _, closed := token.(json.Delim); top.key && !closed {
			key := token.(string)
			if top.keys[key] {
				return &duplicateKey{key, d.InputOffset()}
			}
			top.keys[key], top.key = true, false
			continue
		}
		top.key = true
	}
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8.
func invalidUTF8(data []byte) int {
	at := 0
	for at < len(data) {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return at
}
