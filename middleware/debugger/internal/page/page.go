// Package page shows the report of a failure in the form that a client wants: as a page for browsers, as JSON, as text,
// or as a piece of HTML for a library that puts responses into a page.
//
//	page.Page{Report: report, Status: 500}.ServeHTTP(w, r)
//
// The page is one document with its style and script. Its frames get their variables from the address in
// [Live]. The debugger decides before whether a client may see the page.
package page

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/editor"
	"github.com/zeugkit/zeug/middleware/debugger/internal/capture"
	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
	"github.com/zeugkit/zeug/middleware/debugger/internal/place"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// Page answers with a report. Everything it needs is in the document, so it uses no other URL of
// the application.
type Page struct {
	*capture.Report
	Live Live
	// Editor is the link that opens a file in an editor.
	Editor string
	// Dashboard is the path of that page, or "".
	Dashboard string
	// Status is the status of the response.
	Status int
}

// Live is the path where a page gets the variables of its frames.
type Live struct {
	// URL is the address below which they are: a path with a slash at its end.
	URL string
	// Secret is the value that each request needs in the header field Zeug-Secret.
	Secret string
}

// Functions are what the templates of all pages of the debugger can call.
var Functions = template.FuncMap{
	"short": func(file string) string { return dump.Visible(place.Short(file)) },
	"count": func(g capture.Goroutine) int { return g.Alike + 1 },
	"css":   func() template.CSS { return template.CSS(pageCSS) },
	"js":    func() template.JS { return template.JS(pageJS) },
}

var pageTemplate = template.Must(template.New("page").Funcs(dump.Functions).Funcs(Functions).Parse(pageHTML))

func (p Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	nonce := SetHeader(h)
	kind, body := p.Body(Wanted(r), nonce)
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client has gone
	}
}

// SetHeader sets in a header the fields of the debugger's pages, and returns the nonce of its style and
// script.
func SetHeader(h http.Header) (nonce string) {
	// Fields that an outer middleware has set for the original response do not apply to this page.
	for _, name := range []string{"Content-Disposition", "Content-Security-Policy-Report-Only", "Etag", "Expires", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept")
	nonce = rand.Text()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+
		"'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'")
	return nonce
}

// Body returns the report in one of its forms, or as text if that fails.
func (p Page) Body(f Format, nonce string) (kind string, body []byte) {
	defer func() {
		if recover() != nil {
			kind, body = "text/plain; charset=utf-8", []byte(p.Text())
		}
	}()
	switch f {
	case HTML:
		return "text/html; charset=utf-8", p.html(nonce)
	case Fragment:
		return "text/html; charset=utf-8", p.fragment()
	case JSON:
		return "application/json", p.json()
	}
	return "text/plain; charset=utf-8", []byte(p.Text())
}

// Format is a form of a report.
type Format int

const (
	Text Format = iota
	JSON
	HTML
	Fragment
)

// Wanted returns the form of the report that suits the client: HTML or JSON, whichever it names and
// prefers. Clients that accept anything (curl, fetch) get text. A library that puts the response
// into a page (htmx, Unpoly) gets the text as HTML.
func Wanted(r *http.Request) Format {
	for kind, quality := range datastructures.ParseMIMEAccept(strings.Join(r.Header["Accept"], ",")).All() {
		kind, _, _ = strings.Cut(strings.ToLower(kind), ";")
		switch kind = strings.TrimSpace(kind); {
		case quality == 0:
		case kind == "application/json", strings.HasSuffix(kind, "+json"):
			return JSON
		case kind == "text/html", kind == "application/xhtml+xml":
			if inserts(r) {
				return Fragment
			}
			return HTML
		}
	}
	if inserts(r) {
		return Fragment
	}
	return Text
}

// inserts reports whether the request says that a script will put the response
// into a page, whatever its type.
func inserts(r *http.Request) bool {
	return r.Header.Get("Hx-Request") != "" || r.Header.Get("X-Up-Version") != ""
}

// fragment is the report as a part of another page: it has neither style nor script, because that
// page's policy might forbid them.
func (p Page) fragment() []byte {
	return []byte(`<section role="alert"><pre>` + template.HTMLEscapeString(p.Text()) + "</pre></section>\n")
}

func (p Page) json() []byte {
	text, err := json.MarshalIndent(p.Report, "", "  ")
	if err != nil {
		// A report is made of strings and numbers, so this cannot fail.
		return []byte(strconv.Quote(err.Error()))
	}
	return append(dump.EscapeHidden(text), '\n')
}

func (p Page) html(nonce string) []byte {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, struct {
		Page
		Nonce string
	}{p, nonce})
	if err != nil {
		return []byte("<!doctype html><pre>" + template.HTMLEscapeString(p.Text()) + "</pre>")
	}
	return b.Bytes()
}

// shownFrame is a frame with what the page adds to it.
type shownFrame struct {
	capture.Frame
	Index int
	Open  bool
	Edit  template.URL
	Live  bool // it may have variables
}

// shownFrames are frames that follow each other. Two or more frames of libraries are folded if the
// stack also has frames of the application.
type shownFrames struct {
	Frames []shownFrame
	// Folded names their packages; it is "" for frames that are not folded.
	Folded string
	// Hidden says that Debugger.Hide names them.
	Hidden bool
}

// maxOpen is how many frames are open at first.
const maxOpen = 3

// ShownFrames are the frames of the failure. The newest frames of the application are open at
// first, or, if there are none, the newest of all.
func (p Page) ShownFrames() []shownFrames {
	return p.shown(p.Frames, 0, maxOpen)
}

// shown groups frames; the first of them has the given number. It opens some of the groups.
func (p Page) shown(frames []capture.Frame, first, open int) []shownFrames {
	var list []shownFrames
	own := false
	for _, f := range frames {
		own = own || !aside(f)
	}
	for i, f := range frames {
		shown := shownFrame{Frame: f, Index: first + i, Edit: Edit(p.Editor, f), Live: p.Live.URL != "" && !f.Template}
		if open > 0 && (!aside(f) || !own && i == 0 && p.Panicked) {
			shown.Open = true
			open--
		}
		last := len(list) - 1
		folded := own && aside(f)
		if !folded || last < 0 || list[last].Folded == "" || list[last].Hidden != f.Hidden || f.Panicked || f.Omitted > 0 {
			list = append(list, shownFrames{Hidden: f.Hidden})
			if last++; folded {
				list[last].Folded = shortPackage(f)
			}
		} else if name := shortPackage(f); !slices.Contains(strings.Split(list[last].Folded, ", "), name) {
			list[last].Folded += ", " + name
		}
		list[last].Frames = append(list[last].Frames, shown)
	}
	for i, group := range list {
		if len(group.Frames) == 1 && !group.Hidden {
			list[i].Folded = ""
		}
	}
	return list
}

// shownGoroutine is one of the other goroutines; the numbers of its frames continue the count.
type shownGoroutine struct {
	capture.Goroutine
	Shown []shownFrames
}

// ShownOthers lists the other goroutines, apart from the one that failed.
func (p Page) ShownOthers() []shownGoroutine {
	list := make([]shownGoroutine, len(p.Others))
	next := len(p.Frames)
	for i, g := range p.Others {
		list[i] = shownGoroutine{g, p.shown(g.Frames, next, 0)}
		next += len(g.Frames)
	}
	return list
}

// aside reports whether a frame is outside the code that the developer is working on.
func aside(f capture.Frame) bool { return f.Library || f.Hidden }

// shortPackage is the last part of the package's import path.
func shortPackage(f capture.Frame) string {
	pkg := f.Package()
	return pkg[strings.LastIndexByte(pkg, '/')+1:]
}

// Edit returns the link that opens a frame's place in an editor, or "".
func Edit(pattern string, f capture.Frame) template.URL {
	if len(f.Source) == 0 {
		return ""
	}
	return editor.Link(pattern, capture.Locate(f.File), f.Line, f.Column)
}

// Told returns the causes that know where they were made, without the one whose frames are the
// traceback.
func (p Page) Told(c capture.Cause) bool {
	if len(c.Frames) == 0 {
		return false
	}
	for _, f := range p.Frames {
		if !f.Template {
			return f.Function != c.Frames[0].Function || f.Line != c.Frames[0].Line
		}
	}
	return true
}

// Chain reports whether there is more to show than the error's message: wrapped errors, or fields.
func (p Page) Chain() bool {
	return len(p.Causes) > 1 || len(p.Causes) == 1 && p.Causes[0].Fields != nil
}

// Headline is the first line of the message, and Rest is the remaining text, if there is any.
func (p Page) Headline() string {
	first, _, _ := strings.Cut(p.Message, "\n")
	if p.Value != nil && dump.HasParts(p.Value) && len(first) > 120 {
		return first[:dump.Boundary(first, 120)] + "…" // the whole message follows, in order
	}
	if len(first) > 400 {
		return dump.Cut(first, 400)
	}
	return first
}

// Rest is the whole message if the headline is not all of it.
func (p Page) Rest() string {
	if p.Headline() == p.Message || p.Value != nil && p.Value.Text == "" && !strings.Contains(p.Message, "\n") {
		return ""
	}
	return p.Message
}

// Again reports whether a form can send the request once more: its fields are
// known, and none was masked. A request of another machine is left alone.
func (p Page) Again() bool {
	if p.PostMortem {
		return false
	}
	if p.Request.Method == http.MethodGet {
		return !strings.Contains(p.Request.URL, capture.Masked) && len(p.Request.URL) <= capture.MaxField
	}
	if p.Request.Method != http.MethodPost || !p.Request.FormParsed || len(p.Request.Files) > 0 {
		return false
	}
	if len(p.Request.Form) > capture.MaxFields || len(p.Request.URL) > capture.MaxField {
		return false
	}
	for _, f := range p.Request.Form {
		if f.Value == capture.Masked || len(f.Value) > capture.MaxField || len(f.Name) > capture.MaxField || dump.VisibleLines(f.Name+f.Value) != f.Name+f.Value {
			return false // bytes that cannot be shown would be sent differently
		}
	}
	return true
}

// Multipart reports whether the form came in parts, and must be sent in parts again.
func (p Page) Multipart() bool {
	for _, f := range p.Request.Headers {
		if f.Name == "Content-Type" {
			return strings.HasPrefix(strings.ToLower(f.Value), "multipart/form-data")
		}
	}
	return false
}
