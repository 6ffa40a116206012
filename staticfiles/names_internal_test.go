package staticfiles

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServable(t *testing.T) {
	for name, c := range map[string]struct{ unix, windows bool }{
		"a.txt":                         {true, true},
		"sub/b.txt":                     {true, true},
		"äöü.txt":                       {true, true},
		"a b.txt":                       {true, true},
		".env":                          {true, true}, // another rule's concern
		"console.js":                    {true, true},
		"com10.js":                      {true, true},
		"auxiliary/x":                   {true, true},
		"a~b":                           {true, true},
		"~root":                         {true, true},
		"a:b":                           {true, false},
		"C:":                            {true, false},
		"a.txt:stream":                  {true, false},
		"a.txt::$DATA":                  {true, false},
		"NUL":                           {true, false},
		"nul.txt":                       {true, false},
		"aux.js":                        {true, false},
		"sub/con/x":                     {true, false},
		"com1":                          {true, false},
		"COM1.tar.gz":                   {true, false},
		"lpt9.txt":                      {true, false},
		"COM¹":                          {true, false},
		"CONIN$":                        {true, false},
		"nul .txt":                      {true, false},
		"a.txt.":                        {true, false},
		"a.txt ":                        {true, false},
		"sub./x":                        {true, false},
		"SECRET~1.TXT":                  {true, false},
		"a*b":                           {true, false},
		"a?b":                           {true, false},
		"a<b":                           {true, false},
		`a"b`:                           {true, false},
		"a|b":                           {true, false},
		"a\x1fb":                        {true, false},
		"":                              {},
		".":                             {},
		"..":                            {},
		"a/..":                          {},
		"../a":                          {},
		"a/./b":                         {},
		"a//b":                          {},
		"/a":                            {},
		"a/":                            {},
		`a\b`:                           {},
		`..\a`:                          {},
		`\\host\share`:                  {},
		"a\x00":                         {},
		"\xff":                          {},
		"\xc0\xae\xc0\xae/a":            {},
		string(make([]byte, maxName+1)): {},
	} {
		require.Equal(t, c.unix, servable(name, false), "%.20q elsewhere", name)
		require.Equal(t, c.windows, servable(name, true), "%.20q on Windows", name)
	}
}

func TestFingerprintedNames(t *testing.T) {
	const sum = "3f9a1cd02b44"
	for plain, marked := range map[string]string{
		"style.css":          "style.3f9a1cd02b44.css",
		"css/app.min.css":    "css/app.min.3f9a1cd02b44.css",
		"LICENSE":            "LICENSE.3f9a1cd02b44",
		"v1.2/LICENSE":       "v1.2/LICENSE.3f9a1cd02b44",
		".config":            ".config.3f9a1cd02b44",
		"a.0123456789ab":     "a.3f9a1cd02b44.0123456789ab",
		"a.0123456789ab.css": "a.0123456789ab.3f9a1cd02b44.css",
		"a.":                 "a.3f9a1cd02b44.",
	} {
		require.Equal(t, marked, addFingerprint(plain, sum))
		back, have, ok := cutFingerprint(marked)
		require.True(t, ok, marked)
		require.Equal(t, plain, back)
		require.Equal(t, sum, have)
	}
	for _, name := range []string{"style.css", "", ".3f9a1cd02b44", "a/.3f9a1cd02b44", ".3f9a1cd02b44.css", "a/.3f9a1cd02b44.css", "style.3F9A1CD02B44.css", "style.3f9a1cd02b4.css", "style.3f9a1cd02b44x.css", "a.3f9a1cd02b44/b"} {
		_, _, ok := cutFingerprint(name)
		require.False(t, ok, name)
	}
}

func FuzzFingerprintedNames(f *testing.F) {
	f.Add("style.css")
	f.Add("a/b.tar.gz")
	f.Add(".a.b")
	f.Fuzz(func(t *testing.T, name string) {
		if !servable(name, false) {
			return
		}
		back, sum, ok := cutFingerprint(addFingerprint(name, "3f9a1cd02b44"))
		require.True(t, ok)
		require.Equal(t, name, back)
		require.Equal(t, "3f9a1cd02b44", sum)
	})
}

func TestPreferences(t *testing.T) {
	for header, want := range map[string][]int8{
		"":                           nil,
		"gzip":                       {gzip},
		"x-gzip":                     {gzip},
		"GZIP":                       {gzip},
		"gzip, deflate, br, zstd":    {brotli, zstd, gzip},
		"gzip;q=1.0, br;q=0.5":       {gzip, brotli},
		"gzip;q=0, br":               {brotli},
		"*":                          {brotli, zstd, gzip},
		"*;q=0.5, gzip":              {gzip, brotli, zstd},
		"gzip;q=0, *":                {brotli, zstd},
		"x-gzip;q=0, *":              {brotli, zstd},
		"x-gzip;q=0.1, *;q=0.5":      {brotli, zstd, gzip},
		"gzip;q=0, x-gzip":           {gzip},
		"*;q=0":                      nil,
		"identity":                   nil,
		"identity, gzip;q=0.5":       nil,
		"identity;q=0.5, gzip;q=0.6": {gzip},
		"identity;q=0, zstd;q=0.1":   {zstd},
		"deflate, compress":          nil,
		"gzip ; q=0.2 , zstd;q=0.8":  {zstd, gzip},
	} {
		wish := parsePreference(header)
		var have []int8
		have = append(have, wish.order[:wish.n]...)
		require.Equal(t, want, have, header)
	}
}

func TestCacheStaysWithinItsBudget(t *testing.T) {
	never := func(int) bool { return false }
	c := newCache[int](100_000, 1000)
	for i := range 10_000 {
		key := string(rune('a'+i%26)) + string(rune(i))
		c.put(key, i, int64(i%1000), never)
		require.LessOrEqual(t, c.weight(), int64(100_000))
		if v, ok := c.get(key); ok {
			require.Equal(t, i, v)
		}
	}
	c.put("hot", 1, 10, never)
	for i := range 10_000 {
		_, ok := c.get("hot")
		require.True(t, ok, "what is asked for stays")
		c.put(string(rune(i)), i, 500, never)
	}
	require.True(t, c.grow("hot", func(v int) bool { return v == 1 }, 5000))
	require.False(t, c.grow("hot", func(v int) bool { return v == 2 }, 1))
	require.False(t, c.grow("hot", func(v int) bool { return v == 1 }, 200_000))
	require.LessOrEqual(t, c.weight(), int64(100_000))
	c.remove("hot")
	_, ok := c.get("hot")
	require.False(t, ok)
	require.Equal(t, 7, c.put("huge", 7, 1_000_000, never))
	_, ok = c.get("huge")
	require.False(t, ok)
}
