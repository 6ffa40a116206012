package wrappers

import (
	"bytes"
	"io"
	"net/url"
	"slices"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/formdata"
)

// formState is the result of parsing a body as a form.
type formState struct {
	parsed   bool
	streamed bool // the bytes became parts and are not kept
	err      error
	fields   *datastructures.Values
	files    *Files
	// The boundary of a multipart form, once a handler of net/http may read the form again.
	boundary string
	temps    *temporaryFiles
	opened   openFiles
	values   url.Values // the fields of an urlencoded form, for handlers of net/http
}

const (
	urlencodedType = "application/x-www-form-urlencoded"
	multipartType  = "multipart/form-data"
)

// Form returns the fields of the body's form, urlencoded or multipart, in their order and for any
// method. It is empty if the body is not a form. The first call parses the body. ParseForm,
// ParseMultipartForm, FormValue and FormFile of the [http.Request] find the same form from then on.
//
// The error answers the request: 413 beyond the limits, 400 if the form is malformed or the client
// broke off the transfer. In that case the fields are empty, never nil.
func (req *Request) Form() (*datastructures.Values, error) {
	f := req.parseForm()
	return f.fields, f.err
}

// Files returns the uploaded files of a multipart form, in their order; it is
// empty for any other body. It parses and fails as [Request.Form] does.
func (req *Request) Files() (*Files, error) {
	f := req.parseForm()
	return f.files, f.err
}

// parseForm parses the body unless that has been done, and makes the form
// visible to plain handlers.
func (req *Request) parseForm() *formState {
	c := req.body()
	if req.shallow {
		f := new(formState)
		f.clear(errShallow)
		return f
	}
	if c == nil {
		c = new(content)
		c.form.parsed = true
		c.form.clear(nil)
		req.adopt(&c.form)
		return &c.form
	}
	f := &c.form
	if !f.parsed {
		f.parsed = true
		f.clear(nil)
		if !f.streamed && !req.adopt(f) {
			if err := req.readForm(c); err != nil {
				// If the client has gone, the form is not malformed.
				if read := c.err == nil || c.err == io.EOF; read && req.reading().Silent && isMalformed(err) {
					err = nil
				}
				f.clear(err)
				c.release()
			}
		}
	}
	req.show(f)
	return f
}

// clear empties the form.
func (f *formState) clear(err error) {
	f.fields, f.files = new(datastructures.Values), new(Files)
	f.values = nil
	if f.err = err; err != nil {
		f.boundary = ""
	}
}

func (req *Request) readForm(c *content) error {
	settings := req.reading()
	switch req.MediaType() {
	case urlencodedType:
		return req.readURLEncoded(c, &settings.Limits)
	case multipartType:
		return req.readMultipart(c, settings)
	}
	return nil
}

var ampersand = []byte("&")

func isMalformed(err error) bool {
	e, ok := err.(*httperror.Error)
	return ok && e.Code == httperror.BadRequest
}

func (req *Request) readURLEncoded(c *content, limits *Limits) error {
	data, err := c.keep(min(limits.body(), limits.formMemory()))
	if err != nil {
		return err
	}
	if c.kept && int64(len(data)) > limits.formMemory() {
		return tooLarge("The form of %d bytes exceeds the limit of %d bytes.", len(data), limits.formMemory())
	}
	if n := limits.fields(); int64(bytes.Count(data, ampersand)) >= n {
		if _, all := cutFields(string(data), '&', n); !all {
			return tooLarge("The form has more than %d fields.", n)
		}
	}
	c.form.fields, err = req.reading().parseURLEncoded(data, req.charset())
	return err
}

// openParts returns a reader of the body's parts, nil if there is no body.
func (req *Request) openParts() (*partReader, error) {
	contentType := req.ContentType()
	if contentType.Value != multipartType {
		return nil, &httperror.Error{
			Code:        httperror.UnsupportedMediaType,
			Description: "The body must be a form of the type multipart/form-data.",
		}
	}
	if req.shallow {
		return nil, errShallow
	}
	c := req.body()
	if c == nil {
		return nil, nil
	}
	boundary := contentType.Get("boundary")
	if !formdata.ValidBoundary(boundary) {
		return nil, malformed("The Content-Type of the multipart form has no valid boundary.")
	}
	limits := &req.reading().Limits
	src, err := c.open(limits.body())
	if err != nil {
		return nil, err
	}
	c.form.streamed, c.form.boundary = true, boundary
	return newPartReader(src, boundary, limits), nil
}

// adopt takes over a form that a plain handler has already parsed from the body.
func (req *Request) adopt(f *formState) bool {
	r := req.Request
	if r.PostForm == nil && r.MultipartForm == nil {
		return false
	}
	for key, value := range datastructures.FromMap(r.PostForm).All() {
		f.fields.Add(key, value)
	}
	if r.MultipartForm == nil {
		return len(r.PostForm) > 0
	}
	f.boundary = req.ContentType().Get("boundary")
	for field, header := range datastructures.FromMap(r.MultipartForm.File).All() {
		f.files.Add(field, &UploadedFile{
			Field: field, Name: header.Filename, Header: header.Header, Size: header.Size,
			stored: header, opened: &f.opened,
		})
	}
	return true
}

// show makes the fields of the [http.Request] agree with the parsed form. Those of a multipart form
// stay empty: net/http fills them when a handler asks for them, from the Body.
func (req *Request) show(f *formState) {
	r := req.Request
	if f.err != nil || f.boundary != "" || r.MultipartForm != nil || len(r.PostForm) > 0 {
		return
	}
	// ParseForm leaves an empty PostForm for other bodies.
	if r.PostForm != nil && f.fields.Len() == 0 {
		return
	}
	if f.values == nil {
		f.values = urlValues(f.fields)
	}
	r.PostForm = f.values
	r.Form = f.values
	if query := req.Query(); query.Len() > 0 {
		// In net/http's order, the values of the body come first.
		r.Form = make(url.Values, len(f.values)+query.Len())
		for key, list := range f.values {
			r.Form[key] = slices.Clip(list)
		}
		for key, list := range urlValues(query) {
			r.Form[key] = append(r.Form[key], list...)
		}
	}
}

func urlValues(v *datastructures.Values) url.Values {
	m := make(url.Values, v.Len())
	list := make([]string, 0, v.Len())
	for key, value := range v.All() {
		if m[key] == nil {
			list = append(list, value)
			m[key] = list[len(list)-1 : len(list) : len(list)]
			continue
		}
		m[key] = append(m[key], value)
	}
	return m
}
