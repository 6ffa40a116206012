package debugger

import (
	"fmt"
	"reflect"
	"runtime/debug"
	"time"
	"unicode/utf8"
)

// What an error and a panic's value say of themselves is a message, which is cut,
// and for which nobody waits for ever.
const (
	maxMessage  = 32 << 10               // bytes of a text
	maxPatience = 500 * time.Millisecond // for all methods of a report
)

// printed is [sources.print] for a value by itself.
func printed(value any) string { return (&sources{secret: secretName.MatchString}).print(value) }

// print returns a value as text: what its method Error or String says, or else
// what a dump of it has, in one line.
func (s *sources) print(value any) string {
	switch v := value.(type) {
	case string:
		return cut(v, maxMessage)
	case error:
		return s.ask(methodOf(v), maxMessage, v.Error)
	case fmt.Stringer:
		if !s.dumper(0).tells(reflect.TypeOf(v)) {
			return s.ask(methodOf(v), maxMessage, v.String)
		}
	}
	return s.dumper(maxPageValues).of(value).line(maxMessage)
}

// dumper reads values that others may be writing to.
func (s *sources) dumper(limit int) *dumper {
	return &dumper{src: s, secret: s.secret, values: limit, bytes: maxBytes}
}

// ask calls a method of the application's, whose text is cut. It runs on another
// goroutine, and is left behind where it does not return: after maxPatience in
// all no more is called.
func (s *sources) ask(method string, limit int, say func() string) string {
	if s.impatient {
		return "(not asked: an earlier method did not return)"
	}
	if s.patience == nil {
		s.patience = time.NewTimer(maxPatience)
	}
	done := make(chan string, 1) // nobody waits for a late one
	go func() {
		text := "(its " + method + " ended the goroutine)"
		defer func() {
			if p := recover(); p != nil {
				text = "(its " + method + " panicked: " + cut(fmt.Sprintf("%v", plainPanic(p)), 256) + ")"
			}
			done <- text
		}()
		debug.SetPanicOnFault(true)
		text = cut(say(), limit)
	}()
	select {
	case text := <-done:
		return text
	case <-s.patience.C:
		s.impatient = true
		return "(its " + method + " did not return within " + maxPatience.String() + ")"
	}
}

func methodOf(value any) string {
	switch value.(type) {
	case error:
		return "Error method"
	case fmt.Stringer:
		return "String method"
	}
	return "method"
}

// plainPanic is the value of a panic if fmt prints it without calling methods.
func plainPanic(p any) any {
	switch v := p.(type) {
	case string, bool, int:
		return v
	case interface {
		error
		RuntimeError()
	}:
		return v.Error()
	}
	return typeName(p)
}

// typeName is the type of a value, as %T has it, "nil" for none.
func typeName(value any) string {
	if value == nil {
		return "nil"
	}
	return cut(reflect.TypeOf(value).String(), 1<<10)
}

// cut shortens a text to some limit of bytes, and says how long it was.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > limit-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + fmt.Sprintf("… (%d bytes)", len(s))
}
