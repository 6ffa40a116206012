package wrappers

import (
	"context"
	"io"
	"net/http"

	"golang.org/x/text/encoding"

	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/requestcopy"
)

// Settings say how requests are read. The zero value is ready for use: every
// zero field stands for its default. They apply to everything inside
// [Settings.Wrap], and [Request.Configure] sets them for one request.
type Settings struct {
	// Limits limit what is read of a body.
	Limits Limits
	// FileMemory is how many bytes of uploaded files of one request are kept in
	// memory; the rest is written to temporary files. 0 means 500,000, a
	// negative number no limit: all files stay in memory.
	FileMemory int64
	// Sink decides where the file of a part goes, before its first byte is read. The writer
	// receives the content as it arrives: a hash, a file of the caller, a pipe into an upload to
	// somewhere else. Without a Sink, and with a nil writer, the file goes to memory and temporary
	// files. An error ends the reading of the form, and answers the request like any other error.
	//
	// When the file is complete, a writer that is an [io.Closer] is closed. If the
	// file breaks off, CloseWithError is called if the writer has that method (like
	// an [io.PipeWriter]), and otherwise Close.
	Sink func(part *Part) (io.Writer, error)
	// Silent treats a malformed form as an empty one, as in Werkzeug, instead of returning an
	// error. Exceeded limits are always errors.
	Silent bool
	// Charset finds the encoding of a text with a declared charset other than
	// UTF-8, US-ASCII and ISO-8859-1; htmlindex.Get of golang.org/x/text knows
	// them all. If it is nil, other charsets are not supported.
	Charset func(name string) (encoding.Encoding, error)
	// JSON says how [Request.JSON] reads.
	JSON JSONRules
	// TrustedHosts are the hosts that [Request.Host] accepts, without ports.
	// A host that starts with a dot means the domain and everything below it.
	// Empty means any host.
	TrustedHosts []string
}

// Limits limit what a request may make the application read and keep. Zero means the default, a
// negative number no limit. A body that exceeds a limit is answered with 413 as soon as that is
// known. Too many fields in the query or the cookies are answered with 400.
type Limits struct {
	// Body is the number of bytes of a whole body; 0 means 32 MiB. A declared
	// Content-Length is checked before the first byte is read.
	Body int64
	// FormMemory is the number of bytes for the names and values of a form's
	// fields, or for a body of urlencoded fields; 0 means 500,000.
	FormMemory int64
	// Fields is the number of fields of a query, of an urlencoded form and of
	// the cookies, each counted separately; 0 means 1,000. Queries and cookies
	// of less than 32 bytes are not counted.
	Fields int
	// Parts is the number of parts of a multipart form, fields and files
	// together; 0 means 1,000.
	Parts int
	// Files is the number of files of a form; 0 means as many as Parts.
	Files int
	// File is the number of bytes of one file; 0 means as many as Body.
	File int64
	// PartHeader is the number of bytes of one part's header; 0 means 16 KiB.
	PartHeader int
}

const (
	defaultBody       = 32 << 20
	defaultFormMemory = 500_000
	defaultFields     = 1000
	defaultParts      = 1000
	defaultPartHeader = 16 << 10
	defaultFileMemory = 500_000
)

func (l *Limits) body() int64       { return limits.Number(l.Body, defaultBody) }
func (l *Limits) formMemory() int64 { return limits.Number(l.FormMemory, defaultFormMemory) }
func (l *Limits) fields() int64     { return limits.Number(int64(l.Fields), defaultFields) }
func (l *Limits) parts() int64      { return limits.Number(int64(l.Parts), defaultParts) }
func (l *Limits) files() int64      { return limits.Number(int64(l.Files), limits.Unlimited[int64]()) }
func (l *Limits) file() int64       { return limits.Number(l.File, limits.Unlimited[int64]()) }
func (l *Limits) partHeader() int64 { return limits.Number(int64(l.PartHeader), defaultPartHeader) }

func (s *Settings) fileMemory() int64 { return limits.Number(s.FileMemory, defaultFileMemory) }

type settingsKey struct{}

var defaultSettings Settings

// Wrap returns a handler whose requests, and those of all handlers inside it,
// are read with these settings. It has the type of a middleware.
func (s Settings) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Body.(*content); ok {
			c.settings = &s
		}
		requestcopy.Serve(next, w, r.WithContext(context.WithValue(r.Context(), settingsKey{}, &s)), r)
	})
}

// Settings returns a copy of the settings with which the request is read.
func (req *Request) Settings() Settings { return *req.reading() }

// Configure sets how the request is read from now on, here and by handlers that
// get req.Request. Parts that have already been read do not change. To change
// one setting of several:
//
//	s := req.Settings()
//	s.Limits.Body = 1 << 30
//	req.Configure(s)
func (req *Request) Configure(s Settings) {
	req.settings = &s
	if c := req.body(); c != nil {
		c.settings = &s
	}
	own := req.Request.WithContext(context.WithValue(req.Context(), settingsKey{}, &s))
	for c := req.content; c != nil; c = c.replaced {
		if req.Request == &c.own { // it stays the Request of this http.Request
			c.own = *own
			return
		}
	}
	req.Request = own
}

// reading returns the current settings, which must not be changed.
func (req *Request) reading() *Settings {
	if req.settings == nil {
		s, ok := req.Context().Value(settingsKey{}).(*Settings)
		if !ok {
			return &defaultSettings
		}
		req.settings = s
	}
	return req.settings
}
