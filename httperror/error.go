package httperror

import (
	"fmt"
	"html"
	"net/http"
	"strings"
)

// Error is a [Code] with details.
type Error struct {
	Code Code
	// Description is a sentence for the client, as plain text.
	Description string
	// Header is sent with the answer: Allow, Retry-After, WWW-Authenticate.
	Header http.Header
	// Err is the cause. It is for the log and never sent.
	Err error
}

// Error returns the code, its name, and the cause or else the description.
func (e *Error) Error() string {
	switch {
	case e.Err != nil:
		return e.Code.Error() + ": " + e.Err.Error()
	case e.Description != "":
		return e.Code.Error() + ": " + e.Description
	}
	return e.Code.Error()
}

// Unwrap returns the code and the cause, so that errors.Is finds either.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// ServeHTTP answers with the code, the header and a page that shows the
// description.
func (e *Error) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, values := range e.Header {
		h[name] = values
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(int(e.Code))
	name := http.StatusText(int(e.Code))
	fmt.Fprintf(w, "<!doctype html>\n<html lang=en>\n<title>%d %s</title>\n<h1>%s</h1>\n<p>%s</p>\n",
		e.Code, name, name, strings.ReplaceAll(html.EscapeString(e.Description), "\n", "<br>"))
}
