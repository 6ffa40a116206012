// Package secret finds values that must not be shown or logged: values of fields with names like
// passwords, keys and tokens, and passwords inside URLs and DSNs. The debugger's pages and the
// access log share this list.
package secret

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Mask stands for a secret in logs, and Dots on pages.
const (
	Mask = "***"
	Dots = "••••••••"
)

// anywhere matches parts of a secret's name, but does not match "author" or "passenger". words are
// parts that count only as whole words, between separators or capitals: not in discard, signal or
// design.
var (
	anywhere = regexp.MustCompile(`(?i)pass(?:$|[^a-z]|w|ph|co|k)|pwd|secret|token|(?:api|access).?key|session|sess?id|auth(?:$|[^o]|o(?:$|[^r])|ori[sz])|credential|csrf|xsrf|cvv|cvc|card.?(?:number|no$|num$)|\bssn\b|private|signature|^pin$|^otp$|jwt|zeug-pin|__debugger__`)
	words    = regexp.MustCompile(`(?:^|_)(?:sid|sig|card|creditcard|vault|bearer|salt|remember)(?:_|$)`)
)

// hints speed up [Name]: the name of a secret contains at least one of them. Most names contain
// none, and need only this check.
var hints = []string{"pass", "pwd", "secret", "token", "key", "sess", "sid", "auth", "cred", "csrf", "xsrf", "cvv", "cvc", "card", "ssn",
	"private", "sig", "pin", "otp", "jwt", "vault", "bearer", "salt", "remember", "debugger"}

// Name reports whether a name is the name of a secret: of a header field, a cookie, a parameter, a
// field of a struct or a key of a map.
func Name(name string) bool {
	if len(name) < 3 || !hinted(name) {
		return false
	}
	return anywhere.MatchString(name) || words.MatchString(separated(name))
}

// hinted reports whether one of hints is in a string.
func hinted(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(hints, func(hint string) bool { return strings.Contains(text, hint) })
}

// Parameter is like [Name], but for parameters of a query or a form. In these, "code" is the code
// that an authorization server sends (RFC 6749, section 4.1.2).
func Parameter(name string) bool { return strings.EqualFold(name, "code") || Name(name) }

// separated returns a name in lower case, with an underscore before each capital that begins a
// word, and in place of characters that are neither letters nor digits: "XVault-Token" becomes
// "x_vault_token".
func separated(name string) string {
	upper := func(c byte) bool { return c >= 'A' && c <= 'Z' }
	lower := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
	b := make([]byte, 0, len(name)+4)
	for i := range len(name) {
		c := name[i]
		if upper(c) && i > 0 && (lower(name[i-1]) || upper(name[i-1]) && i+1 < len(name) && lower(name[i+1])) {
			b = append(b, '_')
		}
		switch {
		case upper(c):
			c += 'a' - 'A'
		case !lower(c) && c < 0x80:
			c = '_'
		}
		b = append(b, c)
	}
	return string(b)
}

// Query returns a query with the values of secrets replaced by mask. The rest is unchanged.
func Query(query, mask string, is func(name string) bool) string {
	if !strings.Contains(query, "=") {
		return query
	}
	var b strings.Builder
	done := 0
	for at := 0; at <= len(query); {
		end := len(query)
		if i := strings.IndexByte(query[at:], '&'); i >= 0 {
			end = at + i
		}
		name, value, _ := strings.Cut(query[at:end], "=")
		if value != "" && is(unescaped(name)) {
			b.WriteString(query[done : at+len(name)+1])
			b.WriteString(mask)
			done = end
		}
		at = end + 1
	}
	if done == 0 {
		return query
	}
	b.WriteString(query[done:])
	return b.String()
}

// unescaped returns a name as the application reads it.
func unescaped(name string) string {
	if !strings.ContainsAny(name, "%+") {
		return name
	}
	if text, err := url.QueryUnescape(name); err == nil {
		return text
	}
	return name
}

// URI returns a request target or a URL with its secrets replaced by [Mask]: values of
// the query, and the password of its user.
func URI(uri string) string {
	before, query, found := strings.Cut(uri, "?")
	// Most have no secret. An escaped name may be any name.
	if !strings.Contains(before, "@") && (!found || !strings.Contains(query, "%") && !strings.Contains(strings.ToLower(query), "code") && !hinted(query)) {
		return uri
	}
	before = inURL.ReplaceAllString(before, "${1}"+Mask+"@")
	if !found {
		return before
	}
	return before + "?" + Query(query, Mask, Parameter)
}

var (
	// postgres://ann:PASSWORD@host/db
	inURL = regexp.MustCompile(`(://[^\s/?#:@]*:)[^\s/?#]+@`)
	// ann:PASSWORD@tcp(host:3306)/db, the form of Go's MySQL driver
	inDSN = regexp.MustCompile(`((?:^|[\s"'=])[\w.-]+:)[^\s"']+(@[a-z]*\()`)
	// password=PASSWORD in a query or a DSN, "password": "PASSWORD" in JSON
	inPair = regexp.MustCompile(`([A-Za-z_][\w.-]*)(=|"\s*:\s*)("[^"]*"|'[^']*'|[^\s&;,'"}]+)`)
)

// Text returns a string with the secrets inside it replaced by mask: passwords in URLs and DSNs,
// and values after a secret's name and "=" or, in JSON, ":".
func Text(text, mask string, is func(name string) bool) string {
	if strings.Contains(text, "@") {
		text = inURL.ReplaceAllString(text, "${1}"+mask+"@")
		text = inDSN.ReplaceAllString(text, "${1}"+mask+"${2}")
	}
	if !strings.Contains(text, "=") && !strings.Contains(text, `"`) {
		return text
	}
	return inPair.ReplaceAllStringFunc(text, func(pair string) string {
		m := inPair.FindStringSubmatch(pair)
		if !is(m[1]) {
			return pair
		}
		quote := ""
		if m[3][0] == '"' || m[3][0] == '\'' {
			quote = m[3][:1]
		}
		return m[1] + m[2] + quote + mask + quote
	})
}
