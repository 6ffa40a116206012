package zeug

import (
	"net/http"

	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/wrappers"
)

// Response is a response as a value. Change it before the view returns it: set its Status, a
// cookie, a header field.
type Response = wrappers.Response

// UploadedFile is a file that a visitor uploaded with a form, as [Bind] and Request.Files return it.
type UploadedFile = wrappers.UploadedFile

// Text returns a response of plain text.
func Text(s string) *Response { return wrappers.Text(s) }

// HTML returns a response of an HTML document. s is sent unchanged. To put values into a page, use
// [Request.Render], which escapes them.
func HTML(s string) *Response { return wrappers.HTML(s) }

// JSON returns a response with v as JSON. The error is the error of [json.Marshal].
func JSON(v any) (*Response, error) { return wrappers.JSON(v) }

// Created returns a 201 with v as JSON; its Location is the URL of the created resource.
func Created(location string, v any) (*Response, error) {
	resp, err := wrappers.JSON(v)
	if err != nil {
		return nil, err
	}
	resp.Status = http.StatusCreated
	resp.SetLocation(location)
	return resp, nil
}

// NoContent returns an empty 204.
func NoContent() *Response { return wrappers.NoContent() }

// Redirect returns a 303, which makes the client get another URL. For another code set the
// response's Status: 307 and 308 repeat the request with its method.
//
// The location is one of the application's own URLs. A redirect to a URL from a client would let
// anyone send visitors anywhere.
func Redirect(location string) *Response { return wrappers.Redirect(location) }

// File returns a response of the file at path, with validators and ranges. The path must come from
// the program itself. If a client sent the name, use [FileIn], which stays within a directory.
func File(path string) (*Response, error) {
	return staticfiles.Send(path, staticfiles.SendOptions{})
}

// FileIn returns a response of the file with a name below dir. A name that leads out of dir, or to no
// file, is [httperror.NotFound].
func FileIn(dir, name string) (*Response, error) {
	return staticfiles.SendFrom(dir, name, staticfiles.SendOptions{})
}

// Stream returns a response whose body write produces while it is sent. An error of write, and a
// panic, end the connection, so that the client does not mistake the bytes so far for the whole.
func Stream(contentType string, write func(w *wrappers.StreamWriter) error) *Response {
	return wrappers.Stream(contentType, write)
}

// Events returns a response of server-sent events. send runs until it returns or the client leaves.
func Events(req *Request, send func(events *wrappers.EventStream) error) *Response {
	return wrappers.Events(req.Request.Request, send)
}
