package middleware

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/gateway"
)

// SecureHeaders sets the header fields that make browsers careful. The zero
// value sets those that break nothing: X-Content-Type-Options: nosniff,
// Referrer-Policy: strict-origin-when-cross-origin, X-Frame-Options: SAMEORIGIN
// and Cross-Origin-Opener-Policy: same-origin-allow-popups. They are defaults:
// a handler that sets one of these fields has its own.
type SecureHeaders struct {
	// ContentSecurityPolicy is the policy of documents, for example
	// "default-src 'self'; script-src 'self' 'nonce'". A source 'nonce' in it
	// stands for the nonce of the request, which [Nonce] returns for templates:
	// <script nonce="{{ nonce }}">. "" sends none.
	ContentSecurityPolicy string
	// ReportOnly sends the policy as Content-Security-Policy-Report-Only.
	ReportOnly bool
	// HSTS is how long browsers shall insist on https
	// (Strict-Transport-Security), sent over https only. 0 sends none. It cannot
	// be taken back before that time is over: begin with a short one.
	HSTS time.Duration
	// HSTSSubdomains has the same hold for every host below this one.
	HSTSSubdomains bool
	// ReferrerPolicy, FrameOptions, OpenerPolicy and PermissionsPolicy replace
	// the default of their field; "off" sends none. PermissionsPolicy has none.
	ReferrerPolicy    string
	FrameOptions      string
	OpenerPolicy      string
	PermissionsPolicy string
}

type nonceKey struct{}

// Nonce is the nonce of the request's Content-Security-Policy, made anew for
// each request. It is "" where no [SecureHeaders] with a 'nonce' source stands
// before the handler.
func Nonce(r *http.Request) string {
	nonce, _ := r.Context().Value(nonceKey{}).(string)
	return nonce
}

// nonceSource stands in a policy for the nonce of a request.
const nonceSource = "'nonce'"

// Wrap returns next with the header fields set. It panics if the policy cannot
// be read or a duration is negative.
func (s SecureHeaders) Wrap(next http.Handler) http.Handler {
	if s.HSTS < 0 {
		panic("middleware.SecureHeaders: HSTS is negative")
	}
	fields := s.fields()
	policy, withNonce := s.policy()
	name := "Content-Security-Policy"
	if s.ReportOnly {
		name += "-Report-Only"
	}
	hsts := s.hsts()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, f := range fields {
			h[f.name] = f.values
		}
		if hsts != nil && gateway.OriginOf(r).Scheme == "https" {
			h["Strict-Transport-Security"] = hsts
		}
		if policy != "" {
			value := policy
			if withNonce {
				nonce := datastructures.NewNonce()
				value = strings.ReplaceAll(policy, nonceSource, "'nonce-"+nonce+"'")
				r = r.WithContext(context.WithValue(r.Context(), nonceKey{}, nonce))
			}
			h[name] = []string{value}
		}
		next.ServeHTTP(w, r)
	})
}

type secureField struct {
	name   string
	values []string // shared by all answers, with no room to append into
}

func (s SecureHeaders) fields() []secureField {
	list := []secureField{{"X-Content-Type-Options", []string{"nosniff"}}}
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
			list = append(list, secureField{f.name, []string{value}})
		}
	}
	return list
}

// policy is the text of the policy, and whether a nonce goes into it.
func (s SecureHeaders) policy() (text string, withNonce bool) {
	if s.ContentSecurityPolicy == "" {
		return "", false
	}
	if strings.ContainsAny(s.ContentSecurityPolicy, "\r\n\x00,") {
		panic(fmt.Sprintf("middleware.SecureHeaders: a line break or a comma in the policy %q", s.ContentSecurityPolicy))
	}
	text = datastructures.ParseContentSecurityPolicy(s.ContentSecurityPolicy).String()
	if text == "" {
		panic(fmt.Sprintf("middleware.SecureHeaders: no directive in the policy %q", s.ContentSecurityPolicy))
	}
	return text, strings.Contains(text, nonceSource)
}

func (s SecureHeaders) hsts() []string {
	if s.HSTS == 0 {
		return nil
	}
	value := "max-age=" + strconv.FormatInt(int64(s.HSTS/time.Second), 10)
	if s.HSTSSubdomains {
		value += "; includeSubDomains"
	}
	return []string{value}
}
