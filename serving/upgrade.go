package serving

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// upgrades are the websockets of a server: connections that applications took
// over, but that the server must still end properly.
type upgrades struct {
	mu      sync.Mutex
	open    map[*websocket]struct{}
	going   bool
	changed chan struct{} // closed and replaced when a websocket closes
}

func isWebsocket(r *http.Request) bool {
	up := r.Header["Upgrade"]
	return len(up) == 1 && strings.EqualFold(up[0], "websocket")
}

// upgradable sees when the connection passes to the application.
type upgradable struct {
	http.ResponseWriter
	all    *upgrades
	closed context.CancelFunc
}

func (w *upgradable) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *upgradable) Flush() { http.NewResponseController(w.ResponseWriter).Flush() }

func (w *upgradable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	ws := &websocket{Conn: c, all: w.all, ended: w.closed}
	w.all.add(ws)
	return ws, bufio.NewReadWriter(rw.Reader, bufio.NewWriterSize(ws, rw.Writer.Size())), nil
}

// websocket is a connection that parses what the application writes. It parses
// just enough to know when the server may send a frame between two of the
// application's frames.
type websocket struct {
	net.Conn
	all   *upgrades
	ended context.CancelFunc

	mu      sync.Mutex
	frames  frames
	goodbye bool // a goodbye must be sent as soon as a frame ends
	once    sync.Once
}

// goingAway is a close frame with status 1001 (RFC 6455, sections 5.5.1 and
// 7.4.1).
var goingAway = []byte{0x88, 2, 0x03, 0xe9}

func (ws *websocket) Write(b []byte) (int, error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	n, err := ws.Conn.Write(b)
	ws.frames.pass(b[:n])
	ws.sayGoodbye()
	return n, err
}

func (ws *websocket) sayGoodbye() {
	if ws.goodbye && ws.frames.between() {
		ws.goodbye = false
		ws.Conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
		ws.Conn.Write(goingAway)
	}
}

func (ws *websocket) goAway() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.goodbye = true
	ws.sayGoodbye()
}

func (ws *websocket) Close() error {
	err := ws.Conn.Close()
	ws.once.Do(func() {
		ws.ended()
		ws.all.remove(ws)
	})
	return err
}

func (all *upgrades) add(ws *websocket) {
	all.mu.Lock()
	if all.open == nil {
		all.open, all.changed = map[*websocket]struct{}{}, make(chan struct{})
	}
	all.open[ws] = struct{}{}
	going := all.going
	all.mu.Unlock()
	if going {
		ws.goAway()
	}
}

func (all *upgrades) remove(ws *websocket) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.open, ws)
	close(all.changed)
	all.changed = make(chan struct{})
}

func (all *upgrades) list() (open []*websocket, changed <-chan struct{}) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for ws := range all.open {
		open = append(open, ws)
	}
	return open, all.changed
}

// goAway asks every client to leave: the present ones now, and later ones when
// they come.
func (all *upgrades) goAway() {
	all.mu.Lock()
	all.going = true
	all.mu.Unlock()
	open, _ := all.list()
	for _, ws := range open {
		go ws.goAway()
	}
}

// wait reports whether all were closed before ctx ended.
func (all *upgrades) wait(ctx context.Context) bool {
	for {
		open, changed := all.list()
		if len(open) == 0 {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (all *upgrades) close() {
	open, _ := all.list()
	for _, ws := range open {
		ws.Close()
	}
}

// frames follows a server's side of a websocket (RFC 6455, section 5.2): the
// header of the response, if the application writes it itself, and then frames.
type frames struct {
	started bool   // after the header of the response
	head    []byte // the written part of the frame's header; or the end of the response's header
	payload uint64 // the bytes that are still to come
}

var headerEnd = []byte("\r\n\r\n")

func (f *frames) pass(b []byte) {
	if !f.started {
		if len(f.head) == 0 && len(b) > 0 && b[0] != 'H' {
			f.started = true // net/http wrote the response
		} else {
			f.head = append(f.head, b...)
			end := bytes.Index(f.head, headerEnd)
			if end < 0 {
				return
			}
			b, f.head, f.started = f.head[end+len(headerEnd):], nil, true
		}
	}
	for len(b) > 0 {
		if f.payload > 0 {
			skip := min(f.payload, uint64(len(b)))
			f.payload -= skip
			b = b[skip:]
			continue
		}
		f.head = append(f.head, b[0])
		b = b[1:]
		if size, ok := payloadOf(f.head); ok {
			f.payload, f.head = size, f.head[:0]
		}
	}
}

// payloadOf returns the length that a complete frame header states.
func payloadOf(head []byte) (size uint64, ok bool) {
	if len(head) < 2 {
		return 0, false
	}
	more := 0
	switch size = uint64(head[1] & 0x7f); size {
	case 126:
		more = 2
	case 127:
		more = 8
	}
	if len(head) < 2+more {
		return 0, false
	}
	if more > 0 {
		size = 0
		for _, b := range head[2 : 2+more] {
			size = size<<8 | uint64(b)
		}
	}
	return size, true
}

func (f *frames) between() bool { return len(f.head) == 0 && f.payload == 0 }
