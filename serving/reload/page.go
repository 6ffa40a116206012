package reload

import (
	"bufio"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// serveFailure says why there is no application to answer: as a page with
// excerpts of the source, which loads itself again when that has changed, to a
// browser, and as text to everybody else.
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
	if s.serveReport(w, r, f, status, version) {
		return
	}
	if !isNavigation(r) {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		fmt.Fprintf(w, "%s\n\n%s\n", f.Error(), uncoloured(f.Output))
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'")
	w.WriteHeader(status)
	out := bufio.NewWriter(w)
	defer out.Flush()
	s.writePage(out, r, f, version, strconv.Itoa(status)+" "+http.StatusText(status))
}

// serveLost answers a request whose process ended while it ran.
func (s *Supervisor) serveLost(w http.ResponseWriter, r *http.Request, t *trip, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the client left
	}
	p := t.process
	if !p.awaitEnd() && t.failure == nil {
		s.config.Logger.Error("the program did not answer", "method", r.Method, "uri", r.RequestURI, "err", err)
		s.serveFailure(w, r, &Failure{Kind: Died, Err: fmt.Errorf("no answer: %w", err), Command: s.commandLine()}, http.StatusBadGateway, t.version)
		return
	}
	f := t.failure
	if f == nil {
		f = s.failureOf(p, Died)
	}
	s.config.Logger.Error("the program ended before it answered", "method", r.Method, "uri", r.RequestURI, "err", p.err)
	s.serveFailure(w, r, f, http.StatusBadGateway, t.version)
}

const style = `:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem clamp(1rem,4vw,2rem);color:#222;background:#fff;overflow-wrap:anywhere}
h1{font-size:1.5rem;color:#a00}h2{font-size:1rem;margin:1.5rem 0 .25rem;font-family:ui-monospace,monospace}
pre{background:#f4f4f2;padding:.75rem;overflow:auto;border-radius:4px;font:13px/1.45 ui-monospace,monospace;tab-size:4}
mark{background:#fdd;display:inline-block;min-width:100%}p.message{color:#a00;white-space:pre-wrap;margin:.25rem 0}
footer{color:#666;font-size:.85rem;margin-top:2rem}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}pre{background:#262626}mark{background:#522;color:inherit}h1,p.message{color:#f88}}`

func (s *Supervisor) writePage(w *bufio.Writer, r *http.Request, f *Failure, version, status string) {
	title := html.EscapeString(f.Error())
	fmt.Fprintf(w, "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<title>%s</title>\n<style>%s</style>\n", title, style)
	if r.Method == http.MethodGet {
		w.WriteString(scriptTag(version, "") + "\n")
	}
	fmt.Fprintf(w, "</head>\n<body>\n<h1>%s</h1>\n", title)
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
	if text := uncoloured(f.Output); text != "" {
		fmt.Fprintf(w, "<h2>Output</h2>\n<pre>%s</pre>\n", html.EscapeString(text))
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
	fmt.Fprintf(w, "<footer>%s (%s)</footer>\n</body>\n</html>\n", note, status)
}

var colours = regexp.MustCompile("\x1b\\[[0-9;:]*[A-Za-z]")

// uncoloured is what a program printed for a terminal, without what only that
// understands.
func uncoloured(text string) string {
	return strings.TrimSpace(colours.ReplaceAllString(text, ""))
}

// ending says what can be known of a process that ended without a traceback.
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

func (s *Supervisor) relative(file string) string {
	for _, dir := range []string{s.config.Program.WorkDir, s.config.Program.Dir} {
		if rel, err := filepath.Rel(dir, file); err == nil && !strings.HasPrefix(rel, "..") {
			return rel
		}
	}
	return file
}

// around is how many lines are shown before and after the one that counts.
const around = 3

// excerpt is the source round a problem, its line marked and its column pointed
// at. A file that cannot be read has none.
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
	b.WriteString("<pre>")
	for n := max(1, p.Line-around); n <= min(len(lines), p.Line+around); n++ {
		line := fmt.Sprintf("%6d  %s", n, html.EscapeString(strings.TrimRight(lines[n-1], "\r")))
		if n != p.Line {
			b.WriteString(line + "\n")
			continue
		}
		b.WriteString("<mark>" + line + "</mark>\n")
		if p.Column > 0 && p.Column <= len(lines[n-1])+1 {
			// Tabs stay tabs, so that the pointer stands where the column is.
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

// panics returns where in the author's own source a process panicked that ended
// so: the first few frames of its last traceback.
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
