package debugger

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
	"github.com/zeugkit/zeug/middleware/debugger/internal/page"
)

// week is how long a browser that has sent the PIN is let in.
const week = 7 * 24 * time.Hour

// cookie is the beginning of the names of the cookies that let a browser in.
const cookie = "zeug-pin"

// cookieName returns the name of the cookie for the client of r. A browser has one jar for all
// ports of a host (RFC 6265, section 8.5), so the name contains the port: otherwise several
// programs with a debugger would overwrite each other's cookies.
func cookieName(r *http.Request) string {
	if _, port, ok := hosts.Split(r.Host); ok && port != "" && hosts.Valid(r.Host) {
		return cookie + "-" + port
	}
	return cookie
}

// PIN is nine digits that are printed in the terminal. Anyone who can read the terminal may see
// what the debugger keeps, and read the application's memory; nobody else may. A browser that has
// sent the PIN gets a cookie, which lets it in for a week. A link that is printed with the PIN does
// the same. It is Werkzeug's.
//
// Wrong tries are slowed down and never refused, so that no browser is locked out: see [PIN.Try].
type PIN struct {
	digits string
	key    []byte // of the cookies
	secret string // of the form in which the user enters it
	link   string // the value of linkParameter in the printed link
	out    io.Writer

	announce, announceLink sync.Once
	tries                  tries
}

// NewPIN returns the PIN in the environment variable ZEUG_DEBUG_PIN, with or without hyphens, or
// one of nine random digits; nil if that variable says off. out is where it is printed.
func NewPIN(out io.Writer) (*PIN, error) {
	digits, off, err := digitsSet()
	if err != nil || off {
		return nil, err
	}
	p := &PIN{digits: digits, secret: rand.Text(), link: rand.Text(), out: out}
	if digits == "" {
		n, err := rand.Int(rand.Reader, big.NewInt(1e9))
		if err != nil {
			return nil, fmt.Errorf("make PIN: %w", err)
		}
		p.digits = fmt.Sprintf("%09d", n)
		p.key = []byte(rand.Text())
		return p, nil
	}
	// With the same PIN, the same browsers are let in after a restart of zeug.
	code := hmac.New(sha256.New, keptSecret())
	code.Write([]byte(p.digits))
	p.key = code.Sum(nil)
	return p, nil
}

// minDigits is how many digits a PIN must have. Tries are slowed down to a few per second, and at
// that rate a shorter PIN would be found within hours.
const minDigits = 9

// digitsSet returns the digits in the environment variable, "" if there are none, and whether the
// variable says off.
func digitsSet() (digits string, off bool, err error) {
	set := os.Getenv("ZEUG_DEBUG_PIN")
	digits = digitsOf(set)
	switch {
	case set == "":
		return "", false, nil
	case strings.EqualFold(set, "off"):
		return "", true, nil
	case len(digits) < minDigits || len(strings.ReplaceAll(set, "-", "")) != len(digits):
		return "", false, fmt.Errorf("ZEUG_DEBUG_PIN is %q: want at least nine digits, hyphens between them as you like, or off", set)
	}
	return digits, false, nil
}

// keptSecret is a random string in a file of the user. Cookies for a PIN from the environment are
// made with this secret, so that they outlast this process. Without it, a client could guess PINs
// (there may be few) without a limit on tries. If there can be no such file, the cookies are valid
// as long as this process runs.
func keptSecret() []byte {
	fresh := []byte(rand.Text())
	folder, err := os.UserCacheDir()
	if err != nil {
		return fresh
	}
	folder = filepath.Join(folder, "zeug")
	name := filepath.Join(folder, "debugger-secret")
	if kept, err := os.ReadFile(name); err == nil && len(kept) == len(fresh) {
		return kept
	}
	if os.MkdirAll(folder, 0o700) == nil {
		_ = os.WriteFile(name, fresh, 0o600) // without the file, see above
	}
	return fresh
}

func digitsOf(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, s)
}

// String returns the PIN as it is printed: 123-456-789.
func (p *PIN) String() string {
	if len(p.digits) != 9 {
		return p.digits
	}
	return p.digits[:3] + "-" + p.digits[3:6] + "-" + p.digits[6:]
}

// Announce prints the PIN once. If r is not nil, it also prints once the link that lets in the
// browser that sent r.
func (p *PIN) Announce(r *http.Request) {
	p.announce.Do(func() { p.printPIN() })
	if r != nil {
		p.announceLink.Do(func() { p.printLink(r) })
	}
}

// Print prints the PIN again, and the link for the browser that sent r, for developers who no
// longer find them in the terminal. It corresponds to Werkzeug's printpin.
func (p *PIN) Print(r *http.Request) {
	p.printPIN()
	p.printLink(r)
}

func (p *PIN) printPIN() { fmt.Fprintf(p.out, " * Debugger PIN: %s\n", p) }

func (p *PIN) printLink(r *http.Request) {
	link := url.URL{Scheme: gateway.OriginOf(r).Scheme, Host: r.Host, Path: "/", RawQuery: linkParameter + "=" + p.link}
	fmt.Fprintf(p.out, " * Debugger link: %s\n", dump.Visible(link.String()))
}

// The errors of [PIN.Try] for a wrong PIN, and for too many clients that wait to try one.
var (
	ErrWrongPIN = errors.New("that is not the PIN")
	ErrTooMany  = errors.New("too many PINs are being tried: open the link that is printed in the terminal")
)

// Try compares the digits that a user typed, with or without hyphens, in constant time. After ten
// wrong tries, those that come from the same user or address take turns, 200 ms each. A try waits
// at most 10 s for its turn; then Try returns [ErrTooMany] without a comparison.
func (p *PIN) Try(r *http.Request, typed string) error {
	t := p.tries.of(peer.Of(r).Source())
	if err := t.wait(r.Context()); err != nil {
		return err
	}
	defer t.done()
	if subtle.ConstantTimeCompare([]byte(digitsOf(typed)), []byte(p.digits)) == 1 {
		return nil
	}
	t.wrong++
	return ErrWrongPIN
}

// mark returns a cookie's value: the time, and a code for the time that only
// this PIN's key can make.
func (p *PIN) mark(at time.Time) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	code := hmac.New(sha256.New, p.key)
	code.Write([]byte(seconds))
	return seconds + "." + hex.EncodeToString(code.Sum(nil))
}

// Admits reports whether the browser was let in within the last week with this
// PIN. It may have been at another port, if the program there has the same PIN.
func (p *PIN) Admits(r *http.Request) bool {
	return slices.ContainsFunc(r.Cookies(), func(c *http.Cookie) bool {
		return strings.HasPrefix(c.Name, cookie) && p.marked(c.Value)
	})
}

// marked reports whether a value is a mark of this PIN from the last week.
func (p *PIN) marked(value string) bool {
	text, _, _ := strings.Cut(value, ".")
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return false
	}
	at := time.Unix(seconds, 0)
	age := time.Since(at)
	return hmac.Equal([]byte(value), []byte(p.mark(at))) && age >= -time.Minute && age < week
}

// Admit lets the browser that sent r in for a week.
func (p *PIN) Admit(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: p.mark(time.Now()), Path: "/", MaxAge: int(week / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
}

//go:embed pin.html
var pinHTML string

var pinTemplate = template.Must(template.New("pin").Funcs(page.Functions).Parse(pinHTML))

// linkParameter is the name in the query of a request to be let in: a GET with the value that is
// printed in the terminal, or a POST of the form with the value formValue. It is Werkzeug's.
const (
	linkParameter = "__debugger__"
	formValue     = "pin"
)

// Guard shows a page that asks for the PIN instead of next, until the browser has been let in. If
// the PIN is nil, all clients are let in. [Debugger.Access] says which clients may enter it at all.
func (p *PIN) Guard(next http.Handler) http.Handler {
	if p == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case p.Admits(r):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodPost:
			p.take(w, r)
		default:
			p.ask(w, r, http.StatusUnauthorized, "")
		}
	})
}

// Unlock answers a request to be let in, by the form with the PIN or by the link from the terminal,
// at any path. It reports false if r is not such a request, if the client is denied, or if a
// supervisor has received the request before.
func (d *Debugger) Unlock(w http.ResponseWriter, r *http.Request) bool {
	if d.PIN == nil || !strings.Contains(r.URL.RawQuery, linkParameter+"=") {
		return false
	}
	value := r.URL.Query().Get(linkParameter)
	access := d.Access(r)
	if value == "" || access == Denied || peer.Of(r).Supervised {
		return false
	}
	switch {
	case value == formValue && r.Method == http.MethodPost:
		d.PIN.take(w, r)
	case subtle.ConstantTimeCompare([]byte(value), []byte(d.PIN.link)) == 1:
		d.PIN.enter(w, r)
	case access == Granted:
		return false
	default:
		d.PIN.ask(w, r, http.StatusForbidden, "That link is of an earlier process: the terminal has a new one.")
	}
	return true
}

// Ask answers the failed request of a client that is locked out. Browsers get the form for the PIN,
// and the terminal shows the PIN and the link. Other clients get the plain error.
func (d *Debugger) Ask(w http.ResponseWriter, r *http.Request, status int) {
	if d.PIN == nil || page.Wanted(r) != page.HTML {
		plain := &httperror.Error{Code: httperror.Code(status), Err: reported{}}
		plain.ServeHTTP(w, r)
		return
	}
	d.PIN.ask(w, r, status, "")
}

// take handles the form.
func (p *PIN) take(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	// The form's secret keeps other pages from trying PINs.
	if subtle.ConstantTimeCompare([]byte(r.PostFormValue("secret")), []byte(p.secret)) != 1 {
		p.ask(w, r, http.StatusForbidden, "That form was of an earlier process: here is a new one.")
		return
	}
	if r.PostFormValue("print") != "" {
		p.Print(r)
		p.ask(w, r, http.StatusUnauthorized, "It is there once more.")
		return
	}
	switch err := p.Try(r, r.PostFormValue("pin")); {
	case err == nil:
		p.enter(w, r)
	case errors.Is(err, ErrTooMany):
		p.ask(w, r, http.StatusTooManyRequests, sentence(err))
	default:
		p.ask(w, r, http.StatusForbidden, sentence(err))
	}
}

// sentence is an error as a sentence for a page.
func sentence(err error) string { return strings.ToUpper(err.Error()[:1]) + err.Error()[1:] + "." }

// enter lets the browser in, and sends it back to the page from which it came.
func (p *PIN) enter(w http.ResponseWriter, r *http.Request) {
	p.Admit(w, r)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	target := target(r)
	query := target.Query()
	query.Del(linkParameter)
	target.RawQuery = query.Encode()
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
}

// target is the absolute URL of r, as its client sent it. So a path that begins with two slashes
// cannot name another host.
func target(r *http.Request) *url.URL {
	u := &url.URL{Scheme: gateway.OriginOf(r).Scheme, Host: r.Host, Path: "/"}
	if sent, err := url.ParseRequestURI(r.RequestURI); err == nil {
		u.Path, u.RawPath, u.RawQuery = sent.Path, sent.RawPath, sent.RawQuery
	}
	return u
}

// ask sends the form; the browser will send it to the URL of r.
func (p *PIN) ask(w http.ResponseWriter, r *http.Request, status int, said string) {
	p.Announce(r)
	action := target(r)
	query := action.Query()
	query.Set(linkParameter, formValue)
	nonce := page.SetHeader(w.Header())
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_ = pinTemplate.Execute(w, map[string]any{ // the client has gone
			"Nonce": nonce, "Secret": p.secret, "Said": said, "Action": template.URL("?" + query.Encode()),
			"Failed": status >= http.StatusInternalServerError,
		})
	}
}
