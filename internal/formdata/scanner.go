// Package formdata scans multipart bodies (RFC 2046, section 5.1).
//
//	--BOUNDARY\r\n
//	Content-Disposition: form-data; name=a\r\n      Line, until an empty line
//	\r\n
//	content                                         Next, while it returns NoBound
//	\r\n--BOUNDARY\r\n                              PartBound: Line again
//	…
//	\r\n--BOUNDARY--                               LastBound
//
// mime/multipart copies each byte twice and needs CRLF. This scanner hands out slices of one
// buffer. It enforces no limits: its callers do.
package formdata

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// Scanner cuts a multipart body at its delimiters, in one pass over a buffer of fixed size. The
// bytes between two delimiters are returned as slices of the buffer. Only the few bytes at the end
// of the buffer that may start a delimiter are copied.
//
// Like browsers, servers and Werkzeug, it accepts LF and CR in place of CRLF.
type Scanner struct {
	// Fresh is true at the first byte after a part's header, where a delimiter needs no line break
	// before it.
	Fresh bool

	src        io.Reader
	buf        *[scanBuffer]byte
	start, end int   // the part of buf that is read and not yet returned
	total      int64 // how many bytes were read
	err        error // how reading ended

	dash []byte     // "--" and the boundary
	skip [256]uint8 // for each byte under dash's last byte, how far the search may move on
	bare bool       // the last delimiter's line ended with a lone CR, so header lines do too
}

const (
	scanBuffer = 64 << 10
	// maxBoundary is the longest boundary that the skip table can hold; RFC 2046 allows 70.
	maxBoundary = 250
)

var scanBuffers = sync.Pool{New: func() any { return new([scanBuffer]byte) }}

// ErrFull is the error of a line or delimiter that does not fit into the buffer.
var ErrFull = errors.New("longer than the buffer")

// NewScanner returns a Scanner of src. Release frees its buffer.
func NewScanner(src io.Reader, boundary string) *Scanner {
	s := &Scanner{src: src, buf: scanBuffers.Get().(*[scanBuffer]byte), dash: []byte("--" + boundary)}
	m := len(s.dash)
	for i := range s.skip {
		s.skip[i] = uint8(m)
	}
	for i, c := range s.dash[:m-1] {
		s.skip[c] = uint8(m - 1 - i)
	}
	return s
}

// Total returns how many bytes were read.
func (s *Scanner) Total() int64 { return s.total }

// Release frees the buffer. Slices that were returned are no longer valid.
func (s *Scanner) Release() {
	if s.buf != nil {
		scanBuffers.Put(s.buf)
		s.buf = nil
		s.start, s.end = 0, 0
		s.err = io.ErrClosedPipe
	}
}

// fill reads more bytes after the window. It returns the error that ended reading, io.EOF at the
// end, and ErrFull if the window fills the buffer.
func (s *Scanner) fill() error {
	if s.err != nil {
		return s.err
	}
	if s.start > 0 {
		copy(s.buf[:], s.buf[s.start:s.end])
		s.start, s.end = 0, s.end-s.start
	}
	if s.end == scanBuffer {
		return ErrFull
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

// Bound is the kind of a delimiter.
type Bound int

const (
	NoBound   Bound = iota // no delimiter: the part goes on
	PartBound              // another part follows
	LastBound              // the end of the body
	moreBound              // not known without more of the body
)

// bound returns the kind of rest, which starts with dash, and how long the delimiter is; ended
// says that the body ends with rest.
func (s *Scanner) bound(rest []byte, ended bool) (Bound, int) {
	i := len(s.dash)
	if len(rest)-i < 2 && !ended {
		return moreBound, 0
	}
	if bytes.HasPrefix(rest[i:], []byte("--")) {
		return LastBound, i + 2
	}
	for ; i < len(rest); i++ {
		switch rest[i] {
		case ' ', '\t', '\v', '\f':
			continue
		case '\n':
			s.bare = false
			return PartBound, i + 1
		case '\r':
			if i+1 == len(rest) && !ended {
				return moreBound, 0
			}
			s.bare = i+1 == len(rest) || rest[i+1] != '\n'
			if s.bare {
				return PartBound, i + 1
			}
			return PartBound, i + 2
		}
		return NoBound, 0
	}
	if ended {
		return NoBound, 0
	}
	return moreBound, 0
}

// Next returns the next bytes before a delimiter (there may be none) and the delimiter after them.
// That is NoBound if the part goes on. Otherwise it is the kind of the delimiter, and the window
// then starts after the delimiter. The bytes are valid until the next call.
func (s *Scanner) Next() ([]byte, Bound, error) {
	for {
		ended := s.err == io.EOF
		from, to, kind := s.locate(ended)
		switch kind {
		case PartBound, LastBound:
			data := s.buf[s.start : s.start+from]
			s.start += to
			return data, kind, nil
		case moreBound:
			if from > 0 {
				return s.take(from), NoBound, nil
			}
		default:
			// The last bytes may be the start of a delimiter and its line break.
			if safe := s.end - s.start - (len(s.dash) - 1) - 2; safe > 0 {
				return s.take(safe), NoBound, nil
			}
			if ended {
				return nil, NoBound, io.ErrUnexpectedEOF
			}
		}
		switch err := s.fill(); err {
		case nil, io.EOF:
		case ErrFull:
			return s.take(to), NoBound, nil // a delimiter with endless padding counts as data
		default:
			return nil, NoBound, err
		}
	}
}

// locate looks for a delimiter in the window: where its line break starts, and
// where it ends.
func (s *Scanner) locate(ended bool) (from, to int, kind Bound) {
	w := s.buf[s.start:s.end]
	for at := 0; ; {
		i := s.find(w[at:])
		if i < 0 {
			return 0, 0, NoBound
		}
		i += at
		at = i + 1
		lb := lineBreak(w[:i])
		if lb == 0 && !(i == 0 && s.Fresh) {
			continue
		}
		if kind, size := s.bound(w[i:], ended); kind != NoBound {
			return i - lb, max(i+size, at), kind
		}
	}
}

// take hands out the next n bytes.
func (s *Scanner) take(n int) []byte {
	data := s.buf[s.start : s.start+n]
	s.start += n
	s.Fresh = false
	return data
}

// find returns where dash starts in b, or -1. It is Horspool's search. The byte
// under dash's last byte tells how far dash can move, mostly by its whole
// length.
func (s *Scanner) find(b []byte) int {
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

// lineBreak returns the length of the line break at the end of b.
func lineBreak(b []byte) int {
	switch n := len(b); {
	case n >= 2 && b[n-1] == '\n' && b[n-2] == '\r':
		return 2
	case n >= 1 && (b[n-1] == '\n' || b[n-1] == '\r'):
		return 1
	}
	return 0
}

// Line returns the next line of a part's header, without its break. It refuses
// a line of more bytes than the limit most.
func (s *Scanner) Line(most int) ([]byte, error) {
	at := 0
	for {
		w := s.buf[s.start:s.end]
		for at < len(w) && w[at] != '\n' && !(s.bare && w[at] == '\r') {
			at++
		}
		if at > most {
			return nil, ErrFull
		}
		// In a header whose lines end with lone CRs, a CR before an LF is half of a line break.
		// The CR that ends the header is an exception: an LF after it belongs to the content.
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

// ValidBoundary reports whether a boundary can delimit parts. RFC 2046 allows
// fewer characters, but senders use others.
func ValidBoundary(boundary string) bool {
	for i := range len(boundary) {
		if c := boundary[i]; c < ' ' || c >= 0x7f {
			return false
		}
	}
	return boundary != "" && len(boundary) <= maxBoundary
}
