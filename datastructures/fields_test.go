package datastructures_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
)

func options(value string, params ...string) datastructures.Options {
	return datastructures.Options{Value: value, Params: datastructures.NewChallenge("", params...).Params}
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
	require.Empty(t, names(datastructures.ParseDict(`a=1, b="x`)))
}

func TestParamsAreValues(t *testing.T) {
	a := options("", "x", "1", "y", "2", "z").Params
	b := a
	b.Set("X", "9")
	b.SetBare("w")
	require.Equal(t, []string{"x", "y", "z"}, names(a))
	require.Equal(t, "1", a.Get("x"))
	require.Equal(t, []string{"X", "y", "z", "w"}, names(b))
	require.True(t, a.IsBare("z"))
	require.NotContains(t, names(a), "w")
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
	require.Equal(t, `a, "b c", "", "\""`, datastructures.HeaderSet{"a", "b c", "", `"`}.String())
	require.Equal(t, "a", datastructures.Quote("a"))
	require.Equal(t, `a"`, datastructures.Unquote(`"\a\""`))
	require.Equal(t, `"a`, datastructures.Unquote(`"a`))
}

func TestHeaderSet(t *testing.T) {
	s := datastructures.ParseHeaderSet("Accept, Cookie, ACCEPT")
	require.Equal(t, 3, len(s))
	require.True(t, s.Has("accept"))
	require.True(t, s.Has("cookie"))
	require.Equal(t, "Cookie", s[1])
	c := s
	c.Add("cookie", "Origin", "origin")
	require.Equal(t, "Accept, Cookie, ACCEPT, Origin", c.String())
	require.True(t, c.Remove("aCCEPT"), "every spelling")
	require.False(t, c.Remove("accept"))
	require.Equal(t, datastructures.HeaderSet{"Cookie", "Origin"}, c)
	require.Equal(t, "Accept, Cookie, ACCEPT", s.String(), "a copy is of its own")
	require.Equal(t, `a, "b c"`, datastructures.HeaderSet{"a", "b c"}.String())
}

func TestRequestCacheControl(t *testing.T) {
	c := datastructures.ParseRequestCacheControl("No-Cache, max-age=0, max-stale, min-fresh=5, ONLY-IF-CACHED, odd=1, max-age=7")
	require.True(t, c.NoCache && c.OnlyIfCached)
	require.False(t, c.NoStore || c.NoTransform)
	require.Equal(t, new(time.Duration(0)), c.MaxAge, "the first counts")
	require.Negative(t, *c.MaxStale, "without a limit")
	require.Equal(t, new(5*time.Second), c.MinFresh)
	require.Equal(t, "1", c.Extensions.Get("odd"))
	require.Equal(t, "no-cache, only-if-cached, max-age=0, min-fresh=5, max-stale, odd=1", c.String())
	require.Equal(t, new(9*time.Second), datastructures.ParseRequestCacheControl("max-stale=9").MaxStale)
	require.Nil(t, datastructures.ParseRequestCacheControl("max-age=x").MaxStale)
	require.Nil(t, datastructures.ParseRequestCacheControl("max-age").MaxAge)
	require.Nil(t, datastructures.ParseRequestCacheControl("stale-if-error=x").StaleIfError)
	require.Empty(t, datastructures.RequestCacheControl{}.String())
}

func TestResponseCacheControl(t *testing.T) {
	c := datastructures.ResponseCacheControl{
		Public: true, MaxAge: new(time.Hour), SMaxAge: new(90 * time.Second), Immutable: true, MustRevalidate: true, ProxyRevalidate: true,
		MustUnderstand: true, NoTransform: true, StaleWhileRevalidate: new(time.Minute), StaleIfError: new(time.Duration),
	}
	c.Extensions.Set("odd", "1")
	require.Equal(t, "public, no-transform, must-revalidate, proxy-revalidate, must-understand, immutable, max-age=3600, s-maxage=90, stale-while-revalidate=60, stale-if-error=0, odd=1", c.String())
	require.Equal(t, c, datastructures.ParseResponseCacheControl(c.String()))

	c = datastructures.ResponseCacheControl{Public: true, Private: true, PrivateFields: datastructures.HeaderSet{"Set-Cookie", "X"}, NoCache: true, NoStore: true}
	require.Equal(t, `private="Set-Cookie, X", no-cache, no-store`, c.String(), "private comes before public")
	c = datastructures.ParseResponseCacheControl(c.String())
	require.True(t, c.Private && c.PrivateFields.Has("set-cookie") && c.NoCache)
	require.Empty(t, c.NoCacheFields)
	require.Equal(t, "stale-if-error=0", datastructures.ResponseCacheControl{StaleIfError: new(-time.Minute)}.String())
}

func TestContentSecurityPolicy(t *testing.T) {
	p := datastructures.ParseContentSecurityPolicy("Default-Src 'self';; img-src *\t x ;upgrade-insecure-requests; img-src y")
	require.Equal(t, "default-src 'self'; img-src *  x; upgrade-insecure-requests", p.String())
	value, ok := p.Lookup("UPGRADE-insecure-requests")
	require.True(t, ok)
	require.Empty(t, value)
	before := p.String()
	q := p
	require.NoError(t, q.Set("img-src", "'none'"))
	require.NoError(t, q.Add("img-src", "https://a.example"))
	require.NoError(t, q.Add("default-src", "b.example"))
	q.Del("upgrade-insecure-requests")
	require.NoError(t, q.Add("script-src", "'nonce-abc'"))
	require.Equal(t, "default-src 'self' b.example; img-src https://a.example; script-src 'nonce-abc'", q.String())
	require.Equal(t, before, p.String(), "a copy is of its own")

	require.ErrorContains(t, q.Set("img-src", "a; script-src *"), "would end it")
	require.Error(t, q.Set("img-src", "a\r\n"))
	require.Error(t, q.Set("img-src", "a, b"))
	require.Error(t, q.Set("img src", "a"))
	require.Error(t, q.Add("script-src", "'nonce-x;y'"))
}

func TestAuthorization(t *testing.T) {
	a, ok := datastructures.ParseAuthorization("BASIC w7xzZXI6cGE6c3M=")
	require.True(t, ok)
	require.Equal(t, datastructures.Authorization{Scheme: "basic", Username: "üser", Password: "pa:ss"}, a)
	require.Equal(t, "Basic w7xzZXI6cGE6c3M=", a.String())

	a, ok = datastructures.ParseAuthorization("Bearer  abc== ")
	require.True(t, ok)
	require.Equal(t, datastructures.Authorization{Scheme: "bearer", Token: "abc=="}, a)
	require.Equal(t, "Bearer abc==", a.String())

	a, ok = datastructures.ParseAuthorization(`Digest username="Mufasa", nc=00000001, uri="/a?b=c, d"`)
	require.True(t, ok)
	require.Equal(t, "Mufasa", a.Get("username"))
	require.Equal(t, "/a?b=c, d", a.Get("URI"))
	require.Equal(t, `Digest username=Mufasa, nc=00000001, uri="/a?b=c, d"`, a.String())

	for name, header := range map[string]string{
		"nothing": "", "no scheme": " abc", "an invalid scheme": "a,b c", "bad base64": "Basic !!!", "base64 without padding": "Basic dXNlcg",
		"no UTF-8": "Basic /////w==", "an URL's base64": "Basic -_-_",
	} {
		t.Run(name, func(t *testing.T) {
			_, ok := datastructures.ParseAuthorization(header)
			require.False(t, ok)
		})
	}
	basic := func(username, password string) string {
		return datastructures.Authorization{Scheme: "basic", Username: username, Password: password}.String()
	}
	require.Equal(t, "Basic YTpiOmM=", basic("a", "b:c"))
	require.Empty(t, basic("a:b", "c"), "the colon would end the user name")
	require.Empty(t, basic("a", "c\n"))
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
	h := http.Header{"Connection": {"close, X-Mine", "x-other"}, "X-Mine": {"1"}, "X-Other": {"2"}, "Te": {"trailers"}, "Upgrade": {"h2c"}, "Etag": {"3"}}
	datastructures.RemoveHopByHop(h)
	require.Equal(t, http.Header{"Etag": {"3"}}, h)
}

func TestWhatCannotBeSentIsLeftOut(t *testing.T) {
	bytes := func(specs ...datastructures.RangeSpec) string {
		return datastructures.Range{Unit: "bytes", Specs: specs}.String()
	}
	require.Empty(t, bytes(datastructures.RangeSpec{Start: 5, Stop: 3}))
	require.Empty(t, bytes(datastructures.RangeSpec{Start: 5, Stop: 5}))
	require.Empty(t, bytes(datastructures.RangeSpec{Start: -1}))
	require.Empty(t, bytes(datastructures.RangeSpec{Start: -5, Suffix: true}))
	require.Equal(t, "bytes=0-0,7-", bytes(datastructures.RangeSpec{Stop: 1}, datastructures.RangeSpec{Start: 5, Stop: 3}, datastructures.RangeSpec{Start: 7}))
	require.Empty(t, contentRange(5, 3, 10))
	require.Empty(t, contentRange(5, 11, 10))
	require.Equal(t, "bytes 5-9/10", contentRange(5, 10, 10))
}

func TestTimeSpansOfCacheControlAreNeverNegative(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         time.Duration
		given        bool
	}{
		{"a number", "max-age=5", 5 * time.Second, true},
		{"a negative number is stale", "max-age=-1", 0, true},
		{"a huge negative number is stale", "max-age=-99999999999999999999", 0, true},
		{"a sign alone", "max-age=-", 0, false},
		{"two signs", "max-age=--1", 0, false},
		{"a plus sign", "max-age=+1", 0, false},
		{"no number", "max-age=x", 0, false},
		{"nothing", "max-age", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want *time.Duration
			if c.given {
				want = &c.want
			}
			require.Equal(t, want, datastructures.ParseResponseCacheControl(c.header).MaxAge)
			require.Equal(t, want, datastructures.ParseRequestCacheControl(strings.Replace(c.header, "max-age", "min-fresh", 1)).MinFresh)
		})
	}
}
