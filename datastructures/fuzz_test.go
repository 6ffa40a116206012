package datastructures_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
)

// parsers are all parsers of headers: each returns its result, which can be printed, and whether
// there was any.
var parsers = map[string]func(string) (fmt.Stringer, bool){
	"Query":     func(s string) (fmt.Stringer, bool) { return queryOf{datastructures.ParseQuery(s)}, true },
	"Options":   func(s string) (fmt.Stringer, bool) { return datastructures.ParseOptions(s), true },
	"Dict":      func(s string) (fmt.Stringer, bool) { return datastructures.ParseDict(s), true },
	"List":      func(s string) (fmt.Stringer, bool) { return listOf(datastructures.ParseList(s)), true },
	"HeaderSet": func(s string) (fmt.Stringer, bool) { return datastructures.ParseHeaderSet(s), true },
	"Accept":    func(s string) (fmt.Stringer, bool) { return datastructures.ParseMIMEAccept(s), true },
	"Language":  func(s string) (fmt.Stringer, bool) { return datastructures.ParseLanguageAccept(s), true },
	"Encoding":  func(s string) (fmt.Stringer, bool) { return datastructures.ParseEncodingAccept(s), true },
	"ETags":     func(s string) (fmt.Stringer, bool) { return datastructures.ParseETags(s), true },
	"ETag":      func(s string) (fmt.Stringer, bool) { t, ok := datastructures.ParseETag(s); return t, ok },
	"Range":     func(s string) (fmt.Stringer, bool) { r, ok := datastructures.ParseRange(s); return r, ok },
	"Content":   func(s string) (fmt.Stringer, bool) { r, ok := datastructures.ParseContentRange(s); return r, ok },
	"IfRange":   func(s string) (fmt.Stringer, bool) { r, ok := datastructures.ParseIfRange(s); return ifRangeOf(r), ok },
	"ReqCache":  func(s string) (fmt.Stringer, bool) { return datastructures.ParseRequestCacheControl(s), true },
	"RespCache": func(s string) (fmt.Stringer, bool) { return datastructures.ParseResponseCacheControl(s), true },
	"CSP":       func(s string) (fmt.Stringer, bool) { return datastructures.ParseContentSecurityPolicy(s), true },
	"Auth": func(s string) (fmt.Stringer, bool) {
		a, ok := datastructures.ParseAuthorization(s)
		return a, ok && a.String() != "" // Basic credentials with control characters are read, and cannot be sent
	},
	"Challenges": func(s string) (fmt.Stringer, bool) { return challengesOf(datastructures.ParseWWWAuthenticate(s)), true },
	"Cookies":    func(s string) (fmt.Stringer, bool) { return settable(datastructures.ParseCookies(s)) },
	"SetCookie":  func(s string) (fmt.Stringer, bool) { c, ok := datastructures.ParseSetCookie(s); return sendable(c, ok) },
	"Date":       func(s string) (fmt.Stringer, bool) { t, ok := datastructures.ParseDate(s); return dateOf{t}, ok },
	"Age":        func(s string) (fmt.Stringer, bool) { d, ok := datastructures.ParseAge(s); return ageOf(d), ok },
}

// ifRangeOf prints the tag or the date.
type ifRangeOf datastructures.IfRange

func (r ifRangeOf) String() string {
	if r.Date.IsZero() {
		return r.ETag.String()
	}
	return datastructures.FormatDate(r.Date)
}

// FuzzParsers checks the promises of the package for every parser: it does not panic, and a
// printed result is parsed to the same result again.
func FuzzParsers(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if strings.ContainsFunc(header, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return // net/http lets no control characters in
		}
		for name, parse := range parsers {
			first, ok := parse(header)
			if !ok {
				continue
			}
			text := first.String()
			second, ok := parse(text)
			require.True(t, ok, "%s: %q was read, %q was not", name, header, text)
			require.Equal(t, first, second, "%s: %q, printed %q", name, header, text)
		}
	})
}

var seeds = []string{
	"a=" + strings.Repeat("\x85", 2000), // too long to be set once they are quoted
	"", ",", ";", "=", `"`, `"a`, `a"b`, `\`, "*", `"", b`, `"a\"b", c`, "a=b, c=\"d, e\", f", "a*=UTF-8''%e4%22;b=1",
	"a*=iso-8859-1''%e4.txt, b", "text/html; a*0=x; a*1*=utf-8''%20y; a*2=z", `form-data; name="f%22\\\""; x`,
	"text/html;q=0.5, */*;level=\"a,b\";q=1, x/y;q=.5", "de-AT, de;q=0.8, *;q=0.1", `W/"a", "b,c", d, w/"`, `"x,"x,"x`, `"a" "b"`, "*, \"a\"",
	"bytes=0-0,-1", "bytes=-0", "bytes=9223372036854775807-", "bytes 0-98/*", "bytes */5", "items 3-4/9",
	"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
	"max-age", "max-age=60, private=\"a, b\", no-cache", "max-age=-1", "default-src 'self'; upgrade-insecure-requests; img-src *",
	"Basic dXNlcjpwYXNz", "Basic XXNlcjpXNlcN", "Bearer abc==", `Digest realm="x", nonce=y`, `Negotiate, Basic realm="a, b", x=y`, "Digest =x", " Bte,asic reate, alm=,=\"t^ttttttb\"",
	`a=b; a="c\073\"d"; =e; f; g="h"i; `, "a=\"\\377\"", "a=b; Path=/; Max-Age=5; SameSite=lax; Secure; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
	"0; PAth=/ 00", "0; path=/\xff;é", "0; Domain=..A:1; Max-Age=-5",
	"a=1&b&=c&&d=%FF%zz+e;f", "%", "12", "99999999999999999999",
}
