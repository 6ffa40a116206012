package security

import (
	"encoding/base64"
	"strings"
)

// decodeURL decodes URL-safe base64 without padding, and accepts only the encoder's spelling.
// encoding/base64 also skips line breaks, so many strings would mean the same data.
func decodeURL(text string) ([]byte, error) {
	return decodeOnly(base64.RawURLEncoding, text)
}

func decodeOnly(encoding *base64.Encoding, text string) ([]byte, error) {
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		return nil, base64.CorruptInputError(i)
	}
	return encoding.Strict().DecodeString(text)
}
