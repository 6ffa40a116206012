package debugger

import (
	"fmt"
	"reflect"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"github.com/zeugkit/zeug/internal/secret"
)

// The text of an error or of a panic's value is its message. It is cut, and the time to wait for it
// is limited.
const (
	maxMessage  = 32 << 10               // bytes of a string
	maxPatience = 500 * time.Millisecond // for all methods of a report
)

// printed does what [sources.print] does, for a single value.
func printed(value any) string { return (&sources{secret: secret.Name}).print(value) }

// print returns a value as a string: the result of its method Error or String, or a dump of it on
// one line.
func (s *sources) print(value any) string {
	switch v := value.(type) {
	case string:
		return s.withoutSecrets(v, maxMessage)
	case error:
		return s.ask(methodOf(v), maxMessage, v.Error)
	case fmt.Stringer:
		if !s.dumper(0).tells(reflect.TypeOf(v)) {
			return s.ask(methodOf(v), maxMessage, v.String)
		}
	}
	return s.dumper(maxPageValues).of(value).line(maxMessage)
}

// withoutSecrets returns a string with its secrets masked, cut to a limit.
func (s *sources) withoutSecrets(text string, limit int) string {
	if len(text) <= limit {
		return secret.Text(text, masked, s.secret)
	}
	// A secret may continue after the cut, so a little more is searched.
	shown := secret.Text(text[:boundary(text, limit+256)], masked, s.secret)
	return shown[:boundary(shown, limit)] + fmt.Sprintf("… (%d bytes)", len(text))
}

// dumper returns a dumper for values that other goroutines may be writing to.
func (s *sources) dumper(limit int) *dumper {
	return &dumper{src: s, secret: s.secret, values: limit, bytes: maxBytes}
}

// ask calls a method of the application, and cuts the string that it returns. It runs on another
// goroutine, and is abandoned if it does not return. After maxPatience in total, no more methods
// are called.
func (s *sources) ask(method string, limit int, say func() string) string {
	if s.impatient {
		return "(not asked: an earlier method did not return)"
	}
	if s.patience == nil {
		s.patience = time.NewTimer(maxPatience)
	}
	done := make(chan string, 1) // a late result is dropped
	go func() {
		text := "(its " + method + " ended the goroutine)"
		defer func() {
			if p := recover(); p != nil {
				text = "(its " + method + " panicked: " + cut(fmt.Sprintf("%v", plainPanic(p)), 256) + ")"
			}
			done <- text
		}()
		debug.SetPanicOnFault(true)
		text = s.withoutSecrets(say(), limit)
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

// plainPanic returns the value of a panic if fmt prints it without calling methods.
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

// typeName returns the type of a value as %T writes it, "nil" for none.
func typeName(value any) string {
	if value == nil {
		return "nil"
	}
	return cut(reflect.TypeOf(value).String(), 1<<10)
}

// cut shortens a string to a limit of bytes, and adds its original length.
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
