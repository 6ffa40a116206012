//go:build unix

package browsertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

const reloaded = `package main

import (
	"net/http"

	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/wrappers"
)

func app(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/style.css" {
		http.ServeFile(w, r, "static/style.css")
		return
	}
	resp := wrappers.HTML("<!doctype html><link rel=stylesheet href=/style.css><h1>one</h1>")
	resp.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'")
	resp.ServeHTTP(w, r)
}

func main() {
	serving.Main("127.0.0.1:0", http.HandlerFunc(app), serving.Options{Reload: true})
}
`

// A page follows its program: after an edit, over an error and its mending, and
// when only its style has changed.
func TestPagesReload(t *testing.T) {
	b := open(t)
	dir := t.TempDir()
	save := func(name, text string) {
		t.Helper()
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		save(name, strings.Replace(string(text), "module github.com/zeugkit/zeug\n", "module example.org/app\n\nrequire github.com/zeugkit/zeug v0.0.0\n\nreplace github.com/zeugkit/zeug => "+root+"\n", 1))
	}
	save("static/style.css", "h1 { color: rgb(1, 2, 3) }")
	save("main.go", reloaded)
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	cmd := exec.Command("go", "run", ".")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	defer func() {
		// As a terminal does it: to every process in the foreground.
		syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		cmd.Wait()
	}()
	url := ""
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(log.Name())
		if m := regexp.MustCompile(`http://127[^"]+`).Find(text); m != nil {
			url = string(m)
		}
		return url != ""
	}, 2*time.Minute, 50*time.Millisecond)

	heading := func(want string) {
		t.Helper()
		last := ""
		require.Eventually(t, func() bool {
			// While the page is loaded there is none to ask.
			last, _ = chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("h1")?.textContent ?? ""`))
			return last == want
		}, time.Minute, 50*time.Millisecond, "the heading is not %q", want)
	}
	b.do("open the page", chromedp.Navigate(url))
	heading("one")
	save("main.go", strings.Replace(reloaded, "one", "two", 1))
	heading("two")
	save("main.go", strings.Replace(reloaded, "one", `three" + 3 + "`, 1))
	heading("the program does not build")
	save("main.go", strings.Replace(reloaded, "one", "four", 1))
	heading("four")

	get(b, chromedp.Evaluate[string](`document.querySelector("h1").dataset.kept = "yes"`))
	save("static/style.css", "h1 { color: rgb(4, 5, 6) }")
	style := ""
	require.Eventually(t, func() bool {
		style, _ = chromedp.Run(b.ctx, chromedp.Evaluate[string](`getComputedStyle(document.querySelector("h1")).color + document.querySelector("h1").dataset.kept`))
		return style == "rgb(4, 5, 6)yes"
	}, time.Minute, 50*time.Millisecond, "the style is %q, or the page was loaded anew", style)
}
