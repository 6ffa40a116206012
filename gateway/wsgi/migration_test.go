package wsgi_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/sessions"
)

// An application moves from Python to Go route by route: requests that no rule matches go to Flask,
// and a visitor's session is the same on both sides.
func TestMovingOverRouteByRoute(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{App: "flask_app:app", Python: python(t, "flask"), Workers: 1})
	manager := sessions.Manager{Flask: &sessions.Flask{Secret: "secret of both sides"}}
	moved := routing.MustMap(routing.Rule[http.HandlerFunc]{Path: "/twice", Endpoint: "twice", Target: func(w http.ResponseWriter, r *http.Request) {
		session := sessions.Get(r)
		session.Set("count", 2*session.Int("count"))
		fmt.Fprint(w, session.Int("count"))
	}})
	server := httptest.NewServer(manager.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		match, err := moved.Bind(r).Match()
		switch {
		case errors.Is(err, httperror.NotFound):
			l.ServeHTTP(w, r)
		case err != nil:
			httperror.Respond(w, r, err)
		default:
			match.Target(w, r)
		}
	})))
	defer server.Close()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar}
	for _, step := range []struct{ path, want string }{
		{"/count", "1"}, {"/count", "2"}, {"/twice", "4"}, {"/count", "5"}, {"/twice", "10"}, {"/count", "11"},
		{"/", "index of the root at " + server.URL + "/"},
	} {
		resp, err := client.Get(server.URL + step.path)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, step.want, string(text), step.path)
	}
}
