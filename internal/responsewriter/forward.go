// Package responsewriter wraps response writers so that nothing is lost: what
// the writer below can do (flush, hand over its connection, send a file without
// copying, push), the wrapper can do too, and what it cannot, the wrapper does
// not pretend to. Deadlines and full duplex go through Unwrap, as
// [net/http.ResponseController] does.
//
// A middleware that only wants to know what was answered takes a [Recorder].
// One that steps in embeds a [Forward] and a [Shape] in a struct of its own,
// redefines the methods it cares about, and gives the handler what the shape
// makes of it: one allocation in all.
//
//	type counter struct {
//		responsewriter.Forward
//		responsewriter.Shape
//		writes int
//	}
//
//	c := &counter{Forward: responsewriter.Forward{w}}
//	next.ServeHTTP(c.Like(c, w), r)
package responsewriter

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// Full is a writer with everything that net/http's writers have between them,
// whether or not the one below can do it.
type Full interface {
	Core
	io.ReaderFrom
	FlushError() error
	Hijack() (net.Conn, *bufio.ReadWriter, error)
	Push(target string, options *http.PushOptions) error
}

// Core is what every writer of this package has.
type Core interface {
	http.ResponseWriter
	io.StringWriter
	Unwrap() http.ResponseWriter
	// Written reports whether something of the answer is out, so that another
	// one cannot take its place, as far as anybody here knows.
	Written() bool
	recorder() *Recorder
}

// Forward is a [Full] that hands everything to the writer below. What it is
// embedded in has to redefine Write, WriteString and ReadFrom together if it
// looks at the body at all: each of them sends bytes, and the header with the
// first.
type Forward struct{ http.ResponseWriter }

// Unwrap returns the writer below.
func (f *Forward) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// WriteString writes without a copy where the writer below can.
func (f *Forward) WriteString(s string) (int, error) { return io.WriteString(f.ResponseWriter, s) }

// ReadFrom sends what is left of r, by sendfile where the writer below can.
func (f *Forward) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := f.ResponseWriter.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(writerOnly{f.ResponseWriter}, r)
}

// FlushError sends what is buffered.
func (f *Forward) FlushError() error {
	return http.NewResponseController(f.ResponseWriter).Flush()
}

// Hijack hands over the connection.
func (f *Forward) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(f.ResponseWriter).Hijack()
}

// Push starts an HTTP/2 server push.
func (f *Forward) Push(target string, options *http.PushOptions) error {
	if p, ok := f.ResponseWriter.(http.Pusher); ok {
		return p.Push(target, options)
	}
	return http.ErrNotSupported
}

// Written asks the writers below.
func (f *Forward) Written() bool {
	for w := f.ResponseWriter; ; {
		switch t := w.(type) {
		case interface{ Written() bool }:
			return t.Written()
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

func (f *Forward) recorder() *Recorder { return nil }

// writerOnly hides a ReadFrom that would be found again.
type writerOnly struct{ io.Writer }
