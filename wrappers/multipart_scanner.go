package wrappers

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// scanner cuts a multipart body (RFC 2046, section 5.1) at its delimiters, in
// one pass over a buffer of fixed size: what lies between is handed out as
// slices of the buffer, and nothing is copied but the few bytes at its end that
// may be the start of a delimiter.
//
// As browsers, servers and Werkzeug do, it takes LF and CR for CRLF.
type scanner struct {
	src        io.Reader
	buf        *[scanBuffer]byte
	start, end int   // what of buf is read and not yet handed out
	total      int64 // how many bytes were read
	err        error // how reading ended

	dash  []byte     // "--" and the boundary
	skip  [256]uint8 // how far dash may move on, by the byte under its end
	fresh bool       // at the first byte after a header, where a delimiter needs no line break
	bare  bool       // the last delimiter's line ended in a lone CR: so do header lines
}

const (
	scanBuffer = 64 << 10
	// maxBoundary is what the skip table can hold; RFC 2046 allows 70.
	maxBoundary = 250
)

var scanBuffers = sync.Pool{New: func() any { return new([scanBuffer]byte) }}

// errFull says that what is looked for does not fit into the buffer.
var errFull = errors.New("longer than the buffer")

// newScanner returns a scanner of src. Its buffer goes back by release.
func newScanner(src io.Reader, boundary string) *scanner {
	s := &scanner{src: src, buf: scanBuffers.Get().(*[scanBuffer]byte), dash: []byte("--" + boundary)}
	m := len(s.dash)
	for i := range s.skip {
		s.skip[i] = uint8(m)
	}
	for i, c := range s.dash[:m-1] {
		s.skip[c] = uint8(m - 1 - i)
	}
	return s
}

// release gives the buffer back. What was handed out is no longer valid.
func (s *scanner) release() {
	if s.buf != nil {
		scanBuffers.Put(s.buf)
		s.buf = nil
		s.start, s.end = 0, 0
		s.err = io.ErrClosedPipe
	}
}

// fill reads more behind the window. It returns the error that ended reading,
// io.EOF at the end, and errFull where the window takes all of the buffer.
func (s *scanner) fill() error {
	if s.err != nil {
		return s.err
	}
	if s.start > 0 {
		copy(s.buf[:], s.buf[s.start:s.end])
		s.start, s.end = 0, s.end-s.start
	}
	if s.end == scanBuffer {
		return errFull
	}
	for range 100 {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		s.total += int64(n)
		s.err = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	s.err = io.ErrNoProgress
	return s.err
}

// bounds says what follows dash.
type bounds int

const (
	noBound   bounds = iota // data: the line goes on
	partBound               // a part
	lastBound               // the end of the body
	moreBound               // not to be told without more of the body
)

// bound tells what rest is, which starts with dash, and how long the delimiter
// is; ended says that the body ends with rest.
func (s *scanner) bound(rest []byte, ended bool) (bounds, int) {
	i := len(s.dash)
	if len(rest)-i < 2 && !ended {
		return moreBound, 0
	}
	if bytes.HasPrefix(rest[i:], []byte("--")) {
		return lastBound, i + 2
	}
	for ; i < len(rest); i++ {
		switch rest[i] {
		case ' ', '\t', '\v', '\f':
			continue
		case '\n':
			s.bare = false
			return partBound, i + 1
		case '\r':
			if i+1 == len(rest) && !ended {
				return moreBound, 0
			}
			s.bare = i+1 == len(rest) || rest[i+1] != '\n'
			if s.bare {
				return partBound, i + 1
			}
			return partBound, i + 2
		}
		return noBound, 0
	}
	if ended {
		return noBound, 0
	}
	return moreBound, 0
}

// next returns the next bytes before a delimiter, which may be none, and what
// it met behind them: noBound where the part goes on, else the kind of the
// delimiter, and the window then starts behind it. The bytes are valid until
// the next call.
func (s *scanner) next() ([]byte, bounds, error) {
	for {
		ended := s.err == io.EOF
		from, to, kind := s.locate(ended)
		switch kind {
		case partBound, lastBound:
			data := s.buf[s.start : s.start+from]
			s.start += to
			return data, kind, nil
		case moreBound:
			if from > 0 {
				return s.take(from), noBound, nil
			}
		default:
			// The tail may hold the start of a delimiter and its line break.
			if safe := s.end - s.start - (len(s.dash) - 1) - 2; safe > 0 {
				return s.take(safe), noBound, nil
			}
			if ended {
				return nil, noBound, io.ErrUnexpectedEOF
			}
		}
		switch err := s.fill(); err {
		case nil, io.EOF:
		case errFull:
			return s.take(to), noBound, nil // a delimiter with padding without end is data
		default:
			return nil, noBound, err
		}
	}
}

// locate looks for a delimiter in the window: where its line break starts, and
// where it ends.
func (s *scanner) locate(ended bool) (from, to int, kind bounds) {
	w := s.buf[s.start:s.end]
	for at := 0; ; {
		i := s.find(w[at:])
		if i < 0 {
			return 0, 0, noBound
		}
		i += at
		at = i + 1
		lb := lineBreak(w[:i])
		if lb == 0 && !(i == 0 && s.fresh) {
			continue
		}
		if kind, size := s.bound(w[i:], ended); kind != noBound {
			return i - lb, max(i+size, at), kind
		}
	}
}

// take hands out the next n bytes.
func (s *scanner) take(n int) []byte {
	data := s.buf[s.start : s.start+n]
	s.start += n
	s.fresh = false
	return data
}

// find returns where dash starts in b, or -1. It is Horspool's search: the byte
// under dash's end tells how far dash can move, mostly all of its length.
func (s *scanner) find(b []byte) int {
	m := len(s.dash)
	last := s.dash[m-1]
	for i := m - 1; i < len(b); {
		c := b[i]
		if c == last && string(b[i-m+1:i+1]) == string(s.dash) {
			return i - m + 1
		}
		i += int(s.skip[c])
	}
	return -1
}

// lineBreak returns the length of the line break that b ends in.
func lineBreak(b []byte) int {
	switch n := len(b); {
	case n >= 2 && b[n-1] == '\n' && b[n-2] == '\r':
		return 2
	case n >= 1 && (b[n-1] == '\n' || b[n-1] == '\r'):
		return 1
	}
	return 0
}

// line returns the next line of a part's header, without its break. It refuses
// one that is longer than most bytes.
func (s *scanner) line(most int) ([]byte, error) {
	at := 0
	for {
		w := s.buf[s.start:s.end]
		for at < len(w) && w[at] != '\n' && !(s.bare && w[at] == '\r') {
			at++
		}
		if at > most {
			return nil, errFull
		}
		// In a header of lone CRs, one before an LF is half of a break, but for
		// the one that ends the header: the LF is then the content's.
		half := at > 0 && at < len(w) && w[at] == '\r'
		if at < len(w) && !(half && at+1 == len(w) && s.err == nil) {
			line := w[:at]
			s.start += at + 1
			if half && at+1 < len(w) && w[at+1] == '\n' {
				s.start++
			}
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if err := s.fill(); err == io.EOF {
			if half {
				continue
			}
			return nil, io.ErrUnexpectedEOF
		} else if err != nil {
			return nil, err
		}
	}
}

// validBoundary reports whether a boundary can delimit parts. RFC 2046 allows
// fewer characters; senders use others.
func validBoundary(boundary string) bool {
	for i := range len(boundary) {
		if c := boundary[i]; c < ' ' || c >= 0x7f {
			return false
		}
	}
	return boundary != "" && len(boundary) <= maxBoundary
}
