package datastructures_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/language"

	"github.com/zeugkit/zeug/datastructures"
)

func TestMIMEAcceptBest(t *testing.T) {
	for _, c := range []struct {
		name, header string
		offers       []string
		want         string
	}{
		{"no header takes the first offer", "", []string{"text/html", "application/json"}, "text/html"},
		{"quality decides", "text/html;q=0.5, application/json;q=0.9", []string{"text/html", "application/json"}, "application/json"},
		{"the offers' order decides between equals", "application/json, text/html", []string{"text/html", "application/json"}, "text/html"},
		{"the more specific range decides between equals", "text/*, text/html", []string{"text/plain", "text/html"}, "text/html"},
		{"the most specific range gives the quality", "*/*, text/html;q=0.1", []string{"text/html", "image/png"}, "image/png"},
		{"zero refuses", "text/html;q=0, */*", []string{"text/html", "text/plain"}, "text/plain"},
		{"a type's star", "image/webp, image/*;q=0.8", []string{"image/png"}, "image/png"},
		{"parameters must agree", "text/html;level=1", []string{"text/html"}, ""},
		{"parameters in any order, quoted or not", `x/y; a="1"; b=2`, []string{"x/y;b=2;a=1"}, "x/y;b=2;a=1"},
		{"parameters in quotes with a comma", `x/y; a="1,2", text/html`, []string{"text/html"}, "text/html"},
		{"case does not count", "TEXT/HTML;Q=0.2", []string{"text/html"}, "text/html"},
		{"a bad quality drops the item", "text/html;q=high, text/plain;q=0.1", []string{"text/html", "text/plain"}, "text/plain"},
		{"a quality above one drops the item", "text/html;q=1.1", []string{"text/html"}, ""},
		{"a quality with an exponent drops the item", "text/html;q=1e-1", []string{"text/html"}, ""},
		{"a space before the quality hides it", "text/html;q= 0.1, text/plain;q=0.5", []string{"text/plain", "text/html"}, "text/html"},
		{"an open quote drops everything", `text/html, x/y;a="b`, []string{"text/html"}, ""},
		{"an invalid type matches nothing", "text, *, */html", []string{"text/html", "text"}, ""},
		{"no offers", "*/*", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := datastructures.ParseMIMEAccept(c.header).Best(c.offers...)
			require.Equal(t, c.want, got)
			require.Equal(t, c.want != "", ok)
		})
	}
}

func TestAcceptReading(t *testing.T) {
	a := datastructures.ParseMIMEAccept("text/plain;q=0.3, */*;q=0.1, text/html;charset=utf-8;q=0.7, text/html")
	require.Equal(t, "text/html; charset=utf-8", a.First())
	require.Equal(t, "text/html; charset=utf-8;q=0.7,text/html,text/plain;q=0.3,*/*;q=0.1", a.String())
	require.Equal(t, 0.3, a.Quality("text/plain"))
	require.Equal(t, 0.1, a.Quality("image/png"))
	var none datastructures.MIMEAccept
	require.True(t, none.IsZero())
	require.Equal(t, 1.0, none.Quality("text/html"))
	require.Empty(t, none.First())
	require.Empty(t, none.String())

	nothing := datastructures.ParseMIMEAccept(",")
	require.False(t, nothing.IsZero())
	require.Zero(t, nothing.Quality("text/html"))
}

func TestEncodingAccept(t *testing.T) {
	for _, c := range []struct {
		name, header, coding string
		want                 bool
	}{
		{"named", "gzip, br", "br", true},
		{"another case", "GZIP", "gzip", true},
		{"not named", "gzip", "br", false},
		{"a star", "*", "br", true},
		{"refused", "br;q=0, *", "br", false},
		{"an empty header or none", "", "br", false},
		{"identity without a header", "", "identity", true},
		{"identity refused", "identity;q=0", "identity", false},
		{"identity refused by the star", "gzip, *;q=0", "identity", false},
		{"identity saved from the star", "identity, *;q=0", "identity", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, datastructures.ParseEncodingAccept(c.header).Quality(c.coding) > 0)
		})
	}
	best, ok := datastructures.ParseEncodingAccept("gzip;q=0.8, br").Best("gzip", "br")
	require.True(t, ok)
	require.Equal(t, "br", best)
	_, ok = datastructures.ParseEncodingAccept("deflate").Best("gzip", "br")
	require.False(t, ok)
	none := datastructures.ParseEncodingAccept("")
	_, ok = none.Best("br", "gzip")
	require.False(t, ok)
	best, ok = none.Best("br", "Identity")
	require.True(t, ok)
	require.Equal(t, "Identity", best)
	require.Zero(t, none.Quality("br"))
	require.Equal(t, 1.0, none.Quality("identity"))
}

func TestLanguageAcceptBest(t *testing.T) {
	for _, c := range []struct {
		name, header string
		offers       []string
		want         string
	}{
		{"no header", "", []string{"de", "en"}, "de"},
		{"the same tag", "en-gb", []string{"en-US", "en-GB"}, "en-GB"},
		{"an underscore is a dash", "en_US", []string{"en-US"}, "en-US"},
		{"quality decides", "de;q=0.5, en;q=0.9", []string{"de", "en"}, "en"},
		{"the language without the region", "de-AT", []string{"en", "de"}, "de"},
		{"the script without the region", "zh-Hant-TW", []string{"zh", "zh-Hant"}, "zh-Hant"},
		{"any region of the language", "en", []string{"fr", "en-AU", "en-GB"}, "en-AU"},
		{"another region never", "en-GB", []string{"en-US"}, ""},
		{"refused", "en-US, en;q=0", []string{"fr"}, ""},
		{"a star", "fr, *;q=0.1", []string{"de"}, "de"},
		{"nothing fits", "ja", []string{"de", "en"}, ""},
		{"half a subtag does not match", "eng", []string{"en"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := datastructures.ParseLanguageAccept(c.header).Best(c.offers...)
			require.Equal(t, c.want, got)
			require.Equal(t, c.want != "", ok)
		})
	}
	a := datastructures.ParseLanguageAccept("de;q=0.5, en-US")
	require.Equal(t, 0.5, a.Quality("DE"))
	require.Equal(t, 1.0, a.Quality("en_us"))
	require.Zero(t, a.Quality("en"))
}

func TestLanguageAcceptMatchKnowsWhatIsNear(t *testing.T) {
	matcher := language.NewMatcher([]language.Tag{language.French, language.AmericanEnglish, language.TraditionalChinese})
	for header, want := range map[string]language.Tag{
		"en-GB":              language.AmericanEnglish,
		"zh-TW, en;q=0.5":    language.TraditionalChinese,
		"en;q=0, fr-CH":      language.French,
		"not a tag, *;q=0.1": language.French,
		"":                   language.French,
	} {
		_, at, _ := datastructures.ParseLanguageAccept(header).Match(matcher)
		require.Equal(t, want, []language.Tag{language.French, language.AmericanEnglish, language.TraditionalChinese}[at], header)
	}
	_, _, sure := datastructures.ParseLanguageAccept("ja").Match(matcher)
	require.Equal(t, language.No, sure)
}
