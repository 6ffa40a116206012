package exchange

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/zeugkit/zeug/internal/httplex"
)

// Writer is a [http.ResponseWriter] that writes a response in the form of CGI: header fields
// beginning with Status, an empty line, the body. It does what net/http does: it finds out the
// media type of a body if none is set, sends no body if none is allowed, and refuses one that is
// longer than announced.
type Writer struct {
	out    io.Writer
	r      *http.Request
	header http.Header
	// HTTP says that the response begins with a status line, "HTTP/1.1 200 OK", and not with the
	// field Status of CGI.
	HTTP bool

	status int
	left   int64 // of the announced length; -1 if there is none
	bare   bool  // no body may be sent
	typed  bool  // the body's media type is set, or must not be set
	began  bool  // the header has ended
	err    error

	pooled *[buffered]byte
	held   []byte // bytes that are not sent yet, in pooled
}

// buffered is how many bytes of a response are kept until they are flushed.
const buffered = 4 << 10

var buffers = sync.Pool{New: func() any { return new([buffered]byte) }}

// NewWriter returns a Writer of the response to r. If out has a method WriteBuffers(net.Buffers)
// (int64, error), it gets a long piece together with the bytes kept before it.
func NewWriter(out io.Writer, r *http.Request) *Writer {
	return &Writer{out: out, r: r, header: http.Header{}, left: -1}
}

// hold keeps p, or sends the bytes kept so far, and p as well if it is long.
func (w *Writer) hold(p []byte) (int, error) {
	if w.pooled == nil {
		w.pooled = buffers.Get().(*[buffered]byte)
		w.held = w.pooled[:0]
	}
	if len(p) > buffered-len(w.held) {
		if len(p) >= buffered {
			return w.sendWith(p)
		}
		if err := w.send(); err != nil {
			return 0, err
		}
	}
	w.held = append(w.held, p...)
	return len(p), nil
}

func (w *Writer) send() error {
	if len(w.held) == 0 {
		return nil
	}
	_, err := w.out.Write(w.held)
	w.held = w.held[:0]
	return err
}

// sendWith sends the bytes kept so far and p, by one system call if possible.
func (w *Writer) sendWith(p []byte) (int, error) {
	several, ok := w.out.(interface {
		WriteBuffers(net.Buffers) (int64, error)
	})
	if !ok || len(w.held) == 0 {
		if err := w.send(); err != nil {
			return 0, err
		}
		return w.out.Write(p)
	}
	before := len(w.held)
	n, err := several.WriteBuffers(net.Buffers{w.held, p})
	w.held = w.held[:0]
	return max(int(n)-before, 0), err
}

// Header is the header to be sent.
func (w *Writer) Header() http.Header { return w.header }

// Began reports whether the status has been written.
func (w *Writer) Began() bool { return w.status != 0 }

// WriteHeader sends the header. Interim responses (1xx) do not exist in CGI and are left out; so
// is a second call.
func (w *Writer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid status code %d", status))
	}
	if w.status != 0 || status < 200 {
		return
	}
	w.status = status
	w.bare = w.r.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
	if status == http.StatusNoContent {
		w.header.Del("Content-Length")
	}
	if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		w.left = n
	} else {
		w.header.Del("Content-Length")
	}
	text := http.StatusText(status)
	if text == "" {
		text = "status code " + strconv.Itoa(status)
	}
	first := "Status: "
	if w.HTTP {
		first = "HTTP/1.1 "
	}
	w.say(first, strconv.Itoa(status), " ", text, "\r\n")
	var few [16]string
	names := few[:0]
	hops := hopByHop(w.header)
	for name := range w.header {
		switch name {
		// The server handles the connection and its framing.
		case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade", "Trailer", "Status":
			continue
		}
		if slices.Contains(hops, name) {
			continue
		}
		if !strings.HasPrefix(name, http.TrailerPrefix) && httplex.IsToken(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range w.header[name] {
			w.say(name, ": ", oneLine.Replace(value), "\r\n")
		}
	}
	_, typed := w.header["Content-Type"]
	w.typed = typed || w.header.Get("Content-Encoding") != ""
}

// hopByHop returns the names in the field Connection: they name the fields about the connection
// (RFC 9110, section 7.6.1).
func hopByHop(h http.Header) (names []string) {
	for _, value := range h["Connection"] {
		for item := range httplex.Items(value) {
			names = append(names, textproto.CanonicalMIMEHeaderKey(item))
		}
	}
	return names
}

// begin ends the header, with the media type that the beginning of the body suggests, if no media
// type was set.
func (w *Writer) begin(body []byte) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.began {
		return
	}
	w.began = true
	bodiless := w.status == http.StatusNoContent || w.status == http.StatusNotModified
	if !w.typed && len(body) > 0 && !bodiless {
		w.say("Content-Type: ", http.DetectContentType(body), "\r\n")
	}
	w.say("\r\n")
}

// say appends strings to the header; a string that cannot be sent is reported later.
func (w *Writer) say(texts ...string) {
	for _, text := range texts {
		if _, err := w.hold(unsafeBytes(text)); err != nil && w.err == nil {
			w.err = err
		}
	}
}

// unsafeBytes returns a string as bytes that must not be changed: an [io.Writer] does not change
// them.
func unsafeBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// oneLine makes sure that a value does not become two fields, as net/http does.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ")

func (w *Writer) Write(p []byte) (int, error) {
	w.begin(p)
	switch {
	case w.err != nil:
		return 0, w.err
	case w.bare && w.r.Method == http.MethodHead:
		return len(p), nil
	case w.bare:
		return 0, http.ErrBodyNotAllowed
	case w.left >= 0 && int64(len(p)) > w.left:
		return 0, http.ErrContentLength
	}
	n, err := w.hold(p)
	if w.left >= 0 {
		w.left -= int64(n)
	}
	w.err = err
	return n, err
}

// WriteString is Write without a copy of s.
func (w *Writer) WriteString(s string) (int, error) { return w.Write(unsafeBytes(s)) }

// fail sends a plain 500 because the handler panicked.
func (w *Writer) fail() error {
	clear(w.header)
	w.header.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, err := io.WriteString(w, "Internal Server Error\n")
	return errors.Join(err, w.Close())
}

// FlushError sends the buffered bytes.
func (w *Writer) FlushError() error {
	w.begin(nil)
	if w.err == nil {
		w.err = w.send()
	}
	return w.err
}

// Flush is FlushError for callers that ask for an [http.Flusher].
func (w *Writer) Flush() { _ = w.FlushError() }

// Close ends the response. It returns an error if the body was shorter than announced, or could not
// be sent: the connection must then not look complete.
func (w *Writer) Close() error {
	defer w.release()
	if err := w.FlushError(); err != nil {
		return err
	}
	if w.left > 0 && !w.bare {
		return fmt.Errorf("answer ended %d bytes before its Content-Length: %w", w.left, io.ErrUnexpectedEOF)
	}
	return nil
}

// errOver is the error of a write after the end.
var errOver = errors.New("the answer has ended")

func (w *Writer) release() {
	if w.err == nil {
		w.err = errOver
	}
	if w.pooled != nil {
		buffers.Put(w.pooled)
		w.pooled, w.held = nil, nil
	}
}
