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
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zeugkit/zeug/gateway"
)

// tries is how many wrong PINs are taken; then none is until the process is
// started anew.
const tries = 10

// week is how long a browser that knew the PIN is let in.
const week = 7 * 24 * time.Hour

// cookie is what the names of the cookies begin with that let a browser in.
const cookie = "zeug-pin"

// cookieName is the name of the cookie that who asks by r gets. A browser has one
// jar for all ports of a host (RFC 6265, section 8.5), so the name has the port:
// programs under debug beside each other would overwrite each other's.
func cookieName(r *http.Request) string {
	if _, port, ok := gateway.SplitHost(r.Host); ok && port != "" && gateway.ValidHost(r.Host) {
		return cookie + "-" + port
	}
	return cookie
}

// PIN is nine digits that are printed in the terminal: who can read that may see
// what the debugger keeps, and read the application's memory, and nobody else. A
// browser that knew it is let in for a week, by a cookie. It is Werkzeug's.
type PIN struct {
	digits string
	key    []byte // of the cookies
	secret string // of the form that asks for it
	out    io.Writer

	announce sync.Once
	mu       sync.Mutex
	wrong    int
}

// NewPIN returns the PIN that the environment variable ZEUG_DEBUG_PIN holds,
// with or without hyphens, or else one of nine random digits; nil where that
// variable says off. out is where it is printed.
func NewPIN(out io.Writer) (*PIN, error) {
	digits, off, err := digitsSet()
	if err != nil || off {
		return nil, err
	}
	p := &PIN{digits: digits, secret: rand.Text(), out: out}
	if digits == "" {
		n, err := rand.Int(rand.Reader, big.NewInt(1e9))
		if err != nil {
			return nil, fmt.Errorf("make PIN: %w", err)
		}
		p.digits = fmt.Sprintf("%09d", n)
		p.key = []byte(rand.Text())
		return p, nil
	}
	// The same PIN lets the same browsers in after zeug was started anew.
	code := hmac.New(sha256.New, keptSecret())
	code.Write([]byte(p.digits))
	p.key = code.Sum(nil)
	return p, nil
}

// digitsSet are those that the environment variable has, "" for none, or that it
// says off.
func digitsSet() (digits string, off bool, err error) {
	set := os.Getenv("ZEUG_DEBUG_PIN")
	digits = digitsOf(set)
	switch {
	case set == "":
		return "", false, nil
	case strings.EqualFold(set, "off"):
		return "", true, nil
	case len(digits) < 4 || len(strings.ReplaceAll(set, "-", "")) != len(digits):
		return "", false, fmt.Errorf("ZEUG_DEBUG_PIN is %q: want at least four digits, hyphens between them as you like, or off", set)
	}
	return digits, false, nil
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
func (p *PIN) Announce() { p.announce.Do(p.Print) }

// Print prints the PIN once more, for who does not find it in the terminal any
// more. It is Werkzeug's printpin.
func (p *PIN) Print() { fmt.Fprintf(p.out, " * Debugger PIN: %s\n", p) }

// What [PIN.Try] returns for what is not the PIN, and when there were too many of
// these.
var (
	ErrWrongPIN = errors.New("that is not the PIN")
	ErrTooMany  = errors.New("too many wrong PINs: start the program anew to try again")
)

// Try compares what somebody typed, with or without hyphens, in constant time.
// After ten wrong ones even the right one is refused.
func (p *PIN) Try(typed string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrong >= tries {
		return ErrTooMany
	}
	if subtle.ConstantTimeCompare([]byte(digitsOf(typed)), []byte(p.digits)) == 1 {
		p.wrong = 0
		return nil
	}
	if p.wrong++; p.wrong >= tries {
		return ErrTooMany
	}
	return ErrWrongPIN
}

// mark is a cookie's value: when it was given, and a code that only this PIN's
// key makes of that.
func (p *PIN) mark(at time.Time) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	code := hmac.New(sha256.New, p.key)
	code.Write([]byte(seconds))
	return seconds + "." + hex.EncodeToString(code.Sum(nil))
}

// Admits reports whether the browser that asks has been let in within a week, by
// this PIN: at another port, if that is of a program with the same one.
func (p *PIN) Admits(r *http.Request) bool {
	return slices.ContainsFunc(r.Cookies(), func(c *http.Cookie) bool {
		return strings.HasPrefix(c.Name, cookie) && p.marked(c.Value)
	})
}

// marked reports whether a value is a mark of this PIN's, of the last week.
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

// Admit lets the browser in that is answered, below a path, for a week.
func (p *PIN) Admit(w http.ResponseWriter, r *http.Request, path string) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: p.mark(time.Now()), Path: path, MaxAge: int(week / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
}

//go:embed pin.html
var pinHTML string

var pinTemplate = template.Must(template.New("pin").Funcs(functions).Parse(pinHTML))

// Guard has a page that asks for the PIN stand before next, until the browser has
// been let in below the path. A PIN that is nil lets everybody in. Who may ask at
// all, [Debugger.MayRead] says.
func (p *PIN) Guard(path string, next http.Handler) http.Handler {
	if p == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.Admits(r) {
			next.ServeHTTP(w, r)
			return
		}
		said := ""
		status := http.StatusUnauthorized
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
			// The form's secret keeps other pages from using up the tries.
			if subtle.ConstantTimeCompare([]byte(r.PostFormValue("secret")), []byte(p.secret)) != 1 {
				said, status = "That form was of an earlier process: here is a new one.", http.StatusForbidden
			} else if r.PostFormValue("print") != "" {
				p.Print()
				said = "It is there once more."
			} else if err := p.Try(r.PostFormValue("pin")); err != nil {
				said, status = strings.ToUpper(err.Error()[:1])+err.Error()[1:]+".", http.StatusForbidden
				if errors.Is(err, ErrTooMany) {
					status = http.StatusTooManyRequests
				}
			} else {
				p.Admit(w, r, path)
				w.Header().Set("Cache-Control", "no-store")
				http.Redirect(w, r, r.URL.RequestURI(), http.StatusSeeOther)
				return
			}
		}
		p.Announce()
		nonce := own(w.Header())
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_ = pinTemplate.Execute(w, map[string]string{"Nonce": nonce, "Secret": p.secret, "Said": said})
		}
	})
}
