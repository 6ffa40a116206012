package wrappers_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

const multipartB = "multipart/form-data; boundary=B"

// post is a request with a body whose length is not declared.
func post(contentType string, body io.Reader) *wrappers.Request {
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.ContentLength = -1
	r.Header.Set("Content-Type", contentType)
	return wrappers.NewRequest(r)
}

// described describes a form: fields as "name=value", files as "name:file=content".
func described(t testing.TB, req *wrappers.Request) []string {
	t.Helper()
	form, err := req.Form()
	require.NoError(t, err)
	files, err := req.Files()
	require.NoError(t, err)
	list := []string{}
	for name, value := range form.All() {
		list = append(list, name+"="+value)
	}
	for name, file := range files.All() {
		content, err := file.Bytes()
		require.NoError(t, err)
		require.EqualValues(t, len(content), file.Size)
		list = append(list, name+":"+file.Name+"="+string(content))
	}
	return list
}

func code(t testing.TB, err error) httperror.Code {
	t.Helper()
	var e *httperror.Error
	require.ErrorAs(t, err, &e)
	return e.Code
}

var acceptedMultipart = []struct {
	name, body string
	want       []string
}{
	{"CRLF", "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B--\r\n", []string{"a=1"}},
	{"LF", "--B\nContent-Disposition: form-data; name=a\n\n1\n2\n--B--\n", []string{"a=1\n2"}},
	{"CR", "--B\rContent-Disposition: form-data; name=a\r\r1\r--B--\r", []string{"a=1"}},
	{"CR before a content that starts in LF", "--B\rContent-Disposition: form-data; name=a\r\r\n1\r--B--\r", []string{"a=\n1"}},
	{"nothing behind the last boundary", "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B--", []string{"a=1"}},
	{"preamble and epilogue", "see\r\n--Bx\r\n--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B--\r\n--B\r\nx", []string{"a=1"}},
	{"padding behind boundaries", "--B \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B-- \r\n", []string{"a=1"}},
	{"no parts", "--B--\r\n", []string{}},
	{"an empty value", "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--B--\r\n", []string{"a="}},
	{"an empty value without its line break", "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n--B--\r\n", []string{"a="}},
	{"line breaks at both ends of a value", "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n1\r\n\r\n--B--\r\n", []string{"a=\r\n1\r\n"}},
	{"a trailing CR", "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\r\n--B--\r\n", []string{"a=1\r"}},
	{"lookalikes of the boundary", "--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx--B\r\n--\r\n--b\r\n--Bx\r\n --B--\r\n--B- \r\n--B--", []string{"a=x--B\r\n--\r\n--b\r\n--Bx\r\n --B--\r\n--B- "}},
	{"order across names", "--B\r\nContent-Disposition: form-data; name=b\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=a\r\n\r\n2\r\n--B\r\nContent-Disposition: form-data; name=b\r\n\r\n3\r\n--B--\r\n", []string{"b=1", "a=2", "b=3"}},
	{"a file", "--B\r\nContent-Disposition: form-data; name=f; filename=x.txt\r\nContent-Type: text/plain\r\n\r\n\x00\xff\r\n--B--\r\n", []string{"f:x.txt=\x00\xff"}},
	{"a file that was not chosen", "--B\r\nContent-Disposition: form-data; name=f; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--B--\r\n", []string{"f:="}},
	{"a header of another case and shape", "--B\r\nX-Y: z\r\ncontent-DISPOSITION:form-data;NAME=a\r\n\r\n1\r\n--B--\r\n", []string{"a=1"}},
	{"a folded header", "--B\r\nContent-Disposition: form-data;\r\n\tname=a;\r\n filename=x\r\n\r\n1\r\n--B--\r\n", []string{"a:x=1"}},
	{"quotes as browsers write them", "--B\r\nContent-Disposition: form-data; name=\"a%22b\"; filename=\"q%22\\\\.txt\"\r\n\r\n1\r\n--B--\r\n", []string{`a"b:q"\.txt=1`}},
	{"quotes as others do", "--B\r\nContent-Disposition: form-data; name=\"a\\\"b\"\r\n\r\n1\r\n--B--\r\n", []string{`a"b=1`}},
	{"a path of Windows", "--B\r\nContent-Disposition: form-data; name=f; filename=\"C:\\dir\\x.txt\"\r\n\r\n1\r\n--B--\r\n", []string{`f:C:\dir\x.txt=1`}},
	{"a name in UTF-8", "--B\r\nContent-Disposition: form-data; name=\"ü\"; filename=\"日本.txt\"\r\n\r\n1\r\n--B--\r\n", []string{"ü:日本.txt=1"}},
	{"a name by RFC 8187", "--B\r\nContent-Disposition: form-data; name=f; filename*=UTF-8''na%C3%AFve.txt\r\n\r\n1\r\n--B--\r\n", []string{"f:naïve.txt=1"}},
	{"a name in pieces by RFC 2231", "--B\r\nContent-Disposition: form-data; name=f; filename*0*=UTF-8''a%20; filename*1=b.txt\r\n\r\n1\r\n--B--\r\n", []string{"f:a b.txt=1"}},
	{"a name in no charset known", "--B\r\nContent-Disposition: form-data; name=f; filename=\"\xfc.txt\"\r\n\r\n1\r\n--B--\r\n", []string{"f:\xfc.txt=1"}},
	{"a part's own charset", "--B\r\nContent-Disposition: form-data; name=a\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n\r\n\xfc\r\n--B--\r\n", []string{"a=ü"}},
	{"a form's charset, wherever it says so", "--B\r\nContent-Disposition: form-data; name=\"\xfc\"\r\n\r\n\xe4\r\n--B\r\nContent-Disposition: form-data; name=_charset_\r\n\r\niso-8859-1\r\n--B\r\nContent-Disposition: form-data; name=b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nß\r\n--B--\r\n", []string{"ü=ä", "_charset_=iso-8859-1", "b=ß"}},
	{"a charset nobody knows", "--B\r\nContent-Disposition: form-data; name=a\r\nContent-Type: text/plain; charset=x-none\r\n\r\n\xfc\r\n--B--\r\n", []string{"a=\xfc"}},
	{"a declared encoding, which means nothing here", "--B\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--B--\r\n", []string{"a=MQ=="}},
	{"an empty name", "--B\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n1\r\n--B--\r\n", []string{"=1"}},
	{"no body at all", "", []string{}},
}

func TestMultipartIsAccepted(t *testing.T) {
	for _, c := range acceptedMultipart {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, described(t, post(multipartB, strings.NewReader(c.body))))
		})
	}
}

func TestMultipartIsTheSameHoweverItArrives(t *testing.T) {
	for _, c := range acceptedMultipart {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, described(t, post(multipartB, iotest.OneByteReader(strings.NewReader(c.body)))), "byte by byte")
			require.Equal(t, c.want, described(t, post(multipartB, iotest.DataErrReader(strings.NewReader(c.body)))), "with its end")
			// The position in the buffer must not matter either, so the body is moved across the
			// end of the buffer.
			for shift := range len(c.body) + 8 {
				preamble := strings.Repeat("x", 64<<10-shift) + "\r\n"
				if c.body == "" {
					preamble = ""
				}
				require.Equal(t, c.want, described(t, post(multipartB, strings.NewReader(preamble+c.body))), "shifted by %d", shift)
			}
		})
	}
}

func TestMultipartIsRefused(t *testing.T) {
	field := "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
	for _, c := range []struct{ name, contentType, body string }{
		{"without a boundary", "multipart/form-data", field + "--B--\r\n"},
		{"with an empty boundary", "multipart/form-data; boundary=", field + "--B--\r\n"},
		{"with a boundary beyond ASCII", "multipart/form-data; boundary=ü", field + "--B--\r\n"},
		{"with a boundary beyond measure", "multipart/form-data; boundary=" + strings.Repeat("x", 251), field + "--B--\r\n"},
		{"with another boundary", "multipart/form-data; boundary=C", field + "--B--\r\n"},
		{"that breaks off in a value", multipartB, field[:len(field)-3]},
		{"that breaks off behind a part", multipartB, field},
		{"that breaks off in a header", multipartB, field[:20]},
		{"that breaks off in a boundary", multipartB, field + "--"},
		{"that breaks off behind a boundary", multipartB, field + "--B\r\n"},
		{"that ends in half of a last boundary", multipartB, field + "--B-"},
		{"with a part without a header", multipartB, "--B\r\n\r\n1\r\n--B--\r\n"},
		{"with a part without a disposition", multipartB, "--B\r\nContent-Type: text/plain\r\n\r\n1\r\n--B--\r\n"},
		{"with a part without a name", multipartB, "--B\r\nContent-Disposition: form-data; filename=x\r\n\r\n1\r\n--B--\r\n"},
		{"that is not multipart", multipartB, "a=1&b=2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := post(c.contentType, strings.NewReader(c.body))
			form, err := req.Form()
			require.Equal(t, httperror.BadRequest, code(t, err))
			require.Zero(t, form.Len())
			files, again := req.Files()
			require.Equal(t, err, again, "the second time too")
			require.Zero(t, files.Len())

			req = post(c.contentType, strings.NewReader(c.body))
			req.Configure(wrappers.Settings{Silent: true})
			require.Empty(t, described(t, req), "silently")
		})
	}
}

func TestBrokenConnectionIsToldFromAMalformedForm(t *testing.T) {
	cut := io.MultiReader(strings.NewReader("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1"), iotest.ErrReader(io.ErrUnexpectedEOF))
	req := post(multipartB, cut)
	req.Configure(wrappers.Settings{Silent: true}) // that is for malformed forms
	_, err := req.Form()
	require.Equal(t, httperror.BadRequest, code(t, err))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestMultipartLimits(t *testing.T) {
	part := func(name, value string) string {
		return "--B\r\nContent-Disposition: form-data; name=" + name + "\r\n\r\n" + value + "\r\n"
	}
	file := func(value string) string {
		return "--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n" + value + "\r\n"
	}
	const end = "--B--\r\n"
	for _, c := range []struct {
		name     string
		limits   wrappers.Limits
		within   string
		over     string
		atMost   int // how much of the body may be read: a buffer and the limit
		endlessy bool
	}{
		{name: "body", limits: wrappers.Limits{Body: int64(len(part("abc", "1234567") + "--B--"))}, within: part("abc", "1234567") + "--B--", over: part("abc", "12345678") + "--B--"},
		{name: "fields in memory", limits: wrappers.Limits{FormMemory: 10}, within: part("a", "1234") + part("b", "1234") + end, over: part("a", "1234") + part("b", "12345") + end},
		{name: "parts", limits: wrappers.Limits{Parts: 2}, within: part("a", "") + file("") + end, over: part("a", "") + file("") + part("b", "") + end},
		{name: "files", limits: wrappers.Limits{Files: 1}, within: part("a", "") + file("") + end, over: file("") + file("") + end},
		{name: "one file", limits: wrappers.Limits{File: 4}, within: file("1234") + file("1234") + part("a", "12345") + end, over: file("12345") + end},
		{name: "header of a part", limits: wrappers.Limits{PartHeader: 60}, within: "--B\r\nX: 1234567890\r\nContent-Disposition: form-data; name=a\r\n\r\n" + "\r\n" + end, over: "--B\r\nX: " + strings.Repeat("1", 100) + "\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" + end},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := wrappers.Settings{Limits: c.limits, Silent: true} // Silent does not apply to limits
			req := post(multipartB, strings.NewReader(c.within))
			req.Configure(settings)
			_, err := req.Form()
			require.NoError(t, err)

			req = post(multipartB, strings.NewReader(c.over))
			req.Configure(settings)
			_, err = req.Form()
			require.Equal(t, httperror.ContentTooLarge, code(t, err))
		})
	}
}

// endless reads as start, followed by more again and again without end. It counts the bytes.
type endless struct {
	start, more string
	given       int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.start)
	e.start = e.start[n:]
	for n < len(p) {
		n += copy(p[n:], e.more)
	}
	e.given += int64(n)
	return n, nil
}

func TestLimitsEndAnEndlessBody(t *testing.T) {
	const field = "--B\r\nContent-Disposition: form-data; name=a"
	for _, c := range []struct {
		name, contentType, start, more string
		settings                       wrappers.Settings
		most                           int64
	}{
		{"a preamble", multipartB, "", "x", wrappers.Settings{}, 32<<20 + 1},
		{"parts", multipartB, "", field + "\r\n\r\n1\r\n", wrappers.Settings{}, 128 << 10},
		{"a header", multipartB, field + "; x=", "x", wrappers.Settings{}, 64 << 10},
		{"headers", multipartB, field + "\r\n", "X: y\r\n", wrappers.Settings{}, 64 << 10},
		{"a field", multipartB, field + "\r\n\r\n", "x", wrappers.Settings{}, 600 << 10},
		{"a file", multipartB, field + "; filename=x\r\n\r\n", "x", wrappers.Settings{FileMemory: 1 << 30, Limits: wrappers.Limits{File: 1 << 20}}, 1<<20 + 128<<10},
		{"padding of a boundary", multipartB, field + "\r\n\r\n1\r\n--B", " ", wrappers.Settings{}, 600 << 10},
		{"urlencoded fields", "application/x-www-form-urlencoded", "", "a=1&", wrappers.Settings{}, 500_001},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := &endless{start: c.start, more: c.more}
			req := post(c.contentType, body)
			req.Configure(c.settings)
			_, err := req.Form()
			require.Equal(t, httperror.ContentTooLarge, code(t, err))
			require.LessOrEqual(t, body.given, c.most)
			require.NoError(t, req.Close())
		})
	}
}

func TestDeclaredLengthIsRefusedUnread(t *testing.T) {
	for _, contentType := range []string{multipartB, "application/x-www-form-urlencoded", "application/json"} {
		body := &endless{more: "x"}
		r := httptest.NewRequest(http.MethodPost, "/", body)
		r.ContentLength = 33 << 20
		r.Header.Set("Content-Type", contentType)
		req := wrappers.NewRequest(r)
		if contentType == "application/json" {
			var v any
			require.Equal(t, httperror.ContentTooLarge, code(t, req.JSON(&v)))
		} else {
			_, err := req.Form()
			require.Equal(t, httperror.ContentTooLarge, code(t, err))
		}
		_, err := req.Data()
		require.Equal(t, httperror.ContentTooLarge, code(t, err))
		_, err = req.Body.Read(make([]byte, 1))
		require.Equal(t, httperror.ContentTooLarge, code(t, err), "a plain handler's reading too")
		require.Zero(t, body.given)

		req.Configure(wrappers.Settings{Limits: wrappers.Limits{Body: -1}})
		n, err := req.Body.Read(make([]byte, 1))
		require.Equal(t, 1, n, "nothing is lost by the refusal")
		require.NoError(t, err)
	}
}

func TestPartsAreReadAsTheyArrive(t *testing.T) {
	client, server := io.Pipe()
	w := multipart.NewWriter(server)
	go func() {
		w.WriteField("a", "1")
		f, _ := w.CreateFormFile("f", "x.txt")
		io.WriteString(f, "hello")
		f, _ = w.CreateFormFile("g", "y.txt")
		io.WriteString(f, strings.Repeat("skipped", 20000))
		w.WriteField("b", "2")
		server.CloseWithError(w.Close())
	}()
	req := post(w.FormDataContentType(), client)
	var seen []string
	var first *wrappers.Part
	for part, err := range req.Parts() {
		require.NoError(t, err)
		if part.Field == "g" {
			continue
		}
		if first == nil {
			first = part
		}
		content, err := io.ReadAll(part)
		require.NoError(t, err)
		seen = append(seen, fmt.Sprint(part.Field, " ", part.IsFile, " ", part.FileName, " ", string(content)))
	}
	require.Equal(t, []string{"a false  1", "f true x.txt hello", "b false  2"}, seen)
	require.Empty(t, described(t, req), "the form is spent")
	_, err := req.Data()
	require.ErrorContains(t, err, "was read as a multipart form")
}

func TestPartIsOverWhenTheNextIsAskedFor(t *testing.T) {
	body := "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=b\r\n\r\n2\r\n--B--"
	var parts []*wrappers.Part
	for part, err := range post(multipartB, strings.NewReader(body)).Parts() {
		require.NoError(t, err)
		parts = append(parts, part)
	}
	require.Len(t, parts, 2)
	for _, part := range parts {
		content, err := io.ReadAll(part)
		require.Error(t, err)
		require.Empty(t, content)
	}
}

func TestPartsOfAnotherBodyAreUnsupported(t *testing.T) {
	for part, err := range post("text/plain", strings.NewReader("x")).Parts() {
		require.Nil(t, part)
		require.Equal(t, httperror.UnsupportedMediaType, code(t, err))
	}
}

// parsed is one part as a multipart reader saw it.
type parsed struct {
	header  string
	content string
}

func readOurs(body []byte, wrap func(io.Reader) io.Reader) ([]parsed, error) {
	r := httptest.NewRequest(http.MethodPost, "/", wrap(bytes.NewReader(body)))
	r.ContentLength = -1
	r.Header.Set("Content-Type", multipartB)
	var list []parsed
	for part, err := range wrappers.NewRequest(r).Parts() {
		if err != nil {
			return list, err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return list, err
		}
		list = append(list, parsed{fmt.Sprint(part.Header), string(content)})
	}
	return list, nil
}

func readTheirs(body []byte) ([]parsed, error) {
	var list []parsed
	mr := multipart.NewReader(bytes.NewReader(body), "B")
	for {
		part, err := mr.NextRawPart()
		if errors.Is(err, io.EOF) && err == io.EOF {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return list, err
		}
		header, ok := withoutBlanks(part.Header)
		if !ok {
			return list, errors.New("a field stands twice, once with a blank before its colon")
		}
		list = append(list, parsed{fmt.Sprint(header), string(content)})
	}
}

// isPlainForm reports whether body is as clients write it: its delimiters fill their lines, the last ends it, and
// the boundary stands nowhere else. In any other body the readers may disagree about what is a delimiter. Behind one,
// mime/multipart accepts spaces and tabs, this package and Werkzeug form feeds too. For those two a last delimiter is the
// end, whatever follows it on its line.
func isPlainForm(body []byte) bool {
	lines := strings.Split(string(body), "\r\n")
	for i, line := range lines {
		last := i == len(lines)-1 || i == len(lines)-2 && lines[i+1] == ""
		switch {
		case strings.ContainsAny(line, "\r\n"):
			return false
		case line == "--B--" && last:
			return true
		case i == 0 && line != "--B", line != "--B" && strings.Contains(line, "--B"):
			return false
		}
	}
	return false
}

// FuzzMultipart compares the reader with itself, with the body cut at arbitrary offsets. It also
// compares it with mime/multipart, if both accept a plain form.
func FuzzMultipart(f *testing.F) {
	for _, c := range acceptedMultipart {
		f.Add([]byte(c.body), uint16(3))
	}
	f.Add([]byte("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B\r\n"), uint16(1))
	f.Add([]byte("-1\r\n--B--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B\r\n"), uint16(1))
	f.Add([]byte("--B\f\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B--"), uint16(1))
	f.Add([]byte("--B\r\nContent-Disposition : form-data; name=a\r\n\r\n1\r\n--B--"), uint16(1))
	f.Fuzz(func(t *testing.T, body []byte, size uint16) {
		whole, err := readOurs(body, func(r io.Reader) io.Reader { return r })
		cut, errCut := readOurs(body, func(r io.Reader) io.Reader { return &pieces{r, 1 + int(size%97)} })
		require.Equal(t, whole, cut)
		require.Equal(t, err == nil, errCut == nil)
		if err != nil || !isPlainForm(body) {
			return
		}
		theirs, err := readTheirs(body)
		if err == nil {
			require.Equal(t, theirs, whole)
		}
	})
}

// withoutBlanks returns header as Werkzeug and this package read it: without blanks before the colon, and
// without the blank that an empty continuation line leaves at the end of a value. For mime/multipart "Name :"
// is another field than "Name:". If a part has both, the order of their values is lost, and ok is false.
func withoutBlanks(header textproto.MIMEHeader) (_ textproto.MIMEHeader, ok bool) {
	result := make(textproto.MIMEHeader, len(header))
	for name, values := range header {
		name = textproto.CanonicalMIMEHeaderKey(strings.TrimRight(name, " \t"))
		if result[name] != nil {
			return nil, false
		}
		for _, value := range values {
			result[name] = append(result[name], strings.TrimSpace(value))
		}
	}
	return result, true
}

type pieces struct {
	io.Reader
	size int
}

func (p *pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.size)]) }
