// Package frames answers the debugger's page: what the variables of a failure's
// frames held, and what an expression is in one of them.
//
// The application writes a core of itself when a request fails, and reports it
// to the supervisor; [Handler] takes the report and reads the core by package
// inspect when the page asks. Whoever asks can read all of the application's
// memory, so it has to be asked from this machine, by one of its own names, by
// the page itself (same origin, with the page's secret), and with the PIN that
// is printed in the terminal.
package frames

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/zeugkit/zeug/cmd/zeug/inspect"
	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/serving/reload"
	"github.com/zeugkit/zeug/serving/supervise"
)

const (
	// kept is how many failures there are at most; the oldest go, with their
	// cores.
	kept = 10
	// reading is how many cores are held open at most.
	reading = 3
)

// Handler answers below supervise.Prefix + supervise.FramesPath.
type Handler struct {
	// Debugger says who may read; its zero value is this machine alone.
	Debugger debugger.Debugger
	// PIN guards the variables; nil is none.
	PIN *debugger.PIN
	// Inspector is the command that reads a core, as inspect.Client has it.
	Inspector []string
	// Logger is told of cores that cannot be read. Default: slog.Default.
	Logger *slog.Logger

	mu       sync.Mutex
	failures []*failure // the newest last
	used     []*failure // whose cores are open, the last asked last
	warming  sync.Mutex
}

// failure is a core, opened when it is first asked for.
type failure struct {
	supervise.Failure
	client inspect.Client

	mu     sync.Mutex
	places map[int]inspect.Place // of the page's frames in the core; nil until it is known
}

// Receive takes a report of a process; it is for reload.Config.
func (h *Handler) Receive(p *reload.Process, m supervise.Message) {
	if m.Type != supervise.TypeFailure {
		return
	}
	f := &failure{}
	if err := m.Into(&f.Failure); err != nil {
		h.logger().Warn("report of a failure not understood", "err", err)
		return
	}
	// The program may have been built anew, and be gone, when it is asked for.
	program := f.Core + ".program"
	if err := os.Link(p.Executable, program); err != nil {
		program = p.Executable
	}
	f.client = inspect.Client{Command: h.Inspector, Program: program, File: f.Core}
	h.mu.Lock()
	h.failures = append(h.failures, f)
	var old *failure
	if len(h.failures) > kept {
		old, h.failures = h.failures[0], h.failures[1:]
		h.used = slices.DeleteFunc(h.used, func(f *failure) bool { return f == old })
	}
	h.mu.Unlock()
	if old != nil {
		old.close()
	}
	if h.PIN != nil {
		h.PIN.Announce()
	}
	go h.warm(f)
}

// warm opens the core of a failure, so that the first question does not have to
// wait for the program's debug information to be read: of the newest alone, one
// at a time, since many may fail at once.
func (h *Handler) warm(f *failure) {
	h.warming.Lock()
	defer h.warming.Unlock()
	h.mu.Lock()
	newest := len(h.failures) > 0 && h.failures[len(h.failures)-1] == f
	h.mu.Unlock()
	if !newest {
		return
	}
	h.use(f)
	if _, err := f.place(0); errors.Is(err, inspect.ErrNoAnswer) {
		h.logger().Warn("core of a failure cannot be read", "err", err)
	}
}

// use notes that a core is asked, and lets go of the one that was not for the
// longest time.
func (h *Handler) use(f *failure) {
	h.mu.Lock()
	h.used = append(slices.DeleteFunc(h.used, func(g *failure) bool { return g == f }), f)
	var idle *failure
	if len(h.used) > reading {
		idle, h.used = h.used[0], h.used[1:]
	}
	h.mu.Unlock()
	if idle != nil {
		idle.client.Rest()
	}
}

// Close removes the cores.
func (h *Handler) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.failures {
		f.close()
	}
	h.failures, h.used = nil, nil
}

func (h *Handler) logger() *slog.Logger {
	if h.Logger == nil {
		return slog.Default()
	}
	return h.Logger
}

// place is where the core has a frame of the page.
func (f *failure) place(number int) (inspect.Place, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number < 0 || number >= len(f.Frames) {
		return inspect.Place{}, fmt.Errorf("frame %d: %w", number, inspect.ErrNoFrame)
	}
	id := f.goroutine(number)
	if f.places == nil {
		f.places = map[int]inspect.Place{}
	}
	place, known := f.places[number]
	if !known {
		// All frames of a goroutine are found together.
		var frames []inspect.Frame
		if err := f.client.Ask(inspect.Question{Ask: "frames", Place: inspect.Place{Goroutine: id}}, &frames); err != nil {
			return place, err
		}
		first, last := number, number
		for first > 0 && f.goroutine(first-1) == id {
			first--
		}
		for last+1 < len(f.Frames) && f.goroutine(last+1) == id {
			last++
		}
		for i, at := range match(f.Frames[first:last+1], frames) {
			f.places[first+i] = inspect.Place{Goroutine: id, Frame: at}
		}
		place = f.places[number]
	}
	if place.Frame < 0 {
		return place, errors.New("the core does not have this frame")
	}
	return place, nil
}

// goroutine is the id of the one whose frame it is.
func (f *failure) goroutine(number int) int64 {
	return cmp.Or(f.Frames[number].Goroutine, f.Goroutine)
}

// close ends the reading of the core, and removes it.
func (f *failure) close() {
	f.client.Close()
	_ = os.Remove(f.Core)
	_ = os.Remove(f.Core + ".program")
}

// match finds each frame of the page among those of the core. Both are the same
// stack, but for frames that one of them leaves out. -1 stands for none.
func match(page []supervise.Frame, core []inspect.Frame) []int {
	index := make([]int, len(page))
	next := 0
	for i, f := range page {
		index[i] = -1
		for j := next; j < len(core); j++ {
			if plainName(core[j].Function) == plainName(f.Function) && core[j].Line == f.Line {
				index[i], next = j, j+1
				break
			}
		}
	}
	return index
}

// plainName is a function's name without type arguments, which the runtime and
// the debug information write differently.
func plainName(function string) string {
	var b strings.Builder
	depth := 0
	for _, r := range function {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// ServeHTTP answers
//
//	POST pin             with the field pin: lets the browser in
//	POST print           prints the PIN once more
//	GET  KEY/variables   ?frame=N
//	GET  KEY/expand      ?frame=N&expr=…&from=N: with what is inside
//	GET  KEY/eval        ?frame=N&expr=…
//	GET  KEY/complete    ?frame=N&expr=…
//	GET  KEY/globals     ?frame=N&from=N: variables of the frame's package
//	GET  KEY/core        ?secret=…: the file
//	GET  KEY/program     ?secret=…: the executable it is of
//
// in JSON; an error is {"error": …}, with 401 where the PIN is missing.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !h.Debugger.MayRead(r) || !sameOrigin(r) {
		fail(w, http.StatusForbidden, "only the page on this machine may ask")
		return
	}
	rest := strings.TrimPrefix(r.URL.Path, supervise.Prefix+supervise.FramesPath)
	if rest == "pin" || rest == "print" {
		h.takePIN(w, r, rest)
		return
	}
	key, question, _ := strings.Cut(rest, "/")
	f := h.find(key)
	if f == nil {
		fail(w, http.StatusNotFound, "this failure is not kept any more: the last ten are, until zeug ends")
		return
	}
	secret := r.Header.Get("Zeug-Secret")
	if question == "core" || question == "program" {
		secret = r.URL.Query().Get("secret")
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(f.Secret)) != 1 {
		fail(w, http.StatusForbidden, "the page's secret is missing")
		return
	}
	if h.PIN != nil && !h.PIN.Admits(r) {
		fail(w, http.StatusUnauthorized, "the PIN is needed")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed, "ask by GET")
		return
	}
	h.answer(w, r, f, question)
}

// knows reports whether a secret is that of a page whose failure is kept.
func (h *Handler) knows(secret string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := 0
	for _, f := range h.failures {
		known |= subtle.ConstantTimeCompare([]byte(secret), []byte(f.Secret))
	}
	return known == 1
}

func (h *Handler) find(key string) *failure {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.failures {
		if f.Key == key {
			return f
		}
	}
	return nil
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, f *failure, question string) {
	query := r.URL.Query()
	switch question {
	case "core", "program":
		h.download(w, r, f, question)
		return
	case "variables", "eval", "expand", "globals", "complete":
	default:
		fail(w, http.StatusNotFound, "there is no question "+strconv.Quote(question))
		return
	}
	h.use(f)
	number, err := strconv.Atoi(query.Get("frame"))
	if err != nil {
		number = -1
	}
	q := inspect.Question{Ask: question, Expr: query.Get("expr")}
	if len(q.Expr) > maxExpression {
		fail(w, http.StatusUnprocessableEntity, fmt.Sprintf("an expression of %d bytes: %d are the most", len(q.Expr), maxExpression))
		return
	}
	if from, err := strconv.Atoi(query.Get("from")); err == nil && from > 0 {
		q.From = from
	}
	q.Place, err = f.place(number)
	var value json.RawMessage
	if err == nil {
		err = f.client.Ask(q, &value)
	}
	if errors.Is(err, inspect.ErrNoAnswer) {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	if string(value) == "null" {
		value = json.RawMessage("[]")
	}
	reply(w, value, err)
}

// maxExpression is how long an expression may be, in bytes.
const maxExpression = 4 << 10

// download sends the core, or the program it is of: "dlv core program core"
// wants both.
func (h *Handler) download(w http.ResponseWriter, r *http.Request, f *failure, which string) {
	path := f.Core
	if which == "program" {
		path = f.client.Program
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+which+"-"+f.Key+`"`)
	http.ServeFile(w, r, path)
}

func reply(w http.ResponseWriter, v any, err error) {
	if err != nil {
		fail(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the page has gone: there is nobody to tell
}

func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}

// sameOrigin reports whether the page itself asks: the browser says so, or says
// nothing and names no other origin.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		origin := r.Header.Get("Origin")
		return origin == "" || strings.HasSuffix(origin, "://"+r.Host)
	}
	return false
}

// Guard stands before the program's own dashboard: who may not read variables does
// not get there either.
func (h *Handler) Guard(next http.Handler) http.Handler {
	guarded := h.PIN.Guard(supervise.Prefix, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.Debugger.MayRead(r) {
			http.Error(w, "only this machine may ask", http.StatusForbidden)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// takePIN takes the PIN that somebody types, or prints it once more.
func (h *Handler) takePIN(w http.ResponseWriter, r *http.Request, command string) {
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		fail(w, http.StatusMethodNotAllowed, "ask by POST")
		return
	case !h.knows(r.Header.Get("Zeug-Secret")):
		fail(w, http.StatusForbidden, "the secret of a page whose failure is kept is missing: the last ten are")
		return
	case h.PIN == nil:
		reply(w, true, nil)
		return
	case command == "print":
		h.PIN.Print()
		reply(w, true, nil)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	err := h.PIN.Try(r.PostFormValue("pin"))
	switch {
	case errors.Is(err, debugger.ErrTooMany):
		fail(w, http.StatusTooManyRequests, err.Error())
	case err != nil:
		fail(w, http.StatusForbidden, err.Error())
	default:
		h.PIN.Admit(w, r, supervise.Prefix)
		reply(w, true, nil)
	}
}
