package wrappers

import (
	"net/http"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/serverlog"
)

// maxSetCookie is the maximum length of a Set-Cookie field, including its
// attributes. Some browsers ignore longer ones (Werkzeug's max_cookie_size).
const maxSetCookie = 4093

// SetCookie sets a cookie in the client, for all paths unless c names one. The
// cookie can have any value. The error says what cannot be sent (see
// [datastructures.Cookie.Format]); nothing is dropped or cut. A field of more
// than 4093 bytes is sent, but a warning is logged.
func (resp *Response) SetCookie(c datastructures.Cookie) error {
	if c.Path == "" {
		c.Path = "/"
	}
	line, err := c.Format()
	if err != nil {
		return err
	}
	resp.largeCookie = resp.largeCookie || len(line) > maxSetCookie
	resp.Header().Add("Set-Cookie", line)
	return nil
}

// warnOfCookies logs the cookies that some browsers do not keep. It waits until the response is
// sent, because only then is the logger of the server known.
func (resp *Response) warnOfCookies(r *http.Request) {
	for _, line := range resp.header["Set-Cookie"] {
		if len(line) > maxSetCookie {
			name, _, _ := strings.Cut(line, "=")
			serverlog.From(r.Context()).WarnContext(r.Context(), "cookie is too large for some browsers", "name", name, "bytes", len(line), "limit", maxSetCookie)
		}
	}
}

// SetCookieFor is like [Response.SetCookie], but adapts the cookie to the origin of the request. A
// cookie without a path gets the path at which the application is mounted. It is Secure if the
// client uses https, even if a trusted proxy ended the TLS connection. With a negative MaxAge it
// deletes the cookie that it set with the same name, path and domain.
func (resp *Response) SetCookieFor(req *Request, c datastructures.Cookie) error {
	return resp.SetCookie(along(req, c))
}

// DeleteCookie makes the client delete the cookie with c's name, path and
// domain; the path is "/" unless c names one. The other attributes matter only
// for names that start with "__Host-" or "__Secure-", which must be Secure.
func (resp *Response) DeleteCookie(c datastructures.Cookie) error {
	c.Value, c.Expires, c.MaxAge = "", time.Unix(0, 0), -1
	return resp.SetCookie(c)
}

// along adapts a cookie to the request's origin.
func along(req *Request, c datastructures.Cookie) datastructures.Cookie {
	origin := gateway.OriginOf(req.Request)
	if c.Path == "" && !strings.HasPrefix(c.Name, "__Host-") { // cookies with this prefix are for the whole host
		c.Path = origin.RootPath + "/"
	}
	c.Secure = c.Secure || origin.Scheme == "https"
	return c
}
