package debugger_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/debugger"
)

func TestAPostMortem(t *testing.T) {
	_, file, line, _ := runtime.Caller(0)
	hidden := strings.Repeat("x2", 4) // the page shows these lines
	r := httptest.NewRequest("POST", "https://shop.example/order?token="+hidden+"&at=9", nil)
	r.Header.Set("Authorization", "Bearer "+hidden)
	r.Header.Set("Accept", "text/<b>")
	rep := debugger.PostMortem{
		Time: time.Date(2026, 11, 30, 14, 5, 1, 0, time.UTC), Message: "password=" + hidden + " is <wrong>", Type: "main.mistake", Goroutine: 34,
		Stack: "goroutine 34 [running]:\nruntime/debug.Stack()\n\t/go/src/runtime/debug/stack.go:26 +0x5e\n" +
			"github.com/zeugkit/zeug/middleware.(*Recover).serve.func1()\n\t/zeug/middleware/recover.go:80 +0x5e\n" +
			"panic({0x1, 0x2})\n\t/go/src/runtime/panic.go:860 +0x13a\nmain.order(...)\n\t" + file + ":" + strconv.Itoa(line) + "\n" +
			"net/http.HandlerFunc.ServeHTTP(...)\n\t/go/src/net/http/server.go:2322\n",
		Request: r, Rule: "/order", Process: []debugger.Field{{Name: "written", Value: "by process 7"}},
		Program: os.Args[0], Dir: filepath.Dir(file),
	}.Report()
	require.Equal(t, "main.order", rep.Frames[0].Function)
	require.False(t, rep.Frames[0].Library)
	require.NotEmpty(t, rep.Frames[0].Source)
	require.True(t, rep.Frames[1].Library)

	w := httptest.NewRecorder()
	asked := httptest.NewRequest("GET", "/", nil)
	asked.Header.Set("Accept", "text/html")
	debugger.Debugger{}.Page(rep, debugger.Live{}, http.StatusOK).ServeHTTP(w, asked)
	page := w.Body.String()
	for _, want := range []string{"is &lt;wrong&gt;", "main.mistake", "on 2026-11-30 at 14:05:01 UTC", "https://shop.example/order?token=", "at=9", "text/&lt;b&gt;", "by process 7", "matched /order", "r.PostForm"} {
		require.Contains(t, page, want)
	}
	for _, unwanted := range []string{hidden, "Run again", "development only"} {
		require.NotContains(t, page, unwanted)
	}
	require.NotContains(t, rep.Text(), hidden)
}
