package wrappers

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Response is an answer as a value. Change it after the fact, look at it in a
// test, serve it: it is an [http.Handler].
type Response struct {
	// Status is the status code; 0 means 200.
	Status int
	// Header holds the header fields to send.
	Header http.Header

	body []byte
}

// NewResponse returns a Response with a body of the given media type.
func NewResponse(contentType string, body []byte) *Response {
	return &Response{Header: http.Header{"Content-Type": {contentType}}, body: body}
}

// Text returns a Response of plain text.
func Text(s string) *Response { return NewResponse("text/plain; charset=utf-8", []byte(s)) }

// HTML returns a Response of an HTML document.
func HTML(s string) *Response { return NewResponse("text/html; charset=utf-8", []byte(s)) }

// JSON returns a Response of v as JSON; its error is json.Marshal's.
func JSON(v any) (*Response, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("response as JSON: %w", err)
	}
	return NewResponse("application/json", append(body, '\n')), nil
}

// ServeHTTP sends the response.
func (resp *Response) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, values := range resp.Header {
		h[name] = values
	}
	status := resp.Status
	if status == 0 {
		status = http.StatusOK
	}
	if bodyAllowed(status) {
		h.Set("Content-Length", strconv.Itoa(len(resp.body)))
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead && bodyAllowed(status) {
		w.Write(resp.body)
	}
}

// WriteTo writes the body alone.
func (resp *Response) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(resp.body)
	return int64(n), err
}

// bodyAllowed reports whether an answer of this status may have a body
// (RFC 9110, section 6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
