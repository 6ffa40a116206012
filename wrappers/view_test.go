package wrappers_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

func TestView(t *testing.T) {
	for _, c := range []struct {
		name   string
		view   wrappers.View
		status int
		body   string
	}{
		{"a response is sent", func(*wrappers.Request) (*wrappers.Response, error) {
			return wrappers.Text("hello"), nil
		}, 200, "hello"},
		{"an HTTP error answers for itself", func(*wrappers.Request) (*wrappers.Response, error) {
			return nil, fmt.Errorf("item: %w", httperror.NotFound)
		}, 404, "Not Found"},
		{"another error is a 500", func(*wrappers.Request) (*wrappers.Response, error) {
			return nil, errors.New("secret")
		}, 500, "Internal Server Error"},
		{"nothing is a 500", func(*wrappers.Request) (*wrappers.Response, error) {
			return nil, nil
		}, 500, "Internal Server Error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := serve(c.view, "GET", nil)
			require.Equal(t, c.status, w.Code)
			require.Contains(t, w.Body.String(), c.body)
			require.NotContains(t, w.Body.String(), "secret")
		})
	}
}

func TestAViewsPanicPasses(t *testing.T) {
	require.PanicsWithValue(t, "oops", func() {
		serve(wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) { panic("oops") }), "GET", nil)
	})
}

func TestAResponseBesideAnErrorIsClosed(t *testing.T) {
	closed := false
	w := serve(wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) {
		resp := wrappers.Text("half done")
		resp.OnClose(func() error { closed = true; return nil })
		return resp, httperror.Conflict
	}), "GET", nil)
	require.Equal(t, 409, w.Code)
	require.True(t, closed)
}

func TestAViewThatReturnsNothingSaysSo(t *testing.T) {
	var got error
	r := httptest.NewRequest("GET", "/", nil)
	r = httperror.WithResponder(r, func(_ http.ResponseWriter, _ *http.Request, err error) { got = err })
	wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) { return nil, nil }).ServeHTTP(httptest.NewRecorder(), r)
	require.ErrorContains(t, got, "neither a response nor an error")
}
