package conformance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/wrappers"
)

var _ = register(map[string]operation{
	"response.conditional": conditionalAnswer,
	"redirect": answers(func(in struct {
		Location string
		Code     *int
	}) any {
		resp := wrappers.Redirect(in.Location)
		if in.Code != nil {
			resp.Status = *in.Code
		}
		return redirection(resp, resp.Header().Get("Location"), true)
	}),
	"append_slash": answers(func(in struct {
		Path  string
		Query string
		Code  *int
	}) any {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if u, err := url.Parse(in.Path); err == nil {
			r.URL = u
		} else {
			r.URL = &url.URL{Path: in.Path}
		}
		r.URL.RawQuery = in.Query
		resp := wrappers.AppendSlashRedirect(r)
		if in.Code != nil {
			resp.Status = *in.Code
		}
		// Werkzeug leaves the path unescaped until it is sent, and its strings have the form of
		// WSGI: one character for each byte.
		path, query, _ := strings.Cut(resp.Header().Get("Location"), "?")
		path, err := url.PathUnescape(path)
		if err != nil {
			return err.Error()
		}
		if query != "" {
			path += "?" + query
		}
		location := make([]rune, len(path))
		for i := range len(path) {
			location[i] = rune(path[i])
		}
		return redirection(resp, string(location), false)
	}),
})

func redirection(resp *wrappers.Response, location string, withType bool) any {
	answer := map[string]any{"status": resp.Status, "location": location}
	if withType {
		answer["content_type"] = resp.ContentType()
	}
	return answer
}

// conditionalAnswer serves a response to a conditional request. Only the listed header fields are
// compared, and the body only if one is given.
func conditionalAnswer(in, want json.RawMessage) error {
	var input struct {
		Body           string
		Status         int
		Mimetype       *string
		ETag           *string
		Weak           bool
		LastModified   *int64 `json:"last_modified"`
		AcceptRanges   any    `json:"accept_ranges"`
		CompleteLength *int64 `json:"complete_length"`
		Method         string
		RequestHeaders map[string]string `json:"request_headers"`
	}
	if err := json.Unmarshal(in, &input); err != nil {
		return fmt.Errorf("read input: %w", err)
	}
	var wanted struct {
		Status  int
		Headers map[string]string
		Body    *string
	}
	if err := json.Unmarshal(want, &wanted); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}

	resp := wrappers.Text(input.Body)
	if input.Mimetype != nil {
		resp = wrappers.NewResponse(*input.Mimetype, []byte(input.Body))
	}
	resp.Status = input.Status
	var current datastructures.State
	if input.ETag != nil {
		current.ETag = datastructures.ETag{Value: *input.ETag, Weak: input.Weak}
		if err := resp.SetETag(current.ETag); err != nil {
			return err
		}
	}
	if input.LastModified != nil {
		current.Modified = time.Unix(*input.LastModified, 0)
		resp.SetLastModified(current.Modified)
	}
	switch unit := input.AcceptRanges.(type) {
	case string:
		resp.Header().Set("Accept-Ranges", unit)
	case bool:
		if !unit {
			resp.Header().Set("Accept-Ranges", "none")
		}
	}

	r := httptest.NewRequest(input.Method, "/", nil)
	for name, value := range input.RequestHeaders {
		r.Header.Set(name, value)
	}
	var app http.Handler = resp.MakeConditional()
	switch input.Method {
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		app = wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
			return resp, wrappers.CheckPreconditions(req.Request, current)
		})
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)

	if w.Code != wanted.Status {
		return fmt.Errorf("answered %d, want %d", w.Code, wanted.Status)
	}
	var errs []error
	for name, value := range wanted.Headers {
		if got := w.Header().Get(name); got != value {
			errs = append(errs, fmt.Errorf("%s is %q, want %q", name, got, value))
		}
	}
	if wanted.Body != nil && w.Body.String() != *wanted.Body {
		errs = append(errs, fmt.Errorf("body is %q, want %q", w.Body, *wanted.Body))
	}
	return errors.Join(errs...)
}
