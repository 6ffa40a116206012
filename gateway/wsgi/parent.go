package wsgi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// parent is a process that has imported the application and forks workers (Config.Preload). Only
// the parent can wait for the workers, so all messages about them go through it.
type parent struct {
	process *started
	control *channel
	sending sync.Mutex // of whole messages

	mu       sync.Mutex
	forking  *forked // the one whose number is awaited
	children map[int]*forked
	leaving  bool // it ends when its last child has ended
}

// forked is a worker that a parent has forked.
type forked struct {
	parent *parent
	number int
	begun  chan struct{} // closed when number is known
	done   chan struct{}
	status int
	lost   bool // with the parent
}

func startParent(c *Config) (*parent, error) {
	conn, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	p := &parent{control: newChannel(conn, conn), children: map[int]*forked{}}
	if p.process, err = start(c, true, []*os.File{theirs}); err != nil {
		conn.Close()
		return nil, err
	}
	if err := starting(c, p.control, p.process); err != nil {
		conn.Close()
		return nil, err
	}
	go p.listen()
	return p, nil
}

// listen receives the messages about children. A child cannot be reported as ended before its
// number was sent: the parent sends the messages in order.
func (p *parent) listen() {
	for {
		_, n, err := p.control.header()
		var text []byte
		if err == nil {
			text, err = p.control.payload(n)
		}
		if err == nil && len(text) < 8 {
			err = errors.New("a message too short")
		}
		if err != nil {
			p.process.kill() // if the parent has not ended, its message is malformed
			p.orphan()
			return
		}
		number, status := int(binary.BigEndian.Uint32(text)), int(int32(binary.BigEndian.Uint32(text[4:])))
		p.mu.Lock()
		if child := p.children[number]; child != nil {
			child.status = status
			delete(p.children, number)
			close(child.done)
			if p.leaving && len(p.children) == 0 {
				p.process.kill()
			}
		} else if child := p.forking; child != nil {
			child.number, p.forking = number, nil
			p.children[number] = child
			close(child.begun)
		}
		p.mu.Unlock()
	}
}

// orphan drops the children of a parent that has ended. Each of them notices the end of its own
// control channel.
func (p *parent) orphan() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.forking != nil {
		p.forking.lost = true
		close(p.forking.begun)
		close(p.forking.done)
		p.forking = nil
	}
	for number, child := range p.children {
		child.lost = true
		if process, err := os.FindProcess(number); err == nil {
			process.Kill()
		}
		close(child.done)
	}
	clear(p.children)
}

// fork starts a worker with these sockets, which it closes here.
func (p *parent) fork(c *Config, sockets []*os.File) (*forked, error) {
	defer closeAll(sockets)
	p.sending.Lock()
	defer p.sending.Unlock()
	child := &forked{parent: p, begun: make(chan struct{}), done: make(chan struct{})}
	p.mu.Lock()
	p.forking = child
	p.mu.Unlock()
	for text := command('N', 0, 0); len(sockets) > 0; text = []byte{0} {
		n := min(len(sockets), maxRights)
		if _, _, err := p.control.conn.WriteMsgUnix(text, rightsOf(sockets[:n]), nil); err != nil {
			return nil, fmt.Errorf("wsgi: ask for a fork: %w", err)
		}
		sockets = sockets[n:]
	}
	select {
	case <-child.begun:
	case <-time.After(c.StartTimeout):
		return nil, fmt.Errorf("%w: no worker was forked within %v (Config.StartTimeout)", ErrStartTimeout, c.StartTimeout)
	}
	if child.lost {
		<-p.process.ended()
		return nil, fmt.Errorf("%w: the process that forks workers has ended: %s", ErrStartEnded, p.process.why())
	}
	return child, nil
}

// maxRights is how many descriptors one message may carry. The remaining descriptors follow, each
// message with one byte.
const maxRights = 250

func command(kind byte, number, signal int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(kind)<<24|8)
	b = binary.BigEndian.AppendUint32(b, uint32(number))
	return binary.BigEndian.AppendUint32(b, uint32(signal))
}

// leave makes the parent end once its children have ended.
func (p *parent) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaving = true
	if len(p.children) == 0 && p.forking == nil {
		p.process.kill()
	}
}

func (f *forked) pid() int { return f.number }

func (f *forked) signal(sig os.Signal) {
	number, ok := sig.(syscall.Signal)
	if !ok {
		return
	}
	f.parent.sending.Lock()
	defer f.parent.sending.Unlock()
	f.parent.control.conn.Write(command('K', f.number, int(number)))
}

func (f *forked) kill() { f.signal(syscall.SIGKILL) }

func (f *forked) ended() <-chan struct{} { return f.done }

func (f *forked) why() string {
	if f.lost {
		return "the process that forked it has ended"
	}
	return describe(f.status)
}
