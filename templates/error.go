package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"strconv"
	"strings"

	"github.com/flosch/pongo2/v6"
)

// Error is a mistake in a template, or a failure of a function that it calls.
type Error struct {
	// Name is the template's name, relative to the root of its [Environment].
	Name string
	// Line and Column are where it failed, counted from 1; the column is in bytes. Both are 0 if
	// that is not known.
	Line, Column int
	// Source is the whole template, "" if it cannot be read.
	Source string
	// Err is the cause.
	Err error

	callers   []uintptr
	variables Context
}

// Callers returns the program counters of a stack. If the failure began as a panic of code that the
// template calls, it is the stack of that panic; otherwise it is the stack of the rendering's
// caller. It is nil for a mistake that [New] finds. The debugger shows the functions.
func (e *Error) Callers() []uintptr { return e.callers }

// Variables returns the names that the rendering was given, with their values. The
// debugger shows them. The map is a copy, but the values are not copied.
func (e *Error) Variables() Context { return maps.Clone(e.variables) }

// rendered adds to a failure the caller that rendered the template, and the template's names.
func rendered(err error, context Context) {
	failure, ok := errors.AsType[*Error](err)
	if !ok {
		return
	}
	failure.variables = maps.Clone(context)
	if failure.callers == nil {
		pcs := make([]uintptr, 64)
		failure.callers = pcs[:runtime.Callers(3, pcs)] // without itself and the calling method
	}
}

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

// failure makes an *Error from the error of parsing or executing the template called name.
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
			// pongo2 does not report why a file could not be read.
			failure.Err = fmt.Errorf("%q cannot be read: %w", cause.Filename, unread(load, cause.Filename))
		}
	}
	source, unreadable := load.read(failure.Name)
	if unreadable != nil {
		return failure
	}
	failure.Source = string(source)
	if failure.Line > 0 {
		failure.Column = rewrite(failure.Name, failure.Source).original(failure.Line, failure.Column)
	}
	if cause, ok := errors.AsType[*pongo2.Error](err); ok && failure.Line == 0 && cause.Sender == "fromfile" {
		failure.locate(cause.Filename)
	}
	return failure
}

// failureAt does what failure does, for a panic at or after a token.
func (e *Environment) failureAt(token *pongo2.Token, name string, err *panicked) *Error {
	failure := e.failure(name, err)
	if token == nil {
		return failure
	}
	placed := e.failure(name, &pongo2.Error{Token: token, Line: token.Line, Column: token.Col, OrigError: err})
	placed.callers = failure.callers
	return placed
}

// unread returns why name cannot be read. If the file can be read now, with a shallow stack, it was
// part of a loop.
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

// locate finds the line that names a file in the tag extends: pongo2 reports no
// place for that tag.
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
