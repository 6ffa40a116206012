//go:build unix

package browsertest

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// copiedValues makes values that are hard to copy. The program that fails and the program that checks
// what was copied are both built with it.
const copiedValues = `package main

import (
	"math"
	"net/url"
	"time"
)

type item struct {
	Name  string
	Price uint64
	tags  []string
	Next  *item
}

type shade uint8

func text() string {
	return "</script><img src=x onerror=alert(1)>\x00\x1b[31m\r\n\t*/ // \"quoted\" ` + "`" + `back` + "`" + ` ${x} \u2028\u202e é 日本"
}

func raw() string { return "\xff\xfe not UTF-8" }

func large() uint64 { return math.MaxUint64 }

func small() int64 { return math.MinInt64 }

func zero() float64 { return math.Copysign(0, -1) }

func tiny() float32 { return 0.1 }

func hue() shade { return 255 }

func octets() []byte { return []byte("a\x00\xff</script>") }

func keys() map[string]int {
	return map[string]int{"__proto__": 1, "constructor": 2, "</script>": 3, "10": 4, "9": 5, "": 6}
}

func items() []item {
	return []item{{Name: text(), Price: 1<<53 + 1, tags: []string{"*/", "x"}, Next: &item{Name: "inner"}}, {}}
}

func pointed() *item { return &item{Name: "*/", Price: math.MaxUint64} }

func at() time.Time { return time.Date(2026, 2, 28, 23, 59, 59, 5, time.UTC) }

func address() *url.URL {
	u, _ := url.Parse("https://ann:secret@example.org/a%2Fb?q=%3Cscript%3E#top")
	return u
}

func any1() any { return item{Name: "held"} }
`

// copiedMain fails with all of them in a frame.
const copiedMain = `package main

import (
	"fmt"
	"io"
	"net/http"

	"github.com/zeugkit/zeug/serving"
)

func main() {
	serving.Main("127.0.0.1:0", http.HandlerFunc(fail))
}

func fail(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/fail" {
		return
	}
	%s
	fmt.Fprintln(io.Discard, %s)
	panic("look at the variables")
}
`

// copiedCheck compares what was copied with the values, in Go and, for the types that encoding/json can read again,
// in JSON.
const copiedCheck = `package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"reflect"
	"time"
)

var (
	_, _   = url.Values{}, time.Second
	failed bool
)

func same(name string, want, got any) {
	number, ok := want.(float64)
	if !reflect.DeepEqual(want, got) || ok && math.Signbit(number) != math.Signbit(got.(float64)) {
		fmt.Printf("%%s is %%#v, copied %%#v\n", name, want, got)
		failed = true
	}
}

func read[T any](name string, want T, text string) {
	var got T
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	if err := decoder.Decode(&got); err != nil {
		fmt.Println(name, err)
		failed = true
	}
	same(name + " in JSON", want, got)
}

func main() {
%s
	if failed {
		os.Exit(1)
	}
}
`

// copiedNames are the variables, and whether JSON has the value as a whole: it has neither bytes that are not
// UTF-8, nor unexported fields that can be read again.
var copiedNames = map[string]bool{"text": true, "raw": false, "large": true, "small": true, "zero": true, "tiny": true, "hue": true, "octets": true, "keys": true, "items": false, "pointed": true, "at": true, "address": false, "any1": false}

// TestCopiedValuesAreTheValues clicks "Copy Go" and "Copy JSON" beside each variable, and builds a program from
// what is in the clipboard.
func TestCopiedValuesAreTheValues(t *testing.T) {
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		module := strings.Replace(string(text), "module github.com/zeugkit/zeug\n", "module example.org/app\n\nrequire github.com/zeugkit/zeug v0.0.0\n\nreplace github.com/zeugkit/zeug => "+root+"\n", 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(module), 0o600))
	}
	names := slices.Sorted(maps.Keys(copiedNames))
	var variables strings.Builder
	for _, name := range names {
		fmt.Fprintf(&variables, "%s := %[1]s()\n", name)
	}
	save := func(folder, name, text string) {
		t.Helper()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, folder), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, folder, name), []byte(text), 0o600))
	}
	save("app", "values.go", copiedValues)
	save("check", "values.go", copiedValues)
	save("app", "main.go", fmt.Sprintf(copiedMain, variables.String(), strings.Join(names, ", ")))
	address := runZeug(t, dir, "./app", "GOWORK=off", "GOFLAGS=-mod=mod", "ZEUG_DEBUG_PIN=off")

	b := open(t)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{
			Origin: address, Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
		})
		require.NoError(t, err)
	}
	b.look(1100, 1000, "light")
	b.do("the variables of the frame", chromedp.Navigate(address+"/fail"), chromedp.WaitVisible(css(`.frame[data-frame="0"] .vars .copies`)), chromedp.Click(css("h1")))
	copied := func(form, name string) string {
		t.Helper()
		b.do(form+" "+name,
			chromedp.Evaluate[chromedp.Void](`navigator.clipboard.writeText("nothing was copied")`, chromedp.EvalAwaitPromise),
			chromedp.Evaluate[chromedp.Void](`clicked = document.querySelector('.frame[data-frame="0"] button[aria-label="`+form+": "+name+`"]'), clicked.click()`),
			chromedp.Poll[chromedp.Void](`clicked.textContent === "Copied" || clicked.textContent === "Not copied"`))
		text := get(b, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
		return text
	}
	var checks strings.Builder
	for _, name := range names {
		fmt.Fprintf(&checks, "same(%q, any(%s()), any(%s))\n", name, name, copied("Copy Go", name))
	}
	for _, name := range names {
		text := copied("Copy JSON", name)
		require.True(t, json.Valid([]byte(text)), "%s: %s", name, text)
		if copiedNames[name] {
			fmt.Fprintf(&checks, "read(%q, %s(), %s)\n", name, name, strconv.Quote(text))
		}
	}
	save("check", "main.go", fmt.Sprintf(copiedCheck, checks.String()))
	command := exec.Command("go", "run", "./check")
	command.Dir = dir
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
