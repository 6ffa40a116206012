//go:build unix

package browsertest

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// mended is a program that fails until it is repaired.
const mended = `package main

import (
	"errors"
	"io"
	"net/http"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/serving"
)

func stock(req *zeug.Request) (*zeug.Response, error) { return nil, errors.New("the stock is negative") }

func order(req *zeug.Request) (*zeug.Response, error) { return nil, errors.New("the stock is negative") }

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "data: 1\\n\\n")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func main() {
	serving.Main("127.0.0.1:0", zeug.New(
		zeug.Get("/", func(*zeug.Request) (*zeug.Response, error) {
			return zeug.HTML("<!doctype html><form method=post action=/order><button>Order</button></form>"), nil
		}),
		zeug.Get("/stock", stock), zeug.Post("/order", order), zeug.Handle("/events", http.HandlerFunc(events)),
	))
}
`

// ownModule makes the folder of a module that uses Zeug, and returns a function that writes its
// program.
func ownModule(t *testing.T) (dir string, save func(program string)) {
	t.Helper()
	dir = t.TempDir()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		module := strings.Replace(string(text), "module github.com/zeugkit/zeug\n", "module example.org/app\n\nrequire github.com/zeugkit/zeug v0.0.0\n\nreplace github.com/zeugkit/zeug => "+root+"\n", 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(module), 0o600))
	}
	return dir, func(program string) {
		t.Helper()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600))
	}
}

// TestAFailureSaysWhetherItIsMended saves the program while its failures are on the screen.
func TestAFailureSaysWhetherItIsMended(t *testing.T) {
	script := axe(t)
	dir, save := ownModule(t)
	save(mended)
	url := runZeug(t, dir, ".", "GOWORK=off", "GOFLAGS=-mod=mod", "ZEUG_DEBUG_PIN=off")
	b := open(t) // after the program is built, since a tab has five minutes
	says := func(want string) {
		t.Helper()
		b.do(want, chromedp.Poll[chromedp.Void](`document.querySelector("#zeug-again")?.textContent === `+quoted(want)))
	}
	b.do("fail", chromedp.Navigate(url+"/stock"), chromedp.WaitVisible(css("#traceback")))
	save(mended + "\n// a remark\n")
	says("The same request still fails: the stock is negative.")
	b.accessible("still failing", script)
	save(strings.Replace(mended, "the stock is negative", "the stock is unknown", 1))
	says("The same request fails otherwise now: the stock is unknown.")
	save(strings.Replace(mended, "the stock", `the "stock`, 1))
	says("Not known yet: the new program does not run.")
	save(strings.Replace(mended, `return nil, errors.New("the stock is negative")`, `return zeug.Text("7"), nil`, 1))
	says("The same request does not fail any more: the answer is 200.")
	b.do("the answer", chromedp.Click(css("#zeug-again a")), chromedp.WaitVisible(css("#response")))

	b = open(t)
	b.do("a failure of another method", chromedp.Navigate(url+"/"), chromedp.Click(css("button")), chromedp.WaitVisible(css("#traceback")))
	count := func() int {
		resp, err := http.Get(url + "/.zeug/requests/rows?method=POST")
		require.NoError(t, err)
		defer resp.Body.Close()
		text := make([]byte, 1<<20)
		n, _ := resp.Body.Read(text)
		return strings.Count(string(text[:n]), "<tr")
	}
	before := count()
	save(strings.ReplaceAll(mended, `return nil, errors.New("the stock is negative")`, `return zeug.Text("7"), nil`) + "\nvar _ = errors.New\n")
	b.do("does not run again by itself", chromedp.WaitVisible(css("#zeug-ask button")))
	require.Equal(t, before, count())
	b.accessible("asking", script)
	b.do("but on a click", chromedp.Click(css("#zeug-ask button")))
	says("The same request does not fail any more: the answer is 200.")
	require.Equal(t, before+1, count())

	b.do("the list leads to the failure", chromedp.Navigate(url+"/.zeug/requests/?path=stock"), chromedp.WaitVisible(css("#rows a.failure")))
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	row := func(want string) {
		t.Helper()
		b.do(want, chromedp.Poll[chromedp.Void](`document.querySelector("#rows").textContent.replace(/\s+/g, " ").includes(`+quoted(want)+`)`))
	}
	b.do("a stream", chromedp.Navigate(url+"/.zeug/requests/?path=events"), chromedp.WaitVisible(css("#rows a")))
	row("/events event stream 200 open")
	leave()
	b.do("that has ended", chromedp.Poll[chromedp.Void](`/ 200 [\d.]+ m?s /.test(document.querySelector("#rows").textContent.replace(/\s+/g, " "))`))
	b.accessible("list with a stream", script)
	b.do("a failure's page", chromedp.Navigate(url+"/.zeug/requests/?path=stock"), chromedp.Click(css("#rows a.failure")), chromedp.WaitVisible(css("#traceback")))
}
