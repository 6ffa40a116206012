//go:build unix

package browsertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

const vetted = `package main

import (
	"os"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/templates"
)

func main() {
	serving.MainWith("127.0.0.1:0", zeug.New(
		zeug.Templates(templates.MustNew(os.DirFS("."), templates.Options{Dir: "templates", Reload: true})),
		zeug.Get("/", index),
	), serving.Options{Assets: []string{"templates"}})
}

func index(req *zeug.Request) (*zeug.Response, error) {
	resp, err := req.Render("index.html", map[string]any{"name": "Ada"})
	if err == nil {
		resp.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'")
	}
	return resp, err
}
`

const vettedPage = `<!doctype html>
<html lang=en>
<title>Vetted</title>
<meta name=viewport content="width=device-width, initial-scale=1">
<main><h1>Hello, {{ name }}!</h1><p><a href="{{ url_for("index") }}">Home</a></main>
`

// vetting runs a program with "zeug run" in a folder of its own. It returns its
// URL, and a function that writes a file of the program.
func vetting(t *testing.T) (url string, save func(name, text string)) {
	t.Helper()
	dir, zeug := t.TempDir(), filepath.Join(t.TempDir(), "zeug")
	build := exec.Command("go", "build", "-o", zeug, ".")
	build.Dir, build.Env = "../../cmd/zeug", append(os.Environ(), "GOWORK=")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	save = func(name, text string) {
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
	save("templates/index.html", vettedPage)
	save("main.go", vetted)
	addr := freeAddr(t)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	command := exec.Command(zeug, "run", "--addr", addr)
	command.Dir, command.Stdout, command.Stderr = dir, log, log
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		command.Process.Signal(os.Interrupt)
		command.Wait()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("%s", text)
		}
		log.Close()
	})
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(log.Name())
		return err == nil && strings.Contains(string(text), "http://"+addr)
	}, 5*time.Minute, 50*time.Millisecond)
	return "http://" + addr, save
}

func TestPagesShowWhatZeugVetFinds(t *testing.T) {
	script := axe(t)
	url, save := vetting(t)
	b := open(t)
	holds := func(what, condition string) {
		t.Helper()
		require.Eventually(t, func() bool {
			// While the page is loading, there is nothing to ask.
			held, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](condition))
			return err == nil && held
		}, time.Minute, 50*time.Millisecond, what)
	}
	shows := func(what, text string) {
		t.Helper()
		holds(what, `document.querySelector("zeug-vet")?.shadowRoot.querySelector("summary").textContent === `+quoted(text))
	}
	click := func(selector string) chromedp.Action[chromedp.Void] {
		return chromedp.Evaluate[chromedp.Void](`document.querySelector("zeug-vet").shadowRoot.querySelector("` + selector + `").click()`)
	}
	const isGone = `document.title === "Vetted" && !document.querySelector("zeug-vet")`
	b.do("open the page", chromedp.Navigate(url))
	holds("a page without mistakes", isGone)
	save("templates/index.html", strings.Replace(vettedPage, `"index"`, `"idnex"`, 1)) // which fails
	holds("the page of the failure", `document.title !== "Vetted"`)
	shows("the strip on it", `zeug vet: 1 mistake · templates/index.html:5:57 no URL for endpoint "idnex": did you mean "index"?`)

	mistaken := vettedPage + `{% if not name %}{{ url_for("idnex") }} {{ url_for("hello") }}{% endif %}` // which works
	save("templates/index.html", mistaken)
	b.do("the failure stays", chromedp.WaitVisible(css("#zeug-changed")), chromedp.Navigate(url))
	const first = `zeug vet: 2 mistakes · templates/index.html:6:29 no URL for endpoint "idnex": did you mean "index"?`
	shows("the strip", first)
	for _, scheme := range []string{"light", "dark"} {
		b.look(390, 844, scheme)
		for _, state := range []string{"closed", "open"} {
			if state == "open" {
				b.do("open the strip", click("summary"))
				require.Equal(t, 2, get(b, chromedp.Evaluate[int](`document.querySelector("zeug-vet").shadowRoot.querySelectorAll("li").length`)))
			}
			if folder := os.Getenv("SCREENSHOTS"); folder != "" {
				require.NoError(t, os.WriteFile(filepath.Join(folder, "vet-"+scheme+"-"+state+".png"), get(b, chromedp.FullScreenshot(100)), 0o644))
			}
		}
		b.accessible("vet", script)
		b.do("fold the strip", click("summary"))
	}

	b.do("hide it", click("button"))
	holds("it is hidden", isGone)
	save("templates/index.html", strings.Replace(mistaken, "Home", "Home page", 1))
	holds("it stays hidden", `document.querySelector("a")?.textContent === "Home page"`)
	save("templates/index.html", strings.Replace(mistaken, "idnex", "inedx", 1))
	shows("other mistakes are shown", strings.Replace(first, "idnex", "inedx", 1))
	save("templates/index.html", vettedPage)
	holds("it goes when they are mended", isGone+` && document.querySelector("h1").textContent === "Hello, Ada!"`)
	for _, complaint := range b.complaints() {
		require.NotContains(t, complaint, "style", "the page's policy lets the strip have its styles")
	}
}
