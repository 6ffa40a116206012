package wrappers

import (
	"html"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/internal/httplex"
	"github.com/zeugkit/zeug/urls"
)

// Redirect returns a Response that sends the client to another URL, with a page
// that links there. The code is 303 unless one is given: the client asks with
// GET. With 307 (for now) and 308 (for good) it repeats the request as it was;
// 302 and 301 are their elder forms, which turn POST into GET in most clients.
//
// The location is a URL or IRI, absolute or relative to the one asked for (see
// [Response.SetLocation]). Redirecting to what a client wrote is an open
// redirect, whoever does it: check that it is one of your own URLs.
func Redirect(location string, code ...int) *Response {
	link := html.EscapeString(urls.IRIToURI(location))
	resp := HTML("<!doctype html>\n<html lang=en>\n<title>Redirect</title>\n" +
		"<p>This is now at <a href=\"" + link + "\">" + html.EscapeString(location) + "</a>.</p>\n")
	resp.Status = http.StatusSeeOther
	if len(code) > 0 {
		resp.Status = code[0]
	}
	resp.SetLocation(location)
	return resp
}

// AppendSlashRedirect returns a redirect to the URL of r with a slash at the end
// of its path; 308 unless another code is given. The location names the last
// segment alone, "42/?page=2", so it is right below every mount and proxy. It
// is for paths that do not end in a slash: of one that does, as of the root, the
// result is "./", a redirect to itself.
func AppendSlashRedirect(r *http.Request, code ...int) *Response {
	path := r.URL.EscapedPath()
	last := path[strings.LastIndexByte(path, '/')+1:]
	if last == "" {
		last = "."
	}
	// "a:b/" would be a URL of the scheme "a".
	location := strings.ReplaceAll(last, ":", "%3A") + "/"
	if r.URL.RawQuery != "" {
		location += "?" + r.URL.RawQuery
	}
	if len(code) == 0 {
		code = []int{http.StatusPermanentRedirect}
	}
	return Redirect(location, code...)
}

// SetLocation sets Location, the URL of a redirect or of what a 201 created. It
// may be an IRI: when it is sent its host is encoded as IDNA has it, and all
// that does not travel is percent-encoded, such as a backslash, which browsers
// take for a slash and "/\evil.example" for another host. Control characters
// are encoded at once.
func (resp *Response) SetLocation(location string) { resp.setIRI("Location", location) }

// SetContentLocation sets Content-Location, the URL of this very body, in the
// way of [Response.SetLocation].
func (resp *Response) SetContentLocation(location string) {
	resp.setIRI("Content-Location", location)
}

func (resp *Response) setIRI(name, iri string) {
	if !httplex.IsFieldValue(iri) {
		iri = urls.IRIToURI(iri)
	}
	resp.Header()[name] = []string{iri}
}

// sentIRIs returns the lines of a field that holds an IRI as they are sent.
func sentIRIs(lines []string) []string {
	uris := make([]string, len(lines))
	for i, iri := range lines {
		uris[i] = urls.IRIToURI(iri)
	}
	return uris
}
