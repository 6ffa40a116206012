package datastructures

import (
	"strings"

	"golang.org/x/text/language"

	"github.com/zeugkit/zeug/internal/httplex"
)

// LanguageAccept is the Accept-Language header: the languages a reader wants
// (RFC 9110, section 12.5.4).
type LanguageAccept struct{ Accept }

// ParseLanguageAccept reads an Accept-Language header. Items with a bad quality
// are left out.
func ParseLanguageAccept(header string) LanguageAccept {
	return LanguageAccept{Accept{httplex.ParseWeights(header, httplex.Languages)}}
}

// Quality is how much the client likes exactly this language: 0 not at all, 1
// fully. Case does not matter, and "_" counts as "-".
func (a LanguageAccept) Quality(tag string) float64 {
	return a.quality(tag, httplex.Languages)
}

// Best returns the language on offer that the client likes best, as it is
// spelled in the offers, and false if none will do. It looks for
//
//   - the same tag: "en-GB" for "en-gb";
//   - then, for a client that wants "zh-Hant-TW", for "zh-Hant" and at last for
//     "zh" (the lookup of RFC 4647, section 3.4);
//   - then, for a client that wants "en", for the first offer of that language,
//     such as "en-GB".
//
// A match of the first kind is preferred to one of the second that the client likes better, as in
// Werkzeug: of "de-AT, en;q=0.7" and the offers "de" and "en" the result is "en". And "en-GB" is
// never returned for "en-US". [LanguageAccept.Match] knows which languages and regions are near
// each other.
func (a LanguageAccept) Best(offers ...string) (string, bool) {
	if tag, ok := a.best(offers, httplex.Languages); ok {
		return tag, true
	}
	best, bestQuality, bestLength := -1, 0.0, 0
	for i, tag := range offers {
		for accepted, quality := range a.All() {
			if quality <= 0 || !httplex.IsLanguagePrefix(tag, accepted) {
				continue
			}
			if quality > bestQuality || quality == bestQuality && len(tag) > bestLength {
				best, bestQuality, bestLength = i, quality, len(tag)
			}
		}
	}
	if best >= 0 {
		return offers[best], true
	}
	primaries := make([]string, len(offers))
	for i, tag := range offers {
		primaries[i] = primaryLanguage(tag)
	}
	if i := httplex.Best(a.items, primaries, httplex.Languages); i >= 0 {
		return offers[i], true
	}
	return "", false
}

// Match returns the language of m that serves the client best, its index, and how sure that is. If
// the client wants none of them, that is [language.No], and the language is the first of m.
// Regions, scripts and languages that can stand for each other count as the Unicode CLDR says: a
// client that wants "en-GB" is served "en-US" rather than French.
//
//	var languages = language.NewMatcher([]language.Tag{language.English, language.German})
//	tag, _, _ := req.AcceptLanguage().Match(languages)
//
// Only the client's first 32 languages are looked at.
func (a LanguageAccept) Match(m language.Matcher) (language.Tag, int, language.Confidence) {
	var tags []language.Tag
	for value, quality := range a.All() {
		if quality <= 0 || value == "*" {
			continue
		}
		if tag, err := language.Parse(value); err == nil {
			tags = append(tags, tag)
		}
		if len(tags) == 32 {
			break
		}
	}
	return m.Match(tags...)
}

func primaryLanguage(tag string) string {
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		return tag[:i]
	}
	return tag
}
