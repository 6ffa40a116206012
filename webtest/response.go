package webtest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
)

// Response is a response that a [Client] got.
type Response struct {
	// Status is the status code, 0 if there was no response (see [MayAbort]).
	Status int
	// Proto is "HTTP/1.1" or "HTTP/2.0".
	Proto  string
	Header http.Header
	// Trailer is complete when the body was read to its end.
	Trailer http.Header
	// Informational are the 1xx responses that came before, such as 103.
	Informational []Informational
	// Request is the request that was sent. Its body has been read.
	Request *http.Request
	// History holds the redirects that led here, in order.
	History []*Response
	// RefusedCookies says why cookies of the response were not stored.
	RefusedCookies []error
	// Body has been read to its end, and the methods can read it again. With
	// [Stream], and after a switch of protocols, it is read as it arrives.
	// After a switch of protocols it is also an [io.Writer].
	Body io.ReadCloser
	// Err is why the response broke off or never came (see [MayAbort]).
	Err error

	t      TB
	client *Client
	live   bool
	body   []byte
	sent   *excerpt // nil without a body
}

// Informational is a response that comes before the final one.
type Informational struct {
	Status int
	Header http.Header
}

// take fills in the body.
func (resp *Response) take(got *http.Response, stream bool) error {
	resp.Trailer = got.Trailer
	if stream || got.StatusCode == http.StatusSwitchingProtocols {
		resp.live = true
		resp.Body = got.Body
		resp.t.Cleanup(func() { got.Body.Close() })
		return nil
	}
	defer got.Body.Close()
	var err error
	resp.body, err = io.ReadAll(got.Body)
	resp.Body = io.NopCloser(bytes.NewReader(resp.body))
	resp.Trailer, resp.Err = got.Trailer, err
	return err
}

// bytes returns the body. For a streaming response, it reads the rest.
func (resp *Response) bytes() []byte {
	resp.t.Helper()
	if resp.live {
		defer resp.Body.Close()
		rest, err := io.ReadAll(resp.Body)
		resp.live = false
		resp.body = append(resp.body, rest...)
		resp.Body = io.NopCloser(bytes.NewReader(nil))
		if resp.Err = err; err != nil {
			resp.t.Fatalf("webtest: the answer broke off: %v\n%s", err, resp)
		}
	}
	return resp.body
}

// Text returns the body as text.
func (resp *Response) Text() string {
	resp.t.Helper()
	return string(resp.bytes())
}

// JSON decodes the body into v. The test fails if the response does not have a
// JSON media type, or if its body does not fit v.
func (resp *Response) JSON(v any) {
	resp.t.Helper()
	if m := resp.mediaType(); m != "application/json" && !strings.HasSuffix(m, "+json") {
		resp.t.Fatalf("webtest: the answer is %q, not JSON\n%s", m, resp)
	}
	if err := json.Unmarshal(resp.bytes(), v); err != nil {
		resp.t.Fatalf("webtest: the answer as JSON: %v\n%s", err, resp)
	}
}

// Expect fails the test if the status is another one, and returns resp.
func (resp *Response) Expect(status int) *Response {
	resp.t.Helper()
	if resp.Status != status {
		resp.t.Fatalf("webtest: status %d, want %d\n%s", resp.Status, status, resp)
	}
	return resp
}

// mediaType is the media type of the Content-Type field, in lower case and
// without parameters; "" if there is none.
func (resp *Response) mediaType() string {
	m, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil && m == "" {
		m, _, _ = strings.Cut(resp.Header.Get("Content-Type"), ";")
		m = strings.ToLower(strings.TrimSpace(m))
	}
	return m
}

// Location is the absolute URL to which the Location field leads, "" if there
// is none.
func (resp *Response) Location() string {
	location := resp.Header.Get("Location")
	if location == "" {
		return ""
	}
	u, err := join(resp.Request.URL, location)
	if err != nil {
		resp.t.Helper()
		resp.t.Fatalf("webtest: Location %q: %v\n%s", location, err, resp)
	}
	return u.String()
}

// Cookie returns the cookie of this name that the response sets, or nil. It
// does not matter whether a browser would accept the cookie.
func (resp *Response) Cookie(name string) *http.Cookie {
	for _, line := range resp.Header["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == name {
			return c
		}
	}
	return nil
}

// excerpt keeps the beginning of a request's body.
type excerpt struct {
	mu    sync.Mutex
	text  []byte
	total int64
}

func (e *excerpt) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total += int64(len(p))
	e.text = append(e.text, p[:min(len(p), shownBytes-len(e.text))]...)
	return len(p), nil
}

// teed is a request's body from which an excerpt is kept. Closing it does not close its reader,
// which belongs to the test.
type teed struct {
	io.Reader
	excerpt *excerpt
}

func (t *teed) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	t.excerpt.Write(p[:n])
	return n, err
}

func (t *teed) Close() error { return nil }
