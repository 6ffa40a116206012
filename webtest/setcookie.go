package webtest

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits of RFC 6265bis, sections 5.5 and 5.6.
const (
	maxPair      = 4096
	maxAttribute = 1024
	maxAge       = 400 * 24 * time.Hour
)

// parseSetCookie reads a Set-Cookie field as a browser does (RFC 6265bis,
// section 5.6): leniently, and without losing any of the value. Domain is ""
// for a cookie of one host, and Path "" for the default one; Expires is the
// zero time for the session.
func parseSetCookie(line string, now time.Time) (*http.Cookie, error) {
	for i := range len(line) {
		if c := line[i]; c < ' ' && c != '\t' || c == 0x7f {
			return nil, errors.New("it has a control character")
		}
	}
	pair, attributes, _ := strings.Cut(line, ";")
	c, err := parsePair(pair)
	if err != nil {
		return nil, err
	}
	c.Raw = line
	var life lifetime
	for attributes != "" {
		var attribute string
		attribute, attributes, _ = strings.Cut(attributes, ";")
		key, value, _ := strings.Cut(attribute, "=")
		key, value = strings.ToLower(strings.Trim(key, " \t")), strings.Trim(value, " \t")
		switch {
		case len(value) > maxAttribute: // ignored
		case key == "expires" || key == "max-age":
			life.set(key, value)
		default:
			setAttribute(c, key, value)
		}
	}
	c.MaxAge, c.Expires = life.maxAge, life.end(now)
	return c, nil
}

// parsePair reads the part before the attributes: a name and a value, or only a value.
func parsePair(pair string) (*http.Cookie, error) {
	name, value, ok := strings.Cut(pair, "=")
	if !ok {
		name, value = "", pair
	}
	name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
	if name == "" && value == "" {
		return nil, errors.New("it has neither a name nor a value")
	}
	if len(name)+len(value) > maxPair {
		return nil, errors.New("name and value are longer than 4096 bytes")
	}
	return &http.Cookie{Name: name, Value: value}, nil
}

// setAttribute reads an attribute that says where a cookie is sent. Others are ignored.
func setAttribute(c *http.Cookie, key, value string) {
	switch key {
	case "domain":
		c.Domain = strings.ToLower(strings.TrimPrefix(value, "."))
	case "path":
		if c.Path = value; !strings.HasPrefix(value, "/") {
			c.Path = ""
		}
	case "secure":
		c.Secure = true
	case "httponly":
		c.HttpOnly = true
	case "partitioned":
		c.Partitioned = true
	case "samesite":
		c.SameSite = sameSite(value)
	}
}

func sameSite(value string) http.SameSite {
	switch strings.ToLower(value) {
	case "strict":
		return http.SameSiteStrictMode
	case "lax":
		return http.SameSiteLaxMode
	case "none":
		return http.SameSiteNoneMode
	}
	return http.SameSiteDefaultMode
}

// lifetime holds the values of Expires and Max-Age.
type lifetime struct {
	expires time.Time
	maxAge  int
	hasAge  bool
}

func (l *lifetime) set(key, value string) {
	if key == "max-age" {
		if age, ok := ageOf(value); ok {
			l.hasAge, l.maxAge = true, age
		}
		return
	}
	if t, ok := cookieDate(value); ok {
		l.expires = t
	}
}

// end returns when the cookie expires, or the zero time for a cookie of the
// session. Max-Age takes precedence over Expires, and no cookie lives longer
// than 400 days.
func (l *lifetime) end(now time.Time) time.Time {
	latest := now.Add(maxAge)
	switch {
	case l.hasAge && l.maxAge <= 0:
		return time.Unix(0, 0)
	case l.hasAge:
		return now.Add(min(time.Duration(l.maxAge)*time.Second, maxAge))
	case l.expires.After(latest):
		return latest
	}
	return l.expires
}

// ageOf reads a Max-Age; -1 stands for all values that are not positive, as in
// [http.Cookie].
func ageOf(s string) (int, bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	switch {
	case s[0] == '-' || err == nil && n <= 0:
		return -1, true
	case err != nil || n > int(maxAge/time.Second):
		return int(maxAge / time.Second), true
	}
	return n, true
}

// cookieDate reads a date as browsers do (RFC 6265bis, section 5.1.1): a time,
// a day, a month and a year in any order.
func cookieDate(s string) (time.Time, bool) {
	day, month, year := -1, -1, -1
	var clock [3]int
	hasClock := false
	for _, token := range strings.FieldsFunc(s, dateDelimiter) {
		if !hasClock {
			if c, ok := clockOf(token); ok {
				clock, hasClock = c, true
				continue
			}
		}
		if n, ok := number(token, 1, 2); ok && day < 0 {
			day = n
			continue
		}
		if month < 0 && len(token) >= 3 {
			if i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(token[:3])); i >= 0 && i%3 == 0 {
				month = i/3 + 1
				continue
			}
		}
		if n, ok := number(token, 2, 4); ok && year < 0 {
			year = n
		}
	}
	switch {
	case year >= 70 && year <= 99:
		year += 1900
	case year >= 0 && year <= 69:
		year += 2000
	}
	if !hasClock || month < 0 || day < 1 || day > 31 || year < 1601 || clock[0] > 23 || clock[1] > 59 || clock[2] > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], 0, time.UTC)
	return t, t.Day() == day
}

func dateDelimiter(r rune) bool {
	return r == '\t' || r >= ' ' && r <= '/' || r >= ';' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~'
}

// number reads the digits at the start of a token. Their number must not be below
// least or above most.
func number(token string, least, most int) (int, bool) {
	i := 0
	for i < len(token) && token[i] >= '0' && token[i] <= '9' {
		i++
	}
	if i < least || i > most {
		return 0, false
	}
	n, err := strconv.Atoi(token[:i])
	return n, err == nil
}

func clockOf(token string) (clock [3]int, ok bool) {
	parts := strings.SplitN(token, ":", 3)
	if len(parts) != 3 {
		return clock, false
	}
	for i, part := range parts {
		n, ok := number(part, 1, 2)
		if !ok || i < 2 && len(strings.Trim(part, "0123456789")) > 0 {
			return clock, false
		}
		clock[i] = n
	}
	return clock, true
}
