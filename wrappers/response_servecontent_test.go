package wrappers_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/wrappers"
)

// TestAsServeContent sends thousands of requests to net/http's ServeContent and to MakeConditional.
// They give the same responses, except for the reasons below.
func TestAsServeContent(t *testing.T) {
	at := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	dates := []string{"", at.Add(-time.Second).Format(http.TimeFormat), at.Format(http.TimeFormat), at.Add(time.Hour).Format(http.TimeFormat), "garbage"}
	tags := []string{"", `"v1"`, `W/"v1"`, `"v2"`, `"v0", "v1"`, `*`}
	ranges := []string{
		"", "bytes=0-4", "bytes=-3", "bytes=30-", "bytes=99-", "bytes=-0", "bytes=-99", "bytes=0-0,-1", "bytes=40-,0-1",
		"bytes=5-2", "bytes=a-b", "bytes=", "items=0-4", "0-4", "bytes=0-35,0-35",
	}
	ifRanges := append([]string{`"v1"`, `W/"v1"`, `"v2"`}, dates[:4]...)
	for _, etag := range []string{"", `"v1"`, `W/"v1"`} {
		for _, modified := range []time.Time{{}, at} {
			ask := func(fields ...string) {
				header := http.Header{}
				for i := 0; i < len(fields); i += 2 {
					if fields[i+1] != "" {
						header.Set(fields[i], fields[i+1])
					}
				}
				for _, method := range []string{"GET", "HEAD"} {
					compareWithServeContent(t, method, header, etag, modified)
				}
			}
			for _, tag := range tags {
				for _, date := range dates {
					ask("If-None-Match", tag, "If-Modified-Since", date)
					ask("If-Match", tag, "If-Unmodified-Since", date)
					ask("If-Match", tag, "If-None-Match", `"v1"`, "If-Modified-Since", date, "Range", "bytes=0-4")
				}
			}
			for _, r := range ranges {
				for _, ifRange := range ifRanges {
					ask("Range", r, "If-Range", ifRange)
					ask("Range", r, "If-Range", ifRange, "If-None-Match", `"v1"`)
				}
			}
		}
	}
}

func compareWithServeContent(t *testing.T, method string, header http.Header, etag string, modified time.Time) {
	asks := header.Get("Range")
	switch {
	case method == "HEAD" && asks != "":
		return // RFC 9110, section 14.2: ranges are for GET only
	case asks != "" && !strings.HasPrefix(asks, "bytes=") || asks == "bytes=5-2" || asks == "bytes=a-b":
		return // the same section: an invalid header is ignored, not refused
	case etag == "" && (header.Get("If-Match") != "" || header.Get("If-None-Match") != ""):
		return // there is no tag to compare
	case asks == "bytes=-0":
		return // section 14.1.2: a suffix of no bytes cannot be satisfied
	}

	answer := func(h http.Handler) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/", nil)
		r.Header = header.Clone()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	want := answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if etag != "" {
			w.Header().Set("ETag", etag)
		}
		http.ServeContent(w, r, "", modified, strings.NewReader(alphabet))
	}))
	resp := wrappers.Text(alphabet).MakeConditional()
	if etag != "" {
		resp.Header().Set("ETag", etag)
	}
	resp.SetLastModified(modified)
	got := answer(resp)

	require.Equal(t, want.Code, got.Code, "%s %v of %s %v", method, header, etag, modified)
	several := got.Code == 206 && got.Header().Get("Content-Range") == ""
	for _, name := range []string{"ETag", "Content-Range", "Content-Length"} {
		if got.Code == 412 || got.Code == 416 || several && name == "Content-Length" {
			break // their pages differ, and so do boundaries
		}
		require.Equal(t, want.Header().Get(name), got.Header().Get(name), "%s of %s %v", name, method, header)
	}
	switch {
	case several:
		require.Equal(t, readParts(t, want), readParts(t, got))
	case got.Code < 400:
		require.Equal(t, want.Body.String(), got.Body.String())
	}
}
