package wrappers_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

func TestFieldsAreBounded(t *testing.T) {
	many := strings.Repeat("a=1&", 1000)
	for _, c := range []struct {
		name                 string
		fields               int
		query, form, cookies string
		status               int
	}{
		{name: "as many as the default in all three", query: many, form: many, cookies: strings.Repeat("a=1; ", 1000), status: 200},
		{name: "separators are not fields", query: many + "&&&&", form: many + strings.Repeat("&", 5000), status: 200},
		{name: "one field too many in a query", query: many + "b", status: 400},
		{name: "one field too many in a form", form: many + "b", status: 413},
		{name: "one cookie too many", cookies: strings.Repeat("a=1; ", 1000) + "b=1", status: 400},
		{name: "a lower limit for a query", fields: 20, query: strings.Repeat("a=1&", 21), status: 400},
		{name: "a lower limit for a form", fields: 2, form: "a=1&b=2&c=3", status: 413},
		{name: "a higher limit", fields: 3000, query: many + many, form: many + many, status: 200},
		{name: "no limit", fields: -1, query: strings.Repeat("a&", 20_000), form: strings.Repeat("a&", 20_000), status: 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			view := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
				if _, err := req.Values(); err != nil {
					return nil, err
				}
				return wrappers.Text(""), nil
			})
			r := httptest.NewRequest(http.MethodPost, "/?"+c.query, strings.NewReader(c.form))
			r.Header.Set("Content-Type", urlencoded)
			if c.cookies != "" {
				r.Header.Set("Cookie", c.cookies)
			}
			w := httptest.NewRecorder()
			wrappers.Settings{Limits: wrappers.Limits{Fields: c.fields}, Silent: true}.Wrap(view).ServeHTTP(w, r)
			require.Equal(t, c.status, w.Code, w.Body)
		})
	}
}

func TestRequestsWithTooManyFieldsHaveTheFirst(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/?"+strings.Repeat("a=1&&", 2000), nil)
	r.Header.Set("Cookie", strings.Repeat("a=1; ", 2000))
	req := wrappers.NewRequest(r)
	require.Equal(t, 1000, req.Query().Len())
	require.Equal(t, 1000, req.Cookies().Len())
	require.Equal(t, httperror.BadRequest, code(t, req.CheckFields()))
	values, err := req.Values()
	require.Equal(t, httperror.BadRequest, code(t, err))
	require.Equal(t, 1000, values.Len())
}

func TestFieldsBeyondTheLimitTakeNoMemory(t *testing.T) {
	body := strings.Repeat("a&", 249_000)
	for name, read := range map[string]func() error{
		"form": func() error {
			_, err := post(urlencoded, strings.NewReader(body)).Form()
			return err
		},
		"query": func() error {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.URL.RawQuery = body
			req := wrappers.NewRequest(r)
			req.Query()
			return req.CheckFields()
		},
		"cookies": func() error {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Cookie", strings.ReplaceAll(body, "&", ";"))
			req := wrappers.NewRequest(r)
			req.Cookies()
			return req.CheckFields()
		},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := read()
			runtime.ReadMemStats(&after)
			require.Error(t, err)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
		})
	}
}
