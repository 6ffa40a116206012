package wrappers

import (
	"fmt"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/httplex"
)

// CacheControl returns what Cache-Control says, as a value: changes of it take
// effect by [Response.SetCacheControl].
func (resp *Response) CacheControl() datastructures.ResponseCacheControl {
	return datastructures.ParseResponseCacheControl(strings.Join(resp.header["Cache-Control"], ", "))
}

// SetCacheControl sets Cache-Control; without a directive it is removed.
func (resp *Response) SetCacheControl(cc datastructures.ResponseCacheControl) error {
	return resp.setStructured("Cache-Control", cc.String())
}

// AddCacheControl adds directives to those that Cache-Control has; where it has
// one already the new value counts, and "public" and "private" take each
// other's place.
func (resp *Response) AddCacheControl(cc datastructures.ResponseCacheControl) error {
	merged := resp.CacheControl()
	for name, value := range cc.All() {
		switch {
		case name == "public":
			merged.Del("private")
		case name == "private":
			merged.Del("public")
		}
		if cc.IsBare(name) {
			merged.SetBare(name)
		} else {
			merged.Set(name, value)
		}
	}
	return resp.SetCacheControl(merged)
}

// ContentSecurityPolicy returns what a page may load.
func (resp *Response) ContentSecurityPolicy() datastructures.ContentSecurityPolicy {
	return datastructures.ParseContentSecurityPolicy(first(resp.header, "Content-Security-Policy"))
}

// SetContentSecurityPolicy says what a page may load; an empty policy removes
// the field.
func (resp *Response) SetContentSecurityPolicy(p datastructures.ContentSecurityPolicy) error {
	return resp.setStructured("Content-Security-Policy", p.String())
}

// SetContentSecurityPolicyReportOnly sets a policy that is not enforced: what
// breaks it is only reported.
func (resp *Response) SetContentSecurityPolicyReportOnly(p datastructures.ContentSecurityPolicy) error {
	return resp.setStructured("Content-Security-Policy-Report-Only", p.String())
}

// WWWAuthenticate returns the ways in which a client may authenticate itself.
func (resp *Response) WWWAuthenticate() []datastructures.WWWAuthenticate {
	var challenges []datastructures.WWWAuthenticate
	for _, line := range resp.header["Www-Authenticate"] {
		challenges = append(challenges, datastructures.ParseWWWAuthenticate(line)...)
	}
	return challenges
}

// SetWWWAuthenticate names the ways in which a client may authenticate itself, a
// line for each, as a 401 must. None removes the field.
func (resp *Response) SetWWWAuthenticate(challenges ...datastructures.WWWAuthenticate) error {
	lines := make([]string, len(challenges))
	for i, challenge := range challenges {
		lines[i] = challenge.String()
		if err := checkField("WWW-Authenticate", lines[i]); err != nil {
			return err
		}
	}
	if len(lines) == 0 {
		delete(resp.Header(), "Www-Authenticate")
		return nil
	}
	resp.Header()["Www-Authenticate"] = lines
	return nil
}

// ContentRange returns which part of a whole the body is; the zero ContentRange
// where it is not one.
func (resp *Response) ContentRange() datastructures.ContentRange {
	cr, _ := datastructures.ParseContentRange(first(resp.header, "Content-Range"))
	return cr
}

// SetContentRange says which part of a whole the body is, for a 206 that was not
// made by [Response.MakeConditional]; the zero ContentRange removes the field.
func (resp *Response) SetContentRange(cr datastructures.ContentRange) error {
	if !cr.IsZero() && !httplex.IsToken(cr.Unit) {
		return fmt.Errorf("%w: the unit %q of Content-Range is no token", ErrInvalidHeader, cr.Unit)
	}
	return resp.setStructured("Content-Range", cr.String())
}

// setStructured sets a field to a text that may turn out to be unsendable; an
// empty one removes it.
func (resp *Response) setStructured(name, value string) error {
	if value == "" {
		delete(resp.Header(), name)
		return nil
	}
	return resp.Set(name, value)
}
