package webtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"path"
	"slices"
	"strings"
)

// JSON sets the body to v as JSON.
func JSON(v any) Option {
	return func(r *request) {
		text, err := json.Marshal(v)
		if err != nil {
			r.refuse("body as JSON: %w", err)
			return
		}
		r.setBody("application/json", newContent(bytes.NewReader(text)))
	}
}

// Form adds fields to the form in the body, in the order of the keys. A form
// with a [File] is sent as multipart/form-data, any other as
// application/x-www-form-urlencoded.
func Form(values url.Values) Option {
	return func(r *request) {
		if r.fields == nil {
			r.fields = []field{}
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			for _, value := range values[name] {
				r.fields = append(r.fields, field{name: name, value: value})
			}
		}
	}
}

// Field adds one field to the form in the body, after the fields before it.
func Field(name, value string) Option {
	return func(r *request) { r.fields = append(r.fields, field{name: name, value: value}) }
}

// File adds a file to the form in the body. Its content type is that of the file name's extension.
// The reader stays open.
func File(name, filename string, file io.Reader) Option {
	contentType := mime.TypeByExtension(path.Ext(filename))
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return FileOfType(name, filename, contentType, file)
}

// FileOfType is like [File], but with another content type.
func FileOfType(name, filename, contentType string, file io.Reader) Option {
	return func(r *request) {
		r.fields = append(r.fields, field{name: name, filename: filename, mediaType: contentType, file: newContent(file)})
	}
}

// multipartOption sends the form as multipart/form-data even without a file.
func multipartOption(r *request) {
	if r.fields == nil {
		r.fields = []field{}
	}
	r.mediaType = "multipart/form-data"
}

// field is one field of a form; if file is set, it is a file.
type field struct {
	name, value         string
	filename, mediaType string
	file                *content
}

func (r *request) setBody(mediaType string, c *content) {
	r.body, r.mediaType = c, mediaType
	r.fields = nil
}

// payload returns the body to send, nil for none, and its media type.
func (r *request) payload() (*content, string, error) {
	if r.fields == nil {
		return r.body, r.mediaType, nil
	}
	if r.body != nil {
		return nil, "", errors.New("a request has a form or another body, not both")
	}
	isFile := func(f field) bool { return f.file != nil }
	if r.mediaType != "multipart/form-data" && !slices.ContainsFunc(r.fields, isFile) {
		pairs := make([]string, len(r.fields))
		for i, f := range r.fields {
			pairs[i] = url.QueryEscape(f.name) + "=" + url.QueryEscape(f.value)
		}
		return newContent(strings.NewReader(strings.Join(pairs, "&"))), "application/x-www-form-urlencoded", nil
	}
	return multipartForm(r.fields)
}

// multipartForm joins the parts without reading the files.
func multipartForm(fields []field) (*content, string, error) {
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	var pieces []*content
	cut := func() {
		pieces = append(pieces, newContent(bytes.NewReader(bytes.Clone(head.Bytes()))))
		head.Reset()
	}
	for _, f := range fields {
		disposition := `form-data; name="` + escapeName(f.name) + `"`
		h := textproto.MIMEHeader{}
		if f.file != nil {
			disposition += `; filename="` + escapeName(f.filename) + `"`
			h.Set("Content-Type", f.mediaType)
		}
		h.Set("Content-Disposition", disposition)
		part, err := w.CreatePart(h)
		if err != nil {
			return nil, "", err
		}
		if f.file == nil {
			if _, err := io.WriteString(part, f.value); err != nil {
				return nil, "", err
			}
			continue
		}
		cut()
		pieces = append(pieces, f.file)
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	cut()
	return joined(pieces), w.FormDataContentType(), nil
}

// escapeName escapes as browsers do (WHATWG HTML, multipart/form-data).
var escapeName = strings.NewReplacer("\r\n", "%0D%0A", "\n", "%0A", "\r", "%0D", `"`, "%22").Replace

// content is a body or a part of one. It can be sent again if its reader can
// seek; size is -1 if it cannot.
type content struct {
	reader io.Reader
	start  int64
	size   int64
	pieces []*content
	used   bool
}

func newContent(r io.Reader) *content {
	c := &content{reader: r, size: -1}
	s, ok := r.(io.Seeker)
	if !ok {
		return c
	}
	start, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return c
	}
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return c
	}
	if _, err := s.Seek(start, io.SeekStart); err == nil {
		c.start, c.size = start, end-start
	}
	return c
}

func joined(pieces []*content) *content {
	c := &content{pieces: pieces}
	for _, p := range pieces {
		if p.size < 0 {
			c.size = -1
			break
		}
		c.size += p.size
	}
	return c
}

// open returns a reader of the whole content, from its beginning.
func (c *content) open() (io.Reader, error) {
	if c.pieces == nil {
		return c.rewound()
	}
	readers := make([]io.Reader, len(c.pieces))
	for i, p := range c.pieces {
		r, err := p.rewound()
		if err != nil {
			return nil, err
		}
		readers[i] = r
	}
	return io.MultiReader(readers...), nil
}

func (c *content) rewound() (io.Reader, error) {
	if c.size < 0 {
		if c.used {
			return nil, fmt.Errorf("the body of type %T cannot be sent again: it cannot seek", c.reader)
		}
		c.used = true
		return c.reader, nil
	}
	_, err := c.reader.(io.Seeker).Seek(c.start, io.SeekStart)
	return io.LimitReader(c.reader, c.size), err
}
