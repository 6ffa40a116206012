package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"

	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/httplex"
)

// CORS lets pages of other origins read responses (cross-origin resource sharing), with
// github.com/rs/cors. The zero value allows no origin. A preflight is answered here and not passed
// on.
//
// It does not protect anything: a page may still send requests, it only cannot
// read the responses. [CrossOriginProtection] refuses requests that change
// something.
type CORS struct {
	// Origins may read: "https://example.org", "https://*.example.org" for the
	// names below it, or "*" for all. Write them as browsers send them: in
	// lower case, with non-ASCII names as xn--…, and without the port of the
	// scheme.
	Origins []string
	// Methods may be used besides GET, HEAD and POST.
	Methods []string
	// Headers may be sent besides the few that are always allowed; "*" allows any, but
	// Authorization must then be named separately if Credentials is not set.
	Headers []string
	// Exposed header fields of responses may be read besides the few that are always allowed.
	Exposed []string
	// Credentials lets browsers send cookies. It cannot be combined with the origin "*".
	Credentials bool
	// MaxAge is how long a browser may keep the response to a preflight, in
	// whole seconds; browsers limit it to between 10 minutes and a day. 0 sends
	// no such field, so browsers keep it for 5 s. A negative duration means a
	// day.
	MaxAge time.Duration
	// PrivateNetwork answers preflights for addresses of a private network.
	PrivateNetwork bool
}

// Wrap returns next with the header fields that tell browsers which origins may read. It panics if
// a setting can never match what a browser sends, or if every origin would get credentials.
func (c CORS) Wrap(next http.Handler) http.Handler {
	if err := c.check(); err != nil {
		panic(fmt.Errorf("middleware.CORS: %w", err))
	}
	if c.MaxAge < 0 {
		c.MaxAge = 24 * time.Hour
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

// nobody is a list that allows no origin: to the library an empty list means all.
func (c CORS) nobody() func(string) bool {
	if len(c.Origins) > 0 {
		return nil
	}
	return func(string) bool { return false }
}

func (c CORS) check() error {
	if c.Credentials && slices.Contains(c.Origins, "*") {
		return errors.New(`Origins: Credentials with the origin "*" would let every site read with its visitors' cookies: name the origins`)
	}
	if c.Credentials && slices.Contains(c.Exposed, "*") {
		return errors.New(`Exposed: with Credentials browsers take "*" for the name of a field: name the fields`)
	}
	if len(c.Origins) == 0 && (c.Credentials || c.PrivateNetwork || c.Methods != nil || c.Headers != nil || c.Exposed != nil || c.MaxAge != 0) {
		return errors.New("Origins is empty, so that no page may read whatever else is set: name an origin")
	}
	for _, origin := range c.Origins {
		if err := checkOrigin(origin); err != nil {
			return fmt.Errorf("Origins: %q: %w", origin, err)
		}
	}
	for _, method := range c.Methods {
		if !httplex.IsToken(method) || method == "*" {
			return fmt.Errorf("Methods: %q is not a method: list each method as a separate element", method)
		}
	}
	for field, names := range map[string][]string{"Headers": c.Headers, "Exposed": c.Exposed} {
		for _, name := range names {
			if !httplex.IsToken(name) {
				return fmt.Errorf("%s: %q is not the name of a header field: list each name as a separate element", field, name)
			}
		}
	}
	return nil
}

// checkOrigin returns an error for an origin that no browser sends, and for a
// wildcard that matches more than the names below a host.
func checkOrigin(origin string) error {
	if origin == "*" || origin == "null" {
		return nil
	}
	scheme, host, found := strings.Cut(origin, "://")
	host = strings.TrimPrefix(host, "*.")
	name, port, _ := hosts.Split(host)
	switch {
	case !found || !httplex.IsToken(scheme) || strings.Contains(scheme, "*") || !hosts.Valid(host):
		return errors.New(`use a scheme and a host, such as "https://example.org", with at most "*." before the host and nothing after it`)
	case origin != strings.ToLower(origin):
		return errors.New("use lower case, as browsers do")
	case strings.HasSuffix(name, "."):
		return errors.New("leave out the dot at the end")
	case port != "" && port == hosts.DefaultPort(scheme):
		return errors.New("leave out the port of the scheme, as browsers do")
	case strings.HasPrefix(origin, scheme+"://*.") && strings.HasPrefix(name, "["):
		return errors.New("nothing is below an address")
	}
	return nil
}
