package requests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"golang.org/x/net/http/httpguts"

	"github.com/zeugkit/zeug/internal/reload"
)

// changed is the request with the changes from a form: method, target, header (a line for each
// field) and body. Fields that the form leaves out stay as they are.
func (r Request) changed(form url.Values) (Request, error) {
	r.Fields = slices.Clone(r.Fields)
	if form.Has("method") {
		r.Method = strings.TrimSpace(form.Get("method"))
	}
	if form.Has("target") {
		r.Target = strings.TrimSpace(form.Get("target"))
	}
	if form.Has("header") {
		r.Fields = nil
		for line := range strings.Lines(form.Get("header")) {
			line = strings.TrimRight(line, "\r\n")
			if strings.TrimSpace(line) == "" {
				continue
			}
			name, value, found := strings.Cut(line, ":")
			name, value = strings.TrimSpace(name), strings.TrimSpace(value)
			if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return r, fmt.Errorf("the line %q is not a field of a header: write name: value", line)
			}
			r.Fields = append(r.Fields, Field{http.CanonicalHeaderKey(name), value})
		}
	}
	// A browser sends the newlines of a textarea as CRLF.
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	if text := form.Get("body"); form.Has("body") && lines.Replace(text) != lines.Replace(string(r.Body.Bytes)) {
		body := []byte(strings.ReplaceAll(text, "\r\n", "\n"))
		r.Body = Body{Bytes: body, Size: int64(len(body)), Whole: true}
	}
	return r, r.known()
}

// send passes a request to the program in the name of the client that asks for it, and returns the
// number of the exchange.
//
// stale says why the program that answered is older than its source, "" if it is not.
func (l *List) send(asking *http.Request, of int, request Request) (made int, stale string, err error) {
	if l.Program == nil {
		return 0, "", errNoProgram
	}
	if !strings.HasPrefix(request.Target, "/") && request.Target != "*" {
		return 0, "", fmt.Errorf("the target is %q: it must begin with a slash", request.Target)
	}
	again := &replay{of: of}
	ctx := context.WithValue(asking.Context(), replayKey{}, again)
	r, err := http.NewRequestWithContext(ctx, request.Method, request.Scheme+"://"+request.Host+request.Target, http.NoBody)
	if err != nil {
		return 0, "", fmt.Errorf("send the request again: %w", err)
	}
	r.RequestURI, r.Host, r.Proto, r.RemoteAddr, r.TLS = request.Target, request.Host, request.Proto, asking.RemoteAddr, asking.TLS
	r.URL.Scheme, r.URL.Host = "", ""
	for _, f := range request.Fields {
		if f.Name != "Content-Length" {
			r.Header.Add(f.Name, f.Value)
		}
	}
	if body := request.Body.Bytes; len(body) > 0 {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	answered := l.answer(r)
	if again.made == nil {
		return 0, "", errors.New("the request was not passed on: the program does not run, or its target is one of Zeug's own")
	}
	return again.made.ID, answered.Get(reload.StaleHeader), nil
}

// answer passes a request to the program, and returns only the header: the list keeps the rest.
func (l *List) answer(r *http.Request) (header http.Header) {
	header = http.Header{}
	defer func() {
		if value := recover(); value != nil && value != http.ErrAbortHandler {
			panic(value)
		}
	}()
	l.Program.ServeHTTP(&discarded{header: header}, r)
	return header
}

// discarded is a response that is not read.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header       { return d.header }
func (*discarded) WriteHeader(int)             {}
func (*discarded) Write(p []byte) (int, error) { return len(p), nil }
func (*discarded) Flush()                      {}

// Change is one way in which two responses differ.
type Change struct {
	What          string
	Before, After string
	// Lines are the lines of a body, each with "-", "+" or " " in front.
	Lines []string
}

// changing are fields that differ between any two responses.
var changing = []string{"Date", "Content-Length"}

// Compare returns the differences between the responses of two exchanges: in the status, the header
// and the body.
func Compare(before, after Exchange) []Change {
	var list []Change
	if b, a := before.Response.Status, after.Response.Status; b != a {
		list = append(list, Change{What: "status", Before: statusText(b), After: statusText(a)})
	}
	names := map[string]bool{}
	var order []string
	for _, f := range slices.Concat(before.Response.Fields, after.Response.Fields) {
		if !names[f.Name] && !slices.Contains(changing, f.Name) {
			names[f.Name] = true
			order = append(order, f.Name)
		}
	}
	slices.Sort(order)
	for _, name := range order {
		if b, a := values(before.Response.Fields, name), values(after.Response.Fields, name); b != a {
			list = append(list, Change{What: name, Before: b, After: a})
		}
	}
	if !bytes.Equal(before.Response.Body.Bytes, after.Response.Body.Bytes) {
		list = append(list, Change{What: "body", Lines: difference(shown(before.Response.Body, before.Response.Fields), shown(after.Response.Body, after.Response.Fields))})
	}
	return list
}

// maxDifference is how many lines of a difference are shown.
const maxDifference = 400

func difference(before, after string) []string {
	text := udiff.Unified("before", "after", before, after)
	var lines []string
	for line := range strings.Lines(text) {
		if len(lines) == maxDifference {
			return append(lines, "…")
		}
		lines = append(lines, strings.TrimRight(line, "\n"))
	}
	if len(lines) >= 2 {
		lines = lines[2:] // the names of the files
	}
	return lines
}

func values(fields []Field, name string) string {
	var list []string
	for _, f := range fields {
		if f.Name == name {
			list = append(list, f.Value)
		}
	}
	return strings.Join(list, ", ")
}

func statusText(code int) string {
	if code == 0 {
		return "no response"
	}
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}
