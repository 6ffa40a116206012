package middleware

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"
)

// CORS lets pages of other origins read answers (cross-origin resource
// sharing), by github.com/rs/cors. The zero value lets none. A preflight is
// answered here and not handed on.
//
// It does not protect anything: a page can send what it likes and not read the
// answer. [CrossOriginProtection] refuses what changes something.
type CORS struct {
	// Origins may read: "https://example.org", "https://*.example.org" for the
	// names below it, or "*" for all.
	Origins []string
	// Methods may be used besides GET, HEAD and POST.
	Methods []string
	// Headers may be sent besides the few that need no leave; "*" is any, but
	// Authorization then has to be named where Credentials is not set.
	Headers []string
	// Exposed header fields of answers may be read besides the few that need no
	// leave.
	Exposed []string
	// Credentials lets browsers send cookies along. It excludes the origin "*".
	Credentials bool
	// MaxAge is how long a browser may keep the leave; browsers cut it to
	// between 10 minutes and a day. 0 sends none: then they keep it for 5 s.
	MaxAge time.Duration
	// PrivateNetwork answers preflights for addresses of a private network.
	PrivateNetwork bool
}

// Wrap returns next with the header fields that tell browsers who may read. It
// panics if an origin is none, or if credentials would go to every origin.
func (c CORS) Wrap(next http.Handler) http.Handler {
	if err := c.check(); err != nil {
		panic(err)
	}
	return cors.New(cors.Options{
		AllowedOrigins:      c.Origins,
		AllowOriginFunc:     c.nobody(),
		AllowedMethods:      append([]string{http.MethodGet, http.MethodHead, http.MethodPost}, c.Methods...),
		AllowedHeaders:      c.Headers,
		ExposedHeaders:      c.Exposed,
		AllowCredentials:    c.Credentials,
		MaxAge:              int(c.MaxAge / time.Second),
		AllowPrivateNetwork: c.PrivateNetwork,
	}).Handler(next)
}

// nobody allows no origin where none is named: the library takes an empty list
// for all.
func (c CORS) nobody() func(string) bool {
	if len(c.Origins) > 0 {
		return nil
	}
	return func(string) bool { return false }
}

func (c CORS) check() error {
	if c.MaxAge < 0 {
		return fmt.Errorf("middleware.CORS: MaxAge is negative")
	}
	if c.Credentials && slices.Contains(c.Origins, "*") {
		return fmt.Errorf(`middleware.CORS: Credentials with the origin "*" would let every site read with its visitors' cookies: name the origins`)
	}
	for _, origin := range c.Origins {
		if origin == "*" || origin == "null" {
			continue
		}
		u, err := url.Parse(strings.Replace(origin, "*.", "x.", 1))
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil || strings.Contains(u.Host, "*") {
			return fmt.Errorf(`middleware.CORS: origin %q: want a scheme and a host, such as "https://example.org", with "*." before the host at most and no slash behind it`, origin)
		}
	}
	return nil
}
