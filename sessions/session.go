package sessions

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/httplex"
)

// Session holds what an application remembers about one visitor: values by name, and messages for
// the next page. Values are kept as JSON. A struct can be read back as a struct, and a change to a
// value that [Session.Get] returned changes nothing until [Session.Set] stores it again.
//
// All methods may be called by several goroutines at once. None of them blocks
// longer than Manager.Timeout.
type Session struct {
	manager *manager
	request *http.Request

	mu        sync.Mutex
	used      bool // a method was called, so the response depends on the cookie
	late      bool // the first use came after the header was sent
	loaded    bool
	committed bool

	record
	id      string          // of the cookie, if a Store keeps the session
	present bool            // the client's cookie holds this session
	ended   bool            // the Store says that it was renewed or cleared just now
	changed map[string]bool // the values that were set or deleted
	cleared bool            // everything from before is dropped
	renewed bool            // the session moves to a new id
	refresh bool            // messages were taken from a cookie

	pending  []Message // messages that this request adds
	taken    bool
	messages []Message // messages that this request took

	failure error // the Store failed, or the cookie's contents cannot be read
	mistake error // a value cannot be kept
}

// record is the data that a keeper keeps.
type record struct {
	values         map[string]any // each as its keeper encodes it
	flashes        []flash
	began, written time.Time
}

// flash is a message that is kept.
type flash struct {
	field string // in a Store
	kept  any    // in a Flask session
	Message
}

// Message is a text for the visitor, which the next page shows once.
type Message struct {
	// Category is the kind of message: "message" by default, or a name that the
	// application chooses, such as "error".
	Category string
	// Text is the message.
	Text string
}

// keeper keeps sessions in one of the three places.
type keeper interface {
	// load fills s with the session that belongs to a cookie's value. It
	// returns false if the value does not belong to a session.
	load(s *Session, value string, now time.Time) (bool, error)
	// take returns the messages of s, and no other caller gets them.
	take(s *Session) ([]Message, error)
	// save keeps the changes, and returns the cookie to send, if any. late
	// means that no cookie can be sent any more.
	save(s *Session, now time.Time, late bool) (*datastructures.Cookie, error)
	// encode returns the form in which a value is kept.
	encode(value any) (any, error)
	// decode stores a kept value in the variable to which into points.
	decode(kept, into any) error
}

// outage is the failure of a Store.
type outage struct{ error }

func (o outage) Unwrap() error { return o.error }

// maxCookies is how many cookies of one name are tried. A site of a parent domain
// may have set some of them.
const maxCookies = 4

// use locks the session and loads it. The caller unlocks it.
func (s *Session) use() {
	s.mu.Lock()
	if !s.used {
		s.used, s.late = true, s.committed
	}
	if s.loaded {
		return
	}
	s.loaded = true
	now := time.Now()
	tried := 0
	for _, line := range s.request.Header["Cookie"] {
		for _, value := range datastructures.ParseCookies(line).List(s.manager.Cookie.Name) {
			if tried++; tried > maxCookies {
				return
			}
			ok, err := s.manager.keeper.load(s, value, now)
			if err != nil {
				s.record, s.failure = record{}, err
				s.warn("session cannot be loaded", err)
				return
			}
			if ok {
				s.present = true
				return
			}
			s.record = record{}
		}
	}
}

// alive reports whether a loaded session has not expired.
func (s *Session) alive(now time.Time) bool {
	return now.Before(s.written.Add(s.manager.Idle)) && now.Before(s.began.Add(s.manager.MaxAge))
}

// life is how long the session lives if it is not used again.
func (s *Session) life(now time.Time) time.Duration {
	return min(s.manager.Idle, s.began.Add(s.manager.MaxAge).Sub(now))
}

// stale reports whether the time of the last use must be written.
func (s *Session) stale(now time.Time) bool { return now.Sub(s.written) >= s.manager.Idle/10 }

// Get stores the value called name in the variable to which into points, and reports whether it
// did. It returns false if there is no such value, or if the value does not fit the variable.
//
//	var cart Cart
//	sessions.Get(r).Get("cart", &cart)
func (s *Session) Get(name string, into any) bool {
	s.use()
	defer s.mu.Unlock()
	kept, ok := s.values[name]
	return ok && s.manager.keeper.decode(kept, into) == nil
}

// String returns the string called name, "" if there is none.
func (s *Session) String(name string) (value string) {
	if !s.Get(name, &value) {
		return ""
	}
	return value
}

// Int returns the integer called name, 0 if there is none.
func (s *Session) Int(name string) (value int) {
	if !s.Get(name, &value) {
		return 0
	}
	return value
}

// Bool returns the bool called name, false if there is none.
func (s *Session) Bool(name string) (value bool) {
	return s.Get(name, &value) && value
}

// Has reports whether there is a value called name.
func (s *Session) Has(name string) bool {
	s.use()
	defer s.mu.Unlock()
	_, ok := s.values[name]
	return ok
}

// Names returns the names of all values, sorted.
func (s *Session) Names() []string {
	s.use()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.values))
}

// Set keeps a value. Anything that encoding/json can write is kept. With Flask, so are the types of
// this package that stand for Python types. If value cannot be kept, the response is a 500, with
// the cause in the log.
func (s *Session) Set(name string, value any) {
	s.use()
	defer s.mu.Unlock()
	kept, err := s.manager.keeper.encode(value)
	if err != nil {
		s.mistake = errors.Join(s.mistake, fmt.Errorf("sessions: the value %q: %w", name, err))
		return
	}
	if s.values == nil {
		s.values = map[string]any{}
	}
	s.values[name] = kept
	s.change(name)
}

func (s *Session) change(name string) {
	if s.changed == nil {
		s.changed = map[string]bool{}
	}
	s.changed[name] = true
}

// Delete removes the values with these names.
func (s *Session) Delete(names ...string) {
	s.use()
	defer s.mu.Unlock()
	for _, name := range names {
		if _, ok := s.values[name]; ok {
			delete(s.values, name)
			s.change(name)
		}
	}
}

// Clear ends the session, for example for a logout: all values and messages are
// removed, and the id is no longer valid. Values and messages that are set
// afterwards begin a new session.
func (s *Session) Clear() {
	s.use()
	defer s.mu.Unlock()
	s.record, s.changed, s.pending, s.messages = record{}, nil, nil, nil
	s.cleared, s.taken = true, false
	if _, unreadable := errors.AsType[errContents](s.failure); unreadable {
		s.failure, s.present = nil, true
	}
}

// Renew moves the session to a new id and restarts its MaxAge. Call it when a visitor logs in or
// gains rights. Then an id that an attacker planted or learned before is useless (session
// fixation). The values stay.
func (s *Session) Renew() {
	s.use()
	defer s.mu.Unlock()
	s.renewed = true
}

// Flash keeps a message for the visitor until [Session.Flashes] returns it, usually
// on the page that a redirect leads to. An empty category is "message".
func (s *Session) Flash(text, category string) {
	s.use()
	defer s.mu.Unlock()
	if category == "" {
		category = "message"
	}
	s.pending = append(s.pending, Message{Category: category, Text: text})
}

// Flashes returns the messages that were kept, oldest first, and removes them. With
// categories it returns only messages of these. Within one request, all calls return the same
// messages, so a template may show one category here and another there. The messages of all
// categories are removed.
//
// If a Store keeps the session, each message is returned to one request only,
// even if there are several at once.
func (s *Session) Flashes(categories ...string) []Message {
	s.use()
	defer s.mu.Unlock()
	if !s.taken && s.failure == nil {
		s.taken = true
		kept, err := s.manager.keeper.take(s)
		if err != nil {
			s.fail(err)
		}
		s.messages = append(kept, s.pending...)
		s.pending = nil
	}
	var found []Message
	for _, m := range s.messages {
		if len(categories) == 0 || slices.Contains(categories, m.Category) {
			found = append(found, m)
		}
	}
	return found
}

func (s *Session) fail(err error) {
	s.failure = err
	s.warn("session cannot be used", err)
}

// Err returns the failure of the Store, or the mistake in a value, that the response
// will report. Handlers need not call it: they find an empty session, and their response is
// replaced by an error unless Manager.Optional is set. A handler may call it before it does
// something that cannot be undone.
func (s *Session) Err() error {
	s.use()
	defer s.mu.Unlock()
	return errors.Join(s.mistake, s.failure)
}

// dirty reports whether there is something to save.
func (s *Session) dirty() bool {
	return len(s.changed) > 0 || len(s.pending) > 0 || s.cleared || s.renewed || s.refresh
}

// empty reports whether nothing is left to keep.
func (s *Session) empty() bool {
	return len(s.values) == 0 && len(s.flashes) == 0 && len(s.pending) == 0
}

// saved resets the changes, since they are kept now.
func (s *Session) saved() {
	s.changed, s.pending = nil, nil
	s.cleared, s.renewed, s.refresh = false, false, false
}

// commit saves the session and adds its fields to the header. It returns the error that must
// replace the response.
func (s *Session) commit(h http.Header) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.committed = true
	if !s.used {
		return nil
	}
	addVary(h)
	switch {
	case s.mistake != nil:
		return s.mistake
	case s.failure != nil:
		return s.excused(s.failure)
	}
	cookie, err := s.manager.keeper.save(s, time.Now(), false)
	if err != nil {
		return s.excused(err)
	}
	if cookie == nil {
		return nil
	}
	line, err := cookie.Format()
	if err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	h.Add("Set-Cookie", line)
	return nil
}

// excused returns the error that a client gets for a failure, or nil if the
// request continues without a session.
func (s *Session) excused(err error) error {
	failed, ok := errors.AsType[outage](err)
	switch {
	case !ok:
		return err
	case s.manager.Optional:
		s.warn("session is not saved", failed.error)
		return nil
	}
	return unavailable(failed.error)
}

// commitLate saves changes after the header was sent, if that needs no cookie.
func (s *Session) commitLate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.late && s.manager.lateReader.CompareAndSwap(false, true) {
		s.warn("session is first used when the response header is out: caches are not told that the response depends on it", errLate)
	}
	if !s.dirty() && s.mistake == nil {
		return
	}
	err := errors.Join(s.mistake, s.failure)
	if err == nil {
		_, err = s.manager.keeper.save(s, time.Now(), true)
	}
	if err != nil {
		s.warn("session changed after the response header was out, and the change is lost", err)
	}
}

var errLate = errors.New("the response header is out: use the session before the first byte")

// addVary tells caches that the response depends on the cookie.
func addVary(h http.Header) {
	for _, line := range h["Vary"] {
		for item := range httplex.Items(line) {
			if item == "*" || strings.EqualFold(item, "Cookie") {
				return
			}
		}
	}
	h.Add("Vary", "Cookie")
}
