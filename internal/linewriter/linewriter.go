// Package linewriter writes lines of a log without blocking the goroutines that log.
//
// A line is appended to a buffer in memory. The buffer is written soon after
// its first line, or as soon as it has enough lines for a separate write,
// always by one goroutine at a time:
//
//	Write "a\n"   buffer "a\n"        a flush is due in Delay
//	Write "b\n"   buffer "a\nb\n"
//	… Delay later                     one write of "a\nb\n"
//
// If the output stalls, lines gather in the buffer until it is full. Further
// lines are then dropped and counted. When the output works again, a line with
// the count follows.
package linewriter

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"
)

const (
	// Delay is how long a line waits at most for more lines, if the output does
	// not stall.
	Delay = 10 * time.Millisecond
	// Size is how many bytes of lines may wait for the output.
	Size = 1 << 20
	// eager is the size in bytes at which the buffer is written without waiting for more.
	eager = 32 << 10
)

// A Writer writes lines. Its methods may be called at the same time.
type Writer struct {
	out     io.Writer
	dropped func(lines int) []byte

	mu      sync.Mutex
	waiting []byte // lines that are not written yet
	spare   []byte // an empty buffer to swap with
	lost    int    // lines that were dropped and not reported yet
	timer   *time.Timer
	due     bool          // the timer runs
	writing bool          // a goroutine writes
	written chan struct{} // closed after a write, nil if no goroutine waits
}

// New returns a Writer to out. dropped returns the line that says how many
// lines were dropped.
func New(out io.Writer, dropped func(lines int) []byte) *Writer {
	return &Writer{out: out, dropped: dropped}
}

// Write takes one line, with the newline at its end. It never waits for the
// output and returns no error: if the buffer is full, the line is dropped and
// counted.
func (w *Writer) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting)+len(line) > Size {
		w.lost++
		return len(line), nil
	}
	w.waiting = append(w.waiting, line...)
	w.schedule()
	return len(line), nil
}

// schedule makes sure that the waiting lines are written. w.mu is held.
func (w *Writer) schedule() {
	switch {
	case w.writing:
		// The running goroutine checks again.
	case len(w.waiting) >= eager:
		w.writing = true
		go w.write()
	case w.due:
	case w.timer == nil:
		w.due = true
		w.timer = time.AfterFunc(Delay, w.flushDue)
	default:
		w.due = true
		w.timer.Reset(Delay)
	}
}

func (w *Writer) flushDue() {
	w.mu.Lock()
	w.due = false
	begins := !w.writing && len(w.waiting) > 0
	w.writing = w.writing || begins
	w.mu.Unlock()
	if begins {
		w.write()
	}
}

// write writes until few lines wait. w.writing is true.
func (w *Writer) write() {
	for {
		w.mu.Lock()
		lines, lost := w.waiting, w.lost
		w.waiting, w.spare, w.lost = w.spare[:0], nil, 0
		w.mu.Unlock()

		if lost > 0 {
			lines = append(lines, w.dropped(lost)...)
		}
		n, err := w.out.Write(lines)
		if err != nil {
			lost = bytes.Count(lines[min(max(n, 0), len(lines)):], []byte("\n"))
		} else {
			lost = 0
		}

		w.mu.Lock()
		w.lost += lost
		if cap(lines) <= 2*eager {
			w.spare = lines[:0]
		}
		if w.written != nil {
			close(w.written)
			w.written = nil
		}
		if len(w.waiting) < eager {
			w.writing = false
			if len(w.waiting) > 0 {
				w.schedule()
			}
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
	}
}

// Flush waits until every line accepted so far has been written or has failed
// to be written, or until ctx ends.
func (w *Writer) Flush(ctx context.Context) error {
	for {
		w.mu.Lock()
		if !w.writing {
			if len(w.waiting) == 0 {
				w.mu.Unlock()
				return nil
			}
			w.writing = true
			go w.write()
		}
		if w.written == nil {
			w.written = make(chan struct{})
		}
		written := w.written
		w.mu.Unlock()
		select {
		case <-written:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
