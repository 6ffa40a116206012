package wrappers

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/percent"
)

// ContentType returns the Content-Type: the media type in lower case as its
// Value ("" if it is not declared), and its parameters.
func (req *Request) ContentType() datastructures.Options {
	return contentType(req.Header.Get("Content-Type"))
}

func contentType(header string) datastructures.Options {
	o := datastructures.ParseOptions(header)
	o.Value = strings.ToLower(o.Value)
	return o
}

// MediaType returns the media type of the body in lower case and without its
// parameters (Werkzeug's mimetype), "" if it is not declared.
func (req *Request) MediaType() string { return mediaType(req.Header.Get("Content-Type")) }

func mediaType(header string) string {
	value, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(value))
}

// Text returns the whole body as text, decoded from the charset that the Content-Type declares,
// UTF-8 by default. Bytes that are not valid in that charset become U+FFFD: use [Request.Data] if
// each byte counts. The error is that of Data, or answers 415 if the charset is not known (see
// [Settings].Charset).
func (req *Request) Text() (string, error) {
	data, err := req.Data()
	if err != nil {
		return "", err
	}
	name := req.charset()
	known, ok := req.reading().encoding(name)
	if !ok {
		return "", &httperror.Error{
			Code:        httperror.UnsupportedMediaType,
			Description: fmt.Sprintf("The charset %q is not known here.", name),
		}
	}
	if known != nil {
		return decodeText(known, data), nil
	}
	return string(bytes.ToValidUTF8(data, []byte("\ufffd"))), nil
}

// charset returns the charset that the Content-Type declares, or "".
func (req *Request) charset() string {
	if !strings.Contains(req.Header.Get("Content-Type"), ";") {
		return ""
	}
	return req.ContentType().Get("charset")
}

// encoding finds the encoding for a charset's name. It is nil for UTF-8 and
// subsets of UTF-8; the result is false for an unknown charset.
func (s *Settings) encoding(name string) (encoding.Encoding, bool) {
	switch strings.ToLower(name) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return nil, true
	case "iso-8859-1", "latin1":
		return charmap.ISO8859_1, true
	}
	if s.Charset == nil {
		return nil, false
	}
	e, err := s.Charset(name)
	return e, err == nil && e != nil
}

// decodeText returns data as UTF-8.
func decodeText(e encoding.Encoding, data []byte) string {
	text, err := e.NewDecoder().Bytes(data)
	if err != nil { // a decoder replaces invalid bytes
		return string(bytes.ToValidUTF8(data, []byte("\ufffd")))
	}
	return string(text)
}

// parseURLEncoded reads the fields of an urlencoded body. They are UTF-8 unless
// the Content-Type or a field "_charset_", which browsers fill in, names
// another charset.
func (s *Settings) parseURLEncoded(data []byte, charset string) (*datastructures.Values, error) {
	text := string(data)
	if charset == "" && strings.Contains(text, charsetField) {
		charset = datastructures.ParseQuery(text).Get(charsetField)
	}
	if known, ok := s.encoding(charset); ok && known != nil {
		return decodeURLEncoded(text, known), nil
	}
	if !utf8.ValidString(text) {
		return nil, malformed("The form is not UTF-8 at byte %d.", invalidUTF8(data))
	}
	return datastructures.ParseQuery(text), nil
}

// charsetField is the field that names the charset of all fields (RFC 7578,
// section 4.6).
const charsetField = "_charset_"

func decodeURLEncoded(text string, e encoding.Encoding) *datastructures.Values {
	decode := func(s string) string { return decodeText(e, percent.UnescapeQueryBytes(s)) }
	values := new(datastructures.Values)
	for pair := range strings.SplitSeq(text, "&") {
		if key, value, _ := strings.Cut(pair, "="); pair != "" {
			values.Add(decode(key), decode(value))
		}
	}
	return values
}
