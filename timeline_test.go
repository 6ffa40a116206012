package zeug_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/internal/development"
	"github.com/zeugkit/zeug/internal/recording/recordingtest"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/webtest"
)

func renderedPage(req *zeug.Request) (*zeug.Response, error) { return req.Render("page.html", nil) }

func TestMiddlewaresViewsAndTemplatesAreMarked(t *testing.T) {
	defer development.Set(true)()
	files := fstest.MapFS{"page.html": {Data: []byte("<p>Hello")}}
	app := zeug.New(
		zeug.Templates(templates.MustNew(files, templates.Options{})),
		zeug.Use(middleware.RequestID{}.Wrap),
		zeug.Get("/", renderedPage),
	)
	ctx, recorder := recordingtest.New(t.Context())
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
	require.Equal(t, "<p>Hello", w.Body.String())
	require.Equal(t, []string{"middleware middleware.RequestID", "view zeug_test.renderedPage", "template page.html"}, recorder.Marks())
	webtest.New(t, app).Get("/").Expect(200)
	require.Empty(t, recorder.Marks())
}
