package single

import (
	"bufio"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/gateway/internal/accept"
)

// finish ends the answer and reads what the peer still sends of a body, for a
// moment: bytes that nobody reads would make the kernel reset the connection,
// and the answer with it.
func finish(c *accept.Conn, in *bufio.Reader, body *watched) {
	body.stop()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	if body.left <= 0 {
		return
	}
	c.Within(2 * time.Second)
	_, _ = io.CopyN(io.Discard, in, 64<<20)
}

// watched is a request's body. Once it is read whole, a byte more is waited for:
// none can come, so what comes is that the peer has left, and with it the
// client.
type watched struct {
	in   *bufio.Reader
	conn *accept.Conn
	left int64
	gone func()

	once    sync.Once
	stopped atomic.Bool
	ended   chan struct{}
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	b.left -= int64(n)
	if b.left <= 0 && err == nil {
		b.watch()
	}
	if err != nil {
		b.gone()
	}
	return n, err
}

func (b *watched) watch() {
	b.once.Do(func() {
		b.ended = make(chan struct{})
		b.conn.Within(0)
		go func() {
			defer close(b.ended)
			var one [1]byte
			_, err := b.conn.Conn.Read(one[:])
			// The end of what the peer sends counts as well, as it does in
			// net/http: who half-closes gets an answer all the same.
			if err != nil && !b.stopped.Load() {
				b.gone()
			}
		}()
	})
}

// stop ends the watching, so that the connection is the caller's alone.
func (b *watched) stop() {
	b.once.Do(func() {})
	if b.ended == nil {
		return
	}
	b.stopped.Store(true)
	b.conn.Within(time.Nanosecond)
	<-b.ended
}
