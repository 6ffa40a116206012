package wrappers

import (
	"fmt"
	"strconv"

	"github.com/zeugkit/zeug/datastructures"
)

// ETag returns the entity tag: the name of this version of the body. The zero
// ETag is none.
func (resp *Response) ETag() datastructures.ETag {
	tag, _ := datastructures.ParseETag(first(resp.header, "Etag"))
	return tag
}

// SetETag sets the entity tag; the zero ETag removes it. The error is an
// [ErrInvalidHeader] for a tag with a quote, a space or a control character.
func (resp *Response) SetETag(tag datastructures.ETag) error {
	if tag.IsZero() {
		delete(resp.Header(), "Etag")
		return nil
	}
	if err := tag.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidHeader, err)
	}
	resp.Header()["Etag"] = []string{tag.String()}
	return nil
}

// AddETag gives the response a strong ETag made of its body, unless it has one.
// A body that is not in memory comes there. Whoever changes the body afterwards
// takes that ETag away, which would have clients keep the old one: add it again.
func (resp *Response) AddETag() error {
	if !resp.ETag().IsZero() || resp.isUnseen() {
		return nil
	}
	body, err := resp.Bytes()
	if err != nil {
		return err
	}
	tag := datastructures.NewETag(body)
	resp.tag = tag.String()
	return resp.SetETag(tag)
}

// forgetTag removes the ETag that was made of an earlier body, and no other.
func (resp *Response) forgetTag() {
	if resp.tag == "" {
		return
	}
	if first(resp.header, "Etag") == resp.tag {
		delete(resp.header, "Etag")
	}
	resp.tag = ""
}

// Freeze brings the body into memory and sets Content-Length and, unless there
// is one, an ETag: the response is then a value that can be kept and served any
// number of times.
func (resp *Response) Freeze() error {
	if _, err := resp.Bytes(); err != nil {
		return err
	}
	if n := resp.size(); n >= 0 {
		resp.Header()["Content-Length"] = []string{strconv.FormatInt(n, 10)}
	}
	return resp.AddETag()
}
