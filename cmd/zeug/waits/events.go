package waits

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/exp/trace"
)

// events reads a trace.
type events struct {
	data  []byte
	until time.Time
	count int
}

// errEnd ends reading without an error.
var errEnd = errors.New("no more events are wanted")

// oldest is the minor version of Go whose traces are read: the first that records a request alone.
const oldest = 25

// each calls take for each event until it returns errEnd or another error.
func (e *events) each(take func(*trace.Event) error) error {
	var minor string
	if header, ok := bytes.CutPrefix(e.data[:min(len(e.data), 16)], []byte("go 1.")); ok {
		digits, _, _ := bytes.Cut(header, []byte(" "))
		minor = string(digits)
	}
	if version, err := strconv.Atoi(minor); err != nil || version < oldest {
		return errors.New("it is not a trace of a version of Go that is known")
	}
	r, err := trace.NewReader(bytes.NewReader(e.data))
	if err != nil {
		return fmt.Errorf("%w: update zeug, or open the trace in \"go tool trace\"", err)
	}
	var ev trace.Event // one for all, since there may be millions
	for {
		e.count++
		if e.count > maxEvents || e.count%4096 == 0 && time.Now().After(e.until) {
			return errors.New("it has too many events")
		}
		if ev, err = r.ReadEvent(); err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is damaged: %w", err)
		}
		switch err := take(&ev); err {
		case nil:
		case errEnd:
			return nil
		default:
			return err
		}
	}
}

// span is the part of a trace in which a request was served.
type span struct {
	goroutine  trace.GoID
	begin, end trace.Time
	isCut      bool // the beginning is not in the trace
}

// find finds the region of a request. A recorder whose memory is full drops the oldest events, so the
// beginning may be missing.
func (e *events) find(name string) (span, error) {
	found, first := span{goroutine: trace.NoGoroutine}, true
	err := e.each(func(ev *trace.Event) error {
		if first {
			found.begin, first = ev.Time(), false
		}
		switch kind := ev.Kind(); {
		case kind != trace.EventRegionBegin && kind != trace.EventRegionEnd || ev.Region().Type != name:
		case kind == trace.EventRegionBegin && found.goroutine == trace.NoGoroutine:
			found.goroutine, found.begin = ev.Goroutine(), ev.Time()
		case kind == trace.EventRegionEnd && found.goroutine == trace.NoGoroutine:
			found.goroutine, found.end, found.isCut = ev.Goroutine(), ev.Time(), true
			return errEnd
		case kind == trace.EventRegionEnd && found.goroutine == ev.Goroutine():
			found.end = ev.Time()
			return errEnd
		}
		return nil
	})
	if err == nil && found.end == 0 {
		err = errNoRequest
	}
	return found, err
}

// goroutine is the goroutine of a request, or one that it or its goroutines started.
type goroutine struct {
	begin   trace.Stack // the function that it began with, as a stack
	starter trace.Stack // where it was started
	state   trace.GoState
	since   trace.Time
	// reason and stack say why it waits, or where its system call is.
	reason string
	stack  trace.Stack
	waits  []wait // in their order
	short  Sum
	times  [trace.GoSyscall + 1]time.Duration
	// assists is when it began to work for the garbage collector, 0 if it does not.
	assists  trace.Time
	assisted time.Duration
}

// wait is one wait, or a system call.
type wait struct {
	begin, end trace.Time
	reason     string
	stack      trace.Stack
	waker      trace.GoID
	wakerStack trace.Stack
}

// These reasons are not those of the trace. It has no reason for a wait that began before it, and
// neither a reason nor a stack when a goroutine goes on as another by iter.Pull.
const (
	inSystem   = "system call"
	asBefore   = "unknown"
	isSwitched = "iter.Pull"
)

// reader takes the events of a request.
type reader struct {
	span       span
	goroutines map[trace.GoID]*goroutine
	kept       int // waits
	stacks     map[trace.Stack]*stack
	root       string // the folder of Go's own packages
	hasRoot    bool
}

func (r *reader) take(ev *trace.Event) error {
	if ev.Time() >= r.span.end {
		return errEnd
	}
	switch ev.Kind() {
	case trace.EventStateTransition:
		r.takeTransition(ev)
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		r.takeRange(ev)
	}
	return nil
}

func (r *reader) takeTransition(ev *trace.Event) {
	t := ev.StateTransition()
	if t.Resource.Kind != trace.ResourceGoroutine {
		return
	}
	if !r.hasRoot {
		r.seeRoot(ev.Stack())
	}
	id, now := t.Resource.Goroutine(), ev.Time()
	from, to := t.Goroutine()
	g := r.goroutines[id]
	if g == nil {
		if from != trace.GoNotExist || r.goroutines[ev.Goroutine()] == nil || now < r.span.begin {
			return
		}
		g = &goroutine{begin: t.Stack, starter: ev.Stack(), since: now}
		r.goroutines[id] = g
	}
	if from == to {
		return // a part of a trace begins with the states of all goroutines
	}
	if r.span.isCut && id == r.span.goroutine && g.state == trace.GoUndetermined {
		r.span.begin = now // nothing is known before
	}
	if from == trace.GoWaiting {
		g.leave(r, now, ev.Goroutine(), ev.Stack())
	} else {
		g.leave(r, now, trace.NoGoroutine, trace.NoStack)
	}
	g.state, g.since, g.reason, g.stack = to, max(now, r.span.begin), t.Reason, t.Stack
	switch {
	case to == trace.GoSyscall:
		g.reason = inSystem
	case to == trace.GoWaiting && from == trace.GoUndetermined:
		g.reason = asBefore
	case to == trace.GoWaiting && t.Reason == "" && isEmpty(t.Stack):
		g.reason = isSwitched
	}
}

// leave is called when a state ends.
func (g *goroutine) leave(r *reader, now trace.Time, waker trace.GoID, wakerStack trace.Stack) {
	took := time.Duration(now - g.since)
	if took <= 0 || int(g.state) >= len(g.times) {
		return
	}
	g.times[g.state] += took
	switch {
	case g.state != trace.GoWaiting && g.state != trace.GoSyscall:
	case took < Shortest:
		if g.state == trace.GoWaiting {
			g.short.Count++
			g.short.Time += took
		}
	case r.kept < maxKept:
		r.kept++
		g.waits = append(g.waits, wait{begin: g.since, end: now, reason: g.reason, stack: g.stack, waker: waker, wakerStack: wakerStack})
	}
}

// takeRange adds up how long the request's goroutine works for the garbage collector.
func (r *reader) takeRange(ev *trace.Event) {
	t := ev.Range()
	if t.Name != "GC mark assist" || t.Scope.Kind != trace.ResourceGoroutine || t.Scope.Goroutine() != r.span.goroutine {
		return
	}
	g, now := r.goroutines[r.span.goroutine], max(ev.Time(), r.span.begin)
	switch {
	case ev.Kind() != trace.EventRangeEnd:
		if g.assists == 0 {
			g.assists = now
		}
	case g.assists != 0:
		g.assisted += time.Duration(now - g.assists)
		g.assists = 0
	}
}
