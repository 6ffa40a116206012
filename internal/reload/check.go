package reload

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/zeugkit/zeug/middleware/debugger"
)

// check calls Config.Check for the source as it is now. If a call is still running, its context
// ends first, because it looks at older source.
func (c *cycle) check() {
	if c.s.config.Check == nil {
		return
	}
	c.endCheck()
	c.unchecked = false
	ctx, cancel := context.WithCancel(c.ctx)
	before, ended := c.checked, make(chan struct{})
	c.endCheck, c.checked = cancel, ended
	flags := slices.Concat(compileFlags(c.listed), c.s.config.Program.Flags)
	c.work.Go(func() {
		defer close(ended)
		defer cancel()
		if before != nil {
			<-before
		}
		if ctx.Err() != nil {
			return
		}
		problems, err := c.s.config.Check(ctx, flags)
		if ctx.Err() == nil && err == nil {
			c.s.live.tell(problems)
		}
	})
}

// outdate ends a check, and drops the findings of the last one.
func (c *cycle) outdate() {
	c.unchecked = true
	c.endCheck()
	c.s.live.forget()
}

// isChecked reports whether the source of an attempt is to be checked: source that does not compile
// has a page of its own.
func (a *attempt) isChecked() bool {
	failure, ok := errors.AsType[*Failure](a.err)
	return a.err == nil || ok && failure.Kind == StartFailed
}

// mistakes holds the findings of the last check, for pages.
type mistakes struct {
	known bool // the check of the newest source has ended
	list  []Problem
	told  chan struct{} // closed and replaced when the check of the newest source ends
}

// tell makes pages show problems.
func (l *live) tell(problems []Problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if told := l.mistakes.told; told != nil {
		close(told)
	}
	l.mistakes = mistakes{known: true, list: problems, told: make(chan struct{})}
}

// forget makes pages that are loaded from now on wait for the next check.
func (l *live) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mistakes.known, l.mistakes.list = false, nil
}

// found returns the findings of the last check, and a channel that is closed after the next one.
func (l *live) found() mistakes {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mistakes.told == nil {
		l.mistakes.told = make(chan struct{})
	}
	return l.mistakes
}

// Limits for the findings on a page. The terminal shows all findings.
const (
	mostShown    = 20
	longestShown = 500
)

// shownMistakes is the JSON for a page.
type shownMistakes struct {
	Count int            `json:"count"`
	List  []shownMistake `json:"list,omitempty"` // the first ones, for clients that may see source
}

type shownMistake struct {
	Place   string `json:"place"`
	Message string `json:"message"`
}

// sendMistakes sends the findings to the page of r.
func (s *Supervisor) sendMistakes(w io.Writer, r *http.Request, found mistakes) bool {
	shown := shownMistakes{Count: len(found.list)}
	if s.config.Guard.Access(r) == debugger.Granted {
		for _, p := range found.list[:min(mostShown, len(found.list))] {
			place := s.relative(p.File) + ":" + strconv.Itoa(p.Line)
			if p.Column > 0 {
				place += ":" + strconv.Itoa(p.Column)
			}
			shown.List = append(shown.List, shownMistake{place, p.Message[:min(longestShown, len(p.Message))]})
		}
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return false // strings and numbers always have a form in JSON
	}
	_, err = io.WriteString(w, "event: mistakes\ndata: "+string(text)+"\n\n")
	return err == nil
}
