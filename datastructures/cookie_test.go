package datastructures_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
)

func TestParseCookies(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         []string
	}{
		{"nothing", "", nil},
		{"pairs in order", "b=1; a=2; b=3", []string{"b", "1", "a", "2", "b", "3"}},
		{"without spaces", "a=1;b=2", []string{"a", "1", "b", "2"}},
		{"spaces around everything", "  a = b ; c = d ", []string{"a", "b", "c", "d"}},
		{"a name alone", "a; b=", []string{"a", "", "b", ""}},
		{"no name", "=b; ;", nil},
		{"an equals sign in a value", "a=b=c", []string{"a", "b=c"}},
		{"quotes are taken off", `a="b c"`, []string{"a", "b c"}},
		{"a semicolon in quotes", `a="b;c"; d=e`, []string{"a", "b;c", "d", "e"}},
		{"octal escapes", `a="\303\274\054\"\\"`, []string{"a", `ü,"\`}},
		{"bytes that are not UTF-8", `a="\377"`, []string{"a", "\xff"}},
		{"an invalid escape", `a="\400\9\z"`, []string{"a", "4009z"}},
		{"quotes inside", `a=b"c"d`, []string{"a", `b"c"d`}},
		{"quotes that end too early", `a="b"c; d=e`, []string{"a", `"b"c`, "d", "e"}},
		{"quotes that do not end", `a="b; c=d`, []string{"a", `"b`, "c", "d"}},
		{"a quote alone", `a="; c=d`, []string{"a", `"`, "c", "d"}},
		{"what net/http drops", "a=é; b=x,y; c=a b", []string{"a", "é", "b", "x,y", "c", "a b"}},
		{"names that are not tokens", "fo234{=bar; ü=ä", []string{"fo234{", "bar", "ü", "ä"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, values(c.want...), datastructures.ParseCookies(c.header))
		})
	}
}

func TestCookieFormat(t *testing.T) {
	for _, c := range []struct {
		name   string
		cookie datastructures.Cookie
		want   string
	}{
		{"a pair", datastructures.Cookie{Name: "a", Value: "b"}, "a=b"},
		{"no value", datastructures.Cookie{Name: "a"}, "a="},
		{"a value that must be quoted", datastructures.Cookie{Name: "a", Value: `b; "ü"\,`}, `a="b\073 \"\303\274\"\\\054"`},
		{"control characters", datastructures.Cookie{Name: "a", Value: "\r\n\x00"}, `a="\015\012\000"`},
		{"everything", datastructures.Cookie{
			Name: "a", Value: "b", Path: "/ü;x", Domain: ".Пример.рф:80", Expires: time.Unix(0, 0), MaxAge: 90 * time.Second,
			HTTPOnly: true, SameSite: http.SameSiteLaxMode, Partitioned: true,
		}, "a=b; Domain=xn--e1afmkfd.xn--p1ai; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=90; Secure; HttpOnly; Path=/%C3%BC%3Bx; SameSite=Lax; Partitioned"},
		{"a negative age deletes", datastructures.Cookie{Name: "a", Path: "/x", Expires: time.Unix(0, 0), MaxAge: -1}, "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/x"},
		{"a prefix with what it needs", datastructures.Cookie{Name: "__Host-a", Path: "/", Secure: true}, "__Host-a=; Secure; Path=/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := c.cookie.Format()
			require.NoError(t, err)
			require.Equal(t, c.want, text)
			back, ok := datastructures.ParseSetCookie(text)
			require.True(t, ok)
			require.Equal(t, c.cookie.Value, back.Value)
			again, err := back.Format()
			require.NoError(t, err)
			require.Equal(t, text, again)
		})
	}
}

func TestCookieRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		cookie datastructures.Cookie
		says   string
	}{
		{"no name", datastructures.Cookie{Value: "b"}, "not a token"},
		{"a semicolon in the name", datastructures.Cookie{Name: "a;b"}, "not a token"},
		{"a line end in the name", datastructures.Cookie{Name: "a\r\nb"}, "not a token"},
		{"a script in the name", datastructures.Cookie{Name: "ü"}, "not a token"},
		{"a value that browsers drop", datastructures.Cookie{Name: "a", Value: strings.Repeat("x", 4096)}, "4097 bytes"},
		{"a value that grows by quoting", datastructures.Cookie{Name: "a", Value: strings.Repeat(";", 1500)}, "6003 bytes"},
		{"a domain with an attribute in it", datastructures.Cookie{Name: "a", Domain: "x; Secure"}, "not the name of a host"},
		{"a domain of dots", datastructures.Cookie{Name: "a", Domain: "..."}, "not the name of a host"},
		{"SameSite", datastructures.Cookie{Name: "a", SameSite: 9}, "SameSite is 9: use http.SameSiteLaxMode"},
		{"a date before dates", datastructures.Cookie{Name: "a", Expires: time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)}, "1600"},
		{"__Host- with a domain", datastructures.Cookie{Name: "__Host-a", Domain: "x", Path: "/", Secure: true}, "__Host-"},
		{"__Host- without a path", datastructures.Cookie{Name: "__host-a", Secure: true}, "__Host-"},
		{"__Secure- without it", datastructures.Cookie{Name: "__Secure-a"}, "__Secure-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := c.cookie.Format()
			require.Empty(t, text)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, strconv.Quote(c.cookie.Name))
		})
	}
}

func TestParseSetCookieAsBrowsersDo(t *testing.T) {
	c, ok := datastructures.ParseSetCookie(` a = "b" ; PATH=/x; path=y; Domain=.Example.COM; max-age=5; Max-Age=x; expires=never; secure=no; HTTPONLY; samesite=STRICT; odd=1; Partitioned`)
	require.True(t, ok)
	require.Equal(t, &datastructures.Cookie{
		Name: "a", Value: "b", Domain: "example.com", MaxAge: 5 * time.Second, Secure: true, HTTPOnly: true,
		SameSite: http.SameSiteStrictMode, Partitioned: true,
	}, c)
	c, _ = datastructures.ParseSetCookie("a=b; Max-Age=-99999999999999999999")
	require.Negative(t, c.MaxAge)
	c, _ = datastructures.ParseSetCookie("a=b; Max-Age=99999999999999999999")
	require.Greater(t, c.MaxAge, 200*365*24*time.Hour)
	_, ok = datastructures.ParseSetCookie("; Path=/")
	require.False(t, ok)
}

// TestCookiesThroughNetHTTP sets cookies with one library and reads them with
// the other.
func TestCookiesThroughNetHTTP(t *testing.T) {
	set := datastructures.Cookie{Name: "a", Value: "b", Path: "/", Domain: "example.com", MaxAge: time.Minute, Secure: true, HTTPOnly: true, SameSite: http.SameSiteLaxMode}
	text, err := set.Format()
	require.NoError(t, err)
	theirs, err := http.ParseSetCookie(text)
	require.NoError(t, err)
	require.Equal(t, 60, theirs.MaxAge)
	ours, ok := datastructures.ParseSetCookie(theirs.String())
	require.True(t, ok)
	require.Equal(t, &set, ours)
}
