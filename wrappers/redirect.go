package wrappers

import (
	"html"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/internal/httplex"
	"github.com/zeugkit/zeug/urls"
)

// Redirect returns a Response that sends the client to another URL, with a page
// that links there. Its Status is 303: the client then sends a GET. Set another Status for another
// redirect: with 307 (temporary) and 308 (permanent) the client repeats the request with its method
// and body. 302 and 301 are their older forms, which turn POST into GET in most clients.
//
// The location is a URL or IRI, absolute or relative to the URL of the request (see
// [Response.SetLocation]). A redirect to a location from a client is an open redirect: check that
// it is one of your own URLs.
func Redirect(location string) *Response {
	uri := urls.IRIToURI(location)
	link := html.EscapeString(uri)
	text := link
	if uri != location {
		text = html.EscapeString(location)
	}
	resp := HTML("<!doctype html>\n<html lang=en>\n<title>Redirect</title>\n" +
		"<p>This is now at <a href=\"" + link + "\">" + text + "</a>.</p>\n")
	resp.Status = http.StatusSeeOther
	resp.SetLocation(location)
	return resp
}

// AppendSlashRedirect returns a redirect to the URL of r with a slash at the end
// of its path. Its Status is 308. The location contains only the last segment, "42/?page=2", so it
// is right below every mount and proxy. Use it for paths that do not end with a slash. If the path
// does end with a slash, like the root, the result is "./", a redirect to itself.
func AppendSlashRedirect(r *http.Request) *Response {
	path := r.URL.EscapedPath()
	last := path[strings.LastIndexByte(path, '/')+1:]
	if last == "" {
		last = "."
	}
	// "a:b/" would be a URL with the scheme "a".
	location := strings.ReplaceAll(last, ":", "%3A") + "/"
	if r.URL.RawQuery != "" {
		location += "?" + r.URL.RawQuery
	}
	resp := Redirect(location)
	resp.Status = http.StatusPermanentRedirect
	return resp
}

// SetLocation sets Location, the URL of a redirect or of the resource that a 201 created. It may be
// an IRI. When it is sent, its host is encoded with IDNA, and characters that cannot be sent are
// percent-encoded. One of these is the backslash: browsers read it as a slash, and "/\evil.example"
// as another host. Control characters are encoded at once.
func (resp *Response) SetLocation(location string) { resp.setIRI("Location", location) }

func (resp *Response) setIRI(name, iri string) {
	if !httplex.IsFieldValue(iri) {
		iri = urls.IRIToURI(iri)
	}
	resp.Header()[name] = []string{iri}
}
