package debugger_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	// Edited while the program runs.
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

func brokenHelper(list []string) string { return list[len(list)] }

// An error that answers for itself is answered by who stands outside of the
// debugger, if somebody does.
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
