package middleware

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/internal/httplex"
)

// The mistakes that [Lint] looks for in a header, and in the writer itself.

// mistake is a mistake in a header.
type mistake struct{ check, message string }

// addMistake records a mistake.
type addMistake func(check, format string, args ...any)

// headerMistakes returns the mistakes in the header of a response.
func headerMistakes(status int, h http.Header) (found []mistake) {
	add := func(check, format string, args ...any) {
		found = append(found, mistake{check, fmt.Sprintf(format, args...)})
	}
	fieldMistakes(h, add)
	lengthMistakes(status, h, add)
	validatorMistakes(h, add)
	locationMistakes(status, h, add)
	statusMistakes(status, h, add)
	cacheMistakes(h, add)
	return found
}

// fieldMistakes checks names and values, whatever the fields mean.
func fieldMistakes(h http.Header, add addMistake) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		plain := strings.TrimPrefix(name, http.TrailerPrefix)
		switch {
		case !httplex.IsToken(plain):
			add("header", "%q is not a valid name of a field", name)
		case http.CanonicalHeaderKey(plain) != plain:
			add("header", "the key %q is not canonical (%q): Get and Set do not find it", name, http.CanonicalHeaderKey(plain))
		}
		for _, value := range h[name] {
			if !httplex.IsFieldValue(value) {
				add("header", "the value %q of %s has characters that no field can have", value, name)
			}
		}
	}
	if h["Status"] != nil {
		add("header", "the field Status %q: CGI and its relatives take it for the status: use WriteHeader", h.Get("Status"))
	}
}

func lengthMistakes(status int, h http.Header, add addMistake) {
	text := h.Get("Content-Length")
	if text == "" {
		return
	}
	_, err := strconv.ParseUint(text, 10, 63)
	switch {
	case err != nil || len(h["Content-Length"]) > 1:
		add("content-length", "Content-Length %q is not a length", strings.Join(h["Content-Length"], ", "))
	case status < 200 || status == http.StatusNoContent:
		add("content-length", "Content-Length with status %d, which has no body", status)
	}
}

// validatorMistakes checks entity tags and dates, by which caches compare versions.
func validatorMistakes(h http.Header, add addMistake) {
	if tag := h.Get("Etag"); tag != "" {
		opaque := strings.TrimPrefix(tag, "W/")
		switch {
		case strings.HasPrefix(tag, `w/"`):
			add("etag", "the ETag %s is weak by a small w: it has to be W/", tag)
		case len(opaque) < 2 || opaque[0] != '"' || strings.IndexByte(opaque[1:], '"') != len(opaque)-2:
			add("etag", "the ETag %s is not in quotes", tag)
		}
	}
	for _, name := range [...]string{"Last-Modified", "Expires", "Date"} {
		text := h.Get(name)
		if _, err := http.ParseTime(text); text != "" && err != nil && !(name == "Expires" && (text == "0" || text == "-1")) {
			add("date", "%s %q is not a date", name, text)
		}
	}
}

// neededFields are the fields that a status needs.
var neededFields = []struct {
	status int
	name   string
}{
	{http.StatusUnauthorized, "Www-Authenticate"},
	{http.StatusMethodNotAllowed, "Allow"},
	{http.StatusProxyAuthRequired, "Proxy-Authenticate"},
	{http.StatusRequestedRangeNotSatisfiable, "Content-Range"},
	{http.StatusUpgradeRequired, "Upgrade"},
}

// statusMistakes looks for fields that the status needs, and for those that it must not
// have.
func statusMistakes(status int, h http.Header, add addMistake) {
	if status == http.StatusNotModified {
		for _, name := range [...]string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Range"} {
			if h.Get(name) != "" {
				add("entity", "304 with %s, which is about a body", name)
			}
		}
	}
	for _, need := range neededFields {
		// An empty Allow counts: it says that no method is allowed.
		if _, set := h[need.name]; status == need.status && !set {
			add("required", "%d without %s", status, need.name)
		}
	}
	if status == http.StatusPartialContent && h.Get("Content-Range") == "" && !strings.HasPrefix(h.Get("Content-Type"), "multipart/byteranges") {
		add("required", "206 without Content-Range")
	}
}

func locationMistakes(status int, h http.Header, add addMistake) {
	location := h.Get("Location")
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if location == "" {
			add("location", "%d without Location", status)
		}
	}
	if i := strings.IndexFunc(location, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }); i >= 0 {
		add("location", "the Location %q has %q, which browsers take for something else", location, location[i])
	}
}

func cacheMistakes(h http.Header, add addMistake) {
	var vary []string
	for _, line := range h["Vary"] {
		for name := range httplex.Items(line) {
			vary = append(vary, strings.ToLower(name))
		}
	}
	varies := func(name string) bool { return slices.Contains(vary, name) || slices.Contains(vary, "*") }
	if coding := h.Get("Content-Encoding"); coding != "" && !varies("accept-encoding") {
		add("vary", "Content-Encoding %s without Vary: Accept-Encoding", coding)
	}
	if origin := h.Get("Access-Control-Allow-Origin"); origin != "" && origin != "*" && !varies("origin") {
		add("vary", "Access-Control-Allow-Origin %s without Vary: Origin", origin)
	}
	if len(h["Set-Cookie"]) == 0 {
		return
	}
	for _, line := range h["Cache-Control"] {
		for item := range httplex.Items(line) {
			name, _, _ := strings.Cut(item, "=")
			if name = strings.ToLower(httplex.Trim(name)); name == "public" || name == "s-maxage" {
				add("cache", "Set-Cookie with Cache-Control %s: a shared cache gives the cookie to everybody", item)
				return
			}
		}
	}
}

// unchanged finds fields that were changed after the header was sent, once.
func (w *linted) unchanged() {
	h := w.ResponseWriter.Header()
	var trailers []string
	for _, line := range w.sent["Trailer"] {
		for name := range httplex.Items(line) {
			trailers = append(trailers, http.CanonicalHeaderKey(name))
		}
	}
	changed := func(name string) {
		if strings.HasPrefix(name, http.TrailerPrefix) || slices.Contains(trailers, name) {
			return
		}
		if _, set := h[name]; !set && name == "Content-Length" && w.length < 0 {
			return // a Content-Length that is not valid, which the server removed
		}
		w.find("header", name+" was changed after the header had been sent", w.sentAt)
		if values, set := h[name]; set {
			w.sent[name] = slices.Clone(values)
		} else {
			delete(w.sent, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if before, set := w.sent[name]; !set || !slices.Equal(before, h[name]) {
			changed(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.sent)) {
		if _, set := h[name]; !set {
			changed(name)
		}
	}
}

// checkWriter finds abilities of the server's writer that have been lost in the
// writers around it.
func (w *linted) checkWriter(got http.ResponseWriter, r *http.Request) {
	if _, ok := r.Context().Value(http.ServerContextKey).(*http.Server); !ok {
		return // not net/http's server, so its writer's abilities are not known
	}
	lost := func(ability, what string) {
		w.report(Finding{Check: "lost", Message: fmt.Sprintf("the writer %T has no %s: %s", got, ability, what), Where: w.handler})
	}
	if _, ok := got.(http.Flusher); !ok {
		lost("http.Flusher", "streams and events wait in a buffer")
	}
	if r.ProtoMajor != 1 {
		return
	}
	if _, ok := got.(http.Hijacker); !ok {
		lost("http.Hijacker", "websockets cannot be opened")
	}
	if _, ok := got.(io.ReaderFrom); !ok {
		lost("io.ReaderFrom", "files are copied through memory in place of sendfile")
	}
}

// settle accepts the changes that outer writers have made to the header during a call. A writer
// that compresses changes it after it has received enough, which is not the handler's fault.
func (w *linted) settle() {
	if h := w.ResponseWriter.Header(); w.status != 0 && !maps.EqualFunc(h, w.sent, slices.Equal[[]string]) {
		w.sent = h.Clone()
	}
}
