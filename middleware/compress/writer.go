package compress

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// writer decides about an answer when it knows enough: once MinSize bytes are
// there, or the handler flushes, takes the connection or returns. Until then it
// keeps what was written.
type writer struct {
	responsewriter.Forward
	responsewriter.Shape
	settings *Compress
	types    *typeSet
	coding   string // the client's choice, "" for none
	head     bool

	status  int // 0 until the handler said one
	kept    *[]byte
	decided bool
	encoder encoder // nil where the answer goes out as it is
}

var keeping = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

func (w *writer) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols || w.decided {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.status != 0 {
		return
	}
	w.status = status
	if !w.may() {
		w.decide(nil, false)
	}
}

// may reports whether the header allows for compressing at all.
func (w *writer) may() bool {
	h := w.Header()
	switch {
	case w.status == http.StatusNoContent, w.status == http.StatusNotModified, w.status == http.StatusPartialContent,
		w.status == http.StatusSwitchingProtocols:
		return false
	case h.Get("Content-Encoding") != "", h.Get("Content-Range") != "":
		return false
	case strings.Contains(strings.ToLower(h.Get("Cache-Control")), "no-transform"):
		return false
	}
	if n, err := strconv.Atoi(h.Get("Content-Length")); err == nil && n < w.settings.MinSize {
		return false
	}
	t := h.Get("Content-Type")
	return t == "" || w.types.has(t)
}

// decide sends the header, with body being what comes first of the answer.
func (w *writer) decide(body []byte, compress bool) {
	w.decided = true
	h := w.Header()
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if _, set := h["Content-Type"]; !set && len(body) > 0 {
		// What net/http would find out, which cannot look into coded bytes.
		h["Content-Type"] = []string{http.DetectContentType(body)}
	}
	may := w.may() && w.types.has(h.Get("Content-Type"))
	if (compress || w.head && len(body) == 0) && may || w.partOfVaried() {
		vary(h)
	}
	if compress && may && w.coding != "" {
		h["Content-Encoding"] = []string{w.coding}
		delete(h, "Content-Length")
		delete(h, "Accept-Ranges")
		if tag := h.Get("Etag"); strings.HasPrefix(tag, `"`) {
			// The bytes are others, what they mean is the same (RFC 9110,
			// section 8.8.3).
			h["Etag"] = []string{"W/" + tag}
		}
		if !w.head || len(body) > 0 {
			w.encoder = encoders[w.coding].Get().(encoder)
			w.encoder.Reset(w.ResponseWriter)
		}
	}
	w.ResponseWriter.WriteHeader(w.status)
}

// partOfVaried reports whether the answer tells of one that may be compressed, and
// has to name what that one varies by (RFC 9110, sections 15.3.7 and 15.4.5): that
// it has not changed, or some of its ranges.
func (w *writer) partOfVaried() bool {
	t := w.Header().Get("Content-Type")
	switch w.status {
	case http.StatusNotModified:
		return true
	case http.StatusPartialContent:
		return w.types.has(t) || strings.HasPrefix(strings.ToLower(t), "multipart/byteranges")
	}
	return false
}

// vary says that the answer depends on Accept-Encoding.
func vary(h http.Header) {
	set := datastructures.ParseHeaderSet(strings.Join(h["Vary"], ","))
	if set.Has("*") || set.Has("Accept-Encoding") {
		return
	}
	set.Add("Accept-Encoding")
	h["Vary"] = []string{set.String()}
}

func (w *writer) Write(p []byte) (int, error) {
	if !w.decided {
		if w.status == 0 {
			w.WriteHeader(http.StatusOK)
		}
		if !w.decided {
			return w.keep(p)
		}
	}
	return w.send(p)
}

func (w *writer) send(p []byte) (int, error) {
	if w.encoder != nil {
		return w.encoder.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// keep holds p back, until there is enough to decide.
func (w *writer) keep(p []byte) (int, error) {
	if w.kept == nil {
		if len(p) >= w.settings.MinSize {
			w.decide(p, true)
			return w.send(p)
		}
		w.kept = keeping.Get().(*[]byte)
	}
	*w.kept = append(*w.kept, p...)
	if len(*w.kept) < w.settings.MinSize {
		return len(p), nil
	}
	return len(p), w.release(true)
}

// release decides, and sends what was held back.
func (w *writer) release(compress bool) error {
	if w.decided {
		return nil
	}
	if w.kept == nil {
		w.decide(nil, compress)
		return nil
	}
	w.decide(*w.kept, compress)
	_, err := w.send(*w.kept)
	*w.kept = (*w.kept)[:0]
	keeping.Put(w.kept)
	w.kept = nil
	return err
}

func (w *writer) WriteString(s string) (int, error) {
	if w.decided && w.encoder == nil {
		return w.Forward.WriteString(s)
	}
	return w.Write([]byte(s))
}

// ReadFrom sends a file as it is by sendfile, where it is not compressed.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if !w.decided && w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.decided && w.encoder == nil {
		return w.Forward.ReadFrom(r)
	}
	return io.Copy(writeOnly{w}, r)
}

// writeOnly hides ReadFrom.
type writeOnly struct{ io.Writer }

// FlushError sends what there is. An answer that flushes before there was
// enough of it to decide is a stream.
func (w *writer) FlushError() error {
	if err := w.release(w.settings.Streams); err != nil {
		return err
	}
	if w.encoder != nil {
		if err := w.encoder.Flush(); err != nil {
			return err
		}
	}
	return w.Forward.FlushError()
}

// Hijack hands over the connection, with nothing of the answer sent.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.Forward.Hijack()
	if err == nil {
		w.decided = true
	}
	return conn, rw, err
}

// close ends the answer after its handler.
func (w *writer) close() {
	if !w.decided && (w.status != 0 || w.head) {
		// Shorter than MinSize; or a HEAD, of whose body only the length is known,
		// if that is. It must not be another one than that of a GET (RFC 9110,
		// section 8.6).
		if err := w.release(w.head && w.kept == nil && w.Header().Get("Content-Length") != ""); err != nil {
			return
		}
	}
	if w.encoder == nil {
		return
	}
	// The client may have gone; then there is nobody to tell.
	_ = w.encoder.Close()
	w.encoder.Reset(nil)
	encoders[w.coding].Put(w.encoder)
	w.encoder = nil
}
