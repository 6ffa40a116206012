package webtest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

// setting responds with the Set-Cookie fields given in the query, and with the
// Cookie field that it got.
var setting = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header()["Set-Cookie"] = r.URL.Query()["set"]
	fmt.Fprint(w, r.Header.Get("Cookie"))
})

func TestCookieIsSent(t *testing.T) {
	for _, c := range []struct {
		name, from, set, to, want string
		options                   []webtest.Option
	}{
		{name: "to its host", from: "http://example.com/", set: "a=b", to: "http://example.com/x", want: "a=b"},
		{name: "to another port", from: "http://example.com/", set: "a=b", to: "http://example.com:81/x", want: "a=b"},
		{name: "to its host alone", from: "http://example.com/", set: "a=b", to: "http://www.example.com/"},
		{name: "below its domain", from: "http://example.com/", set: "a=b; Domain=.Example.com", to: "http://www.example.com/", want: "a=b"},
		{name: "above a subdomain", from: "http://www.example.com/", set: "a=b; domain=example.com", to: "http://example.com/", want: "a=b"},
		{name: "not beside its domain", from: "http://example.com/", set: "a=b; Domain=example.com", to: "http://badexample.com/"},
		{name: "not of a foreign domain", from: "http://example.com/", set: "a=b; Domain=other.com", to: "http://other.com/"},
		{name: "not of a subdomain set from above", from: "http://example.com/", set: "a=b; Domain=www.example.com", to: "http://www.example.com/"},
		{name: "not of a public suffix", from: "http://x.co.uk/", set: "a=b; Domain=co.uk", to: "http://x.co.uk/"},
		{name: "on localhost", from: "http://localhost/", set: "a=b; Domain=.localhost", to: "http://localhost/", want: "a=b"},
		{name: "to an address", from: "http://127.0.0.1/", set: "a=b; Domain=127.0.0.1", to: "http://127.0.0.1/", want: "a=b"},
		{name: "not by a part of an address", from: "http://127.0.0.1/", set: "a=b; Domain=0.0.1", to: "http://127.0.0.1/"},
		{name: "to its path", from: "http://example.com/", set: "a=b; Path=/x", to: "http://example.com/x", want: "a=b"},
		{name: "below its path", from: "http://example.com/", set: "a=b; Path=/x", to: "http://example.com/x/y", want: "a=b"},
		{name: "not beside its path", from: "http://example.com/", set: "a=b; Path=/x", to: "http://example.com/xy"},
		{name: "below the directory it came from", from: "http://example.com/d/e", set: "a=b", to: "http://example.com/d/f", want: "a=b"},
		{name: "not above the directory it came from", from: "http://example.com/d/e", set: "a=b", to: "http://example.com/e"},
		{name: "over https if it is secure", from: "https://example.com/", set: "a=b; Secure", to: "https://example.com/", want: "a=b"},
		{name: "not over http if it is secure", from: "https://example.com/", set: "a=b; Secure", to: "http://example.com/"},
		{name: "not if it is secure and came over http", from: "http://example.com/", set: "a=b; Secure", to: "https://example.com/"},
		{name: "with a value as it came", from: "http://example.com/", set: `a="b, c" d`, to: "http://example.com/", want: `a="b, c" d`},
		{name: "without a name", from: "http://example.com/", set: "b", to: "http://example.com/", want: "b"},
		{name: "not if it is too long", from: "http://example.com/", set: "a=" + strings.Repeat("b", 4096), to: "http://example.com/"},
		{name: "not without Secure for all sites", from: "https://example.com/", set: "a=b; SameSite=None", to: "https://example.com/"},
		{name: "with the host prefix", from: "https://example.com/", set: "__Host-a=b; Secure; Path=/", to: "https://example.com/", want: "__Host-a=b"},
		{name: "not with the host prefix and a domain", from: "https://example.com/", set: "__Host-a=b; Secure; Path=/; Domain=example.com", to: "https://example.com/"},
		{name: "not with the host prefix and a path", from: "https://example.com/x/y", set: "__host-a=b; Secure", to: "https://example.com/x/y"},
		{name: "not with the secure prefix alone", from: "https://example.com/", set: "__Secure-a=b", to: "https://example.com/"},
		{name: "not with a prefix in the value", from: "https://example.com/", set: "=__Secure-a=b", to: "https://example.com/"},
		{name: "from another site by a link", from: "http://example.com/", set: "a=b", to: "http://example.com/", want: "a=b", options: []webtest.Option{webtest.FromPage("http://evil.example/")}},
		{name: "not from another site if it is strict", from: "http://example.com/", set: "a=b; SameSite=Strict", to: "http://example.com/", options: []webtest.Option{webtest.FromPage("http://evil.example/")}},
		{name: "from the same site if it is strict", from: "http://example.com/", set: "a=b; SameSite=Strict", to: "http://example.com/", want: "a=b", options: []webtest.Option{webtest.FromPage("http://www.example.com/")}},
		{name: "not from the same site over another scheme", from: "http://example.com/", set: "a=b; SameSite=Strict", to: "http://example.com/", options: []webtest.Option{webtest.FromPage("https://example.com/")}},
		{name: "not if cookies are off", from: "http://example.com/", set: "a=b", to: "http://example.com/", options: []webtest.Option{webtest.NoCookies}},
		{name: "not beside a field of the request's own", from: "http://example.com/", set: "a=b", to: "http://example.com/", want: "c=d", options: []webtest.Option{webtest.Header("Cookie", "c=d")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := webtest.New(t, setting)
			first := client.Get(c.from, webtest.Query(url.Values{"set": {c.set}}))
			require.Equal(t, c.want, client.Get(c.to, c.options...).Text(), "refused: %v", first.RefusedCookies)
		})
	}
}

func TestCookieFromAnotherSitesForm(t *testing.T) {
	c := webtest.New(t, setting, webtest.BaseURL("https://example.com"))
	c.Get("/", webtest.Query(url.Values{"set": {"d=1", "l=1; SameSite=Lax", "s=1; SameSite=Strict", "n=1; SameSite=None; Secure"}}))
	require.Equal(t, "n=1", c.Post("/", webtest.FromPage("https://evil.example/")).Text())
	require.Equal(t, "d=1; l=1; n=1", c.Get("/", webtest.FromPage("https://evil.example/")).Text())
	require.Equal(t, "d=1; l=1; s=1; n=1", c.Post("/", webtest.FromPage("https://sub.example.com/")).Text())
}

func TestCookieExpiresByTheClientsClock(t *testing.T) {
	for _, c := range []struct {
		name, attributes string
		lives, dies      time.Duration
	}{
		{"by its age", "Max-Age=60", 59 * time.Second, 61 * time.Second},
		{"by its age before its date", "Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 59 * time.Second, 61 * time.Second},
		{"by its date", "Expires=" + time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), 59 * time.Minute, 61 * time.Minute},
		{"after 400 days at the latest", "Max-Age=99999999999999999999", 399 * 24 * time.Hour, 401 * 24 * time.Hour},
		{"never in a session", "", 1000 * 24 * time.Hour, 0},
		{"never by an invalid age", "Max-Age=1x", 1000 * 24 * time.Hour, 0},
		{"never by an invalid date", "Expires=tomorrow", 1000 * 24 * time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := webtest.New(t, setting)
			client.Get("/", webtest.Query(url.Values{"set": {"a=b; " + c.attributes}}))
			client.Jar.Advance(c.lives)
			require.Equal(t, "a=b", client.Get("/").Text())
			if c.dies > 0 {
				client.Jar.Advance(c.dies - c.lives)
				require.Empty(t, client.Get("/").Text())
				require.Empty(t, client.Jar.All())
			}
		})
	}
}

func TestCookieIsDeleted(t *testing.T) {
	for _, attributes := range []string{
		"Max-Age=0", "Max-Age=-5", "Expires=Thu, 01 Jan 1970 00:00:00 GMT", "Expires=Wed, 01 Jan 2020 00:00:00 GMT",
		"expires=Wednesday, 01-Jan-20 00:00:00 GMT", "Expires=Jan 1 00:00:00 2020",
	} {
		t.Run("by "+attributes, func(t *testing.T) {
			c := webtest.New(t, setting)
			c.Get("/", webtest.Query(url.Values{"set": {"a=b", "c=d"}}))
			c.Get("/", webtest.Query(url.Values{"set": {"a=; " + attributes}}))
			require.Equal(t, "c=d", c.Get("/").Text())
		})
	}
}

func TestCookieOverHTTPCannotHideASecureOne(t *testing.T) {
	c := webtest.New(t, setting)
	c.Get("https://example.com/", webtest.Query(url.Values{"set": {"a=safe; Secure; Path=/"}}))
	resp := c.Get("http://example.com/x/y", webtest.Query(url.Values{"set": {"a=bad"}}))
	require.Len(t, resp.RefusedCookies, 1)
	require.ErrorContains(t, resp.RefusedCookies[0], "would hide a Secure cookie")
	require.Equal(t, "a=safe", c.Get("https://example.com/x/y").Text())
}

func TestCookiesAreSentInOrder(t *testing.T) {
	c := webtest.New(t, setting)
	c.Get("/x/y/z", webtest.Query(url.Values{"set": {"old=1; Path=/", "a=1; Path=/x", "b=1; Path=/x/y"}}))
	c.Get("/x/y/z", webtest.Query(url.Values{"set": {"new=1; Path=/", "a=2; Path=/x"}}))
	require.Equal(t, "b=1; a=2; old=1; new=1", c.Get("/x/y/z").Text())
}

func TestCookiesOfTheClient(t *testing.T) {
	c := webtest.New(t, setting)
	c.SetCookie(&http.Cookie{Name: "a", Value: "1"})
	c.SetCookie(&http.Cookie{Name: "s", Value: "2", Secure: true, MaxAge: 60, HttpOnly: true, Domain: "example.com"})
	require.Equal(t, "a=1", c.Get("/").Text())
	require.Equal(t, "a=1; s=2", c.Get("https://example.com/").Text())
	require.Equal(t, "1", c.Cookie("a").Value)
	require.Equal(t, "example.com", c.Cookie("a").Domain)
	require.Nil(t, c.Cookie("s"), "it is not sent to the base URL")
	all := c.Jar.All()
	require.Len(t, all, 2)
	require.Equal(t, ".example.com", all[1].Domain)
	require.True(t, all[1].HttpOnly)

	other := webtest.New(t, setting)
	other.Jar = c.Jar
	require.Equal(t, "a=1; s=2", other.Get("https://example.com/").Text())

	resp := c.Get("/", webtest.Query(url.Values{"set": {"x=1; Path=/there"}}))
	require.Equal(t, "/there", resp.Cookie("x").Path)
	require.Nil(t, resp.Cookie("y"))
}

func TestJarServesAnHTTPClient(t *testing.T) {
	var _ http.CookieJar = new(webtest.Jar)
	c := webtest.New(t, setting)
	resp, err := c.HTTPClient().Get("http://example.com/?set=a%3Db%20c")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, "a=b c", c.Get("/").Text())
}
