package requests

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/zeugkit/zeug/internal/secret"
)

var (
	//go:embed list.html
	listHTML string
	//go:embed exchange.html
	exchangeHTML string
	//go:embed profile.html
	profileHTML string
	//go:embed requests.css
	css string
	//go:embed requests.js
	js string
)

var functions = template.FuncMap{
	"css":     func() template.CSS { return template.CSS(css) },
	"js":      func() template.JS { return template.JS(js) },
	"visible": visible, "printable": printable, "escaped": escapedTarget,
	"size":  size,
	"took":  took,
	"shown": shown,
	"after": after, "duration": durationText, "level": levelClass,
	"short": shortName, "placed": placed, "edit": editLink,
	"mask": func(reveal bool, name, value string) string {
		switch {
		case reveal:
			return visible(value)
		case value != "" && secret.Name(name):
			return secret.Dots
		}
		return visible(secret.Text(value, secret.Dots, secret.Name))
	},
}

var (
	listPage     = template.Must(template.New("list").Funcs(functions).Parse(listHTML))
	profilePage  = template.Must(template.New("profile").Funcs(functions).Parse(profileHTML))
	exchangePage = template.Must(template.New("exchange").Funcs(functions).Parse(exchangeHTML))
)

// ServeHTTP answers below the path of the list. Nothing is shown unless the Guard allows it, and
// only pages of the list itself may have a request sent.
func (l *List) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := http.Handler(http.HandlerFunc(l.serve))
	if l.Guard != nil {
		h = l.Guard(h)
	}
	http.NewCrossOriginProtection().Handler(h).ServeHTTP(w, r)
}

func (l *List) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "same-origin")
	dir, name := path.Split(r.URL.Path)
	id, err := strconv.Atoi(name)
	switch {
	case name == "":
		l.serveList(w, r)
		return
	case name == "rows":
		l.serveRows(w, r)
		return
	case err != nil:
		if id, err = strconv.Atoi(path.Base(dir)); err != nil {
			http.NotFound(w, r)
			return
		}
	default:
		name = ""
	}
	e, ok := l.Find(id)
	if !ok {
		http.Error(w, "404 this request is not kept: the last "+strconv.Itoa(kept)+" are, until zeug ends", http.StatusNotFound)
		return
	}
	serve, ok := map[string]func(http.ResponseWriter, *http.Request, Exchange){
		"": l.serveExchange, "page": servePage, "curl": serveCurl, "test": l.serveTest, "again": l.serveAgain,
		"want": l.serveWant, "profile": l.serveProfile,
	}[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if wanted := map[bool]string{true: "POST", false: "GET"}[name == "again" || name == "want"]; r.Method != wanted && (wanted != "GET" || r.Method != "HEAD") {
		w.Header().Set("Allow", wanted)
		http.Error(w, "405 ask by "+wanted, http.StatusMethodNotAllowed)
		return
	}
	serve(w, r, e)
}

// Filter chooses exchanges. An empty field chooses all.
type Filter struct {
	Method string
	Status string // its first digits: "4", "404"; "none" is without a response
	Path   string // a part of the target
	Slower string // milliseconds
	slower time.Duration
}

func filterOf(query url.Values) Filter {
	f := Filter{Method: query.Get("method"), Status: query.Get("status"), Path: query.Get("path"), Slower: query.Get("slower")}
	if ms, err := strconv.ParseFloat(f.Slower, 64); err == nil && ms > 0 && ms < 1e9 {
		f.slower = time.Duration(ms * float64(time.Millisecond))
	}
	return f
}

func (f Filter) takes(e Exchange) bool {
	duration := e.Duration
	if !e.Done {
		duration = time.Since(e.Began)
	}
	status := "none"
	if e.Response.Status != 0 {
		status = strconv.Itoa(e.Response.Status)
	}
	return strings.HasPrefix(e.Request.Method, strings.ToUpper(f.Method)) && strings.HasPrefix(status, f.Status) &&
		strings.Contains(e.Request.Target, f.Path) && duration >= f.slower
}

type listed struct {
	Nonce     string
	Version   int
	Filter    Filter
	Exchanges []Exchange
	Kept      int
	profiled  map[int]bool
}

// HasProfile reports whether there is a profile of a request.
func (l listed) HasProfile(id int) bool { return l.profiled[id] }

func (l *List) listed(r *http.Request, version int) listed {
	page := listed{Version: version, Filter: filterOf(r.URL.Query()), Kept: kept, profiled: l.profiled()}
	for _, e := range l.All() {
		if page.Filter.takes(e) {
			page.Exchanges = append(page.Exchanges, e)
		}
	}
	return page
}

func (l *List) serveList(w http.ResponseWriter, r *http.Request) {
	page := l.listed(r, l.wait(r.Context(), -1))
	page.Nonce = policy(w)
	render(w, listPage, "", page)
}

// longest is how long a request for new rows waits.
const longest = 25 * time.Second

// serveRows answers with the rows when their version is not the client's.
func (l *List) serveRows(w http.ResponseWriter, r *http.Request) {
	version, err := strconv.Atoi(r.URL.Query().Get("version"))
	if err != nil {
		version = -1
	}
	ctx, cancel := context.WithTimeout(r.Context(), longest)
	defer cancel()
	page := l.listed(r, l.wait(ctx, version))
	w.Header().Set("Zeug-Version", strconv.Itoa(page.Version))
	render(w, listPage, "rows", page)
}

// policy lets a page use its own style and script alone.
func policy(w http.ResponseWriter) (nonce string) {
	nonce = rand.Text()
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+
		"'; connect-src 'self'; frame-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'")
	return nonce
}

func render(w http.ResponseWriter, t *template.Template, name string, data any) {
	var b bytes.Buffer
	var err error
	if name == "" {
		err = t.Execute(&b, data)
	} else {
		err = t.ExecuteTemplate(&b, name, data)
	}
	if err != nil {
		http.Error(w, "500 "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // the page has gone
}

type opened struct {
	Exchange
	Nonce  string
	Reveal bool
	Query  []Field
	Form   []Field
	// IsAwaited says that the next request like this one is to be profiled.
	IsAwaited  bool
	HasProfile bool
	// Timeline shows where the time went. It is empty until the program has reported it.
	Timeline []bar
	// Before is the exchange that this one repeats, and Changes is how the two differ.
	Before  *Exchange
	Changes []Change
	// Unknown says why the request cannot be sent again as it was.
	Unknown error
}

func (l *List) serveExchange(w http.ResponseWriter, r *http.Request, e Exchange) {
	page := opened{Exchange: e, Nonce: policy(w), Reveal: r.URL.Query().Has("reveal"), Unknown: e.Request.known()}
	page.Timeline = timelineOf(e.Facts)
	page.IsAwaited, page.HasProfile = l.waitsFor(e), l.profileOf(e.ID) != nil
	_, query, _ := strings.Cut(e.Request.Target, "?")
	page.Query = pairs(query)
	if mediaType(e.Request.Fields) == "application/x-www-form-urlencoded" {
		page.Form = pairs(string(e.Request.Body.Bytes))
	}
	if before, ok := l.Find(e.Again); ok {
		page.Before, page.Changes = &before, Compare(before, e)
	}
	render(w, exchangePage, "", page)
}

// pairs are the fields of a query or a form, in their order.
func pairs(query string) []Field {
	var list []Field
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" || len(list) == 500 {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		list = append(list, Field{unescaped(name), unescaped(value)})
	}
	return list
}

func unescaped(text string) string {
	if t, err := url.QueryUnescape(text); err == nil {
		return t
	}
	return text
}

// servePage shows the body of a response as a browser shows it, without scripts and without anything
// loaded from elsewhere.
func servePage(w http.ResponseWriter, _ *http.Request, e Exchange) {
	kind := mediaType(e.Response.Fields)
	if field(e.Response.Fields, "Content-Encoding") != "" || kind != "text/html" && (!strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "image/svg")) {
		http.Error(w, "404 the response is not a page", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'")
	w.Header().Set("Content-Type", field(e.Response.Fields, "Content-Type"))
	_, _ = w.Write(e.Response.Body.Bytes) // as in render
}

func serveCurl(w http.ResponseWriter, _ *http.Request, e Exchange) {
	text, err := e.Request.Curl()
	serveText(w, text+"\n", err)
}

func (l *List) serveTest(w http.ResponseWriter, r *http.Request, e Exchange) {
	folder := ""
	if l.Tests != nil {
		folder = l.Tests()
	}
	text, err := e.Test(folder, r.URL.Query().Get("chosen"))
	serveText(w, text, err)
}

func serveText(w http.ResponseWriter, text string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text) // as in render
}

// serveAgain sends the request again, with what the form changes of it, and shows the new exchange.
func (l *List) serveAgain(w http.ResponseWriter, r *http.Request, e Exchange) {
	r.Body = http.MaxBytesReader(w, r.Body, 4*(maxBody+maxFields))
	if err := r.ParseForm(); err != nil {
		http.Error(w, "400 "+err.Error(), http.StatusBadRequest)
		return
	}
	request, err := e.Request.changed(r.PostForm)
	if err != nil {
		http.Error(w, "422 "+err.Error(), http.StatusUnprocessableEntity)
		return
	}
	made, stale, err := l.send(r, e.ID, request)
	if err != nil {
		http.Error(w, "422 "+err.Error(), http.StatusUnprocessableEntity)
		return
	}
	if r.Header.Get("Accept") == "application/json" {
		l.serveOutcome(w, r, made, stale)
		return
	}
	http.Redirect(w, r, "../"+strconv.Itoa(made), http.StatusSeeOther)
}

// outcome is what the page of a failure asks about a request that was sent again.
type outcome struct {
	ID     int `json:"id"`
	Status int `json:"status"` // 0 without a response
	// Stale says why the program that answered is older than its source.
	Stale string `json:"stale,omitempty"`
	// Failure is the path of the page of a failure, and Failed says what failed.
	Failure string `json:"failure,omitempty"`
	Failed  string `json:"failed,omitempty"`
}

// tellTime is how long the program may take to tell what it knows of a request that it has answered.
const tellTime = 2 * time.Second

func (l *List) serveOutcome(w http.ResponseWriter, r *http.Request, made int, stale string) {
	ctx, cancel := context.WithTimeout(r.Context(), tellTime)
	defer cancel()
	e, _ := l.Find(made)
	for version := -1; e.Facts.Exchange == 0 && e.Response.Status != 0 && ctx.Err() == nil; e, _ = l.Find(made) {
		version = l.wait(ctx, version)
	}
	if e.Response.Status == 0 && stale == "" {
		stale = "it gave no response"
	}
	text, err := json.Marshal(outcome{
		ID: made, Status: e.Response.Status, Stale: stale, Failure: e.Failure(),
		Failed: visible(secret.Text(e.Facts.Failed, secret.Dots, secret.Name)),
	})
	if err != nil {
		http.Error(w, "500 "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // as in render
}

// visible is a text in which every character can be seen: none hides or turns what stands around it.
func visible(text string) string {
	if printable(text) {
		return text
	}
	var b strings.Builder
	for _, c := range strings.ToValidUTF8(text, "\ufffd") {
		if c == '\n' || c == '\t' || unicode.IsPrint(c) {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, "\\u{%x}", c)
		}
	}
	return b.String()
}

// shown is a body as text: JSON is indented, and bytes are counted only.
func shown(b Body, fields []Field) string {
	kind := mediaType(fields)
	if kind == "application/json" || strings.HasSuffix(kind, "+json") {
		var indented bytes.Buffer
		if json.Indent(&indented, b.Bytes, "", "  ") == nil && indented.Len() < 4*maxBody {
			return visible(indented.String())
		}
	}
	if field(fields, "Content-Encoding") != "" {
		return fmt.Sprintf("%s, encoded by %s", size(b.Size), visible(field(fields, "Content-Encoding")))
	}
	if text := strings.ToValidUTF8(string(b.Bytes), ""); bytes.ContainsRune(b.Bytes, 0) || len(b.Bytes)-len(text) > 3 {
		return size(b.Size) + " that are not text"
	}
	return visible(string(b.Bytes))
}

func size(n int64) string {
	switch {
	case n < 1<<10:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " KiB"
	}
	return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
}

func took(e Exchange) string {
	switch {
	case !e.Done && e.Response.Status != 0:
		return "open"
	case !e.Done:
		return "running"
	}
	return durationText(e.Duration)
}

func durationText(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64) + " ms"
	case d < time.Second:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + " ms"
	default:
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
	}
}

// after is a time since the beginning of a request.
func after(d time.Duration) string { return "+" + durationText(d) }

// levelClass is the class of a log record by its level: "WARN", "ERROR+2".
func levelClass(level string) string {
	var l slog.Level
	switch {
	case l.UnmarshalText([]byte(level)) != nil || l < slog.LevelWarn:
		return ""
	case l < slog.LevelError:
		return "warning"
	}
	return "wrong"
}

// errNoProgram says that nothing can be sent.
var errNoProgram = errors.New("there is no program to send requests to")
