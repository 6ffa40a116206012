package sessions

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/responsewriter"
	"github.com/zeugkit/zeug/internal/serverlog"
	"github.com/zeugkit/zeug/security"
)

// Manager gives each request a [Session]. It is a middleware:
//
//	handler := sessions.Manager{Box: box}.Wrap(app)
//
// A handler inside it calls [Get]. The session is loaded when it is first used.
// It is saved before the response header is sent, and only if it changed. A
// response that depends on the session has "Vary: Cookie", so that caches keep
// the pages of visitors apart.
//
// Set exactly one of Box, Store and Flask.
type Manager struct {
	// Box seals the session, and the cookie contains the whole session. Nothing
	// is stored on the server. A session is at most about 3 KiB as JSON, and it
	// cannot be revoked before it expires. Concurrent requests of one visitor
	// overwrite each other's changes, since the browser keeps the cookie that
	// arrives last.
	Box *security.Box
	// Store keeps the sessions on the server, and the cookie holds a random id.
	// Concurrent requests of one visitor do not lose each other's changes.
	Store Store
	// Flask shares the sessions of a Flask application.
	Flask *Flask

	// Idle is how long a session lives after its last use; 14 days by default. A
	// negative value means no limit. The time of the last use is written only when a tenth of Idle
	// has passed since the last write. Sessions of Flask use [Flask].Lifetime instead.
	Idle time.Duration
	// MaxAge is how long a session lives after it began or was renewed, however
	// often it is used. By default, and if it is negative, there is no limit. To have
	// sessions end at a fixed time, set Idle to -1 and MaxAge to that time.
	//
	// In any case a session ends after 400 days, since browsers keep no cookie longer.
	MaxAge time.Duration
	// Timeout limits each operation of the Store; 1 second by default. A
	// negative value means no limit.
	Timeout time.Duration
	// MaxBytes limits the size of a session's values in a Store, as JSON: 64 KiB by default. A
	// negative value means no limit.
	MaxBytes int
	// Optional decides what happens if the Store fails. By default a request that used its session
	// is then answered with 503. If Optional is set, the request continues without a session: it
	// finds an empty one, and its changes are lost. Both are logged.
	Optional bool
	// Cookie is the pattern of the cookie. Name is "session" by default. By default Path is the
	// path at which the application is mounted. Secure is set for requests over https, and SameSite
	// is Lax by default. The cookie is always HttpOnly. Value, Expires and MaxAge are ignored.
	// Sessions of Flask use [Flask].Cookie instead.
	Cookie datastructures.Cookie
}

const (
	day          = 24 * time.Hour
	defaultIdle  = 14 * day
	longestLife  = 400 * day // RFC 6265bis, section 5.5
	defaultName  = "session"
	defaultBytes = 64 << 10
)

// manager is a Manager with its defaults set, shared by the sessions of requests.
type manager struct {
	Manager
	keeper     keeper
	lateReader atomic.Bool // a read after the header was sent has been logged
}

// Check returns an error that names an invalid field of m.
func (m Manager) Check() error {
	_, err := m.complete()
	return err
}

func (m Manager) complete() (*manager, error) {
	kinds := 0
	for _, set := range []bool{m.Box != nil, m.Store != nil, m.Flask != nil} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return nil, errors.New("sessions: Manager: set Box, Store or Flask, which says where sessions are kept")
	case kinds > 1:
		return nil, errors.New("sessions: Manager: set only one of Box, Store and Flask")
	case m.Flask != nil && (m.Idle != 0 || m.MaxAge != 0 || m.Cookie != datastructures.Cookie{}):
		return nil, errors.New("sessions: Manager: with Flask, set Flask.Lifetime and Flask.Cookie in place of Idle, MaxAge and Cookie")
	}
	if err := errors.Join(
		limits.Set(&m.Idle, "sessions: Manager.Idle", defaultIdle, longestLife),
		limits.Set(&m.MaxAge, "sessions: Manager.MaxAge", longestLife, longestLife),
		limits.Set(&m.Timeout, "sessions: Manager.Timeout", time.Second, limits.Forever),
		limits.Set(&m.MaxBytes, "sessions: Manager.MaxBytes", defaultBytes, 1<<30),
	); err != nil {
		return nil, err
	}
	done := &manager{Manager: m}
	switch {
	case m.Flask != nil:
		flask, err := m.Flask.complete()
		if err != nil {
			return nil, err
		}
		done.Cookie, done.keeper = flask.cookie(), &flaskKeeper{done, flask}
	case m.Store != nil:
		done.keeper = &storeKeeper{done}
	default:
		done.keeper = &sealedKeeper{done}
	}
	if m.Flask == nil {
		c := &done.Cookie
		if c.Name == "" {
			c.Name = defaultName
		}
		if c.SameSite == 0 {
			c.SameSite = http.SameSiteLaxMode
		}
		c.HTTPOnly, c.Value, c.Expires, c.MaxAge = true, "", time.Time{}, 0
	}
	trial := done.Cookie
	if trial.Path == "" {
		trial.Path = "/"
	}
	trial.Secure = true // it is set for requests over https
	if _, err := trial.Format(); err != nil {
		return nil, fmt.Errorf("sessions: Manager.Cookie: %w", err)
	}
	return done, nil
}

// Wrap returns next with a session for each request. It panics if
// [Manager.Check] returns an error. If a request already has a session with the
// same cookie name, for instance inside a second Wrap, next gets that session.
func (m Manager) Wrap(next http.Handler) http.Handler {
	managed, err := m.complete()
	if err != nil {
		panic(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s, ok := FromContext(r.Context()); ok && s.manager.Cookie.Name == managed.Cookie.Name {
			next.ServeHTTP(w, r)
			return
		}
		x := &exchange{Context: r.Context(), Forward: responsewriter.Forward{ResponseWriter: w}}
		x.session.manager = managed
		x.request = r.WithContext(x)
		x.session.request = x.request
		defer requestcopy.RemoveFiles(x.request, r)
		next.ServeHTTP(x.Like(x, w), x.request)
		x.end()
	})
}

type sessionKey struct{}

// exchange is a request with its session, and the writer of the response. It is one
// struct so that a request costs one allocation.
type exchange struct {
	context.Context
	responsewriter.Forward
	responsewriter.Shape
	session Session
	request *http.Request
	began   bool  // the header is final
	failed  error // another response has replaced the handler's
}

func (x *exchange) Value(key any) any {
	if key == (sessionKey{}) {
		return &x.session
	}
	return x.Context.Value(key)
}

// begin saves the session before the header is sent. It returns an error if the
// session could not be saved, and the response that says so has been sent.
func (x *exchange) begin() error {
	if x.began {
		return x.failed
	}
	x.began = true
	if err := x.session.commit(x.ResponseWriter.Header()); err != nil {
		x.failed = err
		httperror.Respond(x.ResponseWriter, x.request, err)
	}
	return x.failed
}

// end saves the changes of a handler that wrote nothing, or that continued
// after the header was sent.
func (x *exchange) end() {
	if !x.began {
		x.begin()
		return
	}
	if x.failed == nil {
		x.session.commitLate()
	}
}

// WriteHeader saves the session before a final header.
func (x *exchange) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		x.ResponseWriter.WriteHeader(status)
		return
	}
	if x.begin() == nil {
		x.ResponseWriter.WriteHeader(status)
	}
}

// Write saves the session before the first byte.
func (x *exchange) Write(p []byte) (int, error) {
	if err := x.begin(); err != nil {
		return 0, err
	}
	return x.ResponseWriter.Write(p)
}

// WriteString saves the session before the first byte.
func (x *exchange) WriteString(s string) (int, error) {
	if err := x.begin(); err != nil {
		return 0, err
	}
	return x.Forward.WriteString(s)
}

// ReadFrom saves the session before the first byte.
func (x *exchange) ReadFrom(r io.Reader) (int64, error) {
	if err := x.begin(); err != nil {
		return 0, err
	}
	return x.Forward.ReadFrom(r)
}

// Hijack saves the session before the handler itself writes to the connection. A new cookie can
// then reach the client only if the handler sends the header fields.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := x.begin(); err != nil {
		return nil, nil, err
	}
	return x.Forward.Hijack()
}

// FlushError saves the session before the header.
func (x *exchange) FlushError() error {
	if err := x.begin(); err != nil {
		return err
	}
	return x.Forward.FlushError()
}

// Get returns the session of a request. It panics if the request did not come
// through a [Manager]: then the program lacks the middleware.
func Get(r *http.Request) *Session {
	s, ok := FromContext(r.Context())
	if !ok {
		panic(errNoManager)
	}
	return s
}

var errNoManager = errors.New("sessions: the request has no session: wrap the handler by sessions.Manager")

// FromContext returns the session of the request with this context, and false if
// the request did not come through a [Manager].
func FromContext(ctx context.Context) (*Session, bool) {
	s, ok := ctx.Value(sessionKey{}).(*Session)
	return s, ok
}

// unavailable turns the failure of a store into an error that clients see as 503.
func unavailable(err error) error {
	return httperror.Wrap(httperror.ServiceUnavailable, err).RetryAfter(5 * time.Second)
}

// warn logs what the visitor does not see.
func (s *Session) warn(message string, err error) {
	serverlog.From(s.request.Context()).WarnContext(s.request.Context(), message, "method", s.request.Method, "path", s.request.URL.Path, "err", err)
}
