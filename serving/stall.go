package serving

import (
	"sync"
	"time"
)

// A pace limits how long the server waits for a client in one direction of one request. The total
// wait is at most stall. Data that the client sends or reads gives time back: one second for each
// rate bytes, up to stall. With StallTimeout 30 s and MinRate 500, for example, a client that sends
// 100 bytes each second loses 0.8 s with each of them, and is cut after 38 s. A client that sends
// 500 bytes a second is never cut.
//
// Time that the handler spends on other work does not count. The timer is set
// once for each stall and not for each read: if it fires early, it is set again
// for the remaining time.
type pace struct {
	stall time.Duration // 0: not bounded
	rate  int64         // bytes that give one second back; if 0, any byte gives back the whole time
	conn  *conn         // the connection if it waits as well, or nil
	owner pacer

	mu    sync.Mutex
	timer *time.Timer
	armed bool          // the timer runs
	waits int           // reads and writes that wait
	since time.Duration // by ticks
	spent time.Duration // of stall, up to since
}

var origin = time.Now().Add(-1)

// ticks is a monotonic clock, unlike the time of day. The result is never 0.
func ticks() time.Duration { return time.Since(origin) }

// A pacer ends the operation that waits at a pace.
type pacer interface{ expired(*pace) }

// begin begins a wait, which end ends. It reports false, without waiting, if
// the client's time is up.
func (p *pace) begin() bool {
	if p.stall == 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spent >= p.stall {
		return false
	}
	if p.waits++; p.waits > 1 {
		return true
	}
	p.since = ticks()
	if !p.armed {
		p.arm(p.stall - p.spent)
	}
	if p.conn != nil {
		p.conn.beginWait(p.since - p.spent)
	}
	return true
}

func (p *pace) arm(left time.Duration) {
	p.armed = true
	if p.timer == nil {
		p.timer = time.AfterFunc(left, p.fire)
	} else {
		p.timer.Reset(left)
	}
}

// end ends a wait, during which n bytes were transferred.
func (p *pace) end(n int64) {
	if p.stall == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waits == 0 {
		return // the wait was reset
	}
	now := ticks()
	p.spent += now - p.since
	p.since = now
	switch {
	case n > 0 && (p.rate == 0 || float64(n) >= float64(p.rate)*p.spent.Seconds()):
		p.spent = 0
	case n > 0:
		p.spent -= time.Duration(float64(n) / float64(p.rate) * float64(time.Second))
	}
	if p.waits--; p.waits == 0 && p.conn != nil {
		p.conn.endWait()
	}
}

// fire ends the wait if the client's time is up.
func (p *pace) fire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = false
	if p.waits == 0 {
		return
	}
	if left := p.stall - p.spent - (ticks() - p.since); left > 0 {
		p.arm(left)
		return
	}
	p.owner.expired(p)
}

// reset ends all waits, and gives the next request the full time.
func (p *pace) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spent = 0
	p.endAll()
}

// stop ends all waits and frees the timer.
func (p *pace) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endAll()
	if p.armed {
		p.timer.Stop()
		p.armed = false
	}
}

func (p *pace) endAll() {
	if p.waits > 0 && p.conn != nil {
		p.conn.endWait()
	}
	p.waits = 0
}
