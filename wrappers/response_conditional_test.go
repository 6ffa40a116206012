package wrappers_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"

// sizedReader is a Response that reads the next n bytes of r.
func sizedReader(contentType string, r io.Reader, n int64) *wrappers.Response {
	resp := wrappers.Reader(contentType, r)
	resp.SetSize(n)
	return resp
}

// kinds are the ways in which a Response may hold the same body.
var kinds = map[string]func() *wrappers.Response{
	"text":    func() *wrappers.Response { return wrappers.Text(alphabet) },
	"bytes":   func() *wrappers.Response { return wrappers.NewResponse("text/plain", []byte(alphabet)) },
	"seeker":  func() *wrappers.Response { return wrappers.Reader("text/plain", strings.NewReader(alphabet)) },
	"section": func() *wrappers.Response { return wrappers.Reader("text/plain", section("--"+alphabet+"--")) },
	"reader": func() *wrappers.Response {
		return sizedReader("text/plain", iotest.OneByteReader(strings.NewReader(alphabet)), int64(len(alphabet)))
	},
	"stream": func() *wrappers.Response {
		resp := wrappers.Stream("text/plain", func(w *wrappers.StreamWriter) error {
			for _, part := range []string{alphabet[:1], alphabet[1:20], "", alphabet[20:]} {
				if _, err := w.WriteString(part); err != nil {
					return err
				}
			}
			return nil
		})
		resp.SetSize(int64(len(alphabet)))
		return resp
	},
}

func section(s string) io.Reader {
	return io.NewSectionReader(strings.NewReader(s), 2, int64(len(s)-4))
}

func serve(h http.Handler, method string, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		name, header string
		status       int
		contentRange string
		body         string
	}{
		{"a first part", "bytes=0-4", 206, "bytes 0-4/36", "01234"},
		{"one byte", "bytes=0-0", 206, "bytes 0-0/36", "0"},
		{"an end beyond the body", "bytes=30-99", 206, "bytes 30-35/36", "uvwxyz"},
		{"an end beyond all numbers", "bytes=30-99999999999999999999", 206, "bytes 30-35/36", "uvwxyz"},
		{"an open end", "bytes=35-", 206, "bytes 35-35/36", "z"},
		{"all of it", "bytes=0-", 206, "bytes 0-35/36", alphabet},
		{"a suffix", "bytes=-5", 206, "bytes 31-35/36", "vwxyz"},
		{"a suffix longer than the body", "bytes=-99", 206, "bytes 0-35/36", alphabet},
		{"a unit in capitals", "BYTES=0-4", 206, "bytes 0-4/36", "01234"},
		{"a space before the equals sign, as Werkzeug", "bytes =0-4", 206, "bytes 0-4/36", "01234"},
		{"spaces", "bytes= 0 - 4 ", 206, "bytes 0-4/36", "01234"},
		{"empty items of the list", "bytes=,0-4,", 206, "bytes 0-4/36", "01234"},
		{"one of two within the body", "bytes=0-4,100-", 206, "bytes 0-4/36", "01234"},

		{"a start beyond the body", "bytes=36-", 416, "bytes */36", ""},
		{"a start beyond all numbers", "bytes=99999999999999999999-", 416, "bytes */36", ""},
		{"no suffix", "bytes=-0", 416, "bytes */36", ""},
		{"two beyond the body", "bytes=36-40,-0", 416, "bytes */36", ""},

		{"an end before the start", "bytes=5-2", 200, "", alphabet},
		{"another unit", "items=0-4", 200, "", alphabet},
		{"no unit", "0-4", 200, "", alphabet},
		{"no range", "bytes=", 200, "", alphabet},
		{"no dash", "bytes=4", 200, "", alphabet},
		{"a dash alone", "bytes=-", 200, "", alphabet},
		{"signs", "bytes=+1-2", 200, "", alphabet},
		{"two dashes", "bytes=--1", 200, "", alphabet},
		{"letters", "bytes=1-2,a-b", 200, "", alphabet},
		{"other digits", "bytes=٠-٤", 200, "", alphabet},
		{"ranges of more than the whole", "bytes=0-20,10-30", 200, "", alphabet},
		{"more ranges than sensible", "bytes=" + strings.Repeat("0-0,", 65), 200, "", alphabet},
	} {
		for kind, response := range kinds {
			t.Run(c.name+" of a "+kind, func(t *testing.T) {
				w := serve(response().MakeConditional(), "GET", map[string]string{"Range": c.header})
				require.Equal(t, c.status, w.Code)
				require.Equal(t, c.contentRange, w.Header().Get("Content-Range"))
				if c.status == 416 {
					return
				}
				require.Equal(t, c.body, w.Body.String())
				require.Equal(t, len(c.body), int(w.Result().ContentLength))
				require.Equal(t, "bytes", w.Header().Get("Accept-Ranges"))
				require.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
			})
		}
	}
}

func TestSeveralRanges(t *testing.T) {
	for kind, response := range kinds {
		t.Run("in order of a "+kind, func(t *testing.T) {
			w := serve(response().MakeConditional(), "GET", map[string]string{"Range": "bytes=0-1, 10-11,-3"})
			require.Equal(t, 206, w.Code)
			require.Empty(t, w.Header().Get("Content-Range"))
			require.EqualValues(t, w.Body.Len(), w.Result().ContentLength)
			require.Equal(t, [][2]string{
				{"bytes 0-1/36", "01"}, {"bytes 10-11/36", "ab"}, {"bytes 33-35/36", "xyz"},
			}, readParts(t, w))
		})
		t.Run("backwards of a "+kind, func(t *testing.T) {
			w := serve(response().MakeConditional(), "GET", map[string]string{"Range": "bytes=-3,0-1"})
			if kind == "reader" || kind == "stream" { // a body that can be read only once: the whole is a correct response
				require.Equal(t, 200, w.Code)
				require.Equal(t, alphabet, w.Body.String())
				return
			}
			require.Equal(t, 206, w.Code)
			require.Equal(t, [][2]string{{"bytes 33-35/36", "xyz"}, {"bytes 0-1/36", "01"}}, readParts(t, w))
		})
	}
}

func readParts(t *testing.T, w *httptest.ResponseRecorder) (list [][2]string) {
	media, params, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/byteranges", media)
	reader := multipart.NewReader(w.Body, params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			return list
		}
		require.NoError(t, err)
		body, err := io.ReadAll(part)
		require.NoError(t, err)
		require.Equal(t, "text/plain; charset=utf-8", part.Header.Get("Content-Type"))
		list = append(list, [2]string{part.Header.Get("Content-Range"), string(body)})
	}
}

func TestConditions(t *testing.T) {
	const before, at, after = "Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 09:49:37 GMT"
	type fields = map[string]string
	for _, c := range []struct {
		name         string
		etag         string
		lastModified string
		request      fields
		status       int
	}{
		{"the same tag", `"v1"`, "", fields{"If-None-Match": `"v1"`}, 304},
		{"the same tag, weak", `"v1"`, "", fields{"If-None-Match": `W/"v1"`}, 304},
		{"one of several tags", `"v1"`, "", fields{"If-None-Match": `"a,b" , "v1"`}, 304},
		{"any tag", `"v1"`, "", fields{"If-None-Match": `*`}, 304},
		{"a tag without quotes", `"v1"`, "", fields{"If-None-Match": `v0, v1`}, 304},
		{"another tag", `"v1"`, "", fields{"If-None-Match": `"v2"`}, 200},
		{"a broken tag", `"v1"`, "", fields{"If-None-Match": `"v1`}, 200},
		{"the empty tag and an old enough date", `"v1"`, at, fields{"If-None-Match": `W/""`, "If-Modified-Since": after}, 200},
		{"no tag and an old enough date", `"v1"`, at, fields{"If-None-Match": "", "If-Modified-Since": after}, 200},
		{"another tag and an old enough date", `"v1"`, at, fields{"If-None-Match": `"v2"`, "If-Modified-Since": after}, 200},
		{"the same tag and too old a date", `"v1"`, at, fields{"If-None-Match": `"v1"`, "If-Modified-Since": before}, 304},
		{"not modified", "", at, fields{"If-Modified-Since": at}, 304},
		{"not modified since long", "", at, fields{"If-Modified-Since": after}, 304},
		{"modified", "", at, fields{"If-Modified-Since": before}, 200},
		{"garbage as a date", "", at, fields{"If-Modified-Since": "yesterday"}, 200},
		{"no date to compare", "", "", fields{"If-Modified-Since": after}, 200},

		{"matching", `"v1"`, "", fields{"If-Match": `"v0", "v1"`}, 200},
		{"matching anything", `"v1"`, "", fields{"If-Match": `*`}, 200},
		{"not matching", `"v1"`, "", fields{"If-Match": `"v2"`}, 412},
		{"matching with the empty tag", `"v1"`, "", fields{"If-Match": `""`}, 412},
		{"matching with no tag", `"v1"`, at, fields{"If-Match": "", "If-Unmodified-Since": at}, 412},
		{"matching weakly", `W/"v1"`, "", fields{"If-Match": `W/"v1"`}, 412},
		{"unmodified", "", at, fields{"If-Unmodified-Since": at}, 200},
		{"modified after all", "", at, fields{"If-Unmodified-Since": before}, 412},
		{"matching, with an old date", `"v1"`, at, fields{"If-Match": `"v1"`, "If-Unmodified-Since": before}, 200},
		{"not matching and not modified", `"v1"`, at, fields{"If-Match": `"v2"`, "If-None-Match": `"v1"`}, 412},
		{"nothing to match with", "", at, fields{"If-Match": `"v2"`}, 200},

		{"a range of the same tag", `"v1"`, "", fields{"Range": "bytes=0-4", "If-Range": `"v1"`}, 206},
		{"a range of another tag", `"v1"`, "", fields{"Range": "bytes=0-4", "If-Range": `"v2"`}, 200},
		{"a range of a weak tag", `W/"v1"`, "", fields{"Range": "bytes=0-4", "If-Range": `W/"v1"`}, 200},
		{"a range of no tag", `"v1"`, at, fields{"Range": "bytes=0-4", "If-Range": ""}, 200},
		{"a range of garbage", `"v1"`, at, fields{"Range": "bytes=0-4", "If-Range": "*"}, 200},
		{"a range of the same date", "", at, fields{"Range": "bytes=0-4", "If-Range": at}, 206},
		{"a range of an earlier date", "", at, fields{"Range": "bytes=0-4", "If-Range": before}, 200},
		{"a range of a later date", "", at, fields{"Range": "bytes=0-4", "If-Range": after}, 200},
		{"a range not modified", `"v1"`, "", fields{"Range": "bytes=0-4", "If-None-Match": `"v1"`}, 304},
		{"a range not matching", `"v1"`, "", fields{"Range": "bytes=0-4", "If-Match": `"v2"`}, 412},
		{"a range with nothing to match with", "", "", fields{"Range": "bytes=0-4", "If-Match": `"v2"`}, 200},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(method+" "+c.name, func(t *testing.T) {
				resp := wrappers.Text(alphabet).MakeConditional()
				if c.etag != "" {
					resp.Header().Set("ETag", c.etag)
				}
				if c.lastModified != "" {
					resp.Header().Set("Last-Modified", c.lastModified)
				}
				w := serve(resp, method, c.request)
				want := c.status
				if method == "HEAD" && want == 206 {
					want = 200
				}
				require.Equal(t, want, w.Code)
				if method == "HEAD" || want == 304 {
					require.Empty(t, w.Body.String())
				} else if want == 206 {
					require.Equal(t, alphabet[:5], w.Body.String())
				} else {
					require.Equal(t, alphabet, w.Body.String())
				}
				require.Equal(t, c.etag, w.Header().Get("ETag"))
				if want == 304 {
					require.NotContains(t, w.Header(), "Content-Type")
					require.NotContains(t, w.Header(), "Content-Length")
				}
			})
		}
		t.Run("POST "+c.name, func(t *testing.T) {
			resp := wrappers.Text(alphabet).MakeConditional()
			resp.Header().Set("ETag", c.etag)
			w := serve(resp, "POST", c.request)
			require.Equal(t, 200, w.Code)
			require.Equal(t, alphabet, w.Body.String())
		})
	}
}

func TestARefusedFileIsNotSent(t *testing.T) {
	resp := kinds["seeker"]().MakeConditional()
	resp.Header().Set("ETag", `"v1"`)
	w := serve(resp, "GET", map[string]string{"If-Match": `"v2"`})
	require.Equal(t, 412, w.Code)
	require.NotContains(t, w.Body.String(), alphabet)
}

func TestRangesAreNotServed(t *testing.T) {
	for name, change := range map[string]func(*wrappers.Response){
		"without MakeConditional": func(*wrappers.Response) {},
		"where the header says none": func(resp *wrappers.Response) {
			resp.MakeConditional()
			resp.Header().Set("Accept-Ranges", "none")
		},
		"of another status": func(resp *wrappers.Response) {
			resp.MakeConditional()
			resp.Status = 201
		},
		"of an unknown length": func(resp *wrappers.Response) {
			*resp = *wrappers.Reader("text/plain", io.MultiReader(strings.NewReader(alphabet)))
			resp.MakeConditional()
		},
	} {
		t.Run(name, func(t *testing.T) {
			resp := wrappers.Text(alphabet)
			change(resp)
			w := serve(resp, "GET", map[string]string{"Range": "bytes=0-4"})
			require.Equal(t, resp.Status+200*boolInt(resp.Status == 0), w.Code)
			require.Equal(t, alphabet, w.Body.String())
			require.NotEqual(t, "bytes", w.Header().Get("Accept-Ranges"))
		})
	}
	t.Run("of an empty body", func(t *testing.T) {
		w := serve(wrappers.Text("").MakeConditional(), "GET", map[string]string{"Range": "bytes=0-"})
		require.Equal(t, 200, w.Code, "clients that always ask for a first part must get what there is")
	})
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestCheckPreconditions(t *testing.T) {
	current := datastructures.State{ETag: datastructures.ETag{Value: "v1"}}
	missing := datastructures.State{Missing: true}
	for _, c := range []struct {
		name, method string
		current      datastructures.State
		header       map[string]string
		refused      bool
		notModified  bool
	}{
		{name: "a change of the version that is", method: "PUT", current: current, header: map[string]string{"If-Match": `"v1"`}},
		{name: "a change of an older version", method: "PUT", current: current, header: map[string]string{"If-Match": `"v0"`}, refused: true},
		{name: "a change of what is no more", method: "DELETE", current: missing, header: map[string]string{"If-Match": `*`}, refused: true},
		{name: "a change of whatever there is", method: "DELETE", current: current, header: map[string]string{"If-Match": `*`}},
		{name: "a creation", method: "PUT", current: missing, header: map[string]string{"If-None-Match": `*`}},
		{name: "a creation of what is there", method: "PUT", current: current, header: map[string]string{"If-None-Match": `*`}, refused: true},
		{name: "a change of what has no tag", method: "PATCH", current: datastructures.State{}, header: map[string]string{"If-Match": `"v1"`}, refused: true},
		{name: "a read of the version that is", method: "GET", current: current, header: map[string]string{"If-None-Match": `"v1"`}, notModified: true},
		{name: "a read of an older version", method: "GET", current: current, header: map[string]string{"If-None-Match": `"v0"`}},
		{name: "no condition", method: "PUT", current: current},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/", nil)
			for name, value := range c.header {
				r.Header.Set(name, value)
			}
			err := wrappers.CheckPreconditions(r, c.current)
			require.Equal(t, c.refused, errors.Is(err, httperror.PreconditionFailed))
			require.Equal(t, c.notModified, err != nil && !c.refused)
			if c.notModified {
				w := httptest.NewRecorder()
				httperror.Respond(w, r, err)
				require.Equal(t, 304, w.Code)
				require.Equal(t, `"v1"`, w.Header().Get("ETag"))
			}
		})
	}
}

// FuzzRanges checks for any header that the bytes are the ones that the response
// announces, and that every kind of body gives the same response.
func FuzzRanges(f *testing.F) {
	for _, header := range []string{"bytes=0-4", "bytes=-5,1-2", "bytes=0-0,2-2,4-", "bytes=5-2", "items=1-2", "bytes=,,-0"} {
		f.Add(header, uint8(36))
	}
	f.Fuzz(func(t *testing.T, header string, size uint8) {
		body := bytes.Repeat([]byte(alphabet), 8)[:size]
		memory := serve(wrappers.NewResponse("text/plain", body).MakeConditional(), "GET", map[string]string{"Range": header})
		whole := sizedReader("text/plain", io.MultiReader(bytes.NewReader(body)), int64(size))
		streamed := serve(whole.MakeConditional(), "GET", map[string]string{"Range": header})
		for _, w := range []*httptest.ResponseRecorder{memory, streamed} {
			switch w.Code {
			case 200:
				require.Equal(t, body, append([]byte{}, w.Body.Bytes()...))
			case 206:
				parts := [][2]string{{w.Header().Get("Content-Range"), w.Body.String()}}
				if parts[0][0] == "" {
					parts = readParts(t, w)
				}
				for _, part := range parts {
					var first, last, total int
					_, err := fmt.Sscanf(part[0], "bytes %d-%d/%d", &first, &last, &total)
					require.NoError(t, err)
					require.Equal(t, int(size), total)
					require.Equal(t, string(body[first:last+1]), part[1])
				}
			default:
				require.Equal(t, 416, w.Code)
			}
		}
		if streamed.Code != 200 { // for ranges out of order, the whole is correct
			require.Equal(t, memory.Code, streamed.Code)
		}
	})
}
