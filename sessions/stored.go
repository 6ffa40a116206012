package sessions

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
)

// storeKeeper keeps sessions in a Store. A session's fields are these:
//
//	began      when it began, in seconds since 1970
//	written    when its end was last put off
//	v:<name>   a value, as JSON
//	f:<order>  a message, as a JSON list of category and text
//	moved      set for some seconds after it was renewed or cleared
//
// A value or message that a request adds or removes is a separate field. So changes of concurrent
// requests add up, and no change must be tried again.
type storeKeeper struct{ *manager }

const (
	fieldBegan   = "began"
	fieldWritten = "written"
	fieldMoved   = "moved"
	valuePrefix  = "v:"
	flashPrefix  = "f:"
)

// movedFor is how long an old id still leads to the new one. Otherwise a concurrent request with
// the old id would begin a new session, whose cookie would replace the one that the login has just
// set.
const movedFor = 10 * time.Second

// idSize is the number of random bytes of an id.
const idSize = 32

func newID() string {
	var id [idSize]byte
	rand.Read(id[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// keyOf returns the Store's name for an id, and false if value is not an id.
func keyOf(value string) (string, bool) {
	id, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(id) != idSize || strings.ContainsAny(value, "\r\n") {
		return "", false
	}
	sum := sha256.Sum256(id)
	return base64.RawURLEncoding.EncodeToString(sum[:]), true
}

// context limits the time of one operation of the Store. A change is made even if the client has
// gone.
func (k *storeKeeper) context(s *Session) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(s.request.Context()), k.Timeout)
}

func (k *storeKeeper) load(s *Session, value string, now time.Time) (bool, error) {
	key, ok := keyOf(value)
	if !ok {
		return false, nil
	}
	ctx, cancel := k.context(s)
	defer cancel()
	fields, err := k.Store.Load(ctx, key)
	if err != nil {
		return false, outage{fmt.Errorf("sessions: load: %w", err)}
	}
	if fields == nil {
		return false, nil
	}
	s.id = value
	if _, moved := fields[fieldMoved]; moved {
		s.ended = true
		return true, nil
	}
	if err := s.read(fields); err != nil {
		return false, err
	}
	if !s.alive(now) {
		s.id = ""
		return false, nil
	}
	return true, nil
}

// read sets the fields of a session.
func (s *Session) read(fields map[string][]byte) error {
	if s.values == nil {
		s.values = map[string]any{}
	}
	for name, text := range fields {
		switch {
		case strings.HasPrefix(name, valuePrefix):
			s.values[name[len(valuePrefix):]] = json.RawMessage(text)
		case strings.HasPrefix(name, flashPrefix):
			m, err := readMessage(text)
			if err != nil {
				return err
			}
			s.flashes = append(s.flashes, flash{field: name, Message: m})
		case name == fieldBegan || name == fieldWritten:
			seconds, err := strconv.ParseInt(string(text), 10, 64)
			if err != nil {
				return fmt.Errorf("sessions: field %q of a stored session: %w", name, err)
			}
			if name == fieldBegan {
				s.began = time.Unix(seconds, 0)
			} else {
				s.written = time.Unix(seconds, 0)
			}
		}
	}
	slices.SortFunc(s.flashes, func(a, b flash) int { return strings.Compare(a.field, b.field) })
	return nil
}

func readMessage(text []byte) (Message, error) {
	var pair [2]string
	if err := json.Unmarshal(text, &pair); err != nil {
		return Message{}, fmt.Errorf("sessions: message of a stored session: %w", err)
	}
	return Message{Category: pair[0], Text: pair[1]}, nil
}

// flashField returns a field for a message that sorts after earlier ones.
func flashField(now time.Time) string {
	return fmt.Sprintf("%s%016x%s", flashPrefix, now.UnixNano(), rand.Text()[:8])
}

func (k *storeKeeper) take(s *Session) ([]Message, error) {
	if len(s.flashes) == 0 {
		return nil, nil
	}
	remove := make([]string, len(s.flashes))
	for i, f := range s.flashes {
		remove[i] = f.field
	}
	s.flashes = nil
	removed, err := k.change(s, s.id, Change{Remove: remove})
	if err != nil {
		if errors.Is(err, ErrNoSession) {
			return nil, nil // another request cleared it meanwhile
		}
		return nil, err
	}
	var messages []Message
	for _, field := range remove {
		if text, ok := removed[field]; ok { // otherwise another request has it
			m, err := readMessage(text)
			if err != nil {
				return nil, err
			}
			messages = append(messages, m)
		}
	}
	return messages, nil
}

// change makes one change in the Store.
func (k *storeKeeper) change(s *Session, id string, c Change) (map[string][]byte, error) {
	key, _ := keyOf(id)
	ctx, cancel := k.context(s)
	defer cancel()
	removed, err := k.Store.Save(ctx, key, c)
	if err != nil && !errors.Is(err, ErrNoSession) {
		err = outage{fmt.Errorf("sessions: save: %w", err)}
	}
	return removed, err
}

func (k *storeKeeper) save(s *Session, now time.Time, late bool) (*datastructures.Cookie, error) {
	switch {
	case s.ended && !s.cleared && !s.renewed:
		if s.dirty() {
			s.warn("session was renewed or cleared by another request, and the change of this one is lost", ErrNoSession)
		}
		s.saved()
		return nil, nil
	case s.cleared || s.renewed || s.id == "":
		return k.begin(s, now, late)
	case s.dirty():
		return k.update(s, now, late)
	case s.present && s.stale(now) && !late:
		return k.update(s, now, late)
	}
	return nil, nil
}

// update makes the changes of a request to its session.
func (k *storeKeeper) update(s *Session, now time.Time, late bool) (*datastructures.Cookie, error) {
	c := Change{Set: map[string][]byte{}}
	for name := range s.changed {
		if kept, ok := s.values[name]; ok {
			c.Set[valuePrefix+name] = kept.(json.RawMessage)
		} else {
			c.Remove = append(c.Remove, valuePrefix+name)
		}
	}
	if err := s.addPending(c.Set, now); err != nil {
		return nil, err
	}
	var cookie *datastructures.Cookie
	if s.stale(now) && !late {
		c.TTL = s.life(now)
		c.Set[fieldWritten] = strconv.AppendInt(nil, now.Unix(), 10)
		cookie = s.cookie(s.id, c.TTL)
	}
	if err := k.checkSize(s); err != nil {
		return nil, err
	}
	switch _, err := k.change(s, s.id, c); {
	case errors.Is(err, ErrNoSession):
		s.warn("session was removed while the request ran, and its change is lost", err)
		cookie = nil
	case err != nil:
		return nil, err
	}
	s.saved()
	return cookie, nil
}

// begin keeps the session under a new id, and drops its old id.
func (k *storeKeeper) begin(s *Session, now time.Time, late bool) (*datastructures.Cookie, error) {
	old := s.id
	if s.empty() && (s.cleared || old == "") {
		if old == "" {
			s.saved()
			return nil, nil
		}
		if _, err := k.giveUp(s, old); err != nil {
			return nil, err
		}
		s.id = ""
		s.saved()
		if late {
			return nil, nil
		}
		return s.forget(), nil
	}
	if late {
		return nil, errLate
	}
	s.began, s.written = now, now
	id := newID()
	set, err := s.all(now)
	if err != nil {
		return nil, err
	}
	if err := k.checkSize(s); err != nil {
		return nil, err
	}
	life := s.life(now)
	if _, err := k.change(s, id, Change{Create: true, Set: set, TTL: life}); err != nil {
		return nil, err
	}
	if old != "" {
		meanwhile, err := k.giveUp(s, old)
		if err != nil {
			return nil, err
		}
		if !s.cleared && meanwhile != nil {
			if err := k.keepOthers(s, id, meanwhile, set); err != nil {
				return nil, err
			}
		}
	}
	s.id, s.ended, s.present = id, false, true
	s.saved()
	return s.cookie(id, life), nil
}

// giveUp ends an id, and returns the fields that the session had at that time.
func (k *storeKeeper) giveUp(s *Session, id string) (map[string][]byte, error) {
	fields, err := k.change(s, id, Change{Clear: true, Set: map[string][]byte{fieldMoved: {'1'}}, TTL: movedFor})
	if errors.Is(err, ErrNoSession) {
		return nil, nil
	}
	return fields, err
}

// keepOthers applies to the new id the changes that other requests made to the old id while this
// request ran.
func (k *storeKeeper) keepOthers(s *Session, id string, meanwhile, known map[string][]byte) error {
	c := Change{Set: map[string][]byte{}}
	for field, text := range meanwhile {
		name, isValue := strings.CutPrefix(field, valuePrefix)
		_, had := known[field]
		switch {
		case isValue && !s.changed[name] && !(had && string(known[field]) == string(text)),
			strings.HasPrefix(field, flashPrefix) && !had:
			c.Set[field] = text
		}
	}
	for _, f := range s.flashes {
		if _, ok := meanwhile[f.field]; !ok { // otherwise another request has already shown it
			c.Remove = append(c.Remove, f.field)
		}
	}
	if len(c.Set) == 0 && len(c.Remove) == 0 {
		return nil
	}
	_, err := k.change(s, id, c)
	return err
}

// all returns the fields of the whole session.
func (s *Session) all(now time.Time) (map[string][]byte, error) {
	set := map[string][]byte{
		fieldBegan:   strconv.AppendInt(nil, s.began.Unix(), 10),
		fieldWritten: strconv.AppendInt(nil, s.written.Unix(), 10),
	}
	for name, kept := range s.values {
		set[valuePrefix+name] = kept.(json.RawMessage)
	}
	for _, f := range s.flashes {
		text, err := encodeJSON([2]string{f.Category, f.Text})
		if err != nil {
			return nil, err
		}
		set[f.field] = text
	}
	return set, s.addPending(set, now)
}

// addPending adds the messages of this request.
func (s *Session) addPending(set map[string][]byte, now time.Time) error {
	for i, m := range s.pending {
		text, err := encodeJSON([2]string{m.Category, m.Text})
		if err != nil {
			return err
		}
		set[flashField(now.Add(time.Duration(i)))] = text
	}
	return nil
}

// checkSize returns an error if the session is larger than Manager.MaxBytes.
func (k *storeKeeper) checkSize(s *Session) error {
	size := 0
	for name, kept := range s.values {
		size += len(name) + len(kept.(json.RawMessage))
	}
	for _, f := range s.flashes {
		size += len(f.Category) + len(f.Text)
	}
	for _, m := range s.pending {
		size += len(m.Category) + len(m.Text)
	}
	if size > k.MaxBytes {
		return fmt.Errorf("sessions: the session has %d bytes, more than Manager.MaxBytes of %d", size, k.MaxBytes)
	}
	return nil
}

func (k *storeKeeper) encode(value any) (any, error) { return encodeJSON(value) }

func (k *storeKeeper) decode(kept, into any) error {
	return json.Unmarshal(kept.(json.RawMessage), into)
}
