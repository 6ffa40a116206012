package webtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/internal/hosts"
)

// maxRedirects is the limit of the Fetch standard.
const maxRedirects = 20

// trail holds the redirects that were followed.
type trail struct {
	answers []*Response
	seen    []string
}

func (t *trail) last() *Response {
	if len(t.answers) == 0 {
		return nil
	}
	last := *t.answers[len(t.answers)-1]
	last.History = t.answers[:len(t.answers)-1]
	return &last
}

// next returns the URL to which resp redirects, or nil if it does not redirect.
func (t *trail) next(r *request, resp *Response) (*url.URL, error) {
	switch resp.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	location := resp.Header.Get("Location")
	if location == "" {
		return nil, nil
	}
	from := resp.Request.URL
	next, err := join(from, location)
	if err != nil {
		return nil, fmt.Errorf("redirect to %q: %w", location, err)
	}
	if err := r.allowed(from, next); err != nil {
		return nil, err
	}
	// If the same request was sent before, with the same cookies, it has the same response.
	this := resp.Request.Method + " " + from.String() + " " + resp.Request.Header.Get("Cookie")
	if slices.Contains(t.seen, this) {
		return nil, fmt.Errorf("a loop of redirects: back at %s", from)
	}
	if len(t.seen) == maxRedirects {
		return nil, fmt.Errorf("more than %d redirects", maxRedirects)
	}
	t.seen = append(t.seen, this)
	t.answers = append(t.answers, resp)
	return next, nil
}

// join resolves a reference from a Location field.
func join(from *url.URL, location string) (*url.URL, error) {
	if strings.HasPrefix(location, "http://") || strings.HasPrefix(location, "https://") {
		return parse(location)
	}
	if strings.HasPrefix(location, "//") {
		return parse(from.Scheme + ":" + location)
	}
	ref, err := url.Parse(sentInQuery.Escape(location))
	if err != nil {
		return nil, err
	}
	next := from.ResolveReference(ref)
	if next.Scheme != "http" && next.Scheme != "https" {
		return nil, fmt.Errorf("the scheme is neither http nor https")
	}
	if ref.Path == "" {
		next.RawPath = from.RawPath
	}
	return next, nil
}

// allowed returns an error if a redirect leaves the application.
func (r *request) allowed(from, to *url.URL) error {
	host := authority(to)
	inside := host == authority(from) || host == authority(r.base) ||
		to.Hostname() == from.Hostname() && defaultPort(to) && defaultPort(from) ||
		r.allows(host)
	if !inside {
		return fmt.Errorf("the way leads outside, to %s (allow it with webtest.Hosts)", to)
	}
	root := r.base.Path
	if path := to.EscapedPath(); root != "" && path != root && !strings.HasPrefix(path, root+"/") {
		return fmt.Errorf("the way leads outside, to %s: the application is mounted at %s", to, root)
	}
	return nil
}

// allows reports whether [Hosts] names the host, an authority.
func (w way) allows(host string) bool {
	return slices.ContainsFunc(w.hosts, func(pattern string) bool {
		pattern = strings.ToLower(pattern)
		if suffix, ok := strings.CutPrefix(pattern, "*."); ok {
			return strings.HasSuffix(host, "."+suffix)
		}
		return host == pattern
	})
}

// redirected returns the method after a redirect (Fetch standard, HTTP-redirect
// fetch).
func redirected(status int, method string) string {
	switch {
	case method == http.MethodPost && (status == http.StatusMovedPermanently || status == http.StatusFound),
		status == http.StatusSeeOther && method != http.MethodGet && method != http.MethodHead:
		return http.MethodGet
	}
	return method
}

// authority returns the host, in lower case, with the port unless it is the default port of the
// scheme.
func authority(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if defaultPort(u) {
		if port := u.Port(); port != "" {
			host = strings.TrimSuffix(host, ":"+port)
		}
	}
	return host
}

func defaultPort(u *url.URL) bool {
	port := u.Port()
	return port == "" || port == hosts.DefaultPort(u.Scheme)
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && authority(a) == authority(b)
}
