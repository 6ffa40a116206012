// Package requests keeps the last requests to a program in development with their responses, shows
// them in the browser, sends them again, and writes them as a curl command and as a Go test.
//
// The supervisor of "zeug run" passes every request on, so the list is its own: it costs the program
// nothing and outlives it. A [List] takes requests by [List.Record], and answers below its own path:
//
//	/.zeug/requests/              the list, which can be filtered
//	/.zeug/requests/7             one request with its response
//	/.zeug/requests/7/again       sends it again, changed or not, and compares
package requests

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/supervise"
)

const (
	// kept is how many exchanges there are at most. The oldest go.
	kept = 200
	// maxBody is how many bytes of a body are kept.
	maxBody = 64 << 10
	// maxFields is how many bytes of the names and values of one header are kept.
	maxFields = 32 << 10
)

// An Exchange is a request and its response. It does not change any more once it is Done.
type Exchange struct {
	ID       int
	Began    time.Time
	Duration time.Duration // until the response's end
	Request  Request
	Response Response
	Done     bool
	// Again is the exchange that this one repeats, 0 for none.
	Again int
	// Facts are what the program itself says of the request.
	Facts supervise.Facts
}

// Failure is the path of the page of the request's failure, "" if there is none.
func (e Exchange) Failure() string {
	if strings.HasPrefix(e.Facts.Failure, supervise.Prefix+supervise.DebuggerPath) {
		return e.Facts.Failure
	}
	return ""
}

// Stream is the kind of a response that stays open: an event stream, a websocket or another protocol.
// It is "" for other responses.
func (e Exchange) Stream() string {
	switch {
	case e.Response.Status == http.StatusSwitchingProtocols && strings.EqualFold(field(e.Response.Fields, "Upgrade"), "websocket"):
		return "websocket"
	case e.Response.Status == http.StatusSwitchingProtocols:
		return "other protocol"
	case mediaType(e.Response.Fields) == "text/event-stream":
		return "event stream"
	}
	return ""
}

// Request is a request as the client sent it.
type Request struct {
	Method string
	Scheme string // http or https
	Host   string
	Target string // of the request line: "/path?query", rarely "*"
	Proto  string
	Client string
	Fields []Field
	Body   Body
}

// Response is what the program answered. Status 0 means no response.
type Response struct {
	Status int
	Fields []Field
	Body   Body
}

// Field is one line of a header, or another name with its value.
type Field struct{ Name, Value string }

// Body is the first [maxBody] bytes of a body.
type Body struct {
	Bytes []byte
	Size  int64 // of the bytes that were read
	Whole bool  // it was read to its end
}

// Write keeps as much of p as there is room for.
func (b *Body) Write(p []byte) (int, error) {
	b.Size += int64(len(p))
	b.Bytes = append(b.Bytes, p[:min(len(p), maxBody-len(b.Bytes))]...)
	return len(p), nil
}

// Known reports whether Bytes is all of the body.
func (b Body) Known() bool { return b.Whole && b.Size == int64(len(b.Bytes)) }

// Kept is how many bytes there are, and IsCut reports whether more were read.
func (b Body) Kept() int64 { return int64(len(b.Bytes)) }
func (b Body) IsCut() bool { return b.Kept() < b.Size }

// fieldsOf lists a header by name. It is cut to maxFields.
func fieldsOf(header http.Header) []Field {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	left := maxFields
	list := []Field{}
	for _, name := range names {
		for _, value := range header[name] {
			if left -= len(name) + len(value); left < 0 {
				return append(list, Field{cutMark, "the header is longer than what is kept"})
			}
			list = append(list, Field{name, value})
		}
	}
	return list
}

// cutMark is the name in place of the fields of a header that are not kept.
const cutMark = "…"

// field returns the first value of a field, "" if there is none.
func field(fields []Field, name string) string {
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Path is the target without its query.
func (r Request) Path() string {
	path, _, _ := strings.Cut(r.Target, "?")
	return path
}

// Header is the header as text, a line for each field.
func (r Request) Header() string {
	var b strings.Builder
	for _, f := range r.Fields {
		b.WriteString(f.Name + ": " + f.Value + "\n")
	}
	return b.String()
}

// URL is the absolute one.
func (r Request) URL() string { return r.Scheme + "://" + r.Host + r.Target }

// mediaType is the value of the field Content-Type, in lower case and without parameters.
func mediaType(fields []Field) string {
	kind, _, _ := strings.Cut(field(fields, "Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}
