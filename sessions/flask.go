package sessions

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/security"
)

// Flask reads and writes the sessions of Flask applications that have the same
// secret, so that visitors stay who they are while an application moves over,
// route by route, in either direction. A Flask session is signed, not sealed: the
// visitor can read it. Sessions that Python never sees are better kept in a
// [Store].
//
// What it writes is byte for byte what Flask writes of the same values at the same
// second, but for sessions so large that they are compressed: those are other
// bytes that say the same.
type Flask struct {
	// Secret is the application's SECRET_KEY; it must be set.
	Secret string
	// Fallbacks are its SECRET_KEY_FALLBACKS: secrets that verify still.
	Fallbacks []string
	// Lifetime is its PERMANENT_SESSION_LIFETIME, after which no session is taken
	// any more; 0 is 31 days, as in Flask.
	Lifetime time.Duration
	// Cookie is the pattern of the cookie: its name (SESSION_COOKIE_NAME,
	// "session" if it is ""), path, domain and attributes as the application has
	// them. Value, Expires and MaxAge are the session's. It is always HttpOnly.
	Cookie datastructures.Cookie
}

// Permanent is the member of a session that has its cookie outlive the browser,
// if it is true: Flask's session.permanent.
const Permanent = "_permanent"

func (f *Flask) signer() security.Signer {
	keys := [][]byte{[]byte(f.Secret)}
	for _, secret := range f.Fallbacks {
		keys = append(keys, []byte(secret))
	}
	return security.Signer{Keys: keys, Salt: "cookie-session", Derivation: security.HMAC}
}

func (f *Flask) lifetime() time.Duration {
	if f.Lifetime != 0 {
		return f.Lifetime
	}
	return 31 * 24 * time.Hour
}

// errNoSecret is the answer to a Flask without a secret, with which everybody
// could sign.
var errNoSecret = errors.New("session: Flask.Secret is empty: set the application's SECRET_KEY")

// Load returns the session of a request, and false for a visitor who has none: no
// cookie, one that is forged or expired, or one that holds what Go has no value
// for. A second cookie of the name is tried where the first fails.
func (f *Flask) Load(r *http.Request) (session map[string]any, ok bool) {
	for _, line := range r.Header["Cookie"] {
		for _, text := range datastructures.ParseCookies(line).List(f.cookie().Name) {
			if session, err := f.Open(text); err == nil {
				return session, true
			}
		}
	}
	return nil, false
}

// Open returns the session that a cookie's value holds. Its error wraps
// [security.ErrForged] or [security.ErrExpired], or says what is wrong with a
// value that is signed well.
func (f *Flask) Open(value string) (map[string]any, error) {
	if f.Secret == "" {
		return nil, errNoSecret
	}
	signer := f.signer()
	text, _, err := signer.Unsign(value, f.lifetime())
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	data, err := security.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	read, err := readTagged(data)
	if err != nil {
		return nil, err
	}
	session, ok := read.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("session: a %T, not a dict", read)
	}
	return session, nil
}

// Save returns the cookie that keeps a session, for Response.SetCookie: until the
// browser ends, or for the lifetime where the session is [Permanent]. As in Flask,
// an empty session has its cookie removed. Its error names a value that Python has
// no form for, or is a [*datastructures.CookieError] for a session too large.
func (f *Flask) Save(session map[string]any) (datastructures.Cookie, error) {
	return f.save(session, time.Now())
}

func (f *Flask) save(session map[string]any, now time.Time) (datastructures.Cookie, error) {
	if f.Secret == "" {
		return datastructures.Cookie{}, errNoSecret
	}
	if len(session) == 0 {
		return f.Forget(), nil
	}
	data, err := appendTagged(nil, session, 0)
	if err != nil {
		return datastructures.Cookie{}, err
	}
	c := f.cookie()
	signer := f.signer()
	if c.Value, err = signer.Sign(security.Encode(data), now); err != nil {
		return datastructures.Cookie{}, err
	}
	if session[Permanent] == true {
		c.Expires = now.Add(f.lifetime())
	}
	return c, checkSize(c)
}

// Forget returns the cookie that ends a session.
func (f *Flask) Forget() datastructures.Cookie {
	c := f.cookie()
	c.Expires, c.MaxAge = time.Unix(0, 0), -1
	return c
}

func (f *Flask) cookie() datastructures.Cookie {
	c := f.Cookie
	if c.Name == "" {
		c.Name = "session"
	}
	c.HTTPOnly, c.Value, c.Expires, c.MaxAge = true, "", time.Time{}, 0
	return c
}
