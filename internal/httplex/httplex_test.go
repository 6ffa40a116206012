package httplex_test

import (
	"mime"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/httplex"
)

func TestItemsAreCutAtCommasOutsideOfQuotes(t *testing.T) {
	for header, want := range map[string][]string{
		"":                nil,
		" , ,":            nil,
		"a, b ,\tc":       {"a", "b", "c"},
		`"a, b", c`:       {`"a, b"`, "c"},
		`a="x, \"y, z",b`: {`a="x, \"y, z"`, "b"},
	} {
		require.Equal(t, want, slices.Collect(httplex.Items(header)), header)
	}
	require.Equal(t, []string{"a, b", "c", `x"y`}, httplex.ParseList(`"a, b", c, "x\"y"`))
	require.Equal(t, `"a, b", c, "x\"y", ""`, httplex.FormatList([]string{"a, b", "c", `x"y`, ""}))
}

func TestTokens(t *testing.T) {
	for c := range 256 {
		want := strings.IndexByte("!#$%&'*+-.^_`|~", byte(c)) >= 0 ||
			c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		require.Equal(t, want, httplex.IsTokenChar(byte(c)), "%q", c)
		require.Equal(t, want, httplex.IsToken("a"+string([]byte{byte(c)})), "%q", c)
		// RFC 9110, section 5.5.
		require.Equal(t, c == '\t' || c >= ' ' && c != 0x7f, httplex.IsFieldValue("a"+string([]byte{byte(c)})+"b"), "%q", c)
	}
	require.False(t, httplex.IsToken(""))
	require.Equal(t, "a b", httplex.Trim(" \ta b\t "))
	require.Equal(t, "content-É", httplex.Lower("Content-É"))
	for _, c := range []struct {
		a, b string
		want bool
	}{{"GZip", "gzIP", true}, {"a", "b", false}, {"a", "aa", false}, {"[", "{", false}, {"@", "`", false}, {"K", "\u212a", false}} {
		require.Equal(t, c.want, httplex.EqualFold(c.a, c.b), c)
	}
}

func TestQuotes(t *testing.T) {
	for _, c := range []struct{ text, quoted string }{
		{"token", "token"}, {"", `""`}, {"a b", `"a b"`}, {`a"b\c`, `"a\"b\\c"`}, {"a,b;c", `"a,b;c"`},
	} {
		require.Equal(t, c.quoted, httplex.Quote(c.text))
		require.Equal(t, c.text, httplex.Unquote(c.quoted))
		require.Equal(t, c.text, httplex.Unquote(httplex.QuoteAlways(c.text)))
	}
	require.Equal(t, "ab", httplex.Unquote(`"\a\b"`))
	require.Equal(t, `"a`, httplex.Unquote(`"a`))
}

func TestDictsKeepTheLastValueAndDirectivesTheFirst(t *testing.T) {
	require.Equal(t, httplex.Params{{Name: "a", Value: "3"}, {Name: "b", Bare: true}}, httplex.ParseDict(`a=1, b, a="3", =x`))
	require.Equal(t, httplex.Params{{Name: "a", Value: "1"}, {Name: "b", Bare: true}}, httplex.ParseFirst(`A=1, b, a="3"`))
	require.Equal(t, httplex.Params{{Name: "f", Value: "ä"}}, httplex.ParseDict("f*=UTF-8''%c3%a4"))
	require.Equal(t, `a="x, y", b`, httplex.FormatDict(httplex.Params{{Name: "a", Value: "x, y"}, {Name: "b", Bare: true}}))
}

func TestOptions(t *testing.T) {
	for _, c := range []struct{ header, value, name, want string }{
		{`form-data; name="a b"`, "form-data", "name", "a b"},
		{`text/html; Charset=UTF-8`, "text/html", "charset", "UTF-8"},
		{`a; n="x\"y\\z\w"`, "a", "n", `x"y\z\w`},
		{`a; n="%22"`, "a", "n", `"`},
		{`a; n*=iso-8859-1''%e4`, "a", "n", "ä"},
		{`a; n*0*=utf-8''x; n*1*=%20y; n*2=z`, "a", "n", "x yz"},
		{`a; n=1; n=2`, "a", "n", "2"},
		{`a`, "a", "n", ""},
		{`; n=1`, "", "n", ""},
	} {
		t.Run(c.header, func(t *testing.T) {
			value, params := httplex.ParseOptions(c.header)
			require.Equal(t, c.value, value)
			got := ""
			if i := params.Index(c.name); i >= 0 {
				got = params[i].Value
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestTheBestOffer(t *testing.T) {
	for _, c := range []struct {
		name, header string
		kind         httplex.Kind
		offers       []string
		want         int
	}{
		{"no header likes the first", "", httplex.MediaRanges, []string{"a/b", "c/d"}, 0},
		{"no offer", "", httplex.MediaRanges, nil, -1},
		{"the heavier", "a/b;q=0.2, c/d;q=0.3", httplex.MediaRanges, []string{"a/b", "c/d"}, 1},
		{"the more specific", "*/*, a/b", httplex.MediaRanges, []string{"c/d", "a/b"}, 1},
		{"the first of equals", "a/*", httplex.MediaRanges, []string{"a/c", "a/b"}, 0},
		{"parameters must agree", "a/b;level=1", httplex.MediaRanges, []string{"a/b", "a/b; level=1"}, 1},
		{"refused", "a/b;q=0, */*;q=0.1", httplex.MediaRanges, []string{"a/b"}, -1},
		{"an offer that is not a media type", "*/*", httplex.MediaRanges, []string{"a"}, -1},
		{"codings in any case", "GZIP", httplex.Codings, []string{"br", "gzip"}, 1},
		{"a star for languages", "de, *;q=0.1", httplex.Languages, []string{"fr", "de"}, 1},
		{"a bad weight does not count", "a/b;q=2, c/d;q=x", httplex.MediaRanges, []string{"a/b", "c/d"}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := httplex.ParseWeights(c.header, c.kind)
			require.Equal(t, c.want, httplex.Best(list, c.offers, c.kind))
			require.Equal(t, c.want, httplex.Best(httplex.ParseWeights(c.header, c.kind), c.offers, c.kind), "the second time")
		})
	}
	require.True(t, httplex.IsLanguagePrefix("de", "de-AT"))
	require.True(t, httplex.IsLanguagePrefix("DE_at", "de-AT"))
	require.False(t, httplex.IsLanguagePrefix("d", "de"))
	require.False(t, httplex.IsLanguagePrefix("", "de"))
}

// FuzzRoundTrips prints a result and reads it again, and compares with the standard library if
// that reads the same grammar.
func FuzzRoundTrips(f *testing.F) {
	for _, seed := range []string{
		"", `a, "b, c"`, `a="\"";b*=UTF-8''%41`, "text/html;q=0.5, */*;level=1", "gzip;q=1.000", `"`, `\`, "a*0=b", "de-AT, *", "z;}=1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !httplex.IsFieldValue(s) {
			return // net/http lets no control characters in
		}
		require.Equal(t, s, httplex.Unquote(httplex.QuoteAlways(s)))
		list := httplex.ParseList(s)
		require.Equal(t, list, httplex.ParseList(httplex.FormatList(list)))
		dict := httplex.ParseDict(s)
		require.Equal(t, dict, httplex.ParseDict(httplex.FormatDict(dict)))
		require.Equal(t, textproto.TrimString(s), httplex.Trim(s))
		require.Equal(t, httplex.EqualFold(s, strings.ToUpper(s)), httplex.EqualFold(strings.ToUpper(s), s))
		value, params := httplex.ParseOptions(s)
		require.NotContains(t, value, ";")
		// Package mime accepts more spaces, also those of Unicode, and the tokens of MIME, which may have braces.
		foreign := strings.ContainsAny(s, "*\"\\ \t{}") || strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
		if standard, theirs, err := mime.ParseMediaType(s); err == nil && !foreign {
			require.Equal(t, standard, httplex.Lower(value))
			for name, text := range theirs {
				i := params.Index(name)
				require.GreaterOrEqual(t, i, 0, name)
				require.Equal(t, text, params[i].Value)
			}
		}
		for _, kind := range []httplex.Kind{httplex.MediaRanges, httplex.Languages, httplex.Codings} {
			var b []byte
			weights := httplex.ParseWeights(s, kind)
			for i, w := range weights {
				require.True(t, w.Weight >= 0 && w.Weight <= 1, strconv.FormatFloat(w.Weight, 'g', -1, 64))
				if i > 0 {
					b = append(b, ',')
				}
				b = httplex.AppendWeight(b, w.Value, w.Weight)
			}
			again := httplex.ParseWeights(string(b), kind)
			require.Len(t, again, len(weights), "%q", b)
			for i := range again {
				require.Equal(t, weights[i].Value, again[i].Value)
				require.Equal(t, weights[i].Weight, again[i].Weight)
			}
		}
	})
}
