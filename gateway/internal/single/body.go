package single

import (
	"bufio"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/zeugkit/zeug/gateway/internal/accept"
)

// body is a request's body. While the handler does not read it, and after the
// whole body is read, the connection is watched: a peer that hangs up has lost
// its client.
type body struct {
	conn *accept.Conn
	gone func()

	mu    sync.Mutex
	in    *bufio.Reader // nil once the request is over
	left  int64
	watch *accept.Watch
}

// begin watches the connection. length is the length of the body.
func (b *body) begin(length int64) {
	b.left = length
	b.watch = b.conn.Watch(b.gone)
	if length <= 0 {
		b.watch.Whole()
	}
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.in == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.in.Buffered() == 0 {
		if b.watch.Stop() {
			b.conn.Stalls()
		}
		defer b.watch.Resume()
	}
	n, err := b.in.Read(p)
	if b.left -= int64(n); b.left <= 0 {
		b.watch.Whole()
	}
	if err != nil {
		b.gone()
	}
	return n, err
}

// end ends the reading, so that only the caller uses the connection, and says
// whether some of the body is still to come. A goroutine that the handler has
// left, as proxies do, may still wait for more of the body.
func (b *body) end() (more bool) {
	if !b.mu.TryLock() {
		b.conn.Interrupt()
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	b.watch.Stop()
	more = b.left > int64(b.in.Buffered())
	b.in = nil
	return more
}

// linger ends the response and reads the rest of a body for a moment: unread bytes would make the
// kernel reset the connection, and the response would be lost.
func linger(c *accept.Conn) {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	c.Within(2 * time.Second)
	_, _ = io.CopyN(io.Discard, c, 64<<20)
}
