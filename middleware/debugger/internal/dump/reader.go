package dump

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

	// MaxField is how many bytes of one value are shown.
	MaxField = 8 << 10
	masked   = secret.Dots // stands for a secret
)

// A Reader reads the values of one report.
type Reader struct {
	secret func(name string) bool // reports whether values of this name are masked
	// patience ends when the application's methods have used up their time.
	patience  *time.Timer
	impatient bool
}

// NewReader returns a Reader. hidden reports whether values of a name are masked.
func NewReader(hidden func(name string) bool) *Reader { return &Reader{secret: hidden} }

// Printed does what [Reader.print] does, for a single value.
func Printed(value any) string { return (&Reader{secret: secret.Name}).Print(value) }

// Print returns a value as a string: the result of its method Error or String, or a dump of it on
// one line.
func (s *Reader) Print(value any) string {
	switch v := value.(type) {
	case string:
		return s.withoutSecrets(v, maxMessage)
	case error:
		return s.ask(methodOf(v), maxMessage, v.Error)
	case fmt.Stringer:
		if !s.Dumper(0).tells(reflect.TypeOf(v)) {
			return s.ask(methodOf(v), maxMessage, v.String)
		}
	}
	return s.Dumper(PageValues).Of(value).line(maxMessage)
}

// withoutSecrets returns a string with its secrets masked, cut to a limit.
func (s *Reader) withoutSecrets(text string, limit int) string {
	if len(text) <= limit {
		return secret.Text(text, masked, s.secret)
	}
	// A secret may continue after the cut, so a little more is searched.
	shown := secret.Text(text[:Boundary(text, limit+256)], masked, s.secret)
	return shown[:Boundary(shown, limit)] + fmt.Sprintf("… (%d bytes)", len(text))
}

// Dumper returns a Dumper for values that other goroutines may be writing to.
func (s *Reader) Dumper(limit int) *Dumper {
	return &Dumper{src: s, secret: s.secret, values: limit, bytes: maxBytes}
}

// ask calls a method of the application, and cuts the string that it returns. It runs on another
// goroutine, and is abandoned if it does not return. After maxPatience in total, no more methods
// are called.
func (s *Reader) ask(method string, limit int, say func() string) string {
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
				text = "(its " + method + " panicked: " + Cut(fmt.Sprintf("%v", plainPanic(p)), 256) + ")"
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
	return TypeName(p)
}

// TypeName returns the type of a value as %T writes it, "nil" for none.
func TypeName(value any) string {
	if value == nil {
		return "nil"
	}
	return Cut(reflect.TypeOf(value).String(), 1<<10)
}

// Cut shortens a string to a limit of bytes, and adds its original length.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > limit-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + fmt.Sprintf("… (%d bytes)", len(s))
}
