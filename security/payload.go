package security

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxPayload limits the size of a decompressed payload. The signer is trusted, but a cookie has no
// reason to be larger.
const maxPayload = 1 << 20

// Encode returns data as a string of letters, digits, "-" and "_", for a [Signer]: base64,
// compressed by zlib if that is shorter; a dot in front marks compressed data. itsdangerous'
// URL-safe serializers do the same with their JSON. In both cases the compressed bytes depend on
// the library: zlib, zlib-ng and Go compress the same data to different bytes, but each reads all
// of them.
func Encode(data []byte) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	w.Write(data)
	w.Close()
	if b.Len() < len(data)-1 {
		return "." + base64.RawURLEncoding.EncodeToString(b.Bytes())
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

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

// Decode is the inverse of [Encode]. The decompressed data may have up to 1 MiB.
func Decode(text string) ([]byte, error) {
	text, compressed := strings.CutPrefix(text, ".")
	data, err := decodeURL(text)
	if err != nil {
		return nil, fmt.Errorf("signed payload: %w", err)
	}
	if !compressed {
		return data, nil
	}
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("signed payload: %w", err)
	}
	data, err = io.ReadAll(io.LimitReader(r, maxPayload+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("signed payload: %w", err)
	case len(data) > maxPayload:
		return nil, errors.New("signed payload: more than 1 MiB")
	}
	return data, nil
}
