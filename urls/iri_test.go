package urls_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/urls"
)

// Every redirect asks, and nearly always with a URI.
func TestAURIIsReturnedAsItIs(t *testing.T) {
	for _, uri := range []string{"https://example.com/a%20b?c=d#e", "/a/b?c", "?", "#", "a:b", ""} {
		require.Equal(t, uri, urls.IRIToURI(uri))
		require.Zero(t, testing.AllocsPerRun(100, func() { urls.IRIToURI(uri) }), uri)
	}
}

func TestPlainURIsAreTheSame(t *testing.T) {
	for iri, want := range map[string]string{
		"https://a-1.example/b%20c/?d=/e?f%zz": "https://a-1.example/b%20c/?d=/e?f%zz",
		"http://":                              "http://",
		"http:///a":                            "http:///a",
		"https://a..b/":                        "https://a..b/",
		"/":                                    "/",
		"/a:b//c@d":                            "/a:b//c@d",
		// These are nearly plain.
		"https://A.example/":      "https://a.example/",
		"HTTPS://a.example/b c":   "HTTPS://a.example/b%20c",
		"https://a.example:/":     "https://a.example/",
		"https://a.example:8080/": "https://a.example:8080/",
		"https://a.example\\b/":   "https://a.example%5Cb/",
		"https://a.example/b\\c":  "https://a.example/b%5Cc",
		"https://a.example/\x7f":  "https://a.example/%7F",
		"https://a.example/?\n":   "https://a.example/?%0A",
		"https://☃.net/":          "https://xn--n3h.net/",
		"//A.example/b":           "//a.example/b",
		"//a\\b/c":                "//a%5Cb/c",
		"/a#b#c":                  "/a#b#c",
		"/a[b]":                   "/a%5Bb%5D",
	} {
		require.Equal(t, want, urls.IRIToURI(iri), iri)
	}
}
