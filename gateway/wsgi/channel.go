package wsgi

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// A channel is one end of streams of frames between this process and a worker. A slot has one for
// each direction, beside the socket of requests that its worker has (worker.go). With one socket for both directions,
// a side that waits for the other's next frame would wake up whenever its own last frame is read. A
// frame begins with a word of 32 bits: its kind in the first 8 bits, and the length of its content
// in the other 24. In a response, a kind in lower case marks the last frame.
//
//	to a worker, on its socket for requests, from which all threads read:
//	R  a request: its number (32 bits), flags (8), the number of variables (16), their
//	   length (32), names and values separated by NUL, the beginning of the body; what is
//	   beyond packetSize comes in D
//
//	to a worker, on the channel:
//	D  more of the request of this number (32 bits); of a body, that was asked for, none
//	   is its end
//	S  the same in the memory that is shared for it, which holds as much as the length
//	   says; only the number follows
//	X  the client of the request of this number has gone
//	G  go on: the answer to the request of this number has been read
//
//	from a worker:
//	R  what follows answers the request of this number (32 bits)
//	H  the answer's status (16 bits), the length of its header (32), names and values
//	   in lines, the beginning of the body
//	B  more of the body
//	W  wants up to so many bytes of the request's body, and of memory to share for it,
//	   whose descriptor comes along, the size (32 bits each)
//	F  the body is that of a file: position and length (64 bits each); the descriptor
//	   travels with the frame
//	N  the same of a file in memory, which counts against Config.BufferTotal
//	M  the body is in a region of the memory that is shared: length, which one, and
//	   of a new one, whose descriptor comes along, its size (32 bits each)
//	T  a traceback, and nothing was sent before
//	A  the answer is to be cut off
//	I  idle: done with the request
//	i  the same, and waits for G before it reads another request, since the rest of
//	   the answer may have to wait for the client
//
//	from a worker that starts, on its control channel:
//	Y  ready
//	Z  the traceback of the import
//
//	from one that forks others, and to it:
//	N  fork a worker, with the descriptors that travel along: control, slots
//	K  send a process a signal (32 bits each)
//	P  the number of the process that was forked
//	E  the number of one that ended, and its status
type channel struct {
	conn *net.UnixConn  // from the worker
	to   io.WriteCloser // to it

	sending sync.Mutex // of whole frames

	buffer     []byte
	start, end int    // the unread part of it
	handed     []file // files that the worker has passed
	rights     []byte
}

const last = 'a' - 'A'

// blockSize is the size of the pooled buffers for bodies.
const blockSize = 256 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

func newChannel(conn *net.UnixConn, to io.WriteCloser) *channel {
	return &channel{conn: conn, to: to, buffer: make([]byte, 32<<10), rights: make([]byte, rightsSize)}
}

func (c *channel) close() {
	c.conn.Close()
	c.to.Close()
	for _, f := range c.handed {
		f.Close()
	}
	c.handed = nil
}

// send completes a frame for a request that begins with eight bytes of room, and
// sends it. If the worker does not read for Config.RequestTimeout, the error is
// os.ErrDeadlineExceeded.
func (c *channel) send(kind byte, request uint32, frame []byte) error {
	return c.sendSized(kind, request, frame, len(frame)-4)
}

func (c *channel) sendSized(kind byte, request uint32, frame []byte, size int) error {
	binary.BigEndian.PutUint32(frame, uint32(kind)<<24|uint32(size))
	binary.BigEndian.PutUint32(frame[4:], request)
	c.sending.Lock()
	defer c.sending.Unlock()
	_, err := c.to.Write(frame)
	if errors.Is(err, syscall.EAGAIN) {
		err = os.ErrDeadlineExceeded
	}
	return err
}

// receive reads into p, and keeps descriptors that come along. Every read uses
// this function: a plain one would drop descriptors.
func (c *channel) receive(p []byte) (int, error) {
	n, rights, _, _, err := c.conn.ReadMsgUnix(p, c.rights)
	n = max(n, 0) // it is -1 after an error, such as the end of a deadline
	if rights > 0 {
		handed, rightsErr := filesOf(c.rights[:rights])
		c.handed = append(c.handed, handed...)
		err = errors.Join(err, rightsErr)
	}
	if n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return n, err
}

// peek returns the next n bytes, no more than the buffer holds.
func (c *channel) peek(n int) ([]byte, error) {
	for c.end-c.start < n {
		if c.start == c.end {
			c.start, c.end = 0, 0
		} else if c.start+n > len(c.buffer) {
			c.end = copy(c.buffer, c.buffer[c.start:c.end])
			c.start = 0
		}
		k, err := c.receive(c.buffer[c.end:])
		c.end += k
		if err != nil && c.end-c.start < n {
			if err == io.EOF && c.end > c.start {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return c.buffer[c.start : c.start+n], nil
}

func (c *channel) buffered() int { return c.end - c.start }

func (c *channel) discard(n int) { c.start += n }

// Read takes the buffered bytes first, and then reads into p itself.
func (c *channel) Read(p []byte) (int, error) {
	if c.start == c.end {
		return c.receive(p)
	}
	n := copy(p, c.buffer[c.start:c.end])
	c.start += n
	return n, nil
}

// header returns the kind and the length of the next frame.
func (c *channel) header() (kind byte, n int, err error) {
	word, err := c.peek(4)
	if err != nil {
		return 0, 0, err
	}
	c.discard(4)
	v := binary.BigEndian.Uint32(word)
	return byte(v >> 24), int(v & 0xffffff), nil
}

// payload returns the n bytes of a frame as they are.
func (c *channel) payload(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c, b)
	return b, err
}

// skip drops the n bytes of a frame.
func (c *channel) skip(n int) error {
	_, err := io.CopyN(io.Discard, c, int64(n))
	return err
}

// file returns the file whose descriptor has come with the message.
func (c *channel) file() (file, error) {
	if len(c.handed) == 0 {
		return noFile, errors.New("wsgi: a file without its descriptor")
	}
	f := c.handed[0]
	c.handed = c.handed[:copy(c.handed, c.handed[1:])]
	return f, nil
}
