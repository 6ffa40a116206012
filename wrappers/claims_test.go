package wrappers_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/wrappers"
)

const multipartField = "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B--\r\n"

func TestTheBodyAfterEachReading(t *testing.T) {
	type reading func(req *wrappers.Request) error
	data := func(req *wrappers.Request) error { _, err := req.Data(); return err }
	text := func(req *wrappers.Request) error { _, err := req.Text(); return err }
	form := func(req *wrappers.Request) error { _, err := req.Form(); return err }
	files := func(req *wrappers.Request) error { _, err := req.Files(); return err }
	itself := func(req *wrappers.Request) error { _, err := io.ReadAll(req.Body); return err }
	json := func(req *wrappers.Request) error { var v any; return req.JSON(&v) }
	const written = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B--\r\n"
	for _, c := range []struct {
		name, contentType, body string
		read                    reading
		data, rest              string // the result of Data then, and of reading Body
		streamed                bool
	}{
		{"data", urlencoded, "a=1", data, "a=1", "a=1", false},
		{"text", urlencoded, "a=1", text, "a=1", "a=1", false},
		{"json", "application/json", "{}", json, "{}", "{}", false},
		{"an urlencoded form", urlencoded, "a=1", form, "a=1", "a=1", false},
		{"a multipart form", multipartB, multipartField, form, "", written, true},
		{"files", multipartB, multipartField, files, "", written, true},
		{"Body itself", urlencoded, "a=1", itself, "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := wrappers.NewRequest(request("POST", "/", c.contentType, c.body))
			require.NoError(t, c.read(req))
			rest, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			require.Equal(t, c.rest, string(rest))
			rest, err = io.ReadAll(req.Body)
			require.NoError(t, err)
			require.Empty(t, rest, "once")
			got, err := req.Data()
			if c.streamed {
				require.ErrorContains(t, err, "was read as a multipart form")
				require.Equal(t, []string{"a=1"}, described(t, req))
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.data, string(got))
		})
	}
}

func TestCharsetsOfForms(t *testing.T) {
	part := func(contentType, value string) string {
		if contentType != "" {
			contentType = "Content-Type: " + contentType + "\r\n"
		}
		return "--B\r\nContent-Disposition: form-data; name=a\r\n" + contentType + "\r\n" + value + "\r\n"
	}
	const charset = "--B\r\nContent-Disposition: form-data; name=_charset_\r\n\r\niso-8859-1\r\n"
	for name, c := range map[string]struct{ contentType, body, want string }{
		"the part's":                          {multipartB, part("text/plain; charset=iso-8859-1", "\xe4") + "--B--\r\n", "ä"},
		"the part's, for what is UTF-8 too":   {multipartB, part("text/plain; charset=iso-8859-1", "\xc3\xa4") + "--B--\r\n", "Ã¤"},
		"an unknown one":                      {multipartB, part("text/plain; charset=x-none", "\xe4") + "--B--\r\n", "\xe4"},
		"the form's field":                    {multipartB, part("", "\xe4") + charset + "--B--\r\n", "ä"},
		"the form's field, for UTF-8 too":     {multipartB, part("", "\xc3\xa4") + charset + "--B--\r\n", "Ã¤"},
		"not the whole form's":                {multipartB + "; charset=iso-8859-1", part("", "\xe4") + "--B--\r\n", "\xe4"},
		"an urlencoded form's":                {urlencoded + "; charset=iso-8859-1", "a=%E4", "ä"},
		"an urlencoded form's field":          {urlencoded, "_charset_=iso-8859-1&a=%E4", "ä"},
		"an urlencoded form's, for UTF-8 too": {urlencoded + "; charset=iso-8859-1", "a=%C3%A4", "Ã¤"},
		"none of an urlencoded form":          {urlencoded, "a=%E4", "%E4"},
		"an unknown one of urlencoded forms":  {urlencoded + "; charset=x-none", "a=%E4", "%E4"},
	} {
		form, err := wrappers.NewRequest(request("POST", "/", c.contentType, c.body)).Form()
		require.NoError(t, err, name)
		require.Equal(t, c.want, form.Get("a"), name)
	}
}
