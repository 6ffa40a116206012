package wrappers

import (
	"errors"
	"fmt"
	"strings"
)

// ErrInvalidHeader is what an error is that refuses a header field: its name is
// no token, or its value has a line break or a NUL, which would end the field
// and let the rest of the value become another one (RFC 9110, section 5.5).
var ErrInvalidHeader = errors.New("header field cannot be sent")

// checkField reports a field that cannot be sent.
func checkField(name, value string) error {
	if strings.ContainsAny(value, "\r\n\x00") {
		return fmt.Errorf("%w: %s has a line break or NUL in its value %q", ErrInvalidHeader, name, value)
	}
	if !isToken(name) {
		return fmt.Errorf("%w: the name %q is no token", ErrInvalidHeader, name)
	}
	return nil
}

// isToken reports whether s is a token (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return false
		}
	}
	return s != ""
}
