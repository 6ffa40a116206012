package conformance_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
)

// cookieInput has the options of Werkzeug's dump_cookie. Path is "/" unless it
// is given, and null leaves it out.
type cookieInput struct {
	Key, Value  string
	MaxAge      *float64 `json:"max_age"`
	Expires     any
	Path        json.RawMessage
	Domain      string
	Secure      bool
	HTTPOnly    bool `json:"httponly"`
	SameSite    string
	Partitioned bool
}

func (in cookieInput) cookie() (*datastructures.Cookie, error) {
	c := &datastructures.Cookie{
		Name: in.Key, Value: in.Value, Path: "/", Domain: in.Domain,
		Secure: in.Secure, HTTPOnly: in.HTTPOnly, Partitioned: in.Partitioned,
	}
	switch strings.ToLower(in.SameSite) {
	case "":
	case "lax":
		c.SameSite = http.SameSiteLaxMode
	case "strict":
		c.SameSite = http.SameSiteStrictMode
	case "none":
		c.SameSite = http.SameSiteNoneMode
	default:
		c.SameSite = -1
	}
	if in.Path != nil {
		c.Path = ""
		if err := json.Unmarshal(in.Path, &c.Path); err != nil {
			return nil, err
		}
	}
	if in.MaxAge != nil {
		if c.MaxAge = time.Duration(*in.MaxAge) * time.Second; c.MaxAge <= 0 {
			c.MaxAge = -1
		}
	}
	switch expires := in.Expires.(type) {
	case float64:
		seconds, fraction := math.Modf(expires)
		c.Expires = time.Unix(int64(seconds), int64(fraction*1e9))
	case string:
		t, err := time.Parse(time.RFC3339, expires)
		if err != nil {
			parsed, ok := datastructures.ParseDate(expires)
			if !ok {
				return nil, err
			}
			t = parsed
		}
		c.Expires = t
	}
	return c, nil
}

// parseCookies accepts two orders: the order that was sent, which this package keeps, and
// Werkzeug's, which puts the values of one name together.
func parseCookies(in, want json.RawMessage) error {
	var input headerInput
	if err := json.Unmarshal(in, &input); err != nil {
		return err
	}
	cookies := datastructures.ParseCookies(input.Header)
	sent, grouped := [][2]string{}, [][2]string{}
	for name, value := range cookies.All() {
		sent = append(sent, [2]string{name, value})
	}
	for name, values := range cookies.Lists() {
		for _, value := range values {
			grouped = append(grouped, [2]string{name, value})
		}
	}
	if same(grouped, want) == nil {
		return nil
	}
	return same(sent, want)
}

func dumpCookie(in, want json.RawMessage) error {
	var input cookieInput
	if err := json.Unmarshal(in, &input); err != nil {
		return err
	}
	c, err := input.cookie()
	if err != nil {
		return err
	}
	text, err := c.Format()
	if err != nil {
		return same("error", want)
	}
	back, ok := datastructures.ParseSetCookie(text)
	if !ok || back.Value != input.Value {
		return fmt.Errorf("%q does not come back as it was set", text)
	}
	parts := strings.Split(text, "; ")
	slices.Sort(parts[1:])
	return same(map[string]any{"pair": parts[0], "attributes": parts[1:]}, want)
}

var _ = register(map[string]operation{
	"cookie.parse":      parseCookies,
	"cookie.dump":       dumpCookie,
	"cookie.dump.error": dumpCookie,
})
