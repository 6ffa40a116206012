package sessions

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/security"
)

// Flask reads and writes the sessions of a Flask application that has the same
// secret. So visitors stay logged in while an application moves to Go route by route, or back. Set
// it as Manager.Flask; [Flask.Open] and [Flask.Save] are for programs that handle cookies
// themselves.
//
// A Flask session is signed, not sealed: the visitor can read it. If Python never reads the
// sessions, Manager.Box is better.
//
// The cookie is identical, byte for byte, to the one that Flask writes for the
// same values in the same second. Sessions that are large enough to be
// compressed are the exception: the bytes differ, but not the values.
type Flask struct {
	// Secret is the application's SECRET_KEY. It must not be empty.
	Secret string
	// Fallbacks are the application's SECRET_KEY_FALLBACKS: former secrets, whose signatures are
	// still accepted. None of them may be empty.
	Fallbacks []string
	// Lifetime is the application's PERMANENT_SESSION_LIFETIME: older sessions are
	// not accepted. It is 31 days by default, as in Flask. A negative value means no
	// limit.
	Lifetime time.Duration
	// Cookie is the pattern of the cookie, with the application's settings: Name is
	// SESSION_COOKIE_NAME ("session" by default), Path is SESSION_COOKIE_PATH ("/" by default).
	// Value, Expires and MaxAge are ignored. The cookie is always HttpOnly.
	Cookie datastructures.Cookie
}

// permanent is the name of a value: if it is true, the cookie outlives the browser. It corresponds
// to Flask's session.permanent.
const permanent = "_permanent"

// flaskFlashes is the value in which Flask keeps messages.
const flaskFlashes = "_flashes"

// complete returns f with its defaults, or an error that names an invalid field.
func (f Flask) complete() (*Flask, error) {
	if f.Secret == "" {
		return nil, errors.New("sessions: Flask.Secret is empty: set the application's SECRET_KEY")
	}
	for i, secret := range f.Fallbacks {
		if secret == "" {
			return nil, fmt.Errorf("sessions: Flask.Fallbacks[%d] is empty, and everybody could sign with it: remove it", i)
		}
	}
	if err := limits.Set(&f.Lifetime, "sessions: Flask.Lifetime", 31*day, limits.Forever); err != nil {
		return nil, err
	}
	return &f, nil
}

func (f *Flask) signer() security.Signer {
	keys := [][]byte{[]byte(f.Secret)}
	for _, secret := range f.Fallbacks {
		keys = append(keys, []byte(secret))
	}
	return security.Signer{Keys: keys, Salt: "cookie-session", Derivation: "hmac"}
}

// Open returns the session in a cookie's value. The error wraps
// [security.ErrForged] or [security.ErrExpired], or says why a value with a
// valid signature cannot be read.
func (f *Flask) Open(value string) (map[string]any, error) {
	done, err := f.complete()
	if err != nil {
		return nil, err
	}
	session, _, err := done.open(value)
	return session, err
}

// errContents wraps the error of a session whose signature is valid, but whose
// contents cannot be read.
type errContents struct{ error }

func (e errContents) Unwrap() error { return e.error }

func (f *Flask) open(value string) (session map[string]any, at time.Time, err error) {
	signer := f.signer()
	text, at, err := signer.Unsign(value, f.Lifetime)
	if err != nil {
		return nil, at, fmt.Errorf("session: %w", err)
	}
	data, err := decodePayload(text)
	if err != nil {
		return nil, at, errContents{fmt.Errorf("session: %w", err)}
	}
	read, err := readTagged(data)
	if err != nil {
		return nil, at, errContents{err}
	}
	session, ok := read.(map[string]any)
	if !ok {
		return nil, at, errContents{fmt.Errorf("session: a %T, not a dict", read)}
	}
	return session, at, nil
}

// Save returns the cookie that keeps a session, for Response.SetCookie. The cookie lives until the
// browser ends, or for the lifetime if the session has a true "_permanent" (Flask's
// session.permanent). As in Flask, the cookie of an empty session is removed. The error names a
// value that cannot be written for Python, or says that the session is too large.
func (f *Flask) Save(session map[string]any) (datastructures.Cookie, error) {
	return f.save(session, time.Now())
}

func (f *Flask) save(session map[string]any, now time.Time) (datastructures.Cookie, error) {
	done, err := f.complete()
	if err != nil {
		return datastructures.Cookie{}, err
	}
	if len(session) == 0 {
		return f.forget(), nil
	}
	data, err := appendTagged(nil, session, 0)
	if err != nil {
		return datastructures.Cookie{}, err
	}
	c := f.cookie()
	signer := f.signer()
	if c.Value, err = signer.Sign(encodePayload(data), now); err != nil {
		return datastructures.Cookie{}, err
	}
	if session[permanent] == true {
		c.Expires = now.Add(done.Lifetime)
	}
	return c, checkSize(c)
}

// checkSize is the part of the cookie's check that depends on the session. The code that sends the
// cookie sets the rest, such as the path.
func checkSize(c datastructures.Cookie) error {
	plain := datastructures.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true}
	_, err := plain.Format()
	return err
}

// forget returns a cookie that removes the session's cookie.
func (f *Flask) forget() datastructures.Cookie {
	c := f.cookie()
	c.Expires, c.MaxAge = time.Unix(0, 0), -1
	return c
}

func (f *Flask) cookie() datastructures.Cookie {
	c := f.Cookie
	if c.Name == "" {
		c.Name = defaultName
	}
	if c.Path == "" {
		c.Path = "/"
	}
	c.HTTPOnly, c.Value, c.Expires, c.MaxAge = true, "", time.Time{}, 0
	return c
}

// flaskKeeper keeps sessions in Flask's cookie. The values are those of
// [Flask.Open].
type flaskKeeper struct {
	*manager
	flask *Flask
}

func (k *flaskKeeper) load(s *Session, value string, _ time.Time) (bool, error) {
	session, at, err := k.flask.open(value)
	if err != nil {
		if _, ours := errors.AsType[errContents](err); ours {
			return false, err // a session that must not be overwritten
		}
		return false, nil
	}
	s.values, s.began, s.written = session, at, at
	if list, ok := session[flaskFlashes].([]any); ok {
		delete(session, flaskFlashes)
		for _, entry := range list {
			s.flashes = append(s.flashes, flash{kept: entry, Message: flaskMessage(entry)})
		}
	}
	return true, nil
}

// flaskMessage reads a message of Flask's flash(): category and message.
func flaskMessage(entry any) Message {
	if pair, ok := entry.(Tuple); ok && len(pair) == 2 {
		return Message{Category: fmt.Sprint(pair[0]), Text: fmt.Sprint(pair[1])}
	}
	return Message{Category: "message", Text: fmt.Sprint(entry)}
}

func (k *flaskKeeper) take(s *Session) ([]Message, error) { return s.takeFlashes(), nil }

func (k *flaskKeeper) save(s *Session, now time.Time, late bool) (*datastructures.Cookie, error) {
	permanent := s.values[permanent] == true
	if !s.dirty() && !(permanent && now.Sub(s.written) >= k.flask.Lifetime/10) {
		return nil, nil
	}
	if late {
		return nil, errLate
	}
	session := maps.Clone(s.values)
	var list []any
	for _, f := range s.flashes {
		list = append(list, f.kept)
	}
	for _, m := range s.pending {
		list = append(list, Tuple{m.Category, m.Text})
	}
	if list != nil {
		if session == nil {
			session = map[string]any{}
		}
		session[flaskFlashes] = list
	}
	if len(session) == 0 && !s.present {
		return nil, nil
	}
	cookie, err := k.flask.save(session, now)
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	s.saved()
	return &cookie, nil
}

// encode returns a copy of a value in the form for Python. Values that have no equivalent in Python
// are written as encoding/json writes them: a struct becomes a dict.
func (k *flaskKeeper) encode(value any) (any, error) {
	data, err := appendTagged(nil, value, 0)
	if err != nil {
		plain, jsonErr := json.Marshal(value)
		if jsonErr != nil {
			return nil, err
		}
		d := json.NewDecoder(strings.NewReader(string(plain)))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		if data, err = appendTagged(nil, v, 0); err != nil {
			return nil, err
		}
	}
	return readTagged(data)
}

func (k *flaskKeeper) decode(kept, into any) error {
	own, err := k.encode(kept) // so that the copy shares nothing with the session
	if err != nil {
		return err
	}
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return errors.New("sessions: Get needs a pointer to a variable")
	}
	to := target.Elem()
	if own == nil {
		to.SetZero()
		return nil
	}
	from := reflect.ValueOf(own)
	if from.Type().AssignableTo(to.Type()) {
		to.Set(from)
		return nil
	}
	if from.Kind() == to.Kind() && from.CanConvert(to.Type()) {
		to.Set(from.Convert(to.Type()))
		return nil
	}
	data, err := json.Marshal(own)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}
