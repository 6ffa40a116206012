package datastructures_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
)

func strong(s string) datastructures.ETag                    { return datastructures.ETag{Value: s} }
func etags(list ...datastructures.ETag) datastructures.ETags { return datastructures.ETags{Tags: list} }

func weak(s string) datastructures.ETag { return datastructures.ETag{Value: s, Weak: true} }

func TestParseETags(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         datastructures.ETags
	}{
		{"nothing", "", datastructures.ETags{}},
		{"blanks", " \t", datastructures.ETags{}},
		{"blanks around it", " \"a\" ", etags(strong("a"))},
		{"strong and weak", `"a", W/"b",w/"c"`, etags(strong("a"), weak("b"), weak("c"))},
		{"without quotes", "a, W/b", etags(strong("a"), weak("b"))},
		{"a comma in a tag", `"a,b" , "c"`, etags(strong("a,b"), strong("c"))},
		{"a quote in a tag", `"a"b", c`, etags(strong(`a"b`), strong("c"))},
		{"a quote that does not end", `"a, b`, etags(strong(`"a`), strong("b"))},
		{"empty ones", `,"",W/"",a,`, etags(strong("a"))},
		{"the star anywhere", `"a", *`, datastructures.ETags{Star: true}},
		{"a star in quotes is a tag", `"*"`, etags(strong("*"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := datastructures.ParseETags(c.header)
			require.Equal(t, c.want, got)
			require.Equal(t, got, datastructures.ParseETags(got.String()))
		})
	}
}

func TestAListWithoutATagIsAList(t *testing.T) {
	for name, header := range map[string]string{"the empty tag": `""`, "a weak one": `W/""`, "a comma": ",", "commas": " , ,"} {
		t.Run(name, func(t *testing.T) {
			e := datastructures.ParseETags(header)
			require.NotNil(t, e.Tags)
			require.Empty(t, e.Tags)
			require.False(t, e.StrongMatch(strong("a")) || e.WeakMatch(strong("a")) || e.WeakMatch(datastructures.ETag{Weak: true}))
			require.Equal(t, ",", e.String())
			require.Equal(t, e, datastructures.ParseETags(e.String()))
		})
	}
}

func TestETagsCompare(t *testing.T) {
	e := datastructures.ParseETags(`"a", W/"b"`)
	require.Len(t, e.Tags, 2)
	require.True(t, e.StrongMatch(strong("a")))
	require.False(t, e.StrongMatch(weak("a")))
	require.False(t, e.StrongMatch(strong("b")))
	require.True(t, e.WeakMatch(weak("a")))
	require.True(t, e.WeakMatch(strong("b")))
	require.False(t, e.WeakMatch(strong("c")))
	require.Contains(t, e.Tags, weak("b"))
	require.NotContains(t, e.Tags, strong("b"))
	star := datastructures.ETags{Star: true}
	require.True(t, star.StrongMatch(weak("x")) && star.WeakMatch(strong("x")))
	require.Equal(t, "*", star.String())
}

func TestETag(t *testing.T) {
	tag, ok := datastructures.ParseETag(` W/"a" `)
	require.True(t, ok)
	require.Equal(t, weak("a"), tag)
	require.Equal(t, `W/"a"`, tag.String())
	_, ok = datastructures.ParseETag(`""`)
	require.False(t, ok)
	one, two := datastructures.NewETag([]byte("1")), datastructures.NewETag([]byte("2"))
	require.NotEqual(t, one, two)
	require.Len(t, one.Value, 22)
}

func TestParseDate(t *testing.T) {
	want := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for name, header := range map[string]string{
		"today's form":               "Sun, 06 Nov 1994 08:49:37 GMT",
		"spaces around it":           "  Sun, 06 Nov 1994 08:49:37 GMT\t",
		"RFC 850":                    "Sunday, 06-Nov-94 08:49:37 GMT",
		"asctime":                    "Sun Nov  6 08:49:37 1994",
		"a numeric zone":             "Sun, 06 Nov 1994 10:19:37 +0130",
		"an American zone":           "Sun, 06 Nov 1994 03:49:37 EST",
		"an American summer zone":    "Sun, 06 Nov 1994 01:49:37 PDT",
		"no weekday":                 "6 Nov 1994 08:49:37 GMT",
		"no zone":                    "Sun, 06 Nov 1994 08:49:37",
		"the wrong weekday":          "Mon, 06 Nov 1994 08:49:37 GMT",
		"another case":               "sun, 06 nov 1994 08:49:37 gmt",
		"a zone that nobody knows":   "Sun, 06 Nov 1994 08:49:37 XYZ",
		"a year of two digits, 1994": "Sun, 06 Nov 94 08:49:37 GMT",
		"whole names":                "Sunday, 06 November 1994 08:49:37 GMT",
		"asctime with two digits":    "Sun Nov 06 08:49:37 1994",
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := datastructures.ParseDate(header)
			require.True(t, ok)
			require.Equal(t, want, got)
		})
	}
	for name, header := range map[string]string{
		"nothing":                    "",
		"no date":                    "soon",
		"a number":                   "0",
		"a day that is not":          "Sun, 31 Feb 1994 08:49:37 GMT",
		"a day zero":                 "Sun, 00 Nov 1994 08:49:37 GMT",
		"an hour that is not":        "Sun, 06 Nov 1994 24:49:37 GMT",
		"a second that is not":       "Sun, 06 Nov 1994 08:49:61 GMT",
		"a month that is not":        "Sun, 06 Nob 1994 08:49:37 GMT",
		"a month run into the day":   "Sun Nov9 08:49:37 1994",
		"a digit behind the month":   "Sun Nov9 6 08:49:37 1994",
		"a digit in mail's month":    "Sun, 06 Nov9 1994 08:49:37 GMT",
		"a digit in RFC 850's month": "Sunday, 06-Nov9-94 08:49:37 GMT",
		"a digit behind the weekday": "Sun9, 06 Nov 1994 08:49:37 GMT",
		"a sign in a number":         "Sun, 06 Nov 1994 +8:49:37 GMT",
		"too much":                   "Sun, 06 Nov 1994 08:49:37 GMT GMT GMT",
		"a zone that cannot be":      "Sun, 06 Nov 1994 08:49:37 +0199",
		"ISO 8601":                   "1994-11-06T08:49:37Z",
		"a year of three digits":     "Sun, 06 Nov 994 08:49:37 GMT",
		"a text as long as a header": string(make([]byte, 1<<16)),
	} {
		t.Run(name, func(t *testing.T) {
			_, ok := datastructures.ParseDate(header)
			require.False(t, ok)
		})
	}
}

func TestYearsOfTwoDigitsAreNear(t *testing.T) {
	now := time.Now().UTC().Year()
	for ahead := -49; ahead <= 50; ahead++ {
		date := time.Date(now+ahead, 3, 1, 0, 0, 0, 0, time.UTC)
		got, ok := datastructures.ParseDate(date.Format("Monday, 02-Jan-06 15:04:05 GMT"))
		require.True(t, ok)
		require.Equal(t, date, got)
	}
}

func TestFormatDateIsInGMT(t *testing.T) {
	t1 := time.Date(1994, 11, 6, 9, 49, 37, 5, time.FixedZone("CET", 3600))
	require.Equal(t, "Sun, 06 Nov 1994 08:49:37 GMT", datastructures.FormatDate(t1))
}

func TestAge(t *testing.T) {
	for header, want := range map[string]time.Duration{"0": 0, " 7 ": 7 * time.Second, "99999999": 99999999 * time.Second} {
		got, ok := datastructures.ParseAge(header)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, header := range []string{"", "-1", "+1", "1.5", "x", "1_0", "1 0"} {
		_, ok := datastructures.ParseAge(header)
		require.False(t, ok, header)
	}
	longest, ok := datastructures.ParseAge("99999999999999999999")
	require.True(t, ok)
	require.Greater(t, longest, 290*365*24*time.Hour)
	require.Equal(t, "90", datastructures.FormatAge(90*time.Second+time.Millisecond))
	require.Equal(t, "0", datastructures.FormatAge(-time.Hour))
}

func TestParseRange(t *testing.T) {
	spec := func(start, stop int64) datastructures.RangeSpec {
		return datastructures.RangeSpec{Start: start, Stop: stop}
	}
	last := func(n int64) datastructures.RangeSpec { return datastructures.RangeSpec{Start: n, Suffix: true} }
	for _, c := range []struct {
		name, header string
		unit         string
		want         []datastructures.RangeSpec
	}{
		{"first and last", "bytes=0-499", "bytes", []datastructures.RangeSpec{spec(0, 500)}},
		{"an open end", "bytes=500-", "bytes", []datastructures.RangeSpec{spec(500, 0)}},
		{"a suffix", "bytes=-500", "bytes", []datastructures.RangeSpec{last(500)}},
		{"a suffix of nothing", "bytes=-0", "bytes", []datastructures.RangeSpec{last(0)}},
		{"several", "bytes=0-0, 5-6,-1", "bytes", []datastructures.RangeSpec{spec(0, 1), spec(5, 7), last(1)}},
		{"spaces and another case", "BYTES = 0 - 5", "bytes", []datastructures.RangeSpec{spec(0, 6)}},
		{"another unit", "items=0-5", "items", []datastructures.RangeSpec{spec(0, 6)}},
		{"a number beyond all", "bytes=5-99999999999999999999", "bytes", []datastructures.RangeSpec{spec(5, math.MaxInt64)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := datastructures.ParseRange(c.header)
			require.True(t, ok)
			require.Equal(t, datastructures.Range{Unit: c.unit, Specs: c.want}, got)
		})
	}
	for _, header := range []string{
		"", "bytes", "bytes=", "bytes=5", "bytes=5-4", "bytes=a-b", "bytes=+1-2", "bytes=1-2-3", "bytes=--5", "bytes=- 5",
		"bytes=0-5,3-9", "bytes=5-6,0-1", "bytes=5-,7-8", "bytes=-5,7-8", "bytes=0-5,", "bytes=1-2,a", "=0-5", "by tes=0-5", "bytes=٣-٤",
	} {
		t.Run("refused "+header, func(t *testing.T) {
			_, ok := datastructures.ParseRange(header)
			require.False(t, ok)
		})
	}
}

func TestRangeSpans(t *testing.T) {
	for _, c := range []struct {
		name, header string
		length       int64
		want         []datastructures.Span
	}{
		{"inside", "bytes=0-4", 10, []datastructures.Span{{0, 5}}},
		{"cut at the end", "bytes=5-99", 10, []datastructures.Span{{5, 10}}},
		{"to the end", "bytes=5-", 10, []datastructures.Span{{5, 10}}},
		{"a suffix", "bytes=-3", 10, []datastructures.Span{{7, 10}}},
		{"a suffix longer than all", "bytes=-99", 10, []datastructures.Span{{0, 10}}},
		{"a suffix of nothing", "bytes=-0", 10, nil},
		{"behind the end", "bytes=10-", 10, nil},
		{"some behind the end", "bytes=0-0,20-30", 10, []datastructures.Span{{0, 1}}},
		{"several", "bytes=0-0,-1", 10, []datastructures.Span{{0, 1}, {9, 10}}},
		{"of nothing", "bytes=0-", 0, nil},
		{"another unit", "items=0-5", 10, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, ok := datastructures.ParseRange(c.header)
			require.True(t, ok)
			require.Equal(t, c.want, r.Spans(c.length))
		})
	}
	require.Equal(t, "bytes 5-9/10", contentRange(5, 10, 10))
	require.Equal(t, "bytes 5-9/*", contentRange(5, 10, -1))
	require.Equal(t, "bytes */10", datastructures.ContentRange{Unit: "bytes", Length: 10, Unsatisfied: true}.String())
	require.Empty(t, datastructures.Range{}.String())
	require.Empty(t, datastructures.ContentRange{}.String())
}

func TestParseContentRange(t *testing.T) {
	for _, header := range []string{"bytes 0-98/99", "bytes 0-98/*", "bytes */99", "items 0-0/1"} {
		c, ok := datastructures.ParseContentRange(header)
		require.True(t, ok, header)
		require.Equal(t, header, c.String())
	}
	for _, header := range []string{"", "bytes", "bytes 0-98", "bytes 98-0/99", "bytes 0-99/99", "bytes a-b/c", "bytes 0-5/-1", "bytes=0-5/9", "0-5/9", "bytes 0/9"} {
		_, ok := datastructures.ParseContentRange(header)
		require.False(t, ok, header)
	}
}

func TestIfRangeMatches(t *testing.T) {
	changed := time.Unix(784111777, 500)
	for _, c := range []struct {
		name, header string
		want         bool
	}{
		{"the strong tag", `"a"`, true},
		{"another tag", `"b"`, false},
		{"a weak tag never", `W/"a"`, false},
		{"the date", "Sun, 06 Nov 1994 08:49:37 GMT", true},
		{"a later date", "Sun, 06 Nov 1994 08:49:38 GMT", false},
		{"nothing", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := datastructures.ParseIfRange(c.header)
			require.Equal(t, c.want, r.Match(strong("a"), changed))
			require.False(t, r.Match(datastructures.ETag{}, time.Time{}), "what is not known matches nothing")
		})
	}
}

func TestPreconditions(t *testing.T) {
	const (
		before = "Sun, 06 Nov 1994 08:49:36 GMT"
		at     = "Sun, 06 Nov 1994 08:49:37 GMT"
	)
	known := datastructures.State{ETag: strong("a"), Modified: time.Unix(784111777, 999)}
	dated := datastructures.State{Modified: known.Modified}
	missing := datastructures.State{Missing: true}
	for _, c := range []struct {
		name, method  string
		header, value string
		state         datastructures.State
		want          int
	}{
		{"no condition", "GET", "X", "", known, 0},
		{"If-None-Match has it", "GET", "If-None-Match", `W/"a"`, known, 304},
		{"If-None-Match has another", "HEAD", "If-None-Match", `"b"`, known, 0},
		{"If-None-Match on a change", "PUT", "If-None-Match", `"a"`, known, 412},
		{"If-None-Match star creates", "PUT", "If-None-Match", "*", missing, 0},
		{"If-None-Match star does not overwrite", "PUT", "If-None-Match", "*", datastructures.State{}, 412},
		{"If-Match has it", "PUT", "If-Match", `"b", "a"`, known, 0},
		{"If-Match is strong", "PUT", "If-Match", `W/"a"`, known, 412},
		{"If-Match of another", "DELETE", "If-Match", `"b"`, known, 412},
		{"If-Match star", "PUT", "If-Match", "*", dated, 0},
		{"If-Match star of nothing", "PUT", "If-Match", "*", missing, 412},
		{"If-Match where no tag is known", "PUT", "If-Match", `"a"`, dated, 412},
		{"If-Modified-Since then", "GET", "If-Modified-Since", at, known, 304},
		{"If-Modified-Since before", "GET", "If-Modified-Since", before, known, 0},
		{"If-Modified-Since is for reading", "POST", "If-Modified-Since", at, known, 0},
		{"If-Modified-Since without a date", "GET", "If-Modified-Since", at, datastructures.State{}, 0},
		{"If-Modified-Since without a date", "GET", "If-Modified-Since", "yesterday", known, 0},
		{"If-Unmodified-Since then", "PUT", "If-Unmodified-Since", at, known, 0},
		{"If-Unmodified-Since before", "PUT", "If-Unmodified-Since", before, known, 412},
		{"If-Unmodified-Since without a date", "PUT", "If-Unmodified-Since", before, missing, 0},
		{"If-Match with the empty tag", "PUT", "If-Match", `""`, known, 412},
		{"If-Match without a tag", "PUT", "If-Match", "", known, 412},
		{"If-Match with a list of nothing", "GET", "If-Match", " , ", known, 412},
		{"If-None-Match with the empty tag", "PUT", "If-None-Match", `""`, known, 0},
		{"If-None-Match without a tag", "GET", "If-None-Match", "", known, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := datastructures.ParsePreconditions(http.Header{c.header: {c.value}})
			require.Equal(t, c.want, p.Evaluate(c.method, c.state))
		})
	}
	order := func(h http.Header) int { return datastructures.ParsePreconditions(h).Evaluate("GET", known) }
	require.Equal(t, 0, order(http.Header{"If-Match": {`"a"`}, "If-Unmodified-Since": {before}}), "If-Match takes precedence over the date")
	require.Equal(t, 0, order(http.Header{"If-None-Match": {`"b"`}, "If-Modified-Since": {at}}), "If-None-Match takes precedence over the date")
	require.Equal(t, 412, order(http.Header{"If-Match": {`"b"`}, "If-None-Match": {`"a"`}}), "If-Match is asked first")
	require.Equal(t, 304, order(http.Header{"If-None-Match": {`"x"`, `"a"`}}), "lines of a header are one list")
	require.Equal(t, 412, order(http.Header{"If-Match": {""}, "If-Unmodified-Since": {at}}), "also without a tag")
	require.Equal(t, 0, order(http.Header{"If-None-Match": {`""`}, "If-Modified-Since": {at}}), "also without a tag")
	require.Zero(t, datastructures.ParsePreconditions(nil))
}

func contentRange(start, stop, length int64) string {
	return datastructures.ContentRange{Unit: "bytes", Span: datastructures.Span{Start: start, Stop: stop}, Length: length}.String()
}
