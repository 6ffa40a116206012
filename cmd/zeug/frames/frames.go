// Package frames answers the debugger's page: the variables of a failure's frames, and the value
// of an expression in one of them.
//
// The application writes a core of itself when a request fails, and reports it to the supervisor;
// [Handler] takes the report and reads the core by package inspect when the page asks. Anyone with
// access can read all of the application's memory. So a request must come from this machine, by one
// of its own names, from the page itself (same origin, with the page's secret), and with the PIN
// that is printed in the terminal.
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
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/zeugkit/zeug/cmd/zeug/inspect"
	"github.com/zeugkit/zeug/internal/reload"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/middleware/debugger"
)

const (
	// kept is how many failures there are at most; the oldest go, with their
	// cores.
	kept = 10
	// keptBytes is how many bytes their files have at most. The newest failure is
	// kept whatever its size.
	keptBytes = 512 << 20
	// reading is how many cores are held open at most.
	reading = 3
)

// Handler answers below supervise.Prefix + supervise.FramesPath.
type Handler struct {
	// Guard says which clients may ask. All of them must send its PIN; a Guard
	// without a PIN asks for none.
	Guard debugger.Debugger
	// Inspector is the command that reads a core: see inspect.Client.Command.
	Inspector []string
	// Logger gets a record for a core that cannot be read. Default: slog.Default.
	Logger *slog.Logger

	mu       sync.Mutex
	failures []*failure // the newest last
	used     []*failure // failures whose cores are open, the most recently used last
	warming  sync.Mutex
}

// failure is a core, opened when it is first asked for.
type failure struct {
	supervise.Failure
	client inspect.Client
	// size is the size of the core, and program is the executable that the supervisor keeps for it;
	// nil if that is not known.
	size    int64
	program os.FileInfo
	// stays says that the files are somebody's own, and are not removed.
	stays bool

	mu     sync.Mutex
	places map[int]inspect.Place // of the page's frames in the core; nil until it is known
}

// Receive takes a report of a process. Pass it to reload.Config.
func (h *Handler) Receive(p *reload.Process, m supervise.Message) {
	if m.Type != supervise.TypeFailure {
		return
	}
	f := &failure{}
	if err := m.Into(&f.Failure); err != nil {
		h.logger().Warn("report of a failure not understood", "err", err)
		return
	}
	// Rename the core, because the file with the original name is removed when the process ends.
	if core := filepath.Join(filepath.Dir(f.Core), "kept-"+filepath.Base(f.Core)); os.Rename(f.Core, core) == nil {
		f.Core = core
	}
	// By then the program may have been rebuilt, or may have ended.
	program := f.Core + ".program"
	if err := os.Link(p.Executable, program); err != nil {
		program = p.Executable
	}
	f.client = inspect.Client{Command: h.Inspector, Program: program, File: f.Core}
	if info, err := os.Stat(f.Core); err == nil {
		f.size = info.Size()
	}
	if info, err := os.Stat(program); err == nil {
		f.program = info
	}
	h.add(f)
}

// Add takes a failure whose core and program belong to somebody else: they stay where they are.
func (h *Handler) Add(reported supervise.Failure, program string) {
	h.add(&failure{
		Failure: reported, stays: true,
		client: inspect.Client{Command: h.Inspector, Program: program, File: reported.Core},
	})
}

// add keeps a failure, and begins to read its core.
func (h *Handler) add(f *failure) {
	h.mu.Lock()
	h.failures = append(h.failures, f)
	keep := h.kept()
	old := slices.Clone(h.failures[:len(h.failures)-keep])
	h.failures = slices.Delete(h.failures, 0, len(old))
	h.used = slices.DeleteFunc(h.used, func(f *failure) bool { return slices.Contains(old, f) })
	h.mu.Unlock()
	for _, f := range old {
		f.close()
	}
	if h.Guard.PIN != nil {
		h.Guard.PIN.Announce(nil)
	}
	go h.warm(f)
}

// kept returns how many of the newest failures are kept. It is called under the lock.
func (h *Handler) kept() int {
	var total int64
	var programs []os.FileInfo
	for n := range len(h.failures) {
		f := h.failures[len(h.failures)-1-n]
		total += f.size
		// Failures of one build share its program.
		if f.program != nil && !slices.ContainsFunc(programs, func(p os.FileInfo) bool { return os.SameFile(p, f.program) }) {
			programs = append(programs, f.program)
			total += f.program.Size()
		}
		if n > 0 && total > keptBytes || n == kept {
			return n
		}
	}
	return len(h.failures)
}

// warm opens the core of a failure, so that the first question does not wait until the program's
// debug information is read. It opens only the newest core, one at a time, since many requests may
// fail at once.
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

// use notes that a core is used, and closes the one that was not used for the longest time.
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

// place is the position of a frame of the page in the core.
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

// goroutine is the id of the goroutine whose frame it is.
func (f *failure) goroutine(number int) int64 {
	return cmp.Or(f.Frames[number].Goroutine, f.Goroutine)
}

// close ends the reader of the core. It removes the files of the failure unless they belong to
// somebody else.
func (f *failure) close() {
	f.client.Close()
	if f.stays {
		return
	}
	_ = os.Remove(f.Core)
	_ = os.Remove(f.Core + ".program")
}

// match finds each frame of the page among those of the core. Both are the same stack, except for
// frames that one of them leaves out. -1 means none.
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
//	GET  KEY/copy        ?frame=N&expr=…: the value as Go and as JSON
//	GET  KEY/complete    ?frame=N&expr=…
//	GET  KEY/globals     ?frame=N&from=N: variables of the frame's package
//	GET  KEY/core        ?secret=…: the file
//	GET  KEY/program     ?secret=…: the executable it is of
//
// in JSON; an error is {"error": …}, with 401 where the PIN is missing.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if h.Guard.Access(r) == debugger.Denied || !sameOrigin(r) {
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
	if h.Guard.PIN != nil && !h.Guard.PIN.Admits(r) {
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

// knows reports whether a secret belongs to a page whose failure is kept.
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
	case "variables", "eval", "expand", "copy", "globals", "complete":
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

// download sends the core, or its program: "dlv core program core" needs both.
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
	_ = json.NewEncoder(w).Encode(v) // the page has gone
}

func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}

// sameOrigin reports whether the request comes from the page itself: Sec-Fetch-Site says so, or an
// older browser sends neither that field nor another origin.
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

// takePIN takes the PIN that the user types, or prints it again.
func (h *Handler) takePIN(w http.ResponseWriter, r *http.Request, command string) {
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		fail(w, http.StatusMethodNotAllowed, "ask by POST")
		return
	case !h.knows(r.Header.Get("Zeug-Secret")):
		fail(w, http.StatusForbidden, "the secret of a page whose failure is kept is missing: the last ten are")
		return
	case h.Guard.PIN == nil:
		reply(w, true, nil)
		return
	case command == "print":
		h.Guard.PIN.Print(r)
		reply(w, true, nil)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	err := h.Guard.PIN.Try(r, r.PostFormValue("pin"))
	switch {
	case errors.Is(err, debugger.ErrTooMany):
		fail(w, http.StatusTooManyRequests, err.Error())
	case err != nil:
		fail(w, http.StatusForbidden, err.Error())
	default:
		h.Guard.PIN.Admit(w, r)
		reply(w, true, nil)
	}
}
