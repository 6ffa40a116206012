package wrappers

import (
	"io"
	"net/http"
)

// Stream returns a Response whose body the function writes while it is sent.
// It runs when the header may go out; not at all for a HEAD request and where
// the status has no body. It runs in the request's goroutine, may take as long
// as it likes, and should return when a write fails or the request's context
// ends: then the client has gone.
//
// What it returns before it has written anything becomes the answer, through
// [httperror.Respond]; an error after that ends the connection.
func Stream(contentType string, write func(w *StreamWriter) error) *Response {
	resp := &Response{contentType: [1]string{withCharset(contentType)}}
	resp.setSource(&streamSource{write: write, size: -1})
	return resp
}

type streamSource struct {
	write func(*StreamWriter) error
	size  int64
}

func (src *streamSource) length() int64 { return src.size }

func (src *streamSource) sendTo(w streamTarget) error {
	return src.write(&StreamWriter{w})
}

// SetSize states how many bytes a body that is read or streamed will have, so
// that it is sent with a Content-Length and ranges of it can be served; -1
// takes that back. It has no effect on a body in memory.
func (resp *Response) SetSize(n int64) {
	n = max(n, -1)
	switch src := resp.source.(type) {
	case *readerSource:
		src.size = n
	case *streamSource:
		src.size = n
	}
}

// StreamWriter is where a stream function writes to. Bytes may wait in the
// server's buffer until there are enough of them; Flush sends them.
type StreamWriter struct {
	target streamTarget
}

// Write writes to the body.
func (w *StreamWriter) Write(p []byte) (int, error) { return w.target.Write(p) }

// WriteString writes to the body.
func (w *StreamWriter) WriteString(s string) (int, error) { return w.target.WriteString(s) }

// ReadFrom copies r into the body, by sendfile where r is a file and the
// server can.
func (w *StreamWriter) ReadFrom(r io.Reader) (int64, error) { return copyFrom(w.target, r) }

// Flush sends what was written. It returns an error when the client has gone,
// and none when a middleware in between keeps the body back.
func (w *StreamWriter) Flush() error { return w.target.Flush() }

// Controller returns the [http.ResponseController] of the connection, for
// deadlines. It is nil where the body goes to no connection, as by
// [Response.Bytes].
func (w *StreamWriter) Controller() *http.ResponseController {
	if out, ok := w.target.(*output); ok {
		return http.NewResponseController(out.w)
	}
	return nil
}
