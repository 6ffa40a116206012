package responsewriter

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// Shape makes a writer with some of the methods of a [Full] one. Embedded in
// the same struct as the Full one, it costs no allocation: the result of Like
// points into it.
type Shape struct{ made shaped }

// shaped has the methods that all shapes share. The types below add methods to it: f adds flushing,
// h hijacking, r ReadFrom, and p pushing.
type shaped struct{ Core }

type (
	none shaped
	f    shaped
	h    shaped
	r    shaped
	fh   shaped
	fr   shaped
	hr   shaped
	fhr  shaped
	fp   shaped
)

// Like returns full as a writer that has the abilities of w. Flushing and hijacking count if w has
// them, or has them below an Unwrap. ReadFrom and Push would bypass the writers in between, so they
// count only if w itself has them.
func (s *Shape) Like(full Full, w http.ResponseWriter) http.ResponseWriter {
	s.made.Core = full
	p := &s.made
	if _, ok := w.(everything); ok { // net/http's own, for HTTP/1
		return (*fhr)(p)
	}
	flush, hijack := flushes(w), hijacks(w)
	_, read := w.(io.ReaderFrom)
	switch {
	case flush && hijack && read:
		return (*fhr)(p)
	case flush && hijack:
		return (*fh)(p)
	case flush && read:
		return (*fr)(p)
	case hijack && read:
		return (*hr)(p)
	case flush:
		if _, push := w.(http.Pusher); push {
			return (*fp)(p)
		}
		return (*f)(p)
	case hijack:
		return (*h)(p)
	case read:
		return (*r)(p)
	}
	return (*none)(p)
}

type everything interface {
	http.Flusher
	http.Hijacker
	io.ReaderFrom
}

// flushes reports whether w, or a writer below it, flushes.
func flushes(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

// hijacks reports whether w, or a writer below it, hands over its connection.
func hijacks(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

type (
	conn   = net.Conn
	buffer = *bufio.ReadWriter
)

func full(c Core) Full { return c.(Full) }

func (w *f) Flush()            { full(w.Core).FlushError() }
func (w *f) FlushError() error { return full(w.Core).FlushError() }

func (w *h) Hijack() (conn, buffer, error) { return full(w.Core).Hijack() }

func (w *r) ReadFrom(from io.Reader) (int64, error) { return full(w.Core).ReadFrom(from) }

func (w *fh) Flush()                        { full(w.Core).FlushError() }
func (w *fh) FlushError() error             { return full(w.Core).FlushError() }
func (w *fh) Hijack() (conn, buffer, error) { return full(w.Core).Hijack() }

func (w *fr) Flush()                                 { full(w.Core).FlushError() }
func (w *fr) FlushError() error                      { return full(w.Core).FlushError() }
func (w *fr) ReadFrom(from io.Reader) (int64, error) { return full(w.Core).ReadFrom(from) }

func (w *hr) Hijack() (conn, buffer, error)          { return full(w.Core).Hijack() }
func (w *hr) ReadFrom(from io.Reader) (int64, error) { return full(w.Core).ReadFrom(from) }

func (w *fhr) Flush()                                 { full(w.Core).FlushError() }
func (w *fhr) FlushError() error                      { return full(w.Core).FlushError() }
func (w *fhr) Hijack() (conn, buffer, error)          { return full(w.Core).Hijack() }
func (w *fhr) ReadFrom(from io.Reader) (int64, error) { return full(w.Core).ReadFrom(from) }

func (w *fp) Flush()            { full(w.Core).FlushError() }
func (w *fp) FlushError() error { return full(w.Core).FlushError() }
func (w *fp) Push(target string, options *http.PushOptions) error {
	return full(w.Core).Push(target, options)
}
