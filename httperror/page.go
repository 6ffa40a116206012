package httperror

import (
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/zeugkit/zeug/internal/httplex"
	"github.com/zeugkit/zeug/internal/serverlog"
)

// formats are the media types of the default page. Their order decides if a
// client likes them equally.
var formats = []string{"text/html", "application/problem+json", "application/json"}

// contentTypes are the Content-Types of the formats.
var contentTypes = [...]string{"text/html; charset=utf-8", formats[1], formats[2]}

// serve writes the default page: HTML, or a problem in JSON, depending on what
// the client accepts. If it accepts neither, the page is HTML, so that the
// error can be seen.
func (e *Error) serve(w http.ResponseWriter, r *http.Request) {
	var body []byte
	var length string
	accepted := httplex.ParseWeights(strings.Join(r.Header["Accept"], ","), httplex.MediaRanges)
	best := httplex.Best(accepted, formats, httplex.MediaRanges)
	if best > 0 {
		body = e.problem(r)
	} else {
		best = 0
		body, length = e.html()
	}
	e.send(w, r, contentTypes[best], body, length)
}

// Problem is the [Responder] of an API: it answers every error as a problem in JSON
// (RFC 9457, application/problem+json), whatever the client accepts. A client that
// prefers application/json gets that type. Errors that send a response of their own, such as
// redirects of the router, still do so. Causes are logged, as by [Default].
//
//	handler = httperror.Responder(httperror.Problem).Wrap(handler)
func Problem(w http.ResponseWriter, r *http.Request, err error) {
	answer(w, r, err, (*Error).serveProblem)
}

func (e *Error) serveProblem(w http.ResponseWriter, r *http.Request) {
	accepted := httplex.ParseWeights(strings.Join(r.Header["Accept"], ","), httplex.MediaRanges)
	best := 1 + max(httplex.Best(accepted, formats[1:], httplex.MediaRanges), 0)
	e.send(w, r, contentTypes[best], e.problem(r), "")
}

// send writes the header and the body; length is the Content-Length, or "".
func (e *Error) send(w http.ResponseWriter, r *http.Request, contentType string, body []byte, length string) {
	if length == "" {
		length = strconv.Itoa(len(body))
	}
	h := w.Header()
	values := e.prepare(h, contentType)
	values[2], values[3] = length, "Accept"
	if vary := h["Vary"]; len(vary) == 0 {
		h["Vary"] = values[3:4:4]
	} else if !varies(h) {
		h["Vary"] = append(slices.Clip(vary), "Accept")
	}
	h["Content-Length"] = values[2:3:3]
	w.WriteHeader(int(e.Code))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that has gone needs no response
	}
}

func varies(h http.Header) bool {
	for _, value := range h["Vary"] {
		for name := range httplex.Items(value) {
			if name == "*" || httplex.EqualFold(name, "Accept") {
				return true
			}
		}
	}
	return false
}

// WriteHeader writes the status and the header of a response whose body, of the given media type,
// the caller writes next. The header is that of the error. Fields that describe a body that is not
// sent, such as Content-Length, ETag and Cache-Control, are removed. The Code must be 400 or above,
// as in every Error that [From] returns.
func (e *Error) WriteHeader(w http.ResponseWriter, contentType string) {
	e.prepare(w.Header(), contentType)
	w.WriteHeader(int(e.Code))
}

// prepare sets all fields except the length. It returns the memory of the
// values, with room for two more: nothing in h is shared with e or with another
// response.
func (e *Error) prepare(h http.Header, contentType string) *[4]string {
	for name := range h {
		if describesBody(name) {
			delete(h, name)
		}
	}
	for name, list := range e.Header {
		h[name] = slices.Clone(list)
	}
	values := &[4]string{contentType, "nosniff"}
	h["Content-Type"] = values[0:1:1]
	h["X-Content-Type-Options"] = values[1:2:2]
	return values
}

// describesBody reports whether a header describes a body.
func describesBody(name string) bool {
	switch name {
	case "Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language",
		"Content-Length", "Content-Range", "Etag", "Expires", "Last-Modified":
		return true
	}
	return false
}

// page is the page in HTML of a code with its own description.
type page struct {
	body   []byte
	length string // the value of Content-Length
}

// pages are the HTML pages of the codes; each is made when it is first sent.
var pages [600]atomic.Pointer[page]

// html returns the page in HTML, and its Content-Length if that is known already.
func (e *Error) html() ([]byte, string) {
	if e.Markup != "" || e.Description != e.Code.Description() {
		return e.makeHTML(), ""
	}
	p := pages[e.Code].Load()
	if p == nil {
		body := e.makeHTML()
		p = &page{body, strconv.Itoa(len(body))}
		pages[e.Code].Store(p)
	}
	return p.body, p.length
}

func (e *Error) makeHTML() []byte {
	name := html.EscapeString(e.Code.Name())
	text := e.Markup
	if text == "" {
		text = strings.ReplaceAll(html.EscapeString(e.Description), "\n", "<br>")
	}
	b := make([]byte, 0, 256+2*len(name)+len(text))
	// Without the first line in the head a phone shows the page a third as large,
	// without the second a dark screen flashes white.
	b = append(b, "<!doctype html>\n<html lang=en>\n<meta name=viewport content=\"width=device-width\">\n"+
		"<meta name=color-scheme content=\"light dark\">\n<title>"...)
	b = strconv.AppendInt(b, int64(e.Code), 10)
	b = append(append(append(b, ' '), name...), "</title>\n<main>\n<h1>"...)
	b = append(append(b, name...), "</h1>\n<p>"...)
	return append(append(b, text...), "</p>\n</main>\n"...)
}

// problem returns the error in the form of RFC 9457. Members that cannot be written as JSON are
// logged and left out: there must be an answer.
func (e *Error) problem(r *http.Request) []byte {
	members := make(map[string]any, len(e.Members)+4)
	maps.Copy(members, e.Members)
	members["title"] = e.Code.Name()
	members["status"] = int(e.Code)
	members["detail"] = e.Description
	if e.Type != "" {
		members["type"] = e.Type
	}
	text, err := json.Marshal(members)
	if err != nil {
		serverlog.From(r.Context()).ErrorContext(r.Context(), "the members of a problem cannot be encoded as JSON", "path", r.URL.Path, "err", err)
		plain := *e
		plain.Members = nil
		return plain.problem(r)
	}
	return append(text, '\n')
}
