// Package sessions keeps what an application remembers of a visitor in one
// cookie, which the visitor can neither read nor change: a [security.Box] seals
// it. Nothing is stored on the server, so a session cannot be taken back before
// it expires, and it must stay small: browsers keep 4096 bytes. For more keep an
// id in it.
//
//	type visit struct {
//		User int      `json:"user"`
//		Cart []string `json:"cart"`
//	}
//
//	var visits = sessions.Store[visit]{Box: box}
//
// [Flask] shares its sessions with a Python application instead.
package sessions

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/security"
)

// Store reads and writes sessions of the type T, which travel as JSON. Only Box
// must be set.
type Store[T any] struct {
	// Box seals the sessions.
	Box *security.Box
	// MaxAge is how long a session lives after it was last written; 0 is 14 days.
	MaxAge time.Duration
	// Cookie is the pattern of the cookie: its name, "session" if it is "", its
	// path, domain and attributes. Value, Expires and MaxAge are the Store's. It is
	// always HttpOnly, and SameSite=Lax unless it says something else; set Secure
	// where the application is reached by https alone.
	Cookie datastructures.Cookie
}

const defaultMaxAge = 14 * 24 * time.Hour

func (s *Store[T]) name() string {
	if s.Cookie.Name != "" {
		return s.Cookie.Name
	}
	return "session"
}

func (s *Store[T]) maxAge() time.Duration {
	if s.MaxAge != 0 {
		return s.MaxAge
	}
	return defaultMaxAge
}

// Load returns the session of a request, and false for a visitor who has none:
// no cookie, one that is forged or expired, or one of an older T that does not
// fit any more. A second cookie of the name is tried where the first fails.
func (s *Store[T]) Load(r *http.Request) (session T, ok bool) {
	if s.Box == nil {
		return session, false // Save says so
	}
	for _, line := range r.Header["Cookie"] {
		for _, text := range datastructures.ParseCookies(line).List(s.name()) {
			data, err := s.Box.Open(s.name(), text, s.maxAge())
			if err != nil {
				continue
			}
			var read T
			if json.Unmarshal(data, &read) == nil {
				return read, true
			}
		}
	}
	return session, false
}

// Save returns the cookie that keeps a session, for Response.SetCookie. Its error
// is that of JSON, or a [*datastructures.CookieError] for a session too large.
func (s *Store[T]) Save(session T) (datastructures.Cookie, error) {
	if s.Box == nil {
		return datastructures.Cookie{}, errors.New("session: the Store has no Box to seal it")
	}
	data, err := json.Marshal(session)
	if err != nil {
		return datastructures.Cookie{}, fmt.Errorf("session as JSON: %w", err)
	}
	c := s.cookie()
	c.Value = s.Box.Seal(c.Name, data)
	c.MaxAge = s.maxAge()
	return c, checkSize(c)
}

// checkSize is the part of the cookie's check that depends on the session. The
// rest is for whoever sends it, who fills in the path.
func checkSize(c datastructures.Cookie) error {
	plain := datastructures.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true}
	return plain.Check()
}

// Forget returns the cookie that ends a session.
func (s *Store[T]) Forget() datastructures.Cookie {
	c := s.cookie()
	c.Expires, c.MaxAge = time.Unix(0, 0), -1
	return c
}

func (s *Store[T]) cookie() datastructures.Cookie {
	c := s.Cookie
	c.Name, c.HTTPOnly, c.Expires = s.name(), true, time.Time{}
	if c.SameSite == "" {
		c.SameSite = datastructures.SameSiteLax
	}
	return c
}
