package wrappers

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/gateway"
)

// maxSetCookie is the length of a Set-Cookie field from which on some browsers
// ignore it, attributes and all (Werkzeug's max_cookie_size).
const maxSetCookie = 4093

// SetCookie sets a cookie in the client, for all paths unless it names one. Any
// value can be carried. The error tells what cannot (see
// [datastructures.Cookie.Format]); nothing is dropped or cut. A field of more
// than 4093 bytes is sent, with a warning in the log.
func (resp *Response) SetCookie(c datastructures.Cookie) error {
	if c.Path == "" {
		c.Path = "/"
	}
	line, err := c.Format()
	if err != nil {
		return err
	}
	if len(line) > maxSetCookie {
		slog.Warn("cookie is too large for some browsers", "name", c.Name, "bytes", len(line), "limit", maxSetCookie)
	}
	resp.Header().Add("Set-Cookie", line)
	return nil
}

// SetCookieFor is [Response.SetCookie] for the way on which the request came: a
// cookie without a path is for the application's own, as far as it is mounted
// below a prefix, and it is Secure if the client spoke https, also where a
// trusted proxy ended that.
func (resp *Response) SetCookieFor(r *http.Request, c datastructures.Cookie) error {
	return resp.SetCookie(along(r, c))
}

// DeleteCookie makes the client forget a cookie: the one of c's name, path and
// domain; the path is "/" unless it names one. The other attributes matter only
// to names that start in "__Host-" or "__Secure-", which must be Secure.
func (resp *Response) DeleteCookie(c datastructures.Cookie) error {
	c.Value, c.Expires, c.MaxAge = "", time.Unix(0, 0), -1
	return resp.SetCookie(c)
}

// DeleteCookieFor deletes what [Response.SetCookieFor] set.
func (resp *Response) DeleteCookieFor(r *http.Request, c datastructures.Cookie) error {
	return resp.DeleteCookie(along(r, c))
}

// along lets a cookie follow the request's origin.
func along(r *http.Request, c datastructures.Cookie) datastructures.Cookie {
	origin := gateway.OriginOf(r)
	if c.Path == "" && !strings.HasPrefix(c.Name, "__Host-") { // those are of the whole host
		c.Path = origin.RootPath + "/"
	}
	c.Secure = c.Secure || origin.Scheme == "https"
	return c
}
