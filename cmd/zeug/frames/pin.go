package frames

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tries is how many wrong PINs are taken; then none is until zeug is started
// anew.
const tries = 10

// week is how long a browser that knew the PIN is let in.
const week = 7 * 24 * time.Hour

// cookie is the name of what lets a browser in.
const cookie = "zeug-pin"

// PIN is nine digits that are printed in the terminal: who can read that may
// read the application's memory, and nobody else.
type PIN struct {
	digits string
	key    []byte // of the cookies
	out    io.Writer

	announce sync.Once
	mu       sync.Mutex
	wrong    int
}

// NewPIN returns the PIN that the environment variable ZEUG_DEBUG_PIN holds,
// with or without hyphens, or else one of nine random digits; nil where that
// variable says off. out is where it is printed.
func NewPIN(out io.Writer) (*PIN, error) {
	set := os.Getenv("ZEUG_DEBUG_PIN")
	if strings.EqualFold(set, "off") {
		return nil, nil
	}
	p := &PIN{digits: digitsOf(set), out: out}
	if set == "" {
		n, err := rand.Int(rand.Reader, big.NewInt(1e9))
		if err != nil {
			return nil, fmt.Errorf("make PIN: %w", err)
		}
		p.digits = fmt.Sprintf("%09d", n)
		p.key = []byte(rand.Text())
		return p, nil
	}
	if len(p.digits) < 4 || len(strings.ReplaceAll(set, "-", "")) != len(p.digits) {
		return nil, fmt.Errorf("ZEUG_DEBUG_PIN is %q: want at least four digits, hyphens between them as you like, or off", set)
	}
	// The same PIN lets the same browsers in after zeug was started anew.
	code := hmac.New(sha256.New, keptSecret())
	code.Write([]byte(p.digits))
	p.key = code.Sum(nil)
	return p, nil
}

// keptSecret is what the cookies of a PIN that was set are made with besides it: a
// random text in a file of the user's, so that they hold longer than this process,
// and that nobody makes one by trying PINs, of which there may be few, past the
// number of tries. Where there can be no such file they hold as long as this process.
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
		_ = os.WriteFile(name, fresh, 0o600) // without it, see above
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

// String is the PIN as it is printed: 123-456-789.
func (p *PIN) String() string {
	if len(p.digits) != 9 {
		return p.digits
	}
	return p.digits[:3] + "-" + p.digits[3:6] + "-" + p.digits[6:]
}

// Announce prints the PIN, once.
func (p *PIN) Announce() { p.announce.Do(p.print) }

func (p *PIN) print() { fmt.Fprintf(p.out, " * Debugger PIN: %s\n", p) }

// outcome is what a try of the PIN came to.
type outcome int

const (
	right outcome = iota
	wrong
	locked
)

// try compares in constant time. After too many wrong ones even the right one
// is refused.
func (p *PIN) try(typed string) outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrong >= tries {
		return locked
	}
	if subtle.ConstantTimeCompare([]byte(digitsOf(typed)), []byte(p.digits)) == 1 {
		p.wrong = 0
		return right
	}
	p.wrong++
	if p.wrong >= tries {
		return locked
	}
	return wrong
}

// mark is a cookie's value: when it was given, and a code that only this PIN's
// key makes of that.
func (p *PIN) mark(at time.Time) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	code := hmac.New(sha256.New, p.key)
	code.Write([]byte(seconds))
	return seconds + "." + hex.EncodeToString(code.Sum(nil))
}

// Admits reports whether the browser that asks has been let in within a week.
func (p *PIN) Admits(r *http.Request) bool {
	c, err := r.Cookie(cookie)
	if err != nil {
		return false
	}
	text, _, _ := strings.Cut(c.Value, ".")
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return false
	}
	at := time.Unix(seconds, 0)
	age := time.Since(at)
	return hmac.Equal([]byte(c.Value), []byte(p.mark(at))) && age >= -time.Minute && age < week
}

// takePIN takes the PIN that somebody types, or prints it once more for who does
// not find it in the terminal any more, which is Werkzeug's printpin.
func (h *Handler) takePIN(w http.ResponseWriter, r *http.Request, command string) {
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		fail(w, http.StatusMethodNotAllowed, "ask by POST")
		return
	case !h.knows(r.Header.Get("Zeug-Secret")):
		fail(w, http.StatusForbidden, "the secret of a page whose failure is kept is missing: the last ten are")
		return
	case h.PIN == nil:
		reply(w, true, nil)
		return
	case command == "print":
		h.PIN.print()
		reply(w, true, nil)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	switch h.PIN.try(r.PostFormValue("pin")) {
	case wrong:
		fail(w, http.StatusForbidden, "that is not the PIN")
	case locked:
		fail(w, http.StatusTooManyRequests, "too many wrong PINs: start zeug anew to try again")
	default:
		http.SetCookie(w, &http.Cookie{
			Name: cookie, Value: h.PIN.mark(time.Now()), Path: "/.zeug/", MaxAge: int(week / time.Second),
			HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
		})
		reply(w, true, nil)
	}
}
