package cgi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Writer is a [http.ResponseWriter] that writes an answer as CGI has it: header
// fields with a field Status first, an empty line, the body. It does what
// net/http's does: finds out the media type of a body that has none said, sends
// no body where there is none to be, refuses one that is longer than announced.
type Writer struct {
	out    *bufio.Writer
	r      *http.Request
	header http.Header
	// HTTP has the first line be HTTP's own, "HTTP/1.1 200 OK".
	HTTP bool

	status int
	left   int64 // of the announced length; -1 where none is
	bare   bool  // no body may be sent
	err    error
}

// NewWriter returns a Writer of the answer to r.
func NewWriter(out io.Writer, r *http.Request) *Writer {
	return &Writer{out: bufio.NewWriterSize(out, 4<<10), r: r, header: http.Header{}, left: -1}
}

// Header is the header to be sent.
func (w *Writer) Header() http.Header { return w.header }

// Began reports whether the status has been said.
func (w *Writer) Began() bool { return w.status != 0 }

// WriteHeader sends the header. Interim answers (1xx) cannot be said in CGI and
// are left out; a second call is, too.
func (w *Writer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid status code %d", status))
	}
	if w.status != 0 || status < 200 {
		return
	}
	w.start(status, nil)
}

func (w *Writer) start(status int, body []byte) {
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
	if _, set := w.header["Content-Type"]; !set && len(body) > 0 && w.header.Get("Content-Encoding") == "" {
		w.header.Set("Content-Type", http.DetectContentType(body))
	}
	text := http.StatusText(status)
	if text == "" {
		text = "status code " + strconv.Itoa(status)
	}
	if w.HTTP {
		fmt.Fprintf(w.out, "HTTP/1.1 %d %s\r\n", status, text)
	} else {
		fmt.Fprintf(w.out, "Status: %d %s\r\n", status, text)
	}
	names := make([]string, 0, len(w.header))
	for name := range w.header {
		switch name {
		// The connection and its framing are the server's.
		case "Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Trailer", "Status":
			continue
		}
		if !strings.HasPrefix(name, http.TrailerPrefix) && validName(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range w.header[name] {
			w.out.WriteString(name + ": " + oneLine.Replace(value) + "\r\n")
		}
	}
	w.out.WriteString("\r\n")
}

// oneLine keeps a value from becoming two fields, as net/http does.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ")

func validName(name string) bool {
	return name != "" && strings.IndexFunc(name, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, c)
	}) < 0
}

func (w *Writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.start(http.StatusOK, p)
	}
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
	n, err := w.out.Write(p)
	if w.left >= 0 {
		w.left -= int64(n)
	}
	w.err = err
	return n, err
}

// fail answers with a plain 500 in place of a handler that panicked.
func (w *Writer) fail() error {
	clear(w.header)
	w.header.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, err := io.WriteString(w, "Internal Server Error\n")
	return errors.Join(err, w.Close())
}

// FlushError sends what is buffered.
func (w *Writer) FlushError() error {
	if w.status == 0 {
		w.start(http.StatusOK, nil)
	}
	if w.err == nil {
		w.err = w.out.Flush()
	}
	return w.err
}

// Flush is FlushError for those who ask for an [http.Flusher].
func (w *Writer) Flush() { _ = w.FlushError() }

// Close ends the answer. It returns an error where the body was shorter than
// announced, or could not be sent: then the connection must not look complete.
func (w *Writer) Close() error {
	if w.status == 0 {
		w.start(http.StatusOK, nil)
		if w.header.Get("Content-Length") == "" {
			w.left = -1
		}
	}
	if err := w.FlushError(); err != nil {
		return err
	}
	if w.left > 0 && !w.bare {
		return fmt.Errorf("answer ended %d bytes before its Content-Length: %w", w.left, io.ErrUnexpectedEOF)
	}
	return nil
}
