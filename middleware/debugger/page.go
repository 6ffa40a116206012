package debugger

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// page answers with a [Report]. Everything it needs is in the document: no
// other URL of the application is taken.
type page struct {
	*Report
	Live   Live
	editor string
	status int
}

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"visible": visible,
	"short":   func(file string) string { return visible(shortPath(file)) },
	"lines":   visibleLines,
	"css":     func() template.CSS { return template.CSS(pageCSS) },
	"js":      func() template.JS { return template.JS(pageJS) },
}).Parse(pageHTML))

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept")
	var body []byte
	switch wanted(r) {
	case asHTML:
		nonce := rand.Text()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+
			"'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'")
		body = p.html(nonce)
	case asJSON:
		h.Set("Content-Type", "application/json")
		body = p.json()
	default:
		h.Set("Content-Type", "text/plain; charset=utf-8")
		body = []byte(p.Text())
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client has gone: there is nobody to tell
	}
}

type format int

const (
	asText format = iota
	asJSON
	asHTML
)

// wanted is the form of the report that suits the client: the one of HTML and
// JSON that it names and likes better. Who takes anything (curl) reads text.
func wanted(r *http.Request) format {
	for kind, quality := range datastructures.ParseMIMEAccept(strings.Join(r.Header["Accept"], ",")).All() {
		kind, _, _ = strings.Cut(strings.ToLower(kind), ";")
		switch kind = strings.TrimSpace(kind); {
		case quality == 0:
		case kind == "text/html", kind == "application/xhtml+xml":
			return asHTML
		case kind == "application/json", strings.HasSuffix(kind, "+json"):
			return asJSON
		}
	}
	return asText
}

func (p page) json() []byte {
	text, err := json.MarshalIndent(p.Report, "", "  ")
	if err != nil {
		// A report is made of texts and numbers; this cannot be.
		return []byte(strconv.Quote(err.Error()))
	}
	return append(text, '\n')
}

func (p page) html(nonce string) []byte {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, struct {
		page
		Nonce string
	}{p, nonce})
	if err != nil {
		return []byte("<!doctype html><pre>" + template.HTMLEscapeString(p.Text()) + "</pre>")
	}
	return b.Bytes()
}

// shownFrame is a frame with what the page adds to it.
type shownFrame struct {
	Frame
	Index int
	Open  bool
	Edit  template.URL
	Live  bool // it may have variables
}

// maxOpen is how many frames are open at first.
const maxOpen = 12

// ShownFrames marks the frames that are open at first: the newest ones of the
// application, or else the newest at all.
func (p page) ShownFrames() []shownFrame {
	list := p.shown(p.Frames, 0)
	opened := 0
	for i, f := range list {
		if !f.Library && opened < maxOpen {
			list[i].Open = true
			opened++
		}
	}
	if opened == 0 && len(list) > 0 {
		list[0].Open = true
	}
	return list
}

func (p page) shown(frames []Frame, first int) []shownFrame {
	list := make([]shownFrame, len(frames))
	for i, f := range frames {
		list[i] = shownFrame{Frame: f, Index: first + i, Edit: p.edit(f), Live: p.Live.URL != "" && !f.Template}
	}
	return list
}

// shownGoroutine is one of the others, whose frames are numbered on.
type shownGoroutine struct {
	Goroutine
	Shown []shownFrame
}

// ShownOthers lists the goroutines beside the one that failed.
func (p page) ShownOthers() []shownGoroutine {
	list := make([]shownGoroutine, len(p.Others))
	next := len(p.Frames)
	for i, g := range p.Others {
		list[i] = shownGoroutine{g, p.shown(g.Frames, next)}
		next += len(g.Frames)
	}
	return list
}

// edit is the link that opens a frame's place in an editor, or "".
func (p page) edit(f Frame) template.URL {
	if p.editor == "off" || f.Template || len(f.Source) == 0 {
		return ""
	}
	link := strings.NewReplacer("{file}", (&url.URL{Path: self().locate(f.File)}).EscapedPath(), "{line}", strconv.Itoa(f.Line)).Replace(p.editor)
	link = strings.Replace(link, "file//", "file/", 1)
	if scheme, _, ok := strings.Cut(link, ":"); !ok || strings.EqualFold(scheme, "javascript") || strings.EqualFold(scheme, "data") {
		return ""
	}
	return template.URL(link)
}

// Libraries reports whether some frames are folded away as library frames.
func (p page) Libraries() bool {
	own, library := false, false
	for _, f := range p.Frames {
		own = own || !f.Library
		library = library || f.Library
	}
	return own && library
}

// Again reports whether the request can be sent once more by a form: its
// fields are known, and none was masked.
func (p page) Again() bool {
	if p.Request.Method == http.MethodGet {
		return !strings.Contains(p.Request.URL, masked)
	}
	if p.Request.Method != http.MethodPost || !p.Request.FormParsed || len(p.Request.Files) > 0 {
		return false
	}
	for _, f := range p.Request.Form {
		if f.Value == masked {
			return false
		}
	}
	return true
}
