package staticfiles_test

import (
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/wrappers"
)

// twins are a file of a SharedData, which serves common requests in a faster
// way, and a Response with the same content and validators, which does not.
type twins struct {
	shared    *staticfiles.Shared
	response  *wrappers.Response
	tag, date string
}

func newTwins(t testing.TB) twins {
	content := string(digits(100))
	dir := write(t, map[string]string{"a.txt": content})
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Dir: dir}}})
	h := ask(s, "GET", "/a.txt").Header
	tag, ok := datastructures.ParseETag(h.Get("ETag"))
	require.True(t, ok)
	resp := wrappers.Text(content).MakeConditional()
	require.NoError(t, resp.SetETag(tag))
	require.NoError(t, resp.Set("Last-Modified", h.Get("Last-Modified")))
	return twins{s, resp, h.Get("ETag"), h.Get("Last-Modified")}
}

// check sends the same request to both. In the values, "{tag}" and "{date}" are
// replaced by those of the file.
func (tw twins) check(t *testing.T, method string, header ...string) {
	t.Helper()
	for i := 1; i < len(header); i += 2 {
		header[i] = strings.NewReplacer("{tag}", tw.tag, "{date}", tw.date).Replace(header[i])
	}
	seen := func(resp *http.Response) []any {
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		mediaType, params, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		text := string(b)
		if mediaType == "multipart/byteranges" {
			text = strings.ReplaceAll(text, params["boundary"], "boundary")
		}
		h := resp.Header
		if resp.StatusCode == http.StatusPreconditionFailed {
			return []any{resp.StatusCode} // a Response in memory keeps its body
		}
		return []any{resp.StatusCode, mediaType, text, h.Get("Content-Range"), h.Get("Content-Length"), h.Get("ETag")}
	}
	require.Equal(t, seen(serve(t, tw.response, method, header...)), seen(ask(tw.shared, method, "/a.txt", header...)), "%s %q", method, header)
}

func TestShortcutsAnswerAsAResponseDoes(t *testing.T) {
	tw := newTwins(t)
	const absent, before, after = "-", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 2094 08:49:37 GMT"
	type field struct {
		name   string
		values []string
	}
	for _, fields := range [][]field{
		{
			{"If-None-Match", []string{absent, "{tag}", "W/{tag}", `"x"`, `"x", {tag}`, "*", `""`, "", `"x`, "x"}},
			{"If-Modified-Since", []string{absent, "{date}", before, after, "garbage"}},
			{"If-Match", []string{absent, "{tag}", "W/{tag}", "*", `""`, ""}},
			{"If-Unmodified-Since", []string{absent, "{date}", before, "garbage"}},
			{"Range", []string{absent, "bytes=0-4"}},
		},
		{
			{"If-None-Match", []string{absent, "{tag}", `"x"`}},
			{"Range", []string{absent, "bytes=0-4", "bytes =0-4", "bytes=-5", "bytes=100-", "bytes=-0", "bytes=5-4", "bytes=0-0,-1", "bytes=0-,", "lines=0-1"}},
			{"If-Range", []string{absent, "{tag}", "W/{tag}", "{date}", before, "", "garbage"}},
		},
	} {
		var walk func(header []string, rest []field)
		walk = func(header []string, rest []field) {
			if len(rest) == 0 {
				tw.check(t, "GET", slices.Clone(header)...)
				tw.check(t, "HEAD", slices.Clone(header)...)
				return
			}
			for _, value := range rest[0].values {
				if value == absent {
					walk(header, rest[1:])
				} else {
					walk(append(slices.Clip(header), rest[0].name, value), rest[1:])
				}
			}
		}
		walk(nil, fields)
	}
	for _, twice := range []string{"Range", "If-Range", "If-None-Match", "If-Modified-Since"} {
		for _, value := range []string{"{tag}", "{date}", "bytes=0-4"} {
			tw.check(t, "GET", "Range", "bytes=5-6", twice, value, twice, value)
			tw.check(t, "HEAD", twice, value, twice, "*")
		}
	}
}

func FuzzShortcuts(f *testing.F) {
	f.Add(`{tag}`, "{date}", "bytes=0-4", "{tag}", true)
	f.Add(`W/""`, "Sun, 06 Nov 2094 08:49:37 GMT", " bytes=0-,", "{date}", false)
	f.Add(`"a", {tag}`, "garbage", "bytes=0-0,-1", `W/{tag}`, false)
	f.Add(`W/{tag}x"`, "", "bytes=\t1-2", "", true)
	tw := newTwins(f)
	f.Fuzz(func(t *testing.T, tags, date, ranges, ifRange string, match bool) {
		names := []string{"If-None-Match", "If-Modified-Since"}
		if match {
			names = []string{"If-Match", "If-Unmodified-Since"}
		}
		tw.check(t, "GET", names[0], tags)
		tw.check(t, "GET", names[1], date)
		tw.check(t, "GET", "Range", ranges, "If-Range", ifRange)
		tw.check(t, "GET", names[0], tags, names[1], date, "Range", ranges)
	})
}
