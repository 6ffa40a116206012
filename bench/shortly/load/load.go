//go:build linux

// Package load sends requests to a server at times that are fixed beforehand, whatever the server does: an
// open loop. A client that waits for each response before the next request, a closed loop, sends less
// while the server stalls, and so hides most of the delay.
//
//	schedule    0 ms   1 ms   2 ms   3 ms   4 ms       a request each millisecond
//	server      ok     stalls until 10 ms   ok
//	latency     0      9      8      7      6          from the time in the schedule
//
// One thread waits for all connections and for the schedule by epoll, so the load takes little of a
// machine that it shares with the server.
package load

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// Load is a series of requests.
type Load struct {
	Addr        string // an IPv4 address and a port
	Connections int    // that are kept open
	// Rate is the number of requests a second; 0 sends a request whenever a connection is free, a closed loop.
	Rate     float64
	Duration time.Duration
	// Request returns the bytes of request n, with its body. They are not used after the next call.
	Request func(n int) []byte
}

// Result is what happened.
type Result struct {
	Requests  int           // that got a response
	Lasted    time.Duration // until the last response
	Bytes     int64         // of the responses
	latencies []time.Duration
}

// PerSecond returns the rate of the responses.
func (r *Result) PerSecond() float64 { return float64(r.Requests) / r.Lasted.Seconds() }

// Within returns the time in which a share of the responses came, such as 0.99. It counts from the time of the request
// in the schedule.
func (r *Result) Within(share float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[min(len(r.latencies)-1, int(share*float64(len(r.latencies))))]
}

// Add adds the responses of another run.
func (r *Result) Add(other *Result) {
	r.Requests += other.Requests
	r.Lasted += other.Lasted
	r.Bytes += other.Bytes
	r.latencies = append(r.latencies, other.latencies...)
	slices.Sort(r.latencies)
}

// connection is one connection, which has at most one request under way.
type connection struct {
	fd     int
	due    time.Duration // when the request was to be sent
	buffer []byte        // what has come of the response
	served int           // how many responses came
	sent   []byte        // the request that is under way, empty without one
}

// runner is the state of a run.
type runner struct {
	Load
	epoll       int
	to          syscall.SockaddrInet4
	connections []connection
	free        []int // connections without a request
	start       time.Time
	result      Result
}

// patience is how long the last responses may take.
const patience = 20 * time.Second

// Run sends the requests. It fails if a connection breaks, or if a response is neither a success nor a
// redirect.
func (l Load) Run() (*Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := &runner{Load: l}
	defer r.close()
	if err := r.open(); err != nil {
		return nil, err
	}
	r.start = time.Now()
	if err := r.run(); err != nil {
		return nil, err
	}
	r.result.Lasted = time.Since(r.start)
	slices.Sort(r.result.latencies)
	return &r.result, nil
}

// open opens the connections.
func (r *runner) open() (err error) {
	addr, err := net.ResolveTCPAddr("tcp4", r.Addr)
	if err != nil {
		return err
	}
	r.to.Port = addr.Port
	copy(r.to.Addr[:], addr.IP.To4())
	if r.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	r.connections = make([]connection, r.Connections)
	for i := range r.connections {
		r.connections[i] = connection{fd: -1, buffer: make([]byte, 0, 64<<10)}
	}
	for i := range r.connections {
		if err := r.connect(i); err != nil {
			return err
		}
		r.free = append(r.free, i)
	}
	return nil
}

// connect opens connection i, or opens it again.
func (r *runner) connect(i int) error {
	if fd := r.connections[i].fd; fd >= 0 {
		syscall.Close(fd)
	}
	r.connections[i].fd, r.connections[i].served = -1, 0
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	r.connections[i].fd = fd
	if err := syscall.Connect(fd, &r.to); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if err := syscall.EpollCtl(r.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)}); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

func (r *runner) close() {
	for i := range r.connections {
		if fd := r.connections[i].fd; fd >= 0 {
			syscall.Close(fd)
		}
	}
	if r.epoll > 0 {
		syscall.Close(r.epoll)
	}
}

// due returns when request n is to be sent.
func (r *runner) due(n int, now time.Duration) time.Duration {
	if r.Rate == 0 {
		return now
	}
	return time.Duration(float64(n) / r.Rate * float64(time.Second))
}

func (r *runner) run() error {
	events := make([]syscall.EpollEvent, r.Connections)
	for n := 0; ; {
		now := time.Since(r.start)
		due := r.due(n, now)
		for len(r.free) > 0 && due <= now && due < r.Duration {
			if err := r.send(n, due); err != nil {
				return err
			}
			n++
			now = time.Since(r.start)
			due = r.due(n, now)
		}
		if due >= r.Duration && len(r.free) == r.Connections {
			return nil
		}
		wait := patience
		if len(r.free) > 0 && due < r.Duration {
			wait = due - now
		}
		ready, err := epollWait(r.epoll, events, wait)
		if err != nil {
			return fmt.Errorf("epoll: %w", err)
		}
		if ready == 0 && time.Since(r.start)-now >= patience {
			return errors.New("the server does not respond")
		}
		for _, event := range events[:ready] {
			if err := r.receive(int(event.Fd)); err != nil {
				return err
			}
		}
	}
}

// epollWait is epoll_pwait2, whose timeout is in nanoseconds.
func epollWait(epoll int, events []syscall.EpollEvent, timeout time.Duration) (int, error) {
	const number = 441 // on all processors
	t := syscall.NsecToTimespec(max(0, timeout.Nanoseconds()))
	n, _, errno := syscall.Syscall6(number, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(unsafe.Pointer(&t)), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case syscall.EINTR: // a signal of Go's scheduler
		return 0, nil
	}
	return 0, errno
}

// send sends request n on a free connection.
func (r *runner) send(n int, due time.Duration) error {
	i := r.free[len(r.free)-1]
	r.free = r.free[:len(r.free)-1]
	c := &r.connections[i]
	c.due, c.buffer, c.sent = due, c.buffer[:0], append(c.sent[:0], r.Request(n)...)
	return r.write(i)
}

// write sends the request of connection i. A server may end a connection after any response (RFC 9112, section 9.5), and
// then the request is sent on a new connection.
func (r *runner) write(i int) error {
	c := &r.connections[i]
	if _, err := syscall.Write(c.fd, c.sent); err != nil { // the socket blocks, so this writes all
		return r.again(i, err)
	}
	return nil
}

// again sends the request of connection i on a new connection, unless the old one was new as well.
func (r *runner) again(i int, err error) error {
	c := &r.connections[i]
	if c.served == 0 || len(c.buffer) > 0 {
		return fmt.Errorf("the server ended a connection: %w", err)
	}
	if err := r.connect(i); err != nil || len(c.sent) == 0 {
		return err
	}
	return r.write(i)
}

// receive reads what has come on connection i.
func (r *runner) receive(i int) error {
	c := &r.connections[i]
	if len(c.buffer) == cap(c.buffer) {
		return fmt.Errorf("a response has more than %d bytes", cap(c.buffer))
	}
	n, err := syscall.Read(c.fd, c.buffer[len(c.buffer):cap(c.buffer)])
	if err != nil || n == 0 {
		return r.again(i, cmp.Or(err, io.ErrUnexpectedEOF))
	}
	c.buffer = c.buffer[:len(c.buffer)+n]
	response, err := parse(c.buffer)
	if err != nil {
		return fmt.Errorf("%w: %q", err, c.buffer)
	}
	if response.size == 0 || len(c.buffer) < response.size {
		return nil // the rest is still to come
	}
	r.result.Requests++
	r.result.Bytes += int64(response.size)
	r.result.latencies = append(r.result.latencies, time.Since(r.start)-c.due)
	c.served++
	c.buffer, c.sent = c.buffer[:0], c.sent[:0]
	if response.last {
		if err := r.connect(i); err != nil {
			return err
		}
	}
	r.free = append(r.free, i)
	return nil
}

// response is what has to be known of a response.
type response struct {
	size int  // with the header; 0 if a part of the header is to come
	last bool // the server ends the connection after it
}

// parse reads the beginning of a response.
func parse(b []byte) (r response, err error) {
	header, _, complete := bytes.Cut(b, []byte("\r\n\r\n"))
	if !complete {
		return r, nil
	}
	line, fields, _ := bytes.Cut(header, []byte("\r\n"))
	_, status, _ := bytes.Cut(line, []byte(" "))
	if !bytes.HasPrefix(status, []byte("2")) && !bytes.HasPrefix(status, []byte("3")) {
		return r, errors.New("the response is neither a success nor a redirect")
	}
	size := -1
	for field := range bytes.SplitSeq(fields, []byte("\r\n")) {
		name, value, _ := bytes.Cut(field, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if size, err = strconv.Atoi(string(value)); err != nil {
				return r, err
			}
		case bytes.EqualFold(name, []byte("Connection")):
			r.last = bytes.EqualFold(value, []byte("close"))
		}
	}
	if size < 0 {
		return r, errors.New("the response has no Content-Length")
	}
	r.size = len(header) + len("\r\n\r\n") + size
	return r, nil
}
