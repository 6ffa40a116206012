package datastructures_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
)

func options(value string, params ...string) datastructures.Options {
	return datastructures.Options{Value: value, Params: datastructures.NewParams(params...)}
}

func TestParseOptions(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         datastructures.Options
	}{
		{"a value alone", "text/html", options("text/html")},
		{"parameters", "text/html; Charset=utf-8;a=b", options("text/html", "charset", "utf-8", "a", "b")},
		{"a quoted value", `form-data; name="a b"`, options("form-data", "name", "a b")},
		{"a semicolon in quotes", `x; a="b;c"; d=e`, options("x", "a", "b;c", "d", "e")},
		{"escapes of quotes and backslashes", `x; a="\"\\"`, options("x", "a", `"\`)},
		{"other backslashes stay", `x; a="C:\dir\f.txt"`, options("x", "a", `C:\dir\f.txt`)},
		{"what browsers write for a quote", `x; a="b%22c"`, options("x", "a", `b"c`)},
		{"only in quotes", "x; a=b%22c", options("x", "a", "b%22c")},
		{"an extended value", "x; a*=UTF-8'en'%e2%82%ac%20", options("x", "a", "€ ")},
		{"Latin 1", "x; a*=iso-8859-1''%e4", options("x", "a", "ä")},
		{"bytes that are not of the charset", "x; a*=utf-8''%e4b", options("x", "a", "\uFFFDb")},
		{"a charset that is not known", "x; a*=koi8-r''%e4", options("x", "a", "%e4")},
		{"continuations", "x; a*0=b; a*1=c; d=e; a*2=f", options("x", "a", "bcf", "d", "e")},
		{"extended continuations", "x; a*0*=utf-8''%c3; a*1*=%bc; a*2=d", options("x", "a", "üd")},
		{"the last of a name", "x; a=b; A=c", options("x", "a", "c")},
		{"no value", "x; a; b=", options("x")},
		{"an empty value", `x; a=""`, options("x", "a", "")},
		{"spaces around the equals sign", "x; a = b; c=d", options("x", "c", "d")},
		{"quotes that do not end", `x; a="b; c=d`, options("x", "c", "d")},
		{"a script in a token", "x; a=ü; b=c", options("x", "b", "c")},
		{"no value before the parameters", "; a=b", options("")},
		{"nothing", "", options("")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := datastructures.ParseOptions(c.header)
			require.Equal(t, c.want.String(), got.String())
			require.Equal(t, got, datastructures.ParseOptions(got.String()))
		})
	}
}

func TestOptionsPrintWhatAHeaderCarries(t *testing.T) {
	for _, c := range []struct {
		name string
		o    datastructures.Options
		want string
	}{
		{"a token", options("x", "a", "b"), "x; a=b"},
		{"spaces and quotes", options("x", "a", `b "c\`), `x; a="b \"c\\"`},
		{"an empty text", options("x", "a", ""), `x; a=""`},
		{"a bare one is left out", options("x", "a"), "x"},
		{"encoded already", options("x", "a*", "UTF-8''%e4"), "x; a*=UTF-8''%e4"},
		{"a line end cannot break out", options("x", "a", "b\r\nSet-Cookie: c"), "x; a*=UTF-8''b%0D%0ASet-Cookie%3A%20c"},
		{"what would be read as a quote", options("x", "a", "b %22"), "x; a*=UTF-8''b%20%2522"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, c.o.String()) })
	}
}

func TestDict(t *testing.T) {
	d := datastructures.ParseDict(`a=1, B="x, y", c, a=2, =d, e*=utf-8''%c3%bc, f=`)
	require.Equal(t, `a=2, B="x, y", c, e="ü", f=""`, d.String())
	require.True(t, d.IsBare("c"))
	require.Equal(t, "x, y", d.Get("b"))
	_, ok := d.Lookup("c")
	require.False(t, ok)
	value, ok := d.Lookup("f")
	require.True(t, ok)
	require.Empty(t, value)
	require.Zero(t, datastructures.ParseDict(`a=1, b="x`).Len())
}

func TestParamsAreValues(t *testing.T) {
	a := datastructures.NewParams("x", "1", "y", "2", "z")
	b := a
	b.Set("X", "9")
	b.Del("Y")
	b.SetBare("w")
	require.Equal(t, []string{"x", "y", "z"}, names(a))
	require.Equal(t, "1", a.Get("x"))
	require.Equal(t, []string{"X", "z", "w"}, names(b))
	require.True(t, a.IsBare("z"))
	require.False(t, a.Has("w"))
}

func names(p datastructures.Params) (list []string) {
	for name := range p.All() {
		list = append(list, name)
	}
	return list
}

func TestList(t *testing.T) {
	require.Equal(t, []string{"a", "b, c", `d"e`, `f"g,h"`}, datastructures.ParseList(`a,, "b, c" , "d\"e", f"g,h"`))
	require.Nil(t, datastructures.ParseList(`a, "b`))
	require.Equal(t, `a, "b c", "", "\""`, datastructures.FormatList("a", "b c", "", `"`))
	require.Equal(t, `"a"`, datastructures.QuoteAlways("a"))
	require.Equal(t, "a", datastructures.Quote("a"))
	require.Equal(t, `a"`, datastructures.Unquote(`"\a\""`))
	require.Equal(t, `"a`, datastructures.Unquote(`"a`))
}

func TestHeaderSet(t *testing.T) {
	s := datastructures.ParseHeaderSet("Accept, Cookie, ACCEPT")
	require.Equal(t, 3, s.Len())
	require.True(t, s.Has("accept"))
	require.Equal(t, 1, s.Index("cookie"))
	require.Equal(t, -1, s.Index("x"))
	require.Equal(t, "Cookie", s.At(1))
	require.Equal(t, []string{"accept", "cookie"}, s.Lower())
	c := s
	c.Add("cookie", "Origin", "origin")
	require.Equal(t, "Accept, Cookie, ACCEPT, Origin", c.String())
	require.True(t, c.Remove("aCCEPT"), "every spelling")
	require.False(t, c.Remove("accept"))
	require.Equal(t, []string{"Cookie", "Origin"}, slices.Collect(c.All()))
	require.Equal(t, "Accept, Cookie, ACCEPT", s.String(), "a copy is of its own")
	c.Clear()
	require.Zero(t, c.Len())
	require.Equal(t, `a, "b c"`, datastructures.NewHeaderSet("a", "A", "b c").String())
}

func TestRequestCacheControl(t *testing.T) {
	c := datastructures.ParseRequestCacheControl("No-Cache, max-age=0, max-stale, min-fresh=5, ONLY-IF-CACHED, odd=1, max-age=7")
	require.True(t, c.NoCache() && c.OnlyIfCached())
	require.False(t, c.NoStore() || c.NoTransform())
	age, ok := c.MaxAge()
	require.True(t, ok)
	require.Zero(t, age, "the first counts")
	_, unlimited, ok := c.MaxStale()
	require.True(t, ok && unlimited)
	fresh, _ := c.MinFresh()
	require.Equal(t, 5*time.Second, fresh)
	require.Equal(t, "1", c.Get("odd"))
	stale, unlimited, ok := datastructures.ParseRequestCacheControl("max-stale=9").MaxStale()
	require.True(t, ok)
	require.False(t, unlimited)
	require.Equal(t, 9*time.Second, stale)
	_, _, ok = datastructures.ParseRequestCacheControl("max-age=x").MaxStale()
	require.False(t, ok)
	_, ok = datastructures.ParseRequestCacheControl("max-age").MaxAge()
	require.False(t, ok)
	_, ok = datastructures.ParseRequestCacheControl("stale-if-error=x").StaleIfError()
	require.False(t, ok)
}

func TestResponseCacheControl(t *testing.T) {
	var c datastructures.ResponseCacheControl
	c.SetPublic(true)
	c.SetMaxAge(time.Hour)
	c.SetSMaxAge(90 * time.Second)
	c.SetImmutable(true)
	c.SetMustRevalidate(true)
	c.SetProxyRevalidate(true)
	c.SetMustUnderstand(true)
	c.SetNoStore(true)
	c.SetNoTransform(true)
	c.SetStaleWhileRevalidate(time.Minute)
	c.SetStaleIfError(-time.Minute)
	c.Set("odd", "1")
	c.SetNoStore(false)
	require.Equal(t, "public, max-age=3600, s-maxage=90, immutable, must-revalidate, proxy-revalidate, must-understand, no-transform, stale-while-revalidate=60, stale-if-error=0, odd=1", c.String())
	require.Equal(t, c, datastructures.ParseResponseCacheControl(c.String()))
	require.True(t, c.Public() && c.Immutable() && c.MustRevalidate() && c.ProxyRevalidate() && c.MustUnderstand() && c.NoTransform())
	shared, _ := c.SMaxAge()
	require.Equal(t, 90*time.Second, shared)
	while, _ := c.StaleWhileRevalidate()
	require.Equal(t, time.Minute, while)

	c = datastructures.ResponseCacheControl{}
	c.SetPublic(true)
	c.SetPrivate("Set-Cookie", "X")
	c.SetNoCache()
	require.Equal(t, `private="Set-Cookie, X", no-cache`, c.String())
	fields, ok := c.Private()
	require.True(t, ok && fields.Has("set-cookie"))
	fields, ok = c.NoCache()
	require.True(t, ok)
	require.Zero(t, fields.Len())
	c.SetPublic(true)
	_, ok = c.Private()
	require.False(t, ok)
}

func TestContentSecurityPolicy(t *testing.T) {
	p := datastructures.ParseContentSecurityPolicy("Default-Src 'self';; img-src *\t x ;upgrade-insecure-requests; img-src y")
	require.Equal(t, "default-src 'self'; img-src *  x; upgrade-insecure-requests", p.String())
	value, ok := p.Lookup("UPGRADE-insecure-requests")
	require.True(t, ok)
	require.Empty(t, value)
	before := p.String()
	q := p
	require.NoError(t, q.Set("img-src", datastructures.CSPNone))
	require.NoError(t, q.Add("img-src", "https://a.example"))
	require.NoError(t, q.Add("default-src", "b.example"))
	q.Del("upgrade-insecure-requests")
	require.NoError(t, q.AddNonce("abc"))
	require.Equal(t, "default-src 'self' b.example; img-src https://a.example; script-src 'nonce-abc'; style-src 'nonce-abc'", q.String())
	require.Equal(t, before, p.String(), "a copy is of its own")
	require.Equal(t, 4, q.Len())

	require.ErrorContains(t, q.Set("img-src", "a; script-src *"), "would end it")
	require.Error(t, q.Set("img-src", "a\r\n"))
	require.Error(t, q.Set("img-src", "a, b"))
	require.Error(t, q.Set("img src", "a"))
	require.Error(t, q.AddNonce("x;y"))
	require.NotEqual(t, datastructures.NewNonce(), datastructures.NewNonce())
	require.Len(t, datastructures.NewNonce(), 24)
}

func TestAuthorization(t *testing.T) {
	a, ok := datastructures.ParseAuthorization("BASIC w7xzZXI6cGE6c3M=")
	require.True(t, ok)
	require.Equal(t, datastructures.Authorization{Scheme: "basic", Username: "üser", Password: "pa:ss"}, a)
	require.Equal(t, "Basic w7xzZXI6cGE6c3M=", a.String())

	a, ok = datastructures.ParseAuthorization("Bearer  abc== ")
	require.True(t, ok)
	require.Equal(t, datastructures.BearerAuth("abc=="), a)
	require.Equal(t, "Bearer abc==", a.String())

	a, ok = datastructures.ParseAuthorization(`Digest username="Mufasa", nc=00000001, uri="/a?b=c, d"`)
	require.True(t, ok)
	require.Equal(t, "Mufasa", a.Get("username"))
	require.Equal(t, "/a?b=c, d", a.Get("URI"))
	require.Equal(t, `Digest username=Mufasa, nc=00000001, uri="/a?b=c, d"`, a.String())

	for name, header := range map[string]string{
		"nothing": "", "no scheme": " abc", "a scheme that is none": "a,b c", "bad base64": "Basic !!!", "base64 without padding": "Basic dXNlcg",
		"no UTF-8": "Basic /////w==", "an URL's base64": "Basic -_-_",
	} {
		t.Run(name, func(t *testing.T) {
			_, ok := datastructures.ParseAuthorization(header)
			require.False(t, ok)
		})
	}
	_, err := datastructures.BasicAuth("a:b", "c")
	require.Error(t, err)
	_, err = datastructures.BasicAuth("a", "c\n")
	require.Error(t, err)
	a, err = datastructures.BasicAuth("a", "b:c")
	require.NoError(t, err)
	require.Equal(t, "Basic YTpiOmM=", a.String())
	require.True(t, datastructures.Authorization{}.IsZero())
	require.Empty(t, datastructures.Authorization{}.String())
}

func TestWWWAuthenticate(t *testing.T) {
	got := datastructures.ParseWWWAuthenticate(`Newauth realm="apps, and more", type=1, title="a \"b\"", Negotiate, Bearer abc=, Basic realm=simple`)
	require.Len(t, got, 4)
	require.Equal(t, "newauth", got[0].Scheme)
	require.Equal(t, "apps, and more", got[0].Get("realm"))
	require.Equal(t, `a "b"`, got[0].Get("title"))
	require.Equal(t, datastructures.WWWAuthenticate{Scheme: "negotiate"}, got[1])
	require.Equal(t, datastructures.WWWAuthenticate{Scheme: "bearer", Token: "abc="}, got[2])
	require.Equal(t, `Basic realm="simple"`, got[3].String())
	require.Equal(t, `Digest realm="r", nonce="n", qop="auth", algorithm=MD5, stale=FALSE`,
		datastructures.NewChallenge("Digest", "realm", "r", "nonce", "n", "qop", "auth", "algorithm", "MD5", "stale", "FALSE").String())
	require.Equal(t, "Bearer", datastructures.NewChallenge("bearer").String())
	require.Nil(t, datastructures.ParseWWWAuthenticate(""))
	require.Nil(t, datastructures.ParseWWWAuthenticate(`Basic realm="open`))
}

func TestHopByHop(t *testing.T) {
	require.True(t, datastructures.IsHopByHop("transfer-encoding"))
	require.False(t, datastructures.IsHopByHop("Content-Encoding"))
	h := http.Header{"Connection": {"close, X-Mine", "x-other"}, "X-Mine": {"1"}, "X-Other": {"2"}, "Te": {"trailers"}, "Upgrade": {"h2c"}, "Etag": {"3"}}
	datastructures.RemoveHopByHop(h)
	require.Equal(t, http.Header{"Etag": {"3"}}, h)
}
