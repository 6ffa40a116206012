package sessions

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/gateway"
)

// sealedKeeper keeps the whole session in the cookie.
type sealedKeeper struct{ *manager }

// sealedSession is the JSON in the cookie. Times are seconds since 1970.
type sealedSession struct {
	Began   int64                      `json:"b"`
	Written int64                      `json:"w"`
	Values  map[string]json.RawMessage `json:"v,omitempty"`
	Flashes [][2]string                `json:"f,omitempty"`
}

func (k *sealedKeeper) load(s *Session, value string, now time.Time) (bool, error) {
	data, err := k.Box.Open(k.Cookie.Name, value, 0)
	if err != nil {
		return false, nil
	}
	var read sealedSession
	if err := json.Unmarshal(data, &read); err != nil {
		return false, nil // another program with the same key has sealed it
	}
	s.began, s.written = time.Unix(read.Began, 0), time.Unix(read.Written, 0)
	if !s.alive(now) {
		return false, nil
	}
	s.values = make(map[string]any, len(read.Values))
	for name, raw := range read.Values {
		s.values[name] = raw
	}
	for _, pair := range read.Flashes {
		s.flashes = append(s.flashes, flash{Message: Message{Category: pair[0], Text: pair[1]}})
	}
	return true, nil
}

func (k *sealedKeeper) take(s *Session) ([]Message, error) { return s.takeFlashes(), nil }

// takeFlashes removes the messages of a cookie.
func (s *Session) takeFlashes() (messages []Message) {
	for _, f := range s.flashes {
		messages = append(messages, f.Message)
	}
	s.refresh = s.refresh || len(messages) > 0
	s.flashes = nil
	return messages
}

func (k *sealedKeeper) save(s *Session, now time.Time, late bool) (*datastructures.Cookie, error) {
	if !s.dirty() && !(s.present && s.stale(now)) {
		return nil, nil
	}
	if late {
		return nil, errLate
	}
	present := s.present
	if s.began.IsZero() || s.renewed {
		s.began = now
	}
	if s.empty() {
		if !present {
			return nil, nil
		}
		return s.forget(), nil
	}
	kept := sealedSession{Began: s.began.Unix(), Written: now.Unix(), Values: make(map[string]json.RawMessage, len(s.values))}
	for name, raw := range s.values {
		kept.Values[name] = raw.(json.RawMessage)
	}
	for _, f := range s.flashes {
		kept.Flashes = append(kept.Flashes, [2]string{f.Category, f.Text})
	}
	for _, m := range s.pending {
		kept.Flashes = append(kept.Flashes, [2]string{m.Category, m.Text})
	}
	data, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	s.saved()
	return s.cookie(k.Box.Seal(k.Cookie.Name, data), s.life(now)), nil
}

func (k *sealedKeeper) encode(value any) (any, error) { return encodeJSON(value) }

func (k *sealedKeeper) decode(kept, into any) error {
	return json.Unmarshal(kept.(json.RawMessage), into)
}

func encodeJSON(value any) (json.RawMessage, error) {
	data, err := json.Marshal(value)
	return data, err
}

// cookie returns a cookie with the manager's settings, for the protocol and the
// mount of the request.
func (s *Session) cookie(value string, life time.Duration) *datastructures.Cookie {
	c := s.manager.Cookie
	origin := gateway.OriginOf(s.request)
	if c.Path == "" {
		c.Path = "/"
		if !strings.HasPrefix(c.Name, "__Host-") { // cookies with this prefix are for the whole host
			c.Path = origin.RootPath + "/"
		}
	}
	c.Secure = c.Secure || origin.Scheme == "https"
	c.Value, c.MaxAge = value, max(life, time.Second)
	return &c
}

// forget returns the cookie that ends the session in the client.
func (s *Session) forget() *datastructures.Cookie {
	c := s.cookie("", 0)
	c.Expires, c.MaxAge = time.Unix(0, 0), -1
	return c
}
