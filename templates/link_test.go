package templates_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

// TestALinkIsWhatTheCallWouldBe renders calls of url_for as they are, and in brackets, where pongo2
// makes the call. Both are the same text, or errors that say the same.
func TestALinkIsWhatTheCallWouldBe(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/", Endpoint: "index"},
		routing.Rule[int]{Path: "/item/<int:id>", Endpoint: "item"},
		routing.Rule[int]{Path: "/of/<name>/<path:rest>", Endpoint: "of"},
	)
	for _, call := range []string{
		`url_for("index")`, `url_for( 'index' )`, `url_for("index", "q", "a&b", "r", nothing)`, `url_for("index", "q", words)`,
		`url_for("item", "id", 7)`, `url_for("item", "id", row.ID)`, `url_for("item", "id", row.ID + 1)`, `url_for("item", "id", "7")`,
		`url_for("item", "id", row.ID, "_external", true)`, `url_for("of", "name", row.Name|upper, "rest", words.0)`,
		`url_for("of", "rest", "a/b", "name", "ü<")`, `url_for("index", "q", url_for("item", "id", 8))`,
		`url_for("index", "q", 1.5, "r", true, "s", row.Name == "a")`, `url_for(endpoint, "id", 7)`, `url_for("index", key, 7)`,
		`url_for("of", "name", f("a", "b"), "rest", g(row.Name))`,
		// These are refused.
		`url_for("itme", "id", 7)`, `url_for("item", "id", row.Name)`, `url_for("item")`, `url_for("item", "id")`, `url_for("item", 1, 2)`,
		`url_for("item", "id", fails())`, `url_for("item", "id", nothing)`, `url_for()`, `url_for(7)`, `url_for("item", "id", row.ID.x)`,
	} {
		for place, around := range map[string][2]string{
			"alone":        {"{{ ", " }}"},
			"not escaped":  {"{% autoescape off %}{{ ", " }}{% endautoescape %}"},
			"in a loop":    {"{% for row in rows %}{{ ", " }}\n{% endfor %}"},
			"in a macro":   {"{% macro m(row) %}{{ ", " }}{% endmacro %}{{ m(row) }}"},
			"another":      {`{% with url_for=other %}{{ `, " }}{% endwith %}"},
			"of the pages": {`{% set url_for = other %}{{ `, " }}"},
		} {
			t.Run(place+" "+call, func(t *testing.T) {
				render := func(expression string) (string, string) {
					env := templates.MustNew(fstest.MapFS{"page.html": {Data: []byte("x\n" + around[0] + expression + around[1])}},
						templates.Options{URLs: func(req *wrappers.Request) routing.Builder { return urls.Bind(req.Request) }})
					type row struct {
						ID   int
						Name string
					}
					req := httptest.NewRequest("GET", "/", nil)
					resp, err := env.Render(wrappers.NewRequest(req), "page.html", templates.Context{
						"row": row{3, "a"}, "rows": []row{{1, "b"}, {2, "c"}}, "words": []string{"x", "y"}, "endpoint": "item", "key": "k",
						"f": func(a, b string) string { return a + b }, "g": func(a string) (string, error) { return a, nil },
						"fails": func() (string, error) { return "", errors.New("it fails") },
						"other": func(endpoint string) string { return "other<" + endpoint },
					})
					if err != nil {
						var failure *templates.Error
						require.ErrorAs(t, err, &failure)
						// pongo2 may put places before the reason, and a bracket moves their columns.
						text := failure.Err.Error()
						return "", text[strings.LastIndex(text, "] ")+1:]
					}
					w := httptest.NewRecorder()
					resp.ServeHTTP(w, req)
					return w.Body.String(), ""
				}
				link, refused := render(call)
				called, refusedCall := render("(" + call + ")")
				require.Equal(t, called, link)
				require.Equal(t, strings.TrimSpace(refusedCall), strings.TrimSpace(refused))
			})
		}
	}
}
