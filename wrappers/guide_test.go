package wrappers_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/guide"
	"github.com/zeugkit/zeug/wrappers"
)

func TestTheGuidesShowCodeThatRuns(t *testing.T) {
	// A view returns the error that an example prints.
	view := strings.NewReplacer("fmt.Println(err)\n}\nask(", "return nil, err\n}\nask(")
	for _, name := range []string{"request", "response"} {
		guide.Holds(t, "../docs/"+name+".md", view, "example_request_test.go", "example_response_test.go")
	}
}

// A difference is a row of the last table of docs/response.md.
type difference struct {
	Method   string
	Fields   [][2]string
	Ours     int
	Werkzeug int
}

func differences(t *testing.T) []difference {
	t.Helper()
	page, err := os.ReadFile("../docs/response.md")
	require.NoError(t, err)
	var list []difference
	for _, row := range regexp.MustCompile("(?m)^\\| `(GET|HEAD)`(.*?) \\| (\\d+) \\| (\\d+) \\|").FindAllStringSubmatch(string(page), -1) {
		ours, err := strconv.Atoi(row[3])
		require.NoError(t, err)
		theirs, err := strconv.Atoi(row[4])
		require.NoError(t, err)
		d := difference{Method: row[1], Ours: ours, Werkzeug: theirs}
		for _, field := range regexp.MustCompile("`([^`:]+): ?([^`]*)`").FindAllStringSubmatch(row[2], -1) {
			d.Fields = append(d.Fields, [2]string{field[1], field[2]})
		}
		list = append(list, d)
	}
	require.NotEmpty(t, list)
	return list
}

func TestDifferencesFromWerkzeug(t *testing.T) {
	list := differences(t)
	for _, d := range list {
		resp := wrappers.Text("0123456789").MakeConditional()
		require.NoError(t, resp.SetETag(datastructures.ETag{Value: "v1"}))
		resp.SetLastModified(time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC))
		r := httptest.NewRequest(d.Method, "/", nil)
		for _, field := range d.Fields {
			r.Header.Set(field[0], field[1])
		}
		w := httptest.NewRecorder()
		resp.ServeHTTP(w, r)
		require.Equal(t, d.Ours, w.Code, "%s %v", d.Method, d.Fields)
	}

	version, err := exec.Command("python3", "-c", "from importlib.metadata import version; print(version('werkzeug'))").Output()
	if err != nil || !strings.HasPrefix(string(version), "3.1.") {
		t.Skip("Werkzeug 3.1 is not installed")
	}
	input, err := json.Marshal(list)
	require.NoError(t, err)
	cmd := exec.Command("python3", "-c", werkzeugAnswers)
	cmd.Stdin = strings.NewReader(string(input))
	out, err := cmd.Output()
	require.NoError(t, err)
	var got []int
	require.NoError(t, json.Unmarshal(out, &got))
	for i, d := range list {
		require.Equal(t, d.Werkzeug, got[i], "%s %v", d.Method, d.Fields)
	}
}

const werkzeugAnswers = `
import json, sys
from datetime import datetime, timezone
from werkzeug.exceptions import HTTPException
from werkzeug.test import create_environ, run_wsgi_app
from werkzeug.wrappers import Response

codes = []
for case in json.load(sys.stdin):
    environ = create_environ("/", method=case["Method"], headers=dict(case["Fields"]))
    response = Response("0123456789")
    response.set_etag("v1")
    response.last_modified = datetime(1994, 11, 6, 8, 49, 37, tzinfo=timezone.utc)
    try:
        response.make_conditional(environ, accept_ranges=True, complete_length=10)
        codes.append(int(run_wsgi_app(response, environ)[1].split()[0]))
    except HTTPException as e:
        codes.append(e.code)
print(json.dumps(codes))
`
