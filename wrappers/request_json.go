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

// JSONRules say how [Request.JSON] and [Request.JSONWith] read. The zero value reads a body that is
// declared as JSON, and decodes it as encoding/json does.
type JSONRules struct {
	// Unmarshal is used instead of encoding/json. RefuseUnknown and UseNumber then have no effect.
	Unmarshal func(data []byte, v any) error
	// AnyType reads the body whatever the Content-Type says (Werkzeug's force).
	AnyType bool
	// RefuseUnknown refuses a key of an object if v has no field for it.
	RefuseUnknown bool
	// RefuseDuplicates refuses an object with the same key twice. Otherwise the last value counts
	// (RFC 8259, section 4).
	RefuseDuplicates bool
	// UseNumber decodes a number into a json.Number instead of a float64, if the target is an any.
	UseNumber bool
}

// IsJSON reports whether the body is declared as JSON: application/json or
// application/*+json.
func (req *Request) IsJSON() bool {
	values := req.Header["Content-Type"]
	return len(values) > 0 && isJSON(values[0])
}

// JSON decodes the body into v, by the rules of [Settings]. The error answers 415 if the body is
// not declared as JSON. It answers 400 with the offset if the body is not JSON (RFC 8259: UTF-8,
// one value and nothing after it) or does not fit v. The body is kept, so JSON may be called again.
func (req *Request) JSON(v any) error { return req.JSONWith(v, req.reading().JSON) }

// JSONWith is like [Request.JSON], but with other rules.
func (req *Request) JSONWith(v any, as JSONRules) error {
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
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // RFC 8259, section 8.1, allows ignoring it
	if !utf8.Valid(data) {
		return jsonError("The body is not JSON: it is not UTF-8", int64(invalidUTF8(data)), errNotUTF8)
	}
	if err := as.unmarshal(data, v); err != nil {
		return notJSON(err, data)
	}
	if as.RefuseDuplicates {
		if err := refuseDuplicates(data); err != nil {
			return notJSON(err, data)
		}
	}
	return nil
}

func (as *JSONRules) unmarshal(data []byte, v any) error {
	if as.Unmarshal != nil {
		return as.Unmarshal(data, v)
	}
	if !as.RefuseUnknown && !as.UseNumber {
		return json.Unmarshal(data, v)
	}
	// A Decoder does not report what follows the value, or where it stopped.
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(whole))
	if as.RefuseUnknown {
		d.DisallowUnknownFields()
	}
	if as.UseNumber {
		d.UseNumber()
	}
	return d.Decode(v)
}

var errNotUTF8 = errors.New("not UTF-8")

// notJSON turns a decoder's error into the error that answers. An error of the programmer, such as
// a v that cannot be decoded into, is returned unchanged.
func notJSON(err error, data []byte) error {
	var wrong *json.InvalidUnmarshalError
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	var twice *duplicateKey
	switch {
	case errors.As(err, &wrong):
		return err
	case len(bytes.TrimSpace(data)) == 0:
		return jsonError("The body is empty where JSON was expected", 0, err)
	case errors.As(err, &syntax):
		at := syntax.Offset // how many bytes were read, including the wrong one, if there was one
		if at < int64(len(data)) || !strings.HasPrefix(syntax.Error(), "unexpected end") {
			at--
		}
		return jsonError("The body is not JSON: "+syntax.Error(), at, err)
	case errors.As(err, &shape) && shape.Field != "":
		return jsonError(fmt.Sprintf("The value of %q is a JSON %s, which is not what is wanted", shape.Field, shape.Value), shape.Offset, err)
	case errors.As(err, &shape):
		return jsonError(fmt.Sprintf("The body is a JSON %s, which is not what is wanted", shape.Value), shape.Offset, err)
	case errors.As(err, &twice):
		return jsonError(fmt.Sprintf("The body has the key %q twice in one object", twice.key), twice.offset, err)
	}
	description := "The body is not the JSON that is wanted."
	if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		description = "The body has the key " + key + ", which is not known."
	}
	return &httperror.Error{Code: httperror.BadRequest, Description: description, Err: fmt.Errorf("JSON body: %w", err)}
}

// jsonError is a 400 with the offset at which reading stopped, in bytes from 0.
// The offset is in its description, in the log, and in a problem in JSON.
func jsonError(description string, offset int64, err error) error {
	return &httperror.Error{
		Code:        httperror.BadRequest,
		Description: fmt.Sprintf("%s, at offset %d.", description, offset),
		Members:     map[string]any{"offset": offset},
		Err:         fmt.Errorf("JSON body, at offset %d: %w", offset, err),
	}
}

// duplicateKey says which key comes twice, and where the second one ends.
type duplicateKey struct {
	key    string
	offset int64
}

func (e *duplicateKey) Error() string { return fmt.Sprintf("key %q comes twice", e.key) }

// refuseDuplicates returns a duplicateKey if an object in data has one key twice, or the error of
// data that is not JSON.
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
