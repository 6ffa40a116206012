package wrappers

import (
	"errors"
	"fmt"
	"io"
)

// window lets pass what the ranges ask for of a body that is written through
// it from beginning to end: how a body that cannot seek is cut.
type window struct {
	parts *parts
	out   *output
	pos   int64 // of the body
	next  int   // the first span that is not complete
	begun bool  // its head was written
}

// errEnough ends a body that has nothing more to give for the ranges.
var errEnough = errors.New("the client asked for no more of the body")

// cut sends the parts of a body that is written once.
func (p *parts) cut(resp *Response, out *output) error {
	win := &window{parts: p, out: out}
	err := resp.source.sendTo(win)
	if win.next == len(p.spans) {
		return nil // whatever it says about being stopped
	}
	if err == nil {
		err = fmt.Errorf("body of a response ended at %d of %d bytes: %w", win.pos, p.total, io.ErrUnexpectedEOF)
	}
	return err
}

func (win *window) Write(b []byte) (int, error) {
	n := 0
	for {
		if win.next == len(win.parts.spans) {
			return n, errEnough
		}
		span := win.parts.spans[win.next]
		if skip := span.Start - win.pos; skip > 0 {
			skip = min(skip, int64(len(b)))
			b, n, win.pos = b[skip:], n+int(skip), win.pos+skip
		}
		if len(b) == 0 {
			return n, nil
		}
		if !win.begun {
			win.begun = true
			if head := win.parts.head(win.next); head != "" {
				if _, err := win.out.WriteString(head); err != nil {
					return n, err
				}
			}
		}
		m, err := win.out.Write(b[:min(span.Stop-win.pos, int64(len(b)))])
		b, n, win.pos = b[m:], n+m, win.pos+int64(m)
		if err != nil {
			return n, err
		}
		if win.pos == span.Stop {
			win.next, win.begun = win.next+1, false
		}
	}
}

func (win *window) WriteString(s string) (int, error) { return win.Write([]byte(s)) }

// Flush flushes only what the window let pass.
func (win *window) Flush() error {
	if !win.out.started {
		return nil
	}
	return win.out.Flush()
}
