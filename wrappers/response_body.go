package wrappers

import (
	"bytes"
	"io"
	"strings"
)

// source is a body that is not in memory.
type source interface {
	// length is its size in bytes, -1 if it is not known.
	length() int64
	// sendTo writes all of it.
	sendTo(w streamTarget) error
}

// streamTarget is where a body is written: the client, or a buffer.
type streamTarget interface {
	io.Writer
	io.StringWriter
	Flush() error
}

func (resp *Response) setSource(src source) {
	resp.text, resp.data, resp.source = "", nil, src
	resp.forgetTag()
}

// SetBody makes b the body, without copying it.
func (resp *Response) SetBody(b []byte) {
	resp.text, resp.data, resp.source = "", alone(b), nil
	resp.forgetTag()
}

// alone returns b without its spare capacity, which may belong to another slice: appended bytes go
// elsewhere.
func alone(b []byte) []byte { return b[:len(b):len(b)] }

// Size is the length of the body in bytes, -1 if it is not known.
func (resp *Response) Size() int64 { return resp.size() }

func (resp *Response) size() int64 {
	switch {
	case resp.source != nil:
		return resp.source.length()
	case resp.data != nil:
		return int64(len(resp.data))
	}
	return int64(len(resp.text))
}

// Streamed reports whether the body is read or written when it is sent, instead
// of being in memory.
func (resp *Response) Streamed() bool { return resp.source != nil }

// Bytes returns the body. If the body is not in memory, Bytes reads it to its end, whatever its
// size, and keeps it.
func (resp *Response) Bytes() ([]byte, error) {
	if resp.source != nil && !resp.isUnseen() {
		var buf memory
		if err := resp.source.sendTo(&buf); err != nil {
			return nil, err
		}
		resp.text, resp.data, resp.source = "", buf.Bytes(), nil
	}
	if resp.data == nil && resp.text != "" {
		return []byte(resp.text), nil
	}
	return alone(resp.data), nil
}

// memory is a buffer as the target of a body.
type memory struct{ bytes.Buffer }

func (*memory) Flush() error { return nil }

// Write appends to the body. With it, a Response can be passed to anything that
// writes: a template, a csv.Writer, a zip.Writer. If the body is read or
// streamed, it is first read into memory, as by [Response.Bytes].
func (resp *Response) Write(p []byte) (int, error) {
	if err := resp.writable(); err != nil {
		return 0, err
	}
	if resp.isUnseen() {
		return len(p), nil
	}
	resp.data = append(resp.data, p...)
	return len(p), nil
}

// writable copies the body into data, which no other code shares.
func (resp *Response) writable() error {
	if resp.isUnseen() {
		delete(resp.header, "Content-Length") // the error is another one, and is not known
	} else if resp.source != nil {
		if _, err := resp.Bytes(); err != nil {
			return err
		}
	}
	if resp.text != "" {
		resp.data, resp.text = []byte(resp.text), ""
	}
	resp.forgetTag()
	return nil
}

// WriteTo writes only the body.
func (resp *Response) WriteTo(w io.Writer) (int64, error) {
	counted := &counter{w: w}
	err := resp.sendWhole(counted)
	return counted.n, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (c *counter) WriteString(s string) (int, error) {
	n, err := io.WriteString(c.w, s)
	c.n += int64(n)
	return n, err
}

func (*counter) Flush() error { return nil }

// sendWhole writes all of the body.
func (resp *Response) sendWhole(w streamTarget) (err error) {
	switch {
	case resp.source != nil:
		return resp.source.sendTo(w)
	case resp.data != nil:
		_, err = w.Write(resp.data)
	default:
		_, err = w.WriteString(resp.text)
	}
	return err
}

func isJSON(contentType string) bool {
	if contentType == "application/json" { // nearly always
		return true
	}
	essence, _, _ := strings.Cut(contentType, ";")
	essence = strings.ToLower(strings.TrimSpace(essence))
	return essence == "application/json" || strings.HasPrefix(essence, "application/") && strings.HasSuffix(essence, "+json")
}
