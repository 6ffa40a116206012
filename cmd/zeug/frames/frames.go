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
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/zeugkit/zeug/cmd/zeug/inspect"
	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/serving/reload"
	"github.com/zeugkit/zeug/serving/supervise"
)

// kept is how many failures there are at most; the oldest go, with their cores.
const kept = 10

// Handler answers below supervise.Prefix + supervise.FramesPath.
type Handler struct {
	// Debugger says who may read; its zero value is this machine alone.
	Debugger debugger.Debugger
	// PIN guards the variables; nil is none.
	PIN *PIN
	// Logger is told of cores that cannot be read. Default: slog.Default.
	Logger *slog.Logger

	mu       sync.Mutex
	failures []*failure // the newest last
}

// failure is a core, opened when it is first asked for.
type failure struct {
	supervise.Failure
	program string

	once  sync.Once
	core  *inspect.Core
	index []int // of the core's frames, by the page's
	err   error
}

// Receive takes a report of a process; it is for reload.Config.
func (h *Handler) Receive(p *reload.Process, m supervise.Message) {
	if m.Type != supervise.TypeFailure {
		return
	}
	f := &failure{program: p.Executable}
	if err := m.Into(&f.Failure); err != nil {
		h.logger().Warn("report of a failure not understood", "err", err)
		return
	}
	h.mu.Lock()
	h.failures = append(h.failures, f)
	var old *failure
	if len(h.failures) > kept {
		old, h.failures = h.failures[0], h.failures[1:]
	}
	h.mu.Unlock()
	if old != nil {
		old.close()
	}
	if h.PIN != nil {
		h.PIN.Announce()
	}
	// The first question should not have to wait for the program's debug
	// information to be read.
	go func() {
		if _, err := f.open(); err != nil {
			h.logger().Warn("core of a failure cannot be read", "err", err)
		}
	}()
}

// Close removes the cores.
func (h *Handler) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.failures {
		f.close()
	}
	h.failures = nil
}

func (h *Handler) logger() *slog.Logger {
	if h.Logger == nil {
		return slog.Default()
	}
	return h.Logger
}

func (f *failure) open() (*inspect.Core, error) {
	f.once.Do(func() {
		f.core, f.err = inspect.Open(f.program, f.Core, f.Goroutine)
		if f.err == nil {
			f.index = match(f.Frames, f.core.Frames())
		}
	})
	return f.core, f.err
}

// close waits until the core has been opened, and removes it.
func (f *failure) close() {
	f.once.Do(func() { f.err = errors.New("the core is gone: the last ten are kept") })
	if f.core != nil {
		_ = f.core.Close()
	}
	_ = os.Remove(f.Core)
}

// match finds each frame of the page among those of the core. Both are the same
// stack, but for frames that one of them leaves out. -1 stands for none.
func match(page []supervise.Frame, core []inspect.Frame) []int {
	index := make([]int, len(page))
	next := 0
	for i, f := range page {
		index[i] = -1
		for j := next; j < len(core); j++ {
			if core[j].Function == f.Function && core[j].Line == f.Line {
				index[i], next = j, j+1
				break
			}
		}
	}
	return index
}

// ServeHTTP answers
//
//	POST pin             with the field pin: lets the browser in
//	GET  KEY/variables   ?frame=N
//	GET  KEY/expand      ?frame=N&expr=…&from=N: with what is inside
//	GET  KEY/eval        ?frame=N&expr=…
//	GET  KEY/complete    ?frame=N&expr=…
//	GET  KEY/globals     ?prefix=…
//	GET  KEY/core        ?secret=…: the file
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
	if rest == "pin" {
		h.letIn(w, r)
		return
	}
	key, question, _ := strings.Cut(rest, "/")
	f := h.find(key)
	if f == nil {
		fail(w, http.StatusNotFound, "this failure is not kept any more: the last ten are, until zeug ends")
		return
	}
	secret := r.Header.Get("Zeug-Secret")
	if question == "core" {
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
	core, err := f.open()
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	query := r.URL.Query()
	expr := query.Get("expr")
	if question == "core" {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", `attachment; filename="core-`+f.Key+`"`)
		http.ServeFile(w, r, f.Core)
		return
	}
	if question == "globals" {
		list, err := core.Globals(query.Get("prefix"))
		reply(w, list, err)
		return
	}
	frame, err := f.frame(query.Get("frame"))
	if err != nil {
		reply(w, nil, err)
		return
	}
	switch question {
	case "variables":
		list, err := core.Variables(frame)
		if list == nil {
			list = []inspect.Variable{}
		}
		reply(w, list, err)
	case "eval":
		v, err := core.Eval(frame, expr)
		reply(w, v, err)
	case "expand":
		from, err := strconv.Atoi(query.Get("from"))
		if err != nil || from < 0 {
			from = 0
		}
		v, err := core.Expand(frame, expr, from)
		reply(w, v, err)
	case "complete":
		names, err := core.Complete(frame, expr)
		reply(w, names, err)
	default:
		fail(w, http.StatusNotFound, "there is no question "+strconv.Quote(question))
	}
}

func (f *failure) frame(number string) (int, error) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= len(f.index) {
		return 0, fmt.Errorf("frame %q: %w", number, inspect.ErrNoFrame)
	}
	if f.index[n] < 0 {
		return 0, errors.New("the core does not have this frame")
	}
	return f.index[n], nil
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
