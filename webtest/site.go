package webtest

import (
	"net/http"
	"net/url"

	"golang.org/x/net/publicsuffix"
)

// site is the site that made a request, for the rules of cookies (RFC 6265bis, section 5.2).
type site struct {
	page *url.URL // nil: the user
	same bool     // the page and the request have the same site
	safe bool     // the method is safe (RFC 9110, section 9.2.1)
}

func (r *request) site(method string, u *url.URL) site {
	s := site{page: r.page, same: true}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		s.safe = true
	}
	if r.page != nil {
		s.same = siteOf(r.page) == siteOf(u)
	}
	return s
}

// sends reports whether cookies with this SameSite are sent. A request from
// another site is a navigation: a link or a form.
func (s site) sends(mode http.SameSite) bool {
	switch {
	case s.same || mode == http.SameSiteNoneMode:
		return true
	case mode == http.SameSiteStrictMode:
		return false
	}
	return s.safe
}

// setHeaders adds what browsers say about the page that made the request.
func (s site) setHeaders(h http.Header, method string, u *url.URL) {
	if s.page == nil {
		return
	}
	add := func(name, value string) {
		if _, set := h[name]; !set {
			h.Set(name, value)
		}
	}
	origin := s.page.Scheme + "://" + authority(s.page)
	crossOrigin := !sameOrigin(s.page, u)
	if method != http.MethodGet && method != http.MethodHead {
		add("Origin", origin)
	}
	// The default referrer policy of browsers: strict-origin-when-cross-origin.
	switch {
	case s.page.Scheme == "https" && u.Scheme == "http":
	case crossOrigin:
		add("Referer", origin+"/")
	default:
		page := *s.page
		page.User, page.Fragment, page.RawFragment = nil, "", ""
		add("Referer", page.String())
	}
	switch {
	case !crossOrigin:
		add("Sec-Fetch-Site", "same-origin")
	case s.same:
		add("Sec-Fetch-Site", "same-site")
	default:
		add("Sec-Fetch-Site", "cross-site")
	}
}

// siteOf returns the scheme and the registered domain.
func siteOf(u *url.URL) string {
	host := hostOf(u)
	if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		host = domain
	}
	return u.Scheme + "://" + host
}
