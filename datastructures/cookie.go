package datastructures

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/httplex"
	"github.com/zeugkit/zeug/internal/percent"
	"github.com/zeugkit/zeug/urls"
)

// ParseCookies reads the value of a Cookie header, in the order the client sent it: the more
// specific path first, so that [Values.Get] returns the right cookie.
//
// It takes what browsers send, not only what RFC 6265 allows: any bytes in names and values, values
// with "=", names without a value. A value in double quotes is unquoted, and `\"`, `\\` and octal
// escapes (`\073`) in it are decoded, as [Cookie] writes them. Only a pair without a name is left
// out.
func ParseCookies(header string) *Values {
	var cookies *Values
	for header != "" {
		var name, value string
		name, value, header = cutCookie(header)
		if name == "" {
			continue
		}
		if cookies == nil {
			cookies = roomFor(2 + strings.Count(header, ";"))
		}
		cookies.Add(name, unquoteCookie(value))
	}
	if cookies == nil {
		return new(Values)
	}
	return cookies
}

// cutCookie splits the first pair off a Cookie header. A semicolon in a quoted value belongs to
// it, provided that the quotes end at the end of the value.
func cutCookie(header string) (name, value, rest string) {
	i := 0
	for i < len(header) && header[i] != '=' && header[i] != ';' {
		i++
	}
	name = httplex.Trim(header[:i])
	if i == len(header) || header[i] == ';' {
		return name, "", after(header, i)
	}
	value = header[i+1:]
	for value != "" && (value[0] == ' ' || value[0] == '\t') {
		value = value[1:]
	}
	if value != "" && value[0] == '"' {
		if end := quotedCookieEnd(value); end > 0 {
			if next := httplex.Trim(value[end:]); next == "" || next[0] == ';' {
				return name, value[:end], strings.TrimPrefix(next, ";")
			}
		}
	}
	value, rest, _ = strings.Cut(value, ";")
	return name, httplex.Trim(value), rest
}

func after(s string, i int) string {
	if i < len(s) {
		return s[i+1:]
	}
	return ""
}

// quotedCookieEnd is the end of the quoted string at the start of s, 0 if it does not end.
func quotedCookieEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return 0
}

func unquoteCookie(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s):
			b = append(b, s[i])
		case i+3 < len(s) && '0' <= s[i+1] && s[i+1] <= '3' && isOctal(s[i+2]) && isOctal(s[i+3]):
			b = append(b, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 3
		default:
			i++
			b = append(b, s[i])
		}
	}
	return string(b)
}

func isOctal(c byte) bool { return '0' <= c && c <= '7' }

// Cookie is what a Set-Cookie header sets (RFC 6265bis). Any value can be
// carried: one with characters that a cookie may not hold is quoted, and those
// are escaped in octal (`"a\073b"`), which [ParseCookies] and Werkzeug decode.
type Cookie struct {
	// Name is a token.
	Name string
	// Value is any string.
	Value string
	// Path is where below the host the cookie is sent; "" leaves it out, which means the directory
	// of the request. It is percent-encoded where necessary.
	Path string
	// Domain lets hosts below it have the cookie as well; "" means the host that
	// set it alone. A leading dot and a port are dropped, and a name that is not
	// ASCII is encoded (IDNA).
	Domain string
	// Expires is when the cookie ends; with the zero time it ends with the
	// browser's session.
	Expires time.Time
	// MaxAge is how long the cookie lives, in whole seconds, and takes
	// precedence over Expires; 0 leaves it out, and less than a second deletes
	// the cookie.
	MaxAge time.Duration
	// Secure sends the cookie over https only.
	Secure bool
	// HTTPOnly hides the cookie from scripts.
	HTTPOnly bool
	// SameSite says with which requests from other sites the cookie is sent (RFC 6265bis, section
	// 4.1.2.7). The zero value and [http.SameSiteDefaultMode] leave it out.
	SameSite http.SameSite
	// Partitioned keeps one cookie for each site that embeds this one (CHIPS).
	// It makes the cookie Secure.
	Partitioned bool
}

// maxCookieSize is the number of bytes that name and value of a cookie may have
// together: browsers ignore a longer one (RFC 6265bis, section 5.6).
const maxCookieSize = 4096

// Format returns the value of the Set-Cookie header. The error says what cannot
// be sent: a name that is not a token, a domain that is not a host, a name and value of more than
// [maxCookieSize] bytes, a date before 1601, or an unknown SameSite. A name that starts with
// "__Host-" or "__Secure-" needs the attributes that browsers demand for it.
func (c *Cookie) Format() (string, error) {
	var room [256]byte // more is rare
	b, err := c.append(room[:0])
	if err != nil {
		return "", fmt.Errorf("cookie %q: %w", c.Name, err)
	}
	return string(b), nil
}

func (c *Cookie) append(b []byte) ([]byte, error) {
	if !httplex.IsToken(c.Name) {
		return nil, errors.New("the name is not a token of letters, digits and !#$%&'*+-.^_`|~")
	}
	b = append(append(b, c.Name...), '=')
	b = appendCookieValue(b, c.Value)
	if size := len(b) - 1; size > maxCookieSize {
		return nil, fmt.Errorf("name and value take %d bytes, browsers keep %d at most", size, maxCookieSize)
	}
	if c.Domain != "" {
		domain, err := cookieDomain(c.Domain)
		if err != nil {
			return nil, err
		}
		b = append(append(b, "; Domain="...), domain...)
	}
	if !c.Expires.IsZero() {
		expires := c.Expires.UTC()
		if year := expires.Year(); year < 1601 || year > 9999 {
			return nil, fmt.Errorf("it expires in the year %d, which is not between 1601 and 9999", year)
		}
		b = expires.AppendFormat(append(b, "; Expires="...), http.TimeFormat)
	}
	if c.MaxAge != 0 {
		seconds := max(0, int64(c.MaxAge/time.Second))
		b = strconv.AppendInt(append(b, "; Max-Age="...), seconds, 10)
	}
	secure := c.Secure || c.Partitioned
	if secure {
		b = append(b, "; Secure"...)
	}
	if c.HTTPOnly {
		b = append(b, "; HttpOnly"...)
	}
	if c.Path != "" {
		b = append(append(b, "; Path="...), escapeCookiePath(c.Path)...)
	}
	switch c.SameSite {
	case 0, http.SameSiteDefaultMode:
	case http.SameSiteLaxMode:
		b = append(b, "; SameSite=Lax"...)
	case http.SameSiteStrictMode:
		b = append(b, "; SameSite=Strict"...)
	case http.SameSiteNoneMode:
		b = append(b, "; SameSite=None"...)
	default:
		return nil, fmt.Errorf("SameSite is %d: use http.SameSiteLaxMode, SameSiteStrictMode or SameSiteNoneMode", c.SameSite)
	}
	if c.Partitioned {
		b = append(b, "; Partitioned"...)
	}
	return b, c.checkPrefix(secure)
}

// escapeCookiePath percent-encodes what a path cannot have, and ";", which is valid in a path but
// would end it in the header.
func escapeCookiePath(path string) string {
	path = percent.EscapedPath.Escape(path)
	if strings.IndexByte(path, ';') >= 0 {
		path = strings.ReplaceAll(path, ";", "%3B")
	}
	return path
}

// checkPrefix checks the attributes that a name with a prefix promises (RFC
// 6265bis, section 4.1.3); a browser ignores a cookie that breaks the promise.
func (c *Cookie) checkPrefix(secure bool) error {
	switch {
	case hasPrefixFold(c.Name, "__Host-") && !(secure && c.Domain == "" && c.Path == "/"):
		return errors.New(`a name that starts with "__Host-" needs Secure, the path "/" and no domain`)
	case hasPrefixFold(c.Name, "__Secure-") && !secure:
		return errors.New(`a name that starts with "__Secure-" needs Secure`)
	}
	return nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && httplex.EqualFold(s[:len(prefix)], prefix)
}

func sameSite(s string) http.SameSite {
	switch httplex.Lower(s) {
	case "lax":
		return http.SameSiteLaxMode
	case "strict":
		return http.SameSiteStrictMode
	case "none":
		return http.SameSiteNoneMode
	}
	return 0
}

func cookieDomain(domain string) (string, error) {
	domain, _, _ = strings.Cut(domain, ":")
	domain = strings.TrimLeft(domain, ".")
	host, err := urls.HostToASCII(domain)
	if err != nil || host == "" {
		return "", fmt.Errorf("the domain %q is not the name of a host", domain)
	}
	return host, nil
}

// appendCookieValue appends a value, quoted if it holds a character that
// cookies may not have (RFC 6265, section 4.1.1).
func appendCookieValue(b []byte, value string) []byte {
	plain := true
	for i := 0; i < len(value) && plain; i++ {
		plain = isCookieChar(value[i])
	}
	if plain {
		return append(b, value...)
	}
	b = append(b, '"')
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case isCookieChar(c) || c == ' ':
			b = append(b, c)
		default:
			b = append(b, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		}
	}
	return append(b, '"')
}

// isCookieChar reports whether c may be in an unquoted value.
func isCookieChar(c byte) bool {
	return ' ' < c && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\'
}

// ParseSetCookie reads the value of a Set-Cookie header as a browser does (RFC 6265bis, section
// 5.6): attributes in any case, the last of a kind counts, unknown and malformed ones are ignored.
// It reports false if the header sets no cookie.
func ParseSetCookie(header string) (*Cookie, bool) {
	name, value, rest := cutCookie(header)
	if name == "" {
		return nil, false
	}
	c := &Cookie{Name: name, Value: unquoteCookie(value)}
	for rest != "" {
		var attribute string
		attribute, rest, _ = strings.Cut(rest, ";")
		key, text, _ := strings.Cut(attribute, "=")
		c.setAttribute(httplex.Lower(httplex.Trim(key)), httplex.Trim(text))
	}
	return c, true
}

func (c *Cookie) setAttribute(key, text string) {
	switch key {
	case "path":
		c.Path = ""
		if strings.HasPrefix(text, "/") {
			c.Path = escapeCookiePath(text) // as Format writes it
		}
	case "domain":
		c.Domain = httplex.Lower(strings.TrimPrefix(text, "."))
		if domain, err := cookieDomain(c.Domain); err == nil {
			c.Domain = domain // as Format writes it
		}
	case "expires":
		if t, ok := ParseDate(text); ok {
			c.Expires = t
		}
	case "max-age":
		seconds, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil && !errors.Is(err, strconv.ErrRange):
		case seconds <= 0:
			c.MaxAge = -1
		default:
			c.MaxAge = time.Duration(min(seconds, int64(maxAge/time.Second))) * time.Second
		}
	case "secure":
		c.Secure = true
	case "httponly":
		c.HTTPOnly = true
	case "partitioned":
		c.Partitioned = true
	case "samesite":
		c.SameSite = sameSite(text)
	}
}
