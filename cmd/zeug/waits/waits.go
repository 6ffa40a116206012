// Package waits finds in an execution trace what the goroutine of a request waited for.
//
// A trace has an event when a goroutine stops, with the reason and the stack, and an event when
// another goroutine makes it runnable again, with the stack of that goroutine:
//
//	1.0 ms  goroutine 7 waits, "sync", at sync.(*Mutex).Lock, main.show
//	9.0 ms  goroutine 5 makes goroutine 7 runnable, at sync.(*Mutex).Unlock, main.refresh
//
// From these, [Read] makes a [Wait] of 8 ms in main.show, for a sync.Mutex, woken by main.refresh.
//
// If a goroutine that the request started woke it, the waits of that goroutine are listed too, but
// only for the time in which the request waited for it:
//
//	1.0 ms  goroutine 7, the request's, waits in main.show for a sync.WaitGroup
//	1.0 ms    goroutine 8, which it started, waits in main.show.func1 for the network
//	9.0 ms    the network makes goroutine 8 runnable
//	9.1 ms  goroutine 8 makes goroutine 7 runnable
//
// This gives 8.1 ms in main.show and 8 ms in main.show.func1.
package waits

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/exp/trace"

	"github.com/zeugkit/zeug/internal/supervise"
)

const (
	// Shortest is the duration of the shortest waits that are listed. Shorter ones are only added up.
	Shortest = 20 * time.Microsecond
	// maxListed is how many waits are listed.
	maxListed = 50

	// These are the limits of reading: bytes of the trace, events, time, waits in memory, and how
	// often these are looked at.
	maxTrace  = 32 << 20
	maxEvents = 20_000_000
	maxTime   = 20 * time.Second
	maxKept   = 200_000
	maxVisits = 2_000_000
	// maxDepth is how many goroutines are followed that wait for each other.
	maxDepth = 16
)

// Report is what a request waited for.
type Report struct {
	// Took is the time from the beginning of the handler to its end.
	Took time.Duration
	// IsCut says that the trace has only the end of the request, and Took is the duration of that part.
	IsCut bool
	// Took is the sum of these times of the request's goroutine. Ready is the time in which it could
	// have run, but had no processor.
	Ran, Waited, Ready, InSystem time.Duration
	// Assisted is how long the goroutine worked for the garbage collector. Ran and Waited include it.
	Assisted time.Duration
	// Waits are the longest ones. Those at the same place that were ended by the same place are added up.
	Waits []Wait
	// Others is what is not listed because it is not among the longest, and Short is what is not listed
	// because it is shorter than Shortest. Both are of the request's goroutine alone.
	Others, Short Sum
	// IsFull says that there were more waits than are read.
	IsFull bool
}

// Sum is a number of waits, and their duration in all.
type Sum struct {
	Count int
	Time  time.Duration
}

// Wait is one or more waits of a goroutine.
type Wait struct {
	Sum
	// Kind is what was waited for, such as "sync.Mutex", "network" or "system call".
	Kind string
	// Place is where the goroutine waited.
	Place Place
	// Goroutine waited. It is empty for the request's own.
	Goroutine Goroutine
	// Waker ended the wait.
	Waker Waker
}

// Place is a line of the program.
type Place struct {
	// Function, File and Line are those of the innermost call in the application's own code. If there
	// is none, they are those of the innermost call outside of Go's runtime.
	Function, File string
	Line           int
	// Inner is the innermost function outside of Go's runtime if it is another one, such as
	// "sync.(*Mutex).Lock".
	Inner string
}

// Goroutine is the name of a goroutine.
type Goroutine struct {
	// Function is the one that it began with, "" if it is not known.
	Function string
	// Started is where the request started it. It is empty if another goroutine did, and if Function is
	// one of the application.
	Started Place
}

// Waker is what made a goroutine runnable again.
type Waker struct {
	// Goroutine woke it at Place.
	Goroutine Goroutine
	Place     Place
	// Other is set if no goroutine woke it: "the network", "a timer", "the system", or "the runtime".
	Other string
}

// errTooLong says that a trace is not read.
var errTooLong = fmt.Errorf("it is longer than %d MiB", maxTrace>>20)

// Read finds the waits of a request in a trace.
func Read(data []byte, exchange int) (report *Report, err error) {
	defer func() {
		if p := recover(); p != nil { // the library relies on the tables in a trace, and panics if an entry is missing
			report, err = nil, fmt.Errorf("it is damaged: %v", p)
		}
		if err != nil {
			err = fmt.Errorf("the waits are not known, since the trace cannot be read: %w", err)
		}
	}()
	if len(data) > maxTrace {
		return nil, errTooLong
	}
	e := events{data: data, until: time.Now().Add(maxTime)}
	span, err := e.find(supervise.TraceRegion(exchange))
	if err != nil {
		return nil, err
	}
	r := &reader{span: span, goroutines: map[trace.GoID]*goroutine{span.goroutine: {since: span.begin}}}
	if err := e.each(r.take); err != nil {
		return nil, err
	}
	return r.report(), nil
}

// sums adds waits up.
type sums struct {
	reader *reader
	waits  map[Wait]*Sum // by all but the sum
	visits int
}

// report makes a report when all events have been taken.
func (r *reader) report() *Report {
	g := r.goroutines[r.span.goroutine]
	g.leave(r, r.span.end, trace.NoGoroutine, trace.NoStack)
	report := &Report{
		Took: time.Duration(r.span.end - r.span.begin), IsCut: r.span.isCut,
		Ran: g.times[trace.GoRunning], Waited: g.times[trace.GoWaiting], Ready: g.times[trace.GoRunnable], InSystem: g.times[trace.GoSyscall],
		Assisted: g.assisted, Short: g.short, IsFull: r.kept >= maxKept,
	}
	s := &sums{reader: r, waits: map[Wait]*Sum{}}
	s.follow(r.span.goroutine, r.span.begin, r.span.end, 0)
	report.IsFull = report.IsFull || s.visits >= maxVisits
	for w, sum := range s.waits {
		w.Sum = *sum
		report.Waits = append(report.Waits, w)
	}
	report.Waits, report.Others = longest(report.Waits)
	return report
}

// longest returns the longest waits, and what is left out of those of the request's goroutine.
func longest(list []Wait) (listed []Wait, others Sum) {
	slices.SortFunc(list, func(a, b Wait) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.Goroutine.Function, b.Goroutine.Function), cmp.Compare(a.Place.Function, b.Place.Function),
			cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Waker.Place.Line, b.Waker.Place.Line))
	})
	if len(list) <= maxListed {
		return list, others
	}
	for _, w := range list[maxListed:] {
		if (w.Goroutine == Goroutine{}) {
			others.Count += w.Count
			others.Time += w.Time
		}
	}
	return list[:maxListed], others
}

// follow adds the waits of a goroutine in a part of the time, and those of the goroutines that it
// waited for. While a goroutine waits it wakes nobody, so this comes to an end.
func (s *sums) follow(id trace.GoID, begin, end trace.Time, depth int) {
	g := s.reader.goroutines[id]
	first, _ := slices.BinarySearchFunc(g.waits, begin, func(w wait, t trace.Time) int {
		if w.end <= t {
			return -1
		}
		return 1
	})
	for _, w := range g.waits[first:] {
		from, to := max(w.begin, begin), min(w.end, end)
		if from >= to || s.visits >= maxVisits {
			return
		}
		s.visits++
		key := s.reader.named(w)
		if depth > 0 {
			key.Goroutine = s.reader.nameOf(id, nil)
		}
		sum := s.waits[key]
		if sum == nil {
			sum = &Sum{}
			s.waits[key] = sum
		}
		sum.Count++
		sum.Time += time.Duration(to - from)
		if s.reader.goroutines[w.waker] != nil && depth < maxDepth {
			s.follow(w.waker, from, to, depth+1)
		}
	}
}

// errNoRequest says that a trace does not have the end of the request.
var errNoRequest = errors.New("it does not have the request")
