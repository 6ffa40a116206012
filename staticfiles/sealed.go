package staticfiles

import (
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/zeugkit/zeug/internal/sendfile"
)

// If a kept body is not small, every request copies it once more, on its way into the socket. The
// kernel can send memory without that copy if the memory belongs to a file. So frequently requested
// bodies get a second copy in a file without a name. The file is sealed against every change, and
// is sent by sendfile. The body is still the content that was read at once and checked: it does not
// depend on a file that may change. Only Linux has such files, and they are used only for plain
// HTTP/1; everything else is written.

const (
	// sealedFrom is the length from which sendfile costs less than a write, by
	// bench/static: at 64 KiB they cost the same, at 256 KiB sendfile costs a
	// fifth.
	sealedFrom = 64 << 10
	// sealedAfter is how often a body must be sent before it gets a copy.
	sealedAfter = 8
	// maxSealed limits the copies, because each is an open descriptor.
	maxSealed = 256
)

// seals counts the sealed copies, including those that the cache has dropped and the garbage
// collector has not yet closed.
type seals struct {
	mu     sync.Mutex
	files  int
	bytes  int64
	budget int64 // of bytes
}

func (s *seals) take(size int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == maxSealed || s.bytes+size > s.budget {
		return false
	}
	s.files++
	s.bytes += size
	return true
}

func (s *seals) give(size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files--
	s.bytes -= size
}

// sealed is a copy of a body in a file that cannot be changed.
type sealed struct{ fd int }

// seal is where a representation keeps its copy.
type seal struct {
	sent atomic.Uint32
	copy atomic.Pointer[sealed]
}

// writeKept sends a part of the body of rep, a form of res that is in memory.
func (s *Shared) writeKept(w http.ResponseWriter, r *http.Request, res *resource, rep *representation, start, length int64) {
	if length >= sealedFrom && r.ProtoMajor == 1 && r.TLS == nil {
		if to, ok := w.(io.ReaderFrom); ok {
			if held := s.sealedCopy(res, rep); held != nil {
				held.send(to, rep.body, start, length)
				return
			}
		}
	}
	w.Write(rep.body[start : start+length])
}

// sealedCopy returns the copy of rep's body. It makes the copy after enough requests, and returns
// nil if there is none.
func (s *Shared) sealedCopy(res *resource, rep *representation) *sealed {
	if held := rep.seal.copy.Load(); held != nil || rep.seal.sent.Load() > sealedAfter {
		return held
	}
	if rep.seal.sent.Add(1) != sealedAfter {
		return nil
	}
	size := int64(len(rep.body))
	if !s.seals.take(size) {
		return nil
	}
	fd, err := sealedFile(rep.body)
	if err != nil {
		s.seals.give(size)
		return nil
	}
	held := &sealed{fd: fd}
	counted := s.seals
	runtime.AddCleanup(held, func(fd int) {
		closeSealed(fd)
		counted.give(size)
	}, fd)
	if !s.resources.grow(res.path, func(v *resource) bool { return v == res }, size) {
		return nil // the garbage collector will close it
	}
	rep.seal.copy.Store(held)
	return held
}

// send sends a part of body; m is the copy of body.
func (m *sealed) send(to io.ReaderFrom, body []byte, start, length int64) {
	for end := start + length; start < end; {
		piece := min(end-start, sendfile.Piece)
		n, err := to.ReadFrom(&sealedReader{held: m, body: body[:start+piece], at: start})
		if err != nil || n < piece {
			return // like a Write that fails: net/http ends the connection
		}
		start += piece
	}
}

// sealedReader reads body from an offset on. If its destination has a connection of the system,
// like net/http's innermost writer, it passes the copy instead.
type sealedReader struct {
	held *sealed
	body []byte
	at   int64
}

// Len is the number of bytes left.
func (m *sealedReader) Len() int { return len(m.body) - int(m.at) }

func (m *sealedReader) Read(p []byte) (int, error) {
	n := copy(p, m.body[m.at:])
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	m.at += int64(n)
	return n, nil
}

func (m *sealedReader) WriteTo(w io.Writer) (sent int64, err error) {
	if m.Len() == 0 {
		return 0, nil
	}
	sent = sendfile.Send(w, m.held.fd, m.at, int64(m.Len()))
	runtime.KeepAlive(m.held)
	m.at += sent
	if m.Len() > 0 {
		// There is no sendfile here, or there is an error that a write will return too.
		var n int
		n, err = w.Write(m.body[m.at:])
		m.at += int64(n)
		sent += int64(n)
	}
	return sent, err
}
