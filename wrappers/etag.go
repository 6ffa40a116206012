package wrappers

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
)

// AddETag gives the response a strong ETag made of its body (its SHA-256),
// unless it has one already. A body that is not in memory comes there.
func (resp *Response) AddETag() error {
	if first(resp.header, "Etag") != "" {
		return nil
	}
	body, err := resp.Bytes()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	resp.Header()["Etag"] = []string{`"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`}
	return nil
}

// Freeze brings the body into memory and sets Content-Length and, unless there
// is one, an ETag: the response is then a value that can be kept and served any
// number of times.
func (resp *Response) Freeze() error {
	if err := resp.AddETag(); err != nil {
		return err
	}
	if _, err := resp.Bytes(); err != nil {
		return err
	}
	resp.Header()["Content-Length"] = []string{strconv.FormatInt(resp.size(), 10)}
	return nil
}
