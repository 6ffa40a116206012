//go:build unix

package browsertest

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// waiting is a program whose requests wait for a lock, for goroutines, and for another server.
const waiting = `package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/serving"
)

type shop struct {
	mu      sync.Mutex
	stale   chan chan bool
	backend *httptest.Server
}

// refresh holds the lock while it works.
func (s *shop) refresh() {
	for began := range s.stale {
		s.mu.Lock()
		began <- true
		time.Sleep(60 * time.Millisecond)
		s.mu.Unlock()
	}
}

func (s *shop) price(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.backend.URL, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (s *shop) show(req *zeug.Request) (*zeug.Response, error) {
	began := make(chan bool)
	s.stale <- began
	<-began
	s.mu.Lock()
	s.mu.Unlock()
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() { _ = s.price(req.Context()) })
	}
	group.Wait()
	time.Sleep(20 * time.Millisecond)
	return zeug.Text("shown"), nil
}

func main() {
	s := &shop{stale: make(chan chan bool), backend: httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		time.Sleep(40 * time.Millisecond)
	}))}
	go s.refresh()
	serving.Main("127.0.0.1:0", zeug.New(
		zeug.Get("/", func(*zeug.Request) (*zeug.Response, error) { return zeug.Text("begin"), nil }),
		zeug.Get("/show", s.show),
	))
}
`

// TestTheWaitsOfARequestAreShown profiles a request of a program whose waits are known.
func TestTheWaitsOfARequestAreShown(t *testing.T) {
	script := axe(t)
	dir, save := ownModule(t)
	save(waiting)
	url := runZeug(t, dir, ".", "GOWORK=off", "GOFLAGS=-mod=mod", "ZEUG_DEBUG_PIN=off")
	b := open(t) // after the program is built, since a tab has five minutes
	ask := func() {
		t.Helper()
		resp, err := http.Get(url + "/show")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	// line is where the program has a piece of code.
	line := func(code string) string {
		t.Helper()
		before, _, found := strings.Cut(waiting, code)
		require.True(t, found, code)
		return `[^ ]+/main\.go:` + strconv.Itoa(strings.Count(before, "\n")+1)
	}
	ask()
	b.do("the next one is profiled", chromedp.Navigate(url+"/.zeug/requests/?path=/show"),
		// The program sends its report after its response.
		chromedp.Poll[chromedp.Void](`document.querySelector("#rows small") !== null`),
		chromedp.Click(css("#rows a")), chromedp.WaitVisible(css(`form[action$="/want"] button`)),
		chromedp.Click(css(`form[action$="/want"] button`)), chromedp.WaitVisible(css("header [role=status]")))
	ask()
	b.do("its profile", chromedp.Navigate(url+"/.zeug/requests/"), chromedp.WaitVisible(css(`#rows a[href$="/profile"]`)),
		chromedp.Click(css(`#rows a[href$="/profile"]`)), chromedp.WaitVisible(css("#waits")))
	rows := strings.Join(get(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll("#waits, .waits tbody tr")].map((e) =>
		[...e.querySelectorAll("td")].map((cell) => cell.textContent.replace(/\s+/g, " ").trim()).join(" | ") || e.textContent)`)), "\n")
	b.look(1100, 900, "light")
	if folder := os.Getenv("SCREENSHOTS"); folder != "" && os.Getenv("SCREENSHOTS_ALL") != "" {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "waits.png"), get(b, chromedp.FullScreenshot(100)), 0o644))
	}
	const ms = `(?m)^[\d.]+ m?s \| `
	require.Regexp(t, `^Waits: [\d.]+ m?s of [\d.]+ m?s\n`, rows)
	require.Regexp(t, ms+`sync\.Mutex main\.\(\*shop\)\.show `+line("s.mu.Lock()\n\ts.mu.Unlock()")+` sync\.\(\*Mutex\)\.Lock \| `+
		`main\.\(\*shop\)\.refresh `+line("s.mu.Unlock()\n\t}")+` sync\.\(\*Mutex\)\.Unlock$`, rows)
	require.Regexp(t, ms+`sync\.WaitGroup main\.\(\*shop\)\.show `+line("group.Wait()")+` sync\.\(\*WaitGroup\)\.Wait \| sync.* started at `+line("group.Go(")+`$`, rows)
	require.Regexp(t, ms+`select main\.\(\*shop\)\.price `+line("http.DefaultClient.Do")+` http\.\(\*persistConn\)\.roundTrip in a goroutine of the request: .* \| http\.\(\*persistConn\)\.readLoop `, rows)
	require.Regexp(t, ms+`time\.Sleep main\.\(\*shop\)\.show `+line("time.Sleep(20")+` \| a timer$`, rows)
	require.Regexp(t, `^vscode://file/.*/main\.go:\d+$`, get(b, chromedp.Evaluate[string](`document.querySelector(".waits a").href`)))
	b.accessible("waits", script)
	require.NotContains(t, strings.Join(b.complaints(), " "), "Content Security Policy")
}
