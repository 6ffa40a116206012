package middleware

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/fieldvalues"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/requestcopy"
)

// SecureHeaders sets header fields that make browsers more careful. The zero value sets the fields
// that do not break pages: X-Content-Type-Options: nosniff, Referrer-Policy:
// strict-origin-when-cross-origin, X-Frame-Options: SAMEORIGIN and Cross-Origin-Opener-Policy:
// same-origin-allow-popups. They are defaults: if a handler sets one of these fields, the handler's
// value is sent.
type SecureHeaders struct {
	// ContentSecurityPolicy is the policy of documents, for example
	// "default-src 'self'; script-src 'self' 'nonce'". A source 'nonce' in it, in
	// upper or lower case, stands for the nonce of the request, which [Nonce] returns for templates:
	// <script nonce="{{ nonce }}">. "" sends none.
	ContentSecurityPolicy string
	// ReportOnly sends the policy as Content-Security-Policy-Report-Only.
	ReportOnly bool
	// HSTS is how long browsers must use https only
	// (Strict-Transport-Security); it is sent over https only. 0 sends none,
	// and a negative duration is an error. It cannot be revoked before that
	// time is over, so begin with a short one.
	HSTS time.Duration
	// HSTSSubdomains does the same for every host below this one.
	HSTSSubdomains bool
	// ReferrerPolicy, FrameOptions, OpenerPolicy and PermissionsPolicy replace
	// the default of their field; "off" sends none. PermissionsPolicy has none.
	ReferrerPolicy    string
	FrameOptions      string
	OpenerPolicy      string
	PermissionsPolicy string
}

type nonceKey struct{}

// Nonce is the nonce of the request's Content-Security-Policy, a new one for each request. It is
// "" if no [SecureHeaders] with a 'nonce' source is around the handler.
func Nonce(r *http.Request) string {
	nonce, _ := r.Context().Value(nonceKey{}).(string)
	return nonce
}

// nonceSource matches the place of the nonce in a policy. Keywords of a policy are not
// case-sensitive.
var nonceSource = regexp.MustCompile("(?i)'nonce'")

// Wrap returns next with the header fields set. It panics if the policy cannot
// be read or HSTS is out of range.
func (s SecureHeaders) Wrap(next http.Handler) http.Handler {
	if err := limits.Within(s.HSTS, "middleware.SecureHeaders: HSTS", 0, limits.Forever); err != nil {
		panic(err)
	}
	fields := s.fields()
	policy := s.policy()
	name := "Content-Security-Policy"
	if s.ReportOnly {
		name += "-Report-Only"
	}
	hsts := s.hsts()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, c := w.Header(), r
		var own fieldvalues.Values
		for _, f := range fields {
			h[f.name] = own.One(f.value)
		}
		if hsts != "" && gateway.OriginOf(r).Scheme == "https" {
			h["Strict-Transport-Security"] = own.One(hsts)
		}
		if policy != nil {
			value := policy[0]
			if len(policy) > 1 {
				nonce := rand.Text()
				value = strings.Join(policy, "'nonce-"+nonce+"'")
				c = r.WithContext(context.WithValue(r.Context(), nonceKey{}, nonce))
			}
			h[name] = own.One(value)
		}
		requestcopy.Serve(next, w, c, r)
	})
}

type secureField struct {
	name, value string
}

func (s SecureHeaders) fields() []secureField {
	list := []secureField{{"X-Content-Type-Options", "nosniff"}}
	for _, f := range []struct{ name, value, otherwise string }{
		{"Referrer-Policy", s.ReferrerPolicy, "strict-origin-when-cross-origin"},
		{"X-Frame-Options", s.FrameOptions, "SAMEORIGIN"},
		{"Cross-Origin-Opener-Policy", s.OpenerPolicy, "same-origin-allow-popups"},
		{"Permissions-Policy", s.PermissionsPolicy, "off"},
	} {
		value := f.value
		if value == "" {
			value = f.otherwise
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			panic(fmt.Sprintf("middleware.SecureHeaders: %s has a line break in %q", f.name, value))
		}
		if value != "off" {
			list = append(list, secureField{f.name, value})
		}
	}
	return list
}

// policy returns the policy, split at each place for a nonce, nil if there is
// no policy.
func (s SecureHeaders) policy() []string {
	if s.ContentSecurityPolicy == "" {
		return nil
	}
	if strings.ContainsAny(s.ContentSecurityPolicy, "\r\n\x00,") {
		panic(fmt.Sprintf("middleware.SecureHeaders: ContentSecurityPolicy: a line break or a comma in %q", s.ContentSecurityPolicy))
	}
	text := datastructures.ParseContentSecurityPolicy(s.ContentSecurityPolicy).String()
	if text == "" {
		panic(fmt.Sprintf("middleware.SecureHeaders: ContentSecurityPolicy: no directive in %q", s.ContentSecurityPolicy))
	}
	return nonceSource.Split(text, -1)
}

// hsts returns the value of Strict-Transport-Security, "" without one.
func (s SecureHeaders) hsts() string {
	if s.HSTS == 0 {
		return ""
	}
	value := "max-age=" + strconv.FormatInt(int64(s.HSTS/time.Second), 10)
	if s.HSTSSubdomains {
		value += "; includeSubDomains"
	}
	return value
}
