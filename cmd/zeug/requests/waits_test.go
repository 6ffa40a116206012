package requests_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"runtime/trace"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/requests"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/webtest"
)

// traced returns the trace of a request that is served as serve does.
func traced(t *testing.T, exchange int, serve func()) []byte {
	t.Helper()
	recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	require.NoError(t, recorder.Start())
	defer recorder.Stop()
	func() {
		defer trace.StartRegion(t.Context(), supervise.TraceRegion(exchange)).End()
		serve()
	}()
	var b bytes.Buffer
	_, err := recorder.WriteTo(&b)
	require.NoError(t, err)
	return b.Bytes()
}

func waitForOthers() {
	var mu sync.Mutex
	mu.Lock()
	go func() {
		time.Sleep(10 * time.Millisecond)
		mu.Unlock()
	}()
	mu.Lock()
	for range 3 {
		time.Sleep(time.Millisecond)
	}
}

func TestTheProfileHasTheWaits(t *testing.T) {
	t.Setenv("ZEUG_EDITOR", "idea://open?file={file}&line={line}")
	l := &requests.List{}
	client := webtest.New(t, pages(l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	exchange := 0
	shown := func(data []byte) *webtest.Response {
		t.Helper()
		exchange++
		client.Get("/items/1").Expect(200)
		message, err := json.Marshal(supervise.Profile{Exchange: exchange, Trace: data})
		require.NoError(t, err)
		l.Receive(nil, supervise.Message{Type: supervise.TypeProfile, Data: message})
		return client.Get("/.zeug/requests/" + strconv.Itoa(exchange) + "/profile").Expect(200)
	}

	page := shown(traced(t, 1, waitForOthers))
	require.Regexp(t, `^Waits: [\d.]+ ms of [\d.]+ ms$`, page.HTML("#waits").Text())
	require.Regexp(t, `^It ran for [\d.]+ ms, was ready but had no processor for [\d.]+ ms, and was in system calls for [\d.]+ ms\.`, page.HTML("#waits + .note").Text())
	rows := page.HTML(".waits tbody tr").Map(func(_ int, row *goquery.Selection) string {
		return strings.Join(row.Find("td").Map(func(_ int, cell *goquery.Selection) string { return strings.Join(strings.Fields(cell.Text()), " ") }), " | ")
	})
	joined := strings.Join(rows, "\n")
	require.Regexp(t, `(?m)^[\d.]+ ms \| sync\.Mutex requests_test\.waitForOthers requests/waits_test\.go:\d+ sync\.\(\*Mutex\)\.Lock \| requests_test\.waitForOthers\.func1 requests/waits_test\.go:\d+ sync\.\(\*Mutex\)\.Unlock$`, joined)
	require.Regexp(t, `(?m)^[\d.]+ ms \| time\.Sleep requests_test\.waitForOthers\.func1 requests/waits_test\.go:\d+ in a goroutine of the request: requests_test\.waitForOthers\.func1 \| a timer$`, joined)
	require.Regexp(t, `(?m)^[\d.]+ ms 3 times \| time\.Sleep requests_test\.waitForOthers requests/waits_test\.go:\d+ \| a timer$`, joined)
	require.Regexp(t, `^idea://open\?file=/.*/cmd/zeug/requests/waits_test\.go&line=\d+$`, page.HTML(".waits a").AttrOr("href", ""))

	page = shown(traced(t, 2, func() {}))
	require.Contains(t, page.HTML("#waits + p").Text(), "The request did not wait.")
	require.Zero(t, page.HTML(".waits").Length())

	page = shown(traced(t, 3, waitForOthers)[:200])
	require.Contains(t, page.HTML("main .note").Text(), "the waits are not known, since the trace cannot be read: ")
	require.Zero(t, page.HTML("#waits").Length())

	// The strings of a trace are those of the program.
	name := []byte("waitForOthers.func1")
	hostile := []byte("<script>alert(1)\"'\u007f")
	require.Len(t, hostile, len(name))
	page = shown(bytes.ReplaceAll(traced(t, 4, waitForOthers), name, hostile))
	require.Contains(t, page.HTML(".waits").Text(), `<script>alert(1)"'\u{7f}`)
	require.Zero(t, page.HTML("script, [style]").Length())
}
