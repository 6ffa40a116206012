package datastructures

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zeugkit/zeug/internal/httplex"
)

// Authorization is the Authorization header (RFC 9110, section 11.6.2): a scheme with a token, or
// with parameters. The zero Authorization means that there is no such field.
type Authorization struct {
	// Scheme is in lower case: "basic", "bearer", "digest".
	Scheme string
	// Token is what a scheme such as Bearer sends instead of parameters.
	Token string
	// Username and Password are those of the Basic scheme, decoded.
	Username, Password string

	Params
}

// ParseAuthorization reads an Authorization header. It reports false if there
// is no such field, and for Basic credentials that are not base64 of UTF-8 with
// a scheme in front.
func ParseAuthorization(header string) (Authorization, bool) {
	scheme, rest := cutScheme(header)
	if scheme == "" {
		return Authorization{}, false
	}
	a := Authorization{Scheme: scheme}
	if scheme != "basic" {
		a.Token, a.Params = parseCredentials(rest)
		return a, true
	}
	text, err := base64.StdEncoding.DecodeString(rest)
	if err != nil || !utf8.Valid(text) {
		return Authorization{}, false
	}
	a.Username, a.Password, _ = strings.Cut(string(text), ":")
	return a, true
}

// cutScheme splits a scheme, in lower case, from the rest.
func cutScheme(header string) (scheme, rest string) {
	scheme, rest, _ = strings.Cut(header, " ")
	if !httplex.IsToken(scheme) {
		return "", ""
	}
	return httplex.Lower(scheme), httplex.Trim(rest)
}

// parseCredentials distinguishes a token, in which "=" is padding at the end only, from
// parameters.
func parseCredentials(s string) (token string, params Params) {
	if !strings.Contains(strings.TrimRight(s, "="), "=") {
		return s, Params{}
	}
	params = ParseDict(s)
	for name := range params.All() {
		if !params.IsBare(name) {
			return "", params
		}
	}
	return "", Params{} // the part before the "=" was malformed
}

// String returns the header, "" for the zero Authorization. It is also "" for Basic credentials that
// cannot be sent: a user name with a colon, or control characters (RFC 7617).
func (a Authorization) String() string {
	switch {
	case a.Scheme == "", a.Scheme == "basic" && !sendable(a.Username, a.Password):
		return ""
	case a.Scheme == "basic":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(a.Username+":"+a.Password))
	case a.Token != "":
		return title(a.Scheme) + " " + a.Token
	}
	return strings.TrimSuffix(title(a.Scheme)+" "+a.Params.String(), " ")
}

// sendable reports whether Basic credentials can be sent: the first colon ends the user name.
func sendable(username, password string) bool {
	return !strings.Contains(username, ":") && httplex.IsFieldValue(username) && httplex.IsFieldValue(password)
}

// title writes a scheme as people do: "Bearer", "Digest", "Dpop".
func title(scheme string) string {
	b := []byte(scheme)
	letter := false
	for i, c := range b {
		if small := 'a' <= c && c <= 'z'; small || 'A' <= c && c <= 'Z' {
			if small && !letter {
				b[i] = c - 'a' + 'A'
			}
			letter = true
			continue
		}
		letter = false
	}
	return string(b)
}

// WWWAuthenticate is one challenge of a WWW-Authenticate header (RFC 9110,
// section 11.6.1): the scheme by which a client may show who it is, with a token
// or parameters.
type WWWAuthenticate struct {
	// Scheme is in lower case.
	Scheme string
	// Token is what a scheme such as Negotiate sends instead of parameters.
	Token string

	Params
}

// NewChallenge returns a challenge with parameters, given as alternating names
// and values: NewChallenge("basic", "realm", "the cellar").
func NewChallenge(scheme string, params ...string) WWWAuthenticate {
	return WWWAuthenticate{Scheme: httplex.Lower(scheme), Params: paramsOf(params)}
}

// paramsOf makes parameters from alternating names and values. If the last name has no value, it
// becomes a bare parameter.
func paramsOf(pairs []string) Params {
	var p Params
	for i := 0; i < len(pairs); i += 2 {
		if i+1 < len(pairs) {
			p.Set(pairs[i], pairs[i+1])
		} else {
			p.SetBare(pairs[i])
		}
	}
	return p
}

// ParseWWWAuthenticate reads the challenges of a WWW-Authenticate header, of
// which there may be several in one.
func ParseWWWAuthenticate(header string) []WWWAuthenticate {
	var challenges []WWWAuthenticate
	var text []byte // of the challenge being collected
	flush := func() {
		if scheme, rest := cutScheme(string(text)); scheme != "" {
			c := WWWAuthenticate{Scheme: scheme}
			c.Token, c.Params = parseCredentials(rest)
			// After a comma, a name without a value would be read as the scheme of another challenge.
			// A name that is not a token has no meaning.
			c.list = slices.DeleteFunc(c.list, func(p httplex.Param) bool { return p.Bare || !httplex.IsToken(p.Name) })
			if len(c.list) == 0 {
				c.list = nil
			}
			challenges = append(challenges, c)
		}
		text = text[:0]
	}
	for item := range httplex.Items(header) {
		if startsChallenge(item) {
			flush()
		} else if len(text) > 0 {
			text = append(text, ", "...)
		}
		text = append(text, item...)
	}
	flush()
	return challenges
}

// startsChallenge distinguishes `Digest realm="x"` and `Negotiate` from `realm="x"`.
func startsChallenge(item string) bool {
	word, rest, spaced := strings.Cut(item, " ")
	if !httplex.IsToken(word) {
		return false
	}
	return !spaced || !strings.HasPrefix(httplex.Trim(rest), "=")
}

// String returns the challenge. Parameters that must be quoted strings are quoted: the realm in any
// scheme, and the parameters of Digest.
func (w WWWAuthenticate) String() string {
	if w.Scheme == "" {
		return ""
	}
	b := []byte(title(w.Scheme))
	if w.Token != "" {
		return string(append(append(b, ' '), w.Token...))
	}
	for i, p := range w.list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, ' ')
		if !p.Bare && (httplex.EqualFold(p.Name, "realm") || w.Scheme == "digest" && isDigestQuoted(p.Name)) {
			b = httplex.AppendQuoted(append(append(b, p.Name...), '='), p.Value)
			continue
		}
		b = httplex.AppendParam(b, p)
	}
	return string(b)
}

// isDigestQuoted names the parameters that RFC 7616, section 3.3, requires to be quoted.
func isDigestQuoted(name string) bool {
	switch httplex.Lower(name) {
	case "domain", "nonce", "opaque", "qop":
		return true
	}
	return false
}
