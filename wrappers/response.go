package wrappers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/serverlog"
	"github.com/zeugkit/zeug/urls"
)

// Response is a response as a value. You can change it later, inspect it in a test, or serve it: it
// is an [http.Handler].
//
// A Response whose body is in memory may be served any number of times, even concurrently, if it is
// not changed meanwhile. A Response that reads or streams its body can be served once. The zero
// Response is an empty 200.
type Response struct {
	// Status is the status code, 100 to 999; 0 means 200.
	Status int

	contentType [1]string   // nil until Header makes the map
	header      http.Header // nil until Header is called

	text        string // the body, if data and source are nil
	data        []byte // the body in memory
	source      source // the body that is read or written when it is sent
	tag         string // the ETag that AddETag made from the body
	conditional bool   // set by MakeConditional
	largeCookie bool   // a warning must be logged when it is sent
	closers     []func() error
}

// NewResponse returns a Response with a body of the given media type. If the
// type is text without a charset, such as "text/css" or "image/svg+xml", ";
// charset=utf-8" is added. The Response keeps body without copying it.
func NewResponse(contentType string, body []byte) *Response {
	return &Response{contentType: [1]string{withCharset(contentType)}, data: alone(body)}
}

// Text returns a Response of plain text.
func Text(s string) *Response {
	return &Response{contentType: [1]string{typeText}, text: s}
}

// HTML returns a Response of an HTML document.
func HTML(s string) *Response {
	return &Response{contentType: [1]string{typeHTML}, text: s}
}

// JSON returns a Response with v as JSON; the error is that of json.Marshal.
func JSON(v any) (*Response, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("response as JSON: %w", err)
	}
	return &Response{contentType: [1]string{typeJSON}, data: append(body, '\n')}, nil
}

// NoContent returns a Response with the status 204, which has no body.
func NoContent() *Response { return &Response{Status: http.StatusNoContent} }

// Header returns the header fields to send. It is the Response's own map:
// fields that you set in it are sent, and a nil entry keeps net/http from
// adding that field itself. If a value has a line break, ServeHTTP answers with
// 500; the methods that set fields report it earlier.
func (resp *Response) Header() http.Header {
	if resp.header == nil {
		resp.header = make(http.Header)
		if resp.contentType[0] != "" {
			resp.header["Content-Type"] = resp.contentType[:1:1]
		}
	}
	return resp.header
}

// ServeHTTP sends the response. A HEAD request and the statuses 1xx, 204, 205
// and 304 get no body; the callbacks of [Response.OnClose] always run, even if
// the client has gone or a stream function panics.
//
// A Response that cannot be sent (a status outside of 100 to 999, a line break in a field) is a
// logged 500. If a body fails before its first byte, the error is answered through
// [httperror.Respond]. If it fails later, that is logged, and the connection ends with a panic of
// [http.ErrAbortHandler], so that the client does not mistake the bytes so far for the whole.
//
// Fields replace fields of the same name that a middleware put into w before,
// except that Set-Cookie, Vary, Link and Server-Timing are added to them.
func (resp *Response) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(resp.closers) > 0 {
		defer resp.logClose(r)
	}
	if resp.largeCookie {
		resp.warnOfCookies(r)
	}
	fields, err := resp.check()
	if err != nil {
		httperror.Respond(w, r, err)
		return
	}
	if h, ok := resp.source.(handlerSource); ok {
		resp.copyHeader(w.Header(), &fieldValues{})
		h.handler.ServeHTTP(w, r)
		return
	}
	a := answer{status: resp.status(), size: resp.size(), fields: fields}
	if resp.conditional {
		if err := resp.decide(&a, r); err != nil {
			httperror.Respond(w, r, err)
			return
		}
	}
	if a.status == http.StatusResetContent {
		a.size = 0 // RFC 9110, section 15.3.6: an empty body must be declared
	}
	switch {
	case r.Method == http.MethodHead, !bodyAllowed(a.status), a.status == http.StatusResetContent:
		resp.writeHeader(w, &a)
	case resp.source != nil || a.parts != nil:
		resp.stream(w, r, a)
	case resp.data != nil:
		a.size = resp.lengthToState(r)
		resp.writeHeader(w, &a)
		w.Write(resp.data)
	default:
		a.size = resp.lengthToState(r)
		resp.writeHeader(w, &a)
		io.WriteString(w, resp.text)
	}
}

// stream sends a body that is not simply all of the bytes in memory.
func (resp *Response) stream(w http.ResponseWriter, r *http.Request, a answer) {
	out := &output{w: w, resp: resp, answer: a}
	var err error
	if a.parts != nil {
		err = a.parts.send(resp, out)
	} else if err = resp.source.sendTo(out); err == nil {
		out.writeHeader() // of an empty body
	}
	if err != nil {
		out.fail(r, err)
	}
}

// status is the code to send.
func (resp *Response) status() int {
	if resp.Status == 0 {
		return http.StatusOK
	}
	return resp.Status
}

// check returns how many values the header has, or the reason why the response cannot be sent.
func (resp *Response) check() (values int, err error) {
	if resp.Status != 0 && (resp.Status < 100 || resp.Status > 999) {
		return 0, fmt.Errorf("response has the status %d: it must be between 100 and 999", resp.Status)
	}
	if resp.header == nil {
		switch resp.contentType[0] {
		case "", typeText, typeHTML, typeJSON:
			return 0, nil
		}
		return 0, checkField("Content-Type", resp.contentType[0])
	}
	for name, list := range resp.header {
		values += len(list)
		for _, value := range list {
			if err := checkField(name, value); err != nil {
				return 0, err
			}
		}
	}
	return values, nil
}

// writeHeader sends the status and the fields.
func (resp *Response) writeHeader(w http.ResponseWriter, a *answer) {
	h := w.Header()
	values := make(fieldValues, 0, resp.fieldCount(a))
	typed := resp.copyHeader(h, &values)
	switch {
	case a.status == http.StatusNotModified:
		removeEntityHeaders(h)
	case !bodyAllowed(a.status):
		delete(h, "Content-Length") // RFC 9110, section 8.6
	default:
		if !typed && a.size != 0 {
			if _, given := h["Content-Type"]; !given {
				h["Content-Type"] = values.one(typeText) // the type is not guessed from the body
			}
		}
		if a.size >= 0 {
			h["Content-Length"] = values.one(decimal(a.size))
		}
	}
	if a.parts != nil {
		a.parts.setHeader(h)
	}
	if resp.conditional && resp.ranged() {
		h["Accept-Ranges"] = values.one("bytes")
	}
	w.WriteHeader(a.status)
}

// copyHeader puts copies of the fields into h. It reports whether one of them
// is a media type.
func (resp *Response) copyHeader(h http.Header, values *fieldValues) (typed bool) {
	if resp.header == nil {
		if resp.contentType[0] != "" {
			h["Content-Type"] = values.one(resp.contentType[0])
			return true
		}
		return false
	}
	for name, list := range resp.header {
		switch name {
		case "Set-Cookie", "Vary", "Link", "Server-Timing":
			if before := h[name]; len(before) > 0 {
				h[name] = append(before[:len(before):len(before)], list...)
				continue
			}
		}
		copied := values.all(list)
		if name == "Location" || name == "Content-Location" {
			for i, iri := range copied {
				copied[i] = urls.IRIToURI(iri)
			}
		}
		h[name] = copied
	}
	return false
}

// fieldValues is memory for the values of a response's header fields. A response that is sent
// shares no slice with the Response or with another one, since code that gets the header may write
// to it.
type fieldValues []string

// all returns a copy of list. Its capacity is its length, so that appended
// values go elsewhere.
func (f *fieldValues) all(list []string) []string {
	if list == nil {
		return nil // this keeps net/http from adding the field
	}
	start := len(*f)
	*f = append(*f, list...)
	return (*f)[start:len(*f):len(*f)]
}

// one returns a list of one value.
func (f *fieldValues) one(value string) []string {
	start := len(*f)
	*f = append(*f, value)
	return (*f)[start:len(*f):len(*f)]
}

// fieldCount returns approximately how many values are sent.
func (resp *Response) fieldCount(a *answer) int {
	n := a.fields + 1 // Content-Type
	if a.size >= 0 {
		n++ // Content-Length
	}
	if resp.conditional {
		n++ // Accept-Ranges
	}
	return n
}

// OnClose registers a callback for the end of the response, whether it was sent
// or could not be sent. Each callback runs once; the last registered runs
// first. Errors are logged.
func (resp *Response) OnClose(f func() error) {
	resp.closers = append(resp.closers, f)
}

// Close runs the callbacks of [Response.OnClose] and closes the reader of the
// body. ServeHTTP does that itself: call Close only for a Response that is
// never served.
func (resp *Response) Close() error {
	closers := resp.closers
	resp.closers = nil
	var errs []error
	func() {
		// They are deferred calls: the last one runs first, and a panic does not prevent the
		// others.
		for _, f := range closers {
			defer func() { errs = append(errs, f()) }()
		}
	}()
	return errors.Join(errs...)
}

func (resp *Response) logClose(r *http.Request) {
	if err := resp.Close(); err != nil {
		serverlog.From(r.Context()).ErrorContext(r.Context(), "response not closed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
}

// bodyAllowed reports whether a response with this status may have a body (RFC
// 9110, section 6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
