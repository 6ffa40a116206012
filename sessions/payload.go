package sessions

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

// encodePayload returns data as Flask signs it, in letters, digits, "-" and "_": base64, compressed by zlib if
// that is shorter; a dot in front marks compressed data. The compressed bytes depend on the library: zlib,
// zlib-ng and Go compress the same data to different bytes, but each reads all of them.
func encodePayload(data []byte) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	w.Write(data)
	w.Close()
	if b.Len() < len(data)-1 {
		return "." + base64.RawURLEncoding.EncodeToString(b.Bytes())
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// decodePayload is the inverse of [encodePayload]. It accepts only the encoder's spelling, without the line breaks that
// encoding/base64 skips, so that each cookie has one text. The decompressed data may have up to 1 MiB.
func decodePayload(text string) ([]byte, error) {
	text, compressed := strings.CutPrefix(text, ".")
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		return nil, fmt.Errorf("signed payload: %w", base64.CorruptInputError(i))
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
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
