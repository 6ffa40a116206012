package wrappers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/responsewriter"
	"github.com/zeugkit/zeug/internal/serverlog"
)

// answer is the response to one request: all of the Response, some parts, or
// nothing.
type answer struct {
	status int
	size   int64  // bytes after the header, -1 if not known
	parts  *parts // nil if the whole body is sent
	fields int    // how many values the Response's header has
}

// output writes one response to the client. The header is sent together with
// the first byte of the body, so that an error can still be sent if the body
// fails at once.
type output struct {
	w       http.ResponseWriter
	resp    *Response
	answer  answer
	started bool
	lost    bool // a write failed: the client has gone
}

func (out *output) writeHeader() {
	if out.started {
		return
	}
	out.started = true
	out.resp.writeHeader(out.w, &out.answer)
}

func (out *output) Write(p []byte) (int, error) {
	out.writeHeader()
	n, err := out.w.Write(p)
	out.lost = out.lost || err != nil
	return n, err
}

func (out *output) WriteString(s string) (int, error) {
	out.writeHeader()
	n, err := io.WriteString(out.w, s)
	out.lost = out.lost || err != nil
	return n, err
}

// ReadFrom lets the server's own writer copy, which supports sendfile.
func (out *output) ReadFrom(r io.Reader) (int64, error) {
	if _, ok := out.w.(io.ReaderFrom); !ok {
		return io.Copy(justWriter{out}, r)
	}
	out.writeHeader()
	n, err := io.Copy(out.w, r)
	// If a file cannot be read, the error has its name; otherwise it was the
	// client.
	if _, ok := errors.AsType[*fs.PathError](err); err != nil && !ok {
		out.lost = true
	}
	return n, err
}

// justWriter hides ReadFrom from io.Copy.
type justWriter struct{ io.Writer }

func (out *output) Flush() error {
	out.writeHeader()
	err := http.NewResponseController(out.w).Flush()
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		out.lost = true
		return err
	}
	return nil
}

// fail answers for a body that could not be sent, as far as that is still
// possible.
func (out *output) fail(r *http.Request, err error) {
	switch {
	case out.lost: // the client has gone
	case !out.started:
		httperror.Respond(out.w, r, err)
	case responsewriter.Held(out.w):
		// It is too late for an error that sends its own response: the bytes
		// already written would look like the whole.
		if errors.As(err, new(interface {
			error
			http.Handler
		})) {
			err = &httperror.Error{Code: httperror.InternalServerError, Err: fmt.Errorf("response cut short: %w", err)}
		}
		httperror.Respond(out.w, r, err)
	default:
		if r.Context().Err() == nil && !responsewriter.CutShort(out.w, r, err) {
			serverlog.From(r.Context()).ErrorContext(r.Context(), "response cut short", "method", r.Method, "path", r.URL.Path, "err", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// shortLengths are the values of Content-Length for short bodies, each made at
// its first use: they save one allocation for each request.
var shortLengths [4096]atomic.Pointer[string]

func decimal(n int64) string {
	if n >= int64(len(shortLengths)) {
		return strconv.FormatInt(n, 10)
	}
	if value := shortLengths[n].Load(); value != nil {
		return *value
	}
	value := strconv.FormatInt(n, 10)
	shortLengths[n].Store(&value)
	return value
}

// lengthToState returns the Content-Length for a body that is written at once.
// It is -1 if net/http sets the field itself, which is faster: it does so if
// the body fits its buffer. A length that was set before, for example by
// Buffer, may no longer be right.
func (resp *Response) lengthToState(r *http.Request) int64 {
	n := resp.size()
	if n > 0 && n < 2048 && resp.header["Content-Length"] == nil && r.Context().Value(http.ServerContextKey) != nil {
		return -1
	}
	return n
}
