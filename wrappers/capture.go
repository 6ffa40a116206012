package wrappers

import (
	"io"
	"maps"
	"net/http"
)

// Capture runs any handler into a Response, so that you can inspect it, change it, put it into a
// page, or keep it. The handler sees the same as on a server. The fields are those at the moment
// when the status was written. A HEAD request and the statuses 204 and 304 have no body. Without a
// Content-Type the beginning of the body decides it, as in net/http. A response to HEAD has only
// its fields. It has the Content-Length and the ETag that the handler set; without a body, they
// cannot be computed. Bytes that are written to it are dropped.
//
// The body is read into memory, whatever its size. A flush does nothing, and trailers are not kept.
// A handler that tries to take over the connection gets [http.ErrNotSupported]. If the handler
// panics, Capture panics.
func Capture(h http.Handler, r *http.Request) *Response {
	w := &captured{header: make(http.Header), head: r.Method == http.MethodHead}
	h.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
	if _, given := w.sent["Content-Type"]; !given && len(w.body) > 0 && w.sent["Content-Encoding"] == nil {
		w.sent["Content-Type"] = []string{http.DetectContentType(w.body)}
	}
	resp := &Response{Status: w.status, header: w.sent, data: w.body}
	if w.head && bodyAllowed(w.status) {
		resp.source = unseen{}
	}
	return resp
}

// unseen is the body of a response to HEAD. The body was not sent, so a length and an ETag cannot
// be computed.
type unseen struct{}

func (unseen) length() int64 { return -1 }

func (unseen) sendTo(streamTarget) error { return nil }

func (resp *Response) isUnseen() bool { return resp.source == unseen{} }

// captured is the [http.ResponseWriter] of a capture.
type captured struct {
	header http.Header
	sent   http.Header // header when the status was written
	status int
	body   []byte
	head   bool
}

func (w *captured) Header() http.Header { return w.header }

func (w *captured) WriteHeader(status int) {
	if w.sent != nil || status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.status = status
	w.sent = maps.Clone(w.header)
	for name, values := range w.sent {
		w.sent[name] = append([]string(nil), values...)
	}
}

func (w *captured) allowed() error {
	w.WriteHeader(http.StatusOK)
	if !bodyAllowed(w.status) {
		return http.ErrBodyNotAllowed
	}
	return nil
}

func (w *captured) Write(p []byte) (int, error) {
	if err := w.allowed(); err != nil {
		return 0, err
	}
	if !w.head {
		w.body = append(w.body, p...)
	}
	return len(p), nil
}

func (w *captured) WriteString(s string) (int, error) {
	if err := w.allowed(); err != nil {
		return 0, err
	}
	if !w.head {
		w.body = append(w.body, s...)
	}
	return len(s), nil
}

func (w *captured) ReadFrom(r io.Reader) (int64, error) { return io.Copy(justWriter{w}, r) }

// Flush writes the status, like a flush on a connection.
func (w *captured) Flush() { w.WriteHeader(http.StatusOK) }
