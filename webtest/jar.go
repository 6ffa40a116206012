package webtest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"
)

// Jar holds cookies like a browser (RFC 6265bis), with public suffixes, name
// prefixes and SameSite. Its clock can be changed. It is an [http.CookieJar].
// Several goroutines may use one. The zero Jar is empty and ready for use.
//
// A cookie without SameSite counts as Lax, and Secure cookies need https, even
// on localhost.
type Jar struct {
	mu      sync.Mutex
	cookies []stored
	turned  time.Duration
	serial  int
}

// stored is a cookie, with the hosts and paths to which it is sent.
type stored struct {
	*http.Cookie
	host     string // the host that set it, or its Domain
	hostOnly bool
	serial   int
}

func (j *Jar) now() time.Time { return time.Now().Add(j.turned) }

// Advance moves the jar's clock forward or back.
func (j *Jar) Advance(d time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.turned += d
}

// All returns copies of the cookies that have not expired, the oldest first. Domain is the host to
// which they are sent, with a leading dot if they are also sent to hosts below it.
func (j *Jar) All() []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.expire()
	var all []*http.Cookie
	for _, s := range j.cookies {
		all = append(all, s.copy())
	}
	return all
}

// get returns a copy of the cookie of this name that would be sent to u (the
// first if there are several), or nil.
func (j *Jar) get(u *url.URL, name string) *http.Cookie {
	for _, s := range j.matching(u, site{same: true, safe: true}) {
		if s.Name == name {
			return s.copy()
		}
	}
	return nil
}

// Cookies returns the cookies for a request to u that the user made.
func (j *Jar) Cookies(u *url.URL) []*http.Cookie {
	var cookies []*http.Cookie
	for _, s := range j.matching(u, site{same: true, safe: true}) {
		cookies = append(cookies, &http.Cookie{Name: s.Name, Value: s.Value})
	}
	return cookies
}

// SetCookies stores cookies that came from u. Cookies that a browser refuses are dropped.
func (j *Jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	lines := make([]string, len(cookies))
	for i, c := range cookies {
		if lines[i] = c.Raw; c.Raw == "" {
			lines[i] = c.String()
		}
	}
	j.receive(u, lines)
}

func (s stored) copy() *http.Cookie {
	c := *s.Cookie
	if c.Domain = s.host; !s.hostOnly {
		c.Domain = "." + s.host
	}
	return &c
}

// header returns the Cookie field of a request to u, "" if there is none.
func (j *Jar) header(u *url.URL, from site) string {
	var b strings.Builder
	for _, s := range j.matching(u, from) {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		if s.Name != "" {
			b.WriteString(s.Name + "=")
		}
		b.WriteString(s.Value)
	}
	return b.String()
}

// matching returns the cookies for a request (RFC 6265bis, section 5.8.3).
func (j *Jar) matching(u *url.URL, from site) []stored {
	host, path := hostOf(u), pathOf(u)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.expire()
	var found []stored
	for _, s := range j.cookies {
		if s.host != host && (s.hostOnly || !domainMatches(host, s.host)) ||
			!pathMatches(path, s.Path) || s.Secure && u.Scheme != "https" || !from.sends(s.SameSite) {
			continue
		}
		found = append(found, s)
	}
	slices.SortStableFunc(found, func(a, b stored) int {
		return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(a.serial, b.serial))
	})
	return found
}

func (j *Jar) expire() {
	now := j.now()
	j.cookies = slices.DeleteFunc(j.cookies, func(s stored) bool {
		return !s.Expires.IsZero() && !s.Expires.After(now)
	})
}

// receive stores the cookies of a response from u (RFC 6265bis, section 5.7)
// and returns why some of them were refused.
func (j *Jar) receive(u *url.URL, lines []string) []error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var refused []error
	for _, line := range lines {
		if err := j.store(u, line); err != nil {
			refused = append(refused, fmt.Errorf("cookie %q refused: %w", line, err))
		}
	}
	return refused
}

// store keeps a cookie of a response from u, or returns why browsers would refuse it.
func (j *Jar) store(u *url.URL, line string) error {
	c, err := parseSetCookie(line, j.now())
	if err != nil {
		return err
	}
	s := stored{Cookie: c, host: hostOf(u), hostOnly: true}
	if c.Domain != "" {
		if err := s.widen(c.Domain); err != nil {
			return err
		}
	}
	if c.Path == "" {
		c.Path = defaultPath(pathOf(u))
	}
	if err := checkPromises(c, u.Scheme); err != nil {
		return err
	}
	if !c.Secure && u.Scheme != "https" && j.hidesSecure(s) {
		return fmt.Errorf("it would hide a Secure cookie")
	}
	j.put(s)
	j.expire()
	return nil
}

// checkPromises returns an error if a cookie that came over scheme does not
// keep the promises of its attributes or of the prefix of its name.
func checkPromises(c *http.Cookie, scheme string) error {
	switch name := strings.ToLower(c.Name); {
	case c.Secure && scheme != "https":
		return fmt.Errorf("it is Secure and came over %s", scheme)
	case c.SameSite == http.SameSiteNoneMode && !c.Secure:
		return fmt.Errorf("SameSite=None needs Secure")
	case strings.HasPrefix(name, "__secure-") && !c.Secure:
		return fmt.Errorf("the name's prefix needs Secure")
	case strings.HasPrefix(name, "__host-") && (!c.Secure || c.Path != "/" || c.Domain != ""):
		return fmt.Errorf("the name's prefix needs Secure, Path=/ and no Domain")
	case name == "" && (hasPrefixFold(c.Value, "__secure-") || hasPrefixFold(c.Value, "__host-")):
		return fmt.Errorf("a value without a name has a name's prefix")
	}
	return nil
}

// hidesSecure reports whether browsers could send s instead of a Secure cookie of the same name.
func (j *Jar) hidesSecure(s stored) bool {
	return slices.ContainsFunc(j.cookies, func(old stored) bool {
		return old.Secure && old.Name == s.Name && (domainMatches(old.host, s.host) || domainMatches(s.host, old.host)) && pathMatches(s.Path, old.Path)
	})
}

// put adds a cookie, or replaces the one of the same name, host and path. That cookie's position
// does not change.
func (j *Jar) put(s stored) {
	j.serial++
	s.serial = j.serial
	same := func(old stored) bool {
		return old.Name == s.Name && old.host == s.host && old.hostOnly == s.hostOnly && old.Path == s.Path
	}
	if i := slices.IndexFunc(j.cookies, same); i >= 0 {
		s.serial = j.cookies[i].serial
		j.cookies[i] = s
		return
	}
	j.cookies = append(j.cookies, s)
}

// widen makes the cookie valid for a domain.
func (s *stored) widen(domain string) error {
	if !isASCII(domain) {
		return fmt.Errorf("the domain %q is not ASCII", domain)
	}
	if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
		if domain == s.host {
			return nil // then it is valid for this host alone
		}
		return fmt.Errorf("%q is a public suffix", domain)
	}
	if !domainMatches(s.host, domain) {
		return fmt.Errorf("the host %q is not below the domain %q", s.host, domain)
	}
	s.host, s.hostOnly = domain, false
	return nil
}

// hostOf is the host of u in lower case, without brackets, port and last dot.
func hostOf(u *url.URL) string { return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") }

func pathOf(u *url.URL) string {
	if u.Opaque != "" {
		return u.Opaque
	}
	return u.EscapedPath()
}

func domainMatches(host, domain string) bool {
	if host == domain {
		return true
	}
	_, err := netip.ParseAddr(host)
	return strings.HasSuffix(host, "."+domain) && err != nil
}

func pathMatches(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || strings.HasSuffix(prefix, "/") || rest[0] == '/')
}

// defaultPath is the directory of path.
func defaultPath(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 || path[0] != '/' {
		return "/"
	}
	return path[:i]
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
