package httperror

import (
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Error is a [Code] with details.
type Error struct {
	Code Code
	// Description is a sentence or more for the client, as plain text. "" means
	// the code's own.
	Description string
	// Markup is HTML that a page shows instead of the description; it is sent
	// as it is, so nothing in it may come from a client.
	Markup string
	// Header is sent with the response: Allow, Retry-After, WWW-Authenticate.
	Header http.Header
	// Type is a URI that names the kind of problem (RFC 9457), for clients that
	// read JSON; "" means that the code is enough.
	Type string
	// Members are additional members of the problem in JSON.
	Members map[string]any
	// Err is the cause. It is for the log and never sent.
	Err error

	callers []uintptr
}

// New returns an error with a description for the client. An error of 500 or above remembers where
// it was made.
func New(code Code, description string) *Error {
	return (&Error{Code: code, Description: description}).traced(code)
}

// Wrap returns an error with a cause, which is for the log alone. An error of 500 or above
// remembers where it was made.
func Wrap(code Code, err error) *Error {
	return (&Error{Code: code, Err: err}).traced(code)
}

// traced records the callers of the function that calls it, for failures of the server. Failures of
// clients are frequent, and the place in the code says nothing about them.
func (e *Error) traced(code Code) *Error {
	if code >= 500 {
		e.callers = callers(2)
	}
	return e
}

// callers returns the program counters of the stack, without skip functions
// above it.
func callers(skip int) []uintptr {
	var pcs [64]uintptr
	n := runtime.Callers(skip+2, pcs[:])
	return append(make([]uintptr, 0, n), pcs[:n]...)
}

// Callers returns the program counters of the place where the error was made,
// for [runtime.CallersFrames]; nil if they were not recorded.
func (e *Error) Callers() []uintptr { return e.callers }

// Error returns the code, its name, and the cause or, without a cause, the description.
func (e *Error) Error() string {
	switch {
	case e.Err != nil:
		return e.Code.Error() + ": " + e.Err.Error()
	case e.Description != "":
		return e.Code.Error() + ": " + e.Description
	}
	return e.Code.Error()
}

// Unwrap returns the code and the cause, so that errors.Is finds both.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// StatusCode returns the code as an int, as net/http uses it.
func (e *Error) StatusCode() int { return int(e.Code) }

// ServeHTTP answers with the error's page, through [Respond].
func (e *Error) ServeHTTP(w http.ResponseWriter, r *http.Request) { Respond(w, r, e) }

// withHeader returns a copy that also sends a header.
func (e *Error) withHeader(name string, values ...string) *Error {
	c := *e
	if c.Header = e.Header.Clone(); c.Header == nil {
		c.Header = http.Header{}
	}
	for _, value := range values {
		c.Header.Add(name, value)
	}
	return &c
}

// RetryAfter returns a copy that tells the client how long to wait, in whole
// seconds, rounded up.
func (e *Error) RetryAfter(d time.Duration) *Error {
	seconds := max(0, (d+time.Second-1)/time.Second)
	return e.withOnly("Retry-After", strconv.FormatInt(int64(seconds), 10))
}

func (e *Error) withOnly(name, value string) *Error {
	c := e.withHeader(name)
	c.Header.Set(name, value)
	return c
}

// NotAllowed returns a 405 that names the methods that are allowed (RFC 9110,
// section 15.5.6).
func NotAllowed(methods ...string) *Error {
	return (&Error{Code: MethodNotAllowed}).withOnly("Allow", strings.Join(methods, ", "))
}

// NotAuthenticated returns a 401 with its challenges, each in a
// WWW-Authenticate header (RFC 9110, section 15.5.2): values of
// datastructures.WWWAuthenticate.
func NotAuthenticated(challenges ...fmt.Stringer) *Error {
	e := &Error{Code: Unauthorized}
	for _, challenge := range challenges {
		e = e.withHeader("Www-Authenticate", challenge.String())
	}
	return e
}

// NotSatisfiable returns a 416 that tells how many bytes there are (RFC 9110,
// section 15.5.17).
func NotSatisfiable(length int64) *Error {
	return (&Error{Code: RangeNotSatisfiable}).withOnly("Content-Range", "bytes */"+strconv.FormatInt(length, 10))
}
