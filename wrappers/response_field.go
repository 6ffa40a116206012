package wrappers

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/zeugkit/zeug/internal/httplex"
)

// ErrInvalidHeader is what an error is that refuses a header field: its name is
// no token, or its value has a control character such as a line break, which
// would end the field and let the rest of the value become another one (RFC
// 9110, section 5.5).
var ErrInvalidHeader = errors.New("header field cannot be sent")

// checkField reports a field that cannot be sent.
func checkField(name, value string) error {
	if !httplex.IsFieldValue(value) {
		return fmt.Errorf("%w: %s has a control character in its value %q", ErrInvalidHeader, name, value)
	}
	if !httplex.IsToken(name) {
		return fmt.Errorf("%w: the name %q is no token", ErrInvalidHeader, name)
	}
	return nil
}

// Set makes value the only one of the field, as Header().Set does, and says at
// once what could not be sent: the error is an [ErrInvalidHeader].
func (resp *Response) Set(name, value string) error {
	if err := checkField(name, value); err != nil {
		return err
	}
	resp.Header().Set(name, value)
	return nil
}

// Add appends a line to those of the field, as Header().Add does; its error is
// that of [Response.Set].
func (resp *Response) Add(name, value string) error {
	if err := checkField(name, value); err != nil {
		return err
	}
	resp.Header().Add(name, value)
	return nil
}

// setOrDelete sets a field that is known to be sendable; an empty value
// removes it.
func (resp *Response) setOrDelete(name, value string) {
	if value == "" {
		delete(resp.Header(), http.CanonicalHeaderKey(name))
		return
	}
	resp.Header().Set(name, value)
}
