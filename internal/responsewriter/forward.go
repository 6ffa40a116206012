// Package responsewriter wraps response writers so that nothing is lost. The wrapper has the same
// capabilities as the inner writer: to flush, to hand over its connection, to send a file without
// copying, to push. It lacks the capabilities that the inner writer lacks. Deadlines and full
// duplex go through Unwrap, as [net/http.ResponseController] does.
//
// A middleware that only needs the status and the size uses a [Recorder]. A middleware that changes
// the response embeds a [Forward] and a [Shape] in a struct of its own, redefines some methods, and
// gives the handler the writer that the shape makes from it. That takes one allocation in all.
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

// Full is a writer with all the abilities that net/http's writers have between
// them, even if the inner writer lacks some.
type Full interface {
	Core
	io.ReaderFrom
	FlushError() error
	Hijack() (net.Conn, *bufio.ReadWriter, error)
	Push(target string, options *http.PushOptions) error
}

// Core has the methods that every writer of this package has.
type Core interface {
	http.ResponseWriter
	io.StringWriter
	Unwrap() http.ResponseWriter
	// Written reports whether a part of the response has been sent, so that another one cannot
	// replace it, as far as the writers of this package know.
	Written() bool
	recorder() *Recorder
}

// Forward is a [Full] that passes everything to the inner writer. A type that embeds it and looks
// at the body must redefine Write, WriteString and ReadFrom together: each of them sends bytes, and
// the first bytes also send the header.
type Forward struct{ http.ResponseWriter }

// Unwrap returns the inner writer.
func (f *Forward) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// WriteString writes without a copy if the inner writer can.
func (f *Forward) WriteString(s string) (int, error) { return io.WriteString(f.ResponseWriter, s) }

// ReadFrom sends the rest of r, by sendfile if the inner writer can.
func (f *Forward) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := f.ResponseWriter.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(writerOnly{f.ResponseWriter}, r)
}

// FlushError sends the buffered bytes.
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

// Written asks the inner writers.
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

// writerOnly hides a method ReadFrom, which would otherwise call itself.
type writerOnly struct{ io.Writer }
