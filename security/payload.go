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

// maxPayload bounds what a compressed payload may grow to. Whoever signs it is
// trusted, but a cookie has no reason to be larger.
const maxPayload = 1 << 20

// Encode returns data as a text of letters, digits, "-" and "_", for a [Signer]:
// base64, compressed by zlib where that is shorter, which a point in front says.
// It is what itsdangerous' URL-safe serializers do with their JSON. How well it is
// compressed is the library's affair, there as here: zlib, zlib-ng and Go make
// other bytes of the same data, and each reads all of them.
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

// Decode is the inverse of [Encode]. It takes up to 1 MiB.
func Decode(text string) ([]byte, error) {
	text, compressed := strings.CutPrefix(text, ".")
	data, err := base64.RawURLEncoding.DecodeString(text)
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
