package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strconv"
	"strings"

	"github.com/flosch/pongo2/v6"
)

// Error is a mistake in a template, or a failure of what it calls.
type Error struct {
	// Name is the template's name, relative to the root of its [Environment].
	Name string
	// Line and Column are where it failed, counted from 1, the column in
	// bytes. Both are 0 where that is not known.
	Line, Column int
	// Source is the text of the whole template, "" where it cannot be read.
	Source string
	// Err is the cause.
	Err error

	callers []uintptr
}

// Callers returns the program counters of the stack where the failure began as a
// panic of something that the template calls, and nil otherwise. The debugger
// shows the functions.
func (e *Error) Callers() []uintptr { return e.callers }

// Place returns the fields that say where it failed. The debugger shows the lines
// around it.
func (e *Error) Place() (name string, line, column int, source string) {
	return e.Name, e.Line, e.Column, e.Source
}

// Error returns the place and the cause: `template "page.html", line 3, column
// 7: …`.
func (e *Error) Error() string {
	s := "template " + strconv.Quote(e.Name)
	if e.Line > 0 {
		s += fmt.Sprintf(", line %d, column %d", e.Line, e.Column)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Excerpt returns the lines around the failure, up to around on each side, each
// after its number and the failing one marked by a "›" and a caret below. It is
// "" where the place or the source is not known.
func (e *Error) Excerpt(around int) string {
	lines := strings.Split(e.Source, "\n")
	if e.Line < 1 || e.Line > len(lines) || e.Source == "" {
		return ""
	}
	first, last := max(1, e.Line-around), min(len(lines), e.Line+around)
	width := len(strconv.Itoa(last))
	var b strings.Builder
	for n := first; n <= last; n++ {
		mark := " "
		if n == e.Line {
			mark = "›"
		}
		line := strings.TrimSuffix(lines[n-1], "\r")
		fmt.Fprintf(&b, "%s %*d  %s\n", mark, width, n, line)
		if n == e.Line && e.Column > 0 {
			fmt.Fprintf(&b, "%*s%s^\n", width+4, "", indent(line, e.Column-1))
		}
	}
	return b.String()
}

// indent is as wide on a screen as the first n bytes of line.
func indent(line string, n int) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, line[:min(n, len(line))])
}

// panicked is a panic as an error.
type panicked struct {
	value   any
	callers []uintptr
}

// caught is a panic that is being recovered, with the stack on which it began.
func caught(value any) *panicked {
	pcs := make([]uintptr, 64)
	return &panicked{value, pcs[:runtime.Callers(3, pcs)]} // without itself and the deferred function
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func (p *panicked) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// failure makes an *Error of what parsing or executing the template called name
// returned.
func (e *Environment) failure(name string, err error) *Error {
	failure := &Error{Name: name, Err: err}
	load := &loader{files: e.files}
	if p, ok := errors.AsType[*panicked](err); ok {
		failure.callers = p.callers
	}
	if cause, ok := errors.AsType[*pongo2.Error](err); ok {
		failure.Err = cause.OrigError
		failure.Line, failure.Column = cause.Line, cause.Column
		if cause.Token != nil {
			failure.Name = cause.Token.Filename
		} else if cause.Filename != "" && cause.Sender != "fromfile" {
			failure.Name = cause.Filename
		}
		if cause.Sender == "fromfile" {
			// pongo2 does not pass on why a file could not be read.
			failure.Err = fmt.Errorf("%q cannot be read: %w", cause.Filename, unread(load, cause.Filename))
		}
	}
	source, unreadable := load.read(failure.Name)
	if unreadable != nil {
		return failure
	}
	failure.Source = string(source)
	if cause, ok := errors.AsType[*pongo2.Error](err); ok && failure.Line == 0 && cause.Sender == "fromfile" {
		failure.locate(cause.Filename)
	}
	return failure
}

// unread returns why name cannot be read. What can be, now that the stack is
// shallow again, was part of a loop.
func unread(load *loader, name string) error {
	_, err := load.read(name)
	if err == nil {
		return errLoop
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// locate finds the line that names a file, for the tag extends, of which
// pongo2 gives no place.
func (e *Error) locate(file string) {
	for i, line := range strings.Split(e.Source, "\n") {
		for _, quoted := range []string{`"` + file + `"`, `'` + file + `'`} {
			if column := strings.Index(line, quoted); column >= 0 {
				e.Line, e.Column = i+1, column+1
				return
			}
		}
	}
}
