package debugger_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/debugger"
)

// Failures outlive their process: the next process with the same folder shows them, and continues
// the count.
func TestFailuresOfAnEarlierProcess(t *testing.T) {
	t.Setenv("ZEUG_DEBUG_PIN", "off")
	folder := filepath.Join(t.TempDir(), "failures")
	fails := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { panic("order " + r.URL.Query().Get("n") + "\x1b[2J") })
	process := func() *client {
		return dashboarded(fails, func(d *debugger.Debugger) { d.Dashboard.Folder = folder })
	}
	has := func(want int) {
		t.Helper()
		require.Eventually(t, func() bool {
			list, err := filepath.Glob(filepath.Join(folder, "f*"))
			require.NoError(t, err)
			return len(list) == want && !strings.Contains(strings.Join(list, " "), ".new") && process().shows() == want
		}, time.Minute, time.Millisecond)
	}
	first := process()
	first.get("/?n=7&password=x23y")
	has(1)

	next := process()
	overview := next.get(at).Body.String()
	require.Contains(t, overview, `href="/_debug/f1"`)
	require.Contains(t, overview, "panic: order 7")
	require.NotContains(t, overview, "x23y")
	page := next.get(at + "f1")
	require.Equal(t, http.StatusOK, page.Code)
	require.Contains(t, page.Body.String(), "archive_test.go")
	nonce := regexp.MustCompile(`script-src 'nonce-(\w+)'`).FindStringSubmatch(page.Header().Get("Content-Security-Policy"))[1]
	require.Equal(t, 2, strings.Count(page.Body.String(), `nonce="`+nonce+`"`), "its style and its script")
	require.Equal(t, 2, strings.Count(page.Body.String(), "nonce="))
	for accept, want := range map[string]string{"application/json": `"id": "f1"`, "*/*": "panic: order 7"} {
		r := local("GET", at+"f1")
		r.Header.Set("Accept", accept)
		body := next.do(r).Body.String()
		require.Contains(t, body, want)
		require.NotContains(t, body, "<html")
		require.NotContains(t, body, "\x1b")
	}
	for _, name := range []string{"f2", "f0", "f01", "../f1", "f1.new", "f"} {
		require.NotEqual(t, http.StatusOK, next.get(at+name).Code, name)
	}

	next.get("/?n=8")
	require.Contains(t, next.out.String(), "order 8")
	require.Contains(t, next.get(at+"f2").Body.String(), "order 8")
	has(2)
	require.Contains(t, first.get(at).Body.String(), `href="/_debug/f2"`, "the older process sees it too")

	// The last ten stay, and each id is used once, however many processes there
	// are.
	var asking sync.WaitGroup
	for n := range 24 {
		c := []*client{first, next}[n%2]
		asking.Go(func() { c.Handler.ServeHTTP(httptest.NewRecorder(), local("GET", fmt.Sprintf("/?n=%d", n))) })
	}
	asking.Wait()
	has(10)
	require.Contains(t, process().get(at).Body.String(), `href="/_debug/f26"`)
	require.Equal(t, http.StatusNotFound, process().get(at+"f16").Code)
	info, err := os.Stat(filepath.Join(folder, "f26"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	info, err = os.Stat(folder)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	// A file where a page should be does no harm.
	require.NoError(t, os.WriteFile(filepath.Join(folder, "f26"), []byte("{"), 0o600))
	require.Equal(t, 9, process().shows())
	require.Equal(t, http.StatusNotFound, process().get(at+"f26").Code)
}

// shows is how many failures the dashboard lists.
func (c *client) shows() int { return strings.Count(c.get(at).Body.String(), `<li><a href="/_debug/f`) }

// If the folder cannot be written to, the pages still work.
func TestAFolderThatIsNone(t *testing.T) {
	t.Setenv("ZEUG_DEBUG_PIN", "off")
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	c := dashboarded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("broken") }),
		func(d *debugger.Debugger) { d.Dashboard.Folder = file })
	require.Contains(t, c.get("/").Body.String(), "broken")
	require.Contains(t, c.get(at+"f1").Body.String(), "broken")
	require.Equal(t, 1, c.shows())
}

// A page that is too long for the folder is kept as text.
func TestALongPageIsKeptAsText(t *testing.T) {
	t.Setenv("ZEUG_DEBUG_PIN", "off")
	folder := t.TempDir()
	in := func(d *debugger.Debugger) { d.Dashboard.Folder = folder }
	c := dashboarded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { panic("broken") }), in)
	r := local("GET", "/")
	for n := range 200 {
		r.Header.Set(fmt.Sprintf("X-Long-%d", n), strings.Repeat("<&>", 2700))
	}
	c.do(r)
	require.Eventually(t, func() bool { return dashboarded(http.HandlerFunc(echo), in).shows() == 1 }, time.Minute, time.Millisecond)
	info, err := os.Stat(filepath.Join(folder, "f1"))
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(1<<20))
	kept := dashboarded(http.HandlerFunc(echo), in).get(at + "f1")
	require.Equal(t, "text/plain; charset=utf-8", kept.Header().Get("Content-Type"))
	require.Contains(t, kept.Body.String(), "panic: broken")
}
