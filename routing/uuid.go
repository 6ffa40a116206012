package routing

import (
	"encoding/hex"
	"fmt"

	"github.com/zeugkit/zeug/internal/percent"
)

// UUID is the value of a variable with the uuid converter (RFC 9562). It
// converts to and from the type of any UUID library, which is an array of 16
// bytes too.
type UUID [16]byte

// ParseUUID reads the form of 36 characters, "a8098c1a-f86e-11da-bd1a-00112444be1e",
// in either case.
func ParseUUID(text string) (UUID, error) {
	var u UUID
	if !isUUID(text) {
		return u, fmt.Errorf("%q is not a UUID", text)
	}
	digits := 0
	for i := 0; i < len(text); i++ {
		if text[i] != '-' {
			u[digits/2] = u[digits/2]<<4 | percent.Digit(text[i])
			digits++
		}
	}
	return u, nil
}

// String returns the form of 36 characters, in lower case.
func (u UUID) String() string {
	return string(u.append(make([]byte, 0, 36)))
}

// MarshalText returns String as bytes.
func (u UUID) MarshalText() ([]byte, error) { return u.append(nil), nil }

// UnmarshalText reads the form of 36 characters.
func (u *UUID) UnmarshalText(text []byte) (err error) {
	*u, err = ParseUUID(string(text))
	return err
}

func (u UUID) append(b []byte) []byte {
	for i, part := range [...][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// isUUID reports whether text has the form of a UUID.
func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := 0; i < len(text); i++ {
		switch i {
		case 8, 13, 18, 23:
			if text[i] != '-' {
				return false
			}
		default:
			if !percent.IsHex(text[i]) {
				return false
			}
		}
	}
	return true
}
