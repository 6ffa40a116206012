package httperror

import (
	"encoding/json"
	"html"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/zeugkit/zeug/internal/httplex"
)

// formats are the media types of the default page, in the order that decides
// where a client likes them equally.
var formats = []string{"text/html", "application/problem+json", "application/json"}

// The values of headers are made once; nobody may write to them in place, and
// appending copies them.
var (
	contentTypes = [...][]string{{"text/html; charset=utf-8"}, formats[1:2:2], formats[2:3:3]}
	varyAccept   = []string{"Accept"}
	noSniff      = []string{"nosniff"}
)

// serve writes the default page: HTML, or a problem in JSON, as the client
// accepts it; HTML if it accepts neither, since an error had better be seen.
func (e *Error) serve(w http.ResponseWriter, r *http.Request) {
	var body []byte
	var length []string
	accepted := httplex.ParseWeights(strings.Join(r.Header["Accept"], ","), httplex.MediaRanges)
	best := httplex.Best(accepted, formats, httplex.MediaRanges)
	if best > 0 {
		body = e.problem(r)
	} else {
		best = 0
		body, length = e.html()
	}
	if length == nil {
		length = []string{strconv.Itoa(len(body))}
	}
	h := w.Header()
	e.prepare(h, contentTypes[best])
	if vary := h["Vary"]; len(vary) == 0 {
		h["Vary"] = varyAccept
	} else if !varies(h) {
		h["Vary"] = append(slices.Clip(vary), "Accept")
	}
	h["Content-Length"] = length
	w.WriteHeader(int(e.Code))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that has gone needs no answer
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

// WriteHeader writes the status and the header of an answer whose body the
// caller writes then, of the given media type: the error's own header, without
// what described a body that is not sent now, such as Content-Length, ETag and
// Cache-Control. The code must be one of an error: that of an Error from [From]
// is.
func (e *Error) WriteHeader(w http.ResponseWriter, contentType string) {
	e.prepare(w.Header(), []string{contentType})
	w.WriteHeader(int(e.Code))
}

func (e *Error) prepare(h http.Header, contentType []string) {
	for name := range h {
		if describesBody(name) {
			delete(h, name)
		}
	}
	maps.Copy(h, e.Header)
	h["Content-Type"] = contentType
	h["X-Content-Type-Options"] = noSniff
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
	length []string // the value of Content-Length
}

// pages are those of the codes, each made when it is first sent.
var pages [600]atomic.Pointer[page]

// html returns the page in HTML, and its Content-Length if that is known already.
func (e *Error) html() ([]byte, []string) {
	if e.Markup != "" || e.Description != e.Code.Description() {
		return e.makeHTML(), nil
	}
	p := pages[e.Code].Load()
	if p == nil {
		body := e.makeHTML()
		p = &page{body, []string{strconv.Itoa(len(body))}}
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
	b = append(append(append(b, ' '), name...), "</title>\n<h1>"...)
	b = append(append(b, name...), "</h1>\n<p>"...)
	return append(append(b, text...), "</p>\n"...)
}

// problem returns the error as RFC 9457 has it. Members that cannot be written as
// JSON are logged and left out: there must be an answer.
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
		slog.ErrorContext(r.Context(), "members of a problem are no JSON", "path", r.URL.Path, "err", err)
		plain := *e
		plain.Members = nil
		return plain.problem(r)
	}
	return append(text, '\n')
}
