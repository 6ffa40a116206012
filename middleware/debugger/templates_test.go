package debugger_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/templates"
)

// The errors of real templates show their lines before the frames of Go.
func TestErrorsOfTemplates(t *testing.T) {
	files := fstest.MapFS{
		"run.html":   {Data: []byte("<h1>\n\n  {{ fails() }}\n</h1>\n")},
		"panic.html": {Data: []byte("{{ panics() }}\n")},
		"outer.html": {Data: []byte("{% include \"part.html\" %}\n")},
		"part.html":  {Data: []byte("one\ntwo\n{{ fails() }}\n")},
	}
	environment, err := templates.New(files, templates.Options{Reload: true, Globals: templates.Context{
		"fails":  func() (string, error) { return "", fmt.Errorf("no connection") },
		"panics": func() string { return brokenHelper(nil) },
	}})
	require.NoError(t, err)
	// The template was edited while the program runs.
	files["parse.html"] = &fstest.MapFile{Data: []byte("<h1>\n{{ x|nope }}\n</h1>\n")}
	files["missing.html"] = &fstest.MapFile{Data: []byte("one\n{% extends \"gone.html\" %}\n")}
	for name, c := range map[string]struct {
		place   string
		line    int
		text    string
		message string
	}{
		"parse.html":   {"parse.html", 2, "{{ x|nope }}", "nope"},
		"run.html":     {"run.html", 3, "  {{ fails() }}", "no connection"},
		"panic.html":   {"panic.html", 1, "{{ panics() }}", "index out of range"},
		"outer.html":   {"part.html", 3, "{{ fails() }}", "no connection"},
		"missing.html": {"missing.html", 2, `{% extends "gone.html" %}`, "gone.html"},
	} {
		t.Run(name, func(t *testing.T) {
			rep := report(t, answers(func() error {
				_, err := environment.Render(nil, name, nil)
				return fmt.Errorf("view: %w", err)
			}()), local("GET", "/"))
			require.Contains(t, rep.Message, c.message)
			require.True(t, rep.Frames[0].Template)
			require.Equal(t, c.place, rep.Frames[0].File)
			if c.line > 0 && name != "panic.html" { // a panic does not know the line
				require.Equal(t, c.line, rep.Frames[0].Line)
				current := debugger.SourceLine{}
				for _, line := range rep.Frames[0].Source {
					if line.Current {
						current = line
					}
				}
				require.Equal(t, c.text, current.Text)
			}
			if name == "panic.html" {
				require.Contains(t, rep.Frames[1].Function, "brokenHelper", "where the panic began")
			}
		})
	}
}

// A template's error shows the variables of the template, and the view that rendered it.
func TestTheVariablesOfATemplate(t *testing.T) {
	environment, err := templates.New(fstest.MapFS{
		"page.html": {Data: []byte("{% macro m() %}{{ fails() }}{% endmacro %}\n{{ order.ID }} {{ m() }}\n")},
	}, templates.Options{Globals: templates.Context{"fails": func() (string, error) { return "", fmt.Errorf("no connection") }}})
	require.NoError(t, err)
	type order struct {
		ID       int
		Password string
	}
	context := templates.Context{"order": order{17, "x23y"}, "api_token": "q42r", "items": []string{"ink"}, "missing": nil}
	for n := range 70 {
		context[fmt.Sprintf("z%02d", n)] = n
	}
	view := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httperror.Respond(w, r, viewOfOrder(environment, context))
	})
	rep := report(t, view, local("GET", "/"))
	require.Equal(t, "page.html", rep.Frames[0].File)
	values := map[string]string{}
	for _, v := range rep.Frames[0].Values {
		values[v.Name] = v.String()
	}
	require.Contains(t, values["order"], "ID int 17")
	require.Contains(t, values["items"], `"ink"`)
	require.Contains(t, values, "missing")
	require.Contains(t, values["…"], "10 more")
	require.Len(t, rep.Frames[0].Values, 65)
	require.NotContains(t, values["order"], "x23y")
	require.NotContains(t, values["api_token"], "q42r")
	require.True(t, slices.ContainsFunc(rep.Frames, func(f debugger.Frame) bool { return f.Short() == "debugger_test.viewOfOrder" && !f.Library }), "%v", rep.Frames)

	w, _ := serve(t, view, local("GET", "/"))
	page := w.Body.String()
	require.Contains(t, page, "Variables of the template")
	require.Contains(t, page, "viewOfOrder")
	context["order"] = nil
	var failure *templates.Error
	require.ErrorAs(t, viewOfOrder(environment, context), &failure)
	failure.Variables()["order"] = "changed"
	require.Nil(t, failure.Variables()["order"])
}

func viewOfOrder(environment *templates.Environment, context templates.Context) error {
	_, err := environment.Render(nil, "page.html", context)
	return err
}

func brokenHelper(list []string) string { return list[len(list)] }

// If an error can answer the request, the responder outside the debugger answers with it, if there
// is one.
func TestAnOuterResponderIsAsked(t *testing.T) {
	own := httperror.Responder(func(w http.ResponseWriter, _ *http.Request, err error) {
		w.WriteHeader(httperror.CodeOf(err).StatusCode())
		fmt.Fprint(w, "our own page: ", err)
	})
	var out bytes.Buffer
	w := httptest.NewRecorder()
	own.Wrap(debugger.Debugger{Output: &out}.Wrap(answers(httperror.NotFound))).ServeHTTP(w, local("GET", "/"))
	require.Equal(t, http.StatusNotFound, w.Code)
	require.Equal(t, "our own page: 404 Not Found", w.Body.String())
	require.Empty(t, out.String())
}

// answers is a view that returns err.
func answers(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { httperror.Respond(w, r, err) })
}
