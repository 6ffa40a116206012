package reload

import (
	"bufio"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/secret"
	"github.com/zeugkit/zeug/middleware/debugger"
)

// serveFailure explains why there is no application to answer. A browser gets a page with excerpts
// of the source, which reloads itself after a change; other clients get text. A client that may not
// read source gets only the status, or the form for the PIN.
func (s *Supervisor) serveFailure(w http.ResponseWriter, r *http.Request, f *Failure, status int, version string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if f == nil {
		f = &Failure{Kind: Waiting, Command: s.commandLine()}
	}
	if f.Kind == BuildFailed || f.Kind == StartFailed {
		status = http.StatusInternalServerError
	}
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	switch access := s.config.Guard.Access(r); {
	case access == debugger.Locked && isNavigation(r):
		s.config.Guard.Ask(w, r, status)
		return
	case access != debugger.Granted:
		http.Error(w, strconv.Itoa(status)+" "+http.StatusText(status), status)
		return
	}
	if s.serveReport(w, r, f, status, version) {
		return
	}
	if !isNavigation(r) {
		h.Add("Vary", "Accept")
		kind, body := "text/plain; charset=utf-8", fmt.Appendf(nil, "%s\n%s\n%s", f.Error(), f.asked(), uncoloured(f.Output))
		if accepted := jsonType(r); accepted != "" {
			// The members are strings and numbers, which always have a form in JSON.
			if text, err := s.problem(f, status); err == nil {
				kind, body = accepted, text
			}
		}
		h.Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write(append(body, '\n')) // the client has gone
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	w.WriteHeader(status)
	out := bufio.NewWriter(w)
	defer out.Flush()
	s.writePage(out, r, f, version, strconv.Itoa(status)+" "+http.StatusText(status))
}

// serveLost answers a request whose process ended while the request ran.
func (s *Supervisor) serveLost(w http.ResponseWriter, r *http.Request, t *trip, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the client left
	}
	p := t.process
	if !p.awaitEnd() && t.failure == nil {
		s.config.Logger.Error("the program did not answer", "method", r.Method, "uri", secret.URI(r.RequestURI), "err", err)
		s.serveFailure(w, r, &Failure{Kind: Died, Err: fmt.Errorf("no answer: %w", err), Command: s.commandLine()}, http.StatusBadGateway, t.version)
		return
	}
	f := t.failure
	if f == nil {
		f = s.failureOf(p, Died)
	}
	s.config.Logger.Error("the program ended before it answered", "method", r.Method, "uri", secret.URI(r.RequestURI), "err", p.err)
	s.serveFailure(w, r, f, http.StatusBadGateway, t.version)
}

const style = `:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem clamp(1rem,4vw,2rem);color:#222;background:#fff;overflow-wrap:anywhere}
h1{font-size:1.5rem;color:#a00}h2{font-size:1rem;margin:1.5rem 0 .25rem;font-family:ui-monospace,monospace}
pre{background:#f4f4f2;padding:.75rem;overflow:auto;border-radius:4px;font:13px/1.45 ui-monospace,monospace;tab-size:4}
mark{background:#fdd;display:inline-block;min-width:100%}p.message{color:#a00;white-space:pre-wrap;margin:.25rem 0}
footer{color:#595959;font-size:.85rem;margin-top:2rem}
@media(prefers-color-scheme:dark){footer{color:#aaa}body{color:#ddd;background:#1b1b1b}pre{background:#262626}mark{background:#522;color:inherit}h1,p.message{color:#f88}}
@media print{:root{color-scheme:light}body{color:#000;background:#fff}pre{background:#fff;border:1px solid #999;white-space:pre-wrap}mark{background:#eee;color:#000}h1,p.message{color:#000}footer{color:#444}}`

func (s *Supervisor) writePage(w *bufio.Writer, r *http.Request, f *Failure, version, status string) {
	headline := f.headline()
	title := html.EscapeString(headline)
	fmt.Fprintf(w, "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<title>%s</title>\n<style>%s</style>\n", title, style)
	if r.Method == http.MethodGet {
		w.WriteString(scriptTag(version, "") + "\n")
	}
	fmt.Fprintf(w, "</head>\n<body>\n<main>\n<h1>%s</h1>\n", title)
	if headline != f.Error() {
		fmt.Fprintf(w, "<p>%s</p>\n", html.EscapeString(f.Error()))
	}
	if f.Command != "" {
		fmt.Fprintf(w, "<p><code>%s</code></p>\n", html.EscapeString(f.Command))
	}
	for _, p := range f.Problems {
		place := s.relative(p.File) + ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			place += ":" + strconv.Itoa(p.Column)
		}
		fmt.Fprintf(w, "<h2>%s</h2>\n<p class=message>%s</p>\n", html.EscapeString(place), html.EscapeString(p.Message))
		w.WriteString(excerpt(p))
	}
	if len(f.lost) > 0 {
		fmt.Fprintf(w, "<h2>Requests on their way</h2>\n<pre tabindex=0>%s</pre>\n", html.EscapeString(f.asked()))
	}
	if text := uncoloured(f.Output); text != "" {
		fmt.Fprintf(w, "<h2>Output</h2>\n<pre tabindex=0>%s</pre>\n", html.EscapeString(text))
	}
	note := "This page loads itself again when the source has changed."
	if r.Method != http.MethodGet {
		note = "What was sent has not reached the program. Mend the source, and send it again."
	}
	if f.Kind == Waiting {
		note = "It is built, or has not begun to serve, which it does when it calls serving.Run. This page loads itself again when it has."
	}
	if f.Kind == Died {
		note = "The next request is answered by a new process, unless this one ended before it was sent any."
		if why := f.ending(); why != "" {
			note = why + " " + note
		}
	}
	fmt.Fprintf(w, "</main>\n<footer>%s (%s)</footer>\n</body>\n</html>\n", note, status)
}

// jsonType returns the JSON media type that a client names and prefers to text and HTML, or "".
func jsonType(r *http.Request) string {
	accepted := datastructures.ParseMIMEAccept(strings.Join(r.Header["Accept"], ","))
	best, _ := accepted.Best("text/plain", "text/html", "application/json", "application/problem+json")
	if !strings.HasSuffix(best, "json") {
		return ""
	}
	return best
}

// problem returns the failure as a JSON problem of RFC 9457.
func (s *Supervisor) problem(f *Failure, status int) ([]byte, error) {
	type place struct {
		File    string `json:"file"`
		Line    int    `json:"line"`
		Column  int    `json:"column,omitempty"`
		Message string `json:"message,omitempty"`
	}
	places := make([]place, len(f.Problems))
	for i, p := range f.Problems {
		places[i] = place{s.relative(p.File), p.Line, p.Column, p.Message}
	}
	return json.Marshal(map[string]any{
		"title": http.StatusText(status), "status": status, "detail": f.headline(),
		"failure": f.Error(), "command": f.Command, "problems": places, "output": uncoloured(f.Output),
	})
}

// logTime matches the time that package log writes before a message.
var logTime = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? `)

// headline returns the most useful sentence. If a program ended before it served, the last line
// that it printed says more than its exit status.
func (f *Failure) headline() string {
	if f.Kind != StartFailed {
		return f.Error()
	}
	for _, p := range f.Problems {
		if p.Message != "" {
			return p.Message // of a panic, which is followed by its traceback
		}
	}
	lines := strings.Split(uncoloured(f.Output), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if last = logTime.ReplaceAllString(last, ""); last == "" || len(last) > maxHeadline {
		return f.Error()
	}
	return last
}

// maxHeadline is how many bytes of output a heading may have.
const maxHeadline = 400

var colours = regexp.MustCompile("\x1b\\[[0-9;:]*[A-Za-z]")

// uncoloured returns the output of a program for a terminal, without escape sequences.
func uncoloured(text string) string {
	return strings.TrimSpace(colours.ReplaceAllString(text, ""))
}

// ending describes the end of a process without a traceback.
func (f *Failure) ending() string {
	if f.report != nil || f.Err == nil {
		return ""
	}
	switch text := f.Err.Error(); {
	case strings.HasPrefix(text, "signal: killed"):
		return "It was killed: by somebody, or by the system for want of memory. A killed process says nothing, and leaves no variables."
	case strings.HasPrefix(text, "signal: "):
		return "A signal ended it, for which Go's runtime has no traceback."
	case strings.HasPrefix(text, "exit status "):
		return "It ended by itself, by os.Exit, log.Fatal or the end of main, which leaves no traceback."
	}
	return ""
}

// asked lists the running requests, one on each line.
func (f *Failure) asked() string {
	var b strings.Builder
	for _, r := range f.lost {
		fmt.Fprintf(&b, "%s %s\n", r.Name, r.Value)
	}
	return b.String()
}

func (s *Supervisor) relative(file string) string {
	for _, dir := range []string{s.config.Program.WorkDir, s.config.Program.Dir} {
		if rel, err := filepath.Rel(dir, file); err == nil && !strings.HasPrefix(rel, "..") {
			return rel
		}
	}
	return file
}

// around is how many lines are shown before and after the important one.
const around = 3

// excerpt is the source around a problem, with its line marked and a pointer to
// its column. If a file cannot be read, there is no excerpt.
func excerpt(p Problem) string {
	source, err := os.ReadFile(p.File)
	if err != nil || p.Line < 1 {
		return ""
	}
	lines := strings.Split(string(source), "\n")
	if p.Line > len(lines) {
		return ""
	}
	var b strings.Builder
	b.WriteString("<pre tabindex=0>")
	for n := max(1, p.Line-around); n <= min(len(lines), p.Line+around); n++ {
		line := fmt.Sprintf("%6d  %s", n, html.EscapeString(strings.TrimRight(lines[n-1], "\r")))
		if n != p.Line {
			b.WriteString(line + "\n")
			continue
		}
		b.WriteString("<mark>" + line + "</mark>\n")
		if p.Column > 0 && p.Column <= len(lines[n-1])+1 {
			// Tabs stay tabs, so that the pointer is below the column.
			indent := strings.Map(func(r rune) rune {
				if r == '\t' {
					return r
				}
				return ' '
			}, lines[n-1][:p.Column-1])
			b.WriteString("        " + indent + "^\n")
		}
	}
	b.WriteString("</pre>\n")
	return b.String()
}

// frame is a line of a traceback: a tab, the file, the line, an offset.
var frame = regexp.MustCompile(`(?m)^\t(/.+\.go|[A-Za-z]:.+\.go):(\d+)(?: \+0x[0-9a-f]+)?$`)

// panics returns the places in the author's own source where a process
// panicked: the first few frames of its last traceback.
func (s *Supervisor) panics(p *Process) (found []Problem) {
	text := p.output.String()
	start := strings.LastIndex(text, "\npanic: ")
	if strings.HasPrefix(text, "panic: ") && start < 0 {
		start = 0
	} else if start < 0 {
		if start = strings.LastIndex(text, "\nfatal error: "); start < 0 {
			return nil
		}
	}
	text = strings.TrimLeft(text[start:], "\n")
	message, _, _ := strings.Cut(text, "\n")
	for _, m := range frame.FindAllStringSubmatch(text, -1) {
		if s.relative(m[1]) == m[1] {
			continue // of the standard library or a module
		}
		line, _ := strconv.Atoi(m[2])
		found = append(found, Problem{File: m[1], Line: line, Message: message})
		if message = ""; len(found) == 3 {
			break
		}
	}
	return found
}
