package staticfiles_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
)

// browserPage loads a style sheet by both of its names, aborts a download, and continues it until
// the browser has requested only the rest.
const browserPage = `<!doctype html>
<link rel=stylesheet href="%s">
<link rel=stylesheet href="%s">
<script>
async function run() {
	if (location.search == "?again") return "styled " + getComputedStyle(document.body).margin;
	for (let i = 0; i < 10; i++) {
		const large = "/s/large.bin?" + i; // what the browser has whole it does not resume
		const stop = new AbortController();
		const part = await fetch(large, {signal: stop.signal});
		const reader = part.body.getReader();
		for (let n = 0; n < 3e6;) n += (await reader.read()).value.length;
		stop.abort();
		const whole = await (await fetch(large)).arrayBuffer();
		const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
		const hex = Array.from(sum, b => b.toString(16).padStart(2, "0")).join("");
		if (await (await fetch("/resumed")).text() == "yes") return hex;
	}
	return "never resumed";
}
onload = () => run().catch(String).then(text => fetch("/done", {method: "POST", body: text}));
</script>
<body>`

func TestABrowserRevalidatesAndResumes(t *testing.T) {
	chromium := program(t, "chromium")
	content := digits(16 << 20)
	dir := write(t, map[string]string{"style.css": "body { margin: 7px }", "large.bin": string(content)})
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/s", Dir: dir}}})

	var mu sync.Mutex
	var seen []string
	resumed := false
	done := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/s/"):
			status := &statusOf{ResponseWriter: w}
			// If a download is aborted, net/http panics with its own kind of panic.
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, fmt.Sprintf("%s %d", r.URL.Path, status.code))
				resumed = resumed || status.code == 206 && r.Header.Get("If-Range") != ""
			}()
			s.Wrap(application).ServeHTTP(status, r)
		case r.URL.Path == "/resumed":
			mu.Lock()
			defer mu.Unlock()
			if resumed {
				io.WriteString(w, "yes")
			}
		case r.URL.Path == "/done":
			text, _ := io.ReadAll(r.Body)
			done <- string(text)
		case r.URL.Path == "/":
			w.Header().Set("Cache-Control", "no-store")
			fmt.Fprintf(w, browserPage, "/s/style.css", s.URL("style.css"))
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	profile, err := os.MkdirTemp("", "profile")
	require.NoError(t, err)
	// Its child processes run for a moment longer than the first one.
	defer func() {
		require.Eventually(t, func() bool { return os.RemoveAll(profile) == nil }, 10*time.Second, 50*time.Millisecond)
	}()
	visit := func(target string) string {
		cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync",
			"--user-data-dir="+profile, "--remote-debugging-port=0", target)
		require.NoError(t, cmd.Start())
		defer func() {
			cmd.Process.Kill()
			cmd.Wait()
		}()
		select {
		case text := <-done:
			return text
		case <-time.After(60 * time.Second):
			t.Fatal("the page never came to its end")
			return ""
		}
	}
	since := func() []string {
		mu.Lock()
		defer mu.Unlock()
		list := seen
		seen = nil
		return list
	}
	sum := sha256.Sum256(content)
	require.Equal(t, hex.EncodeToString(sum[:]), visit(server.URL+"/"))
	first := since()
	require.Contains(t, first, "/s/style.css 200")
	require.Contains(t, first, s.URL("style.css")+" 200")
	require.Contains(t, first, "/s/large.bin 206")

	require.Equal(t, "styled 7px", visit(server.URL+"/?again"))
	second := since()
	require.Contains(t, second, "/s/style.css 304", "the plain name is asked for again")
	require.NotContains(t, strings.Join(second, "\n"), s.URL("style.css"), "the fingerprinted one is not")
}

// statusOf records the status of a response.
type statusOf struct {
	http.ResponseWriter
	code int
}

func (s *statusOf) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (s *statusOf) Unwrap() http.ResponseWriter { return s.ResponseWriter }
