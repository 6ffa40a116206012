//go:build unix

package browsertest

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// axe is the script of axe-core, which checks a document by the rules of WCAG. npm
// installs it: the lock file has its version and hash.
func axe(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if os.IsNotExist(err) {
		t.Skip("axe-core is not installed: run npm ci in internal/browsertest")
	}
	require.NoError(t, err)
	return string(script)
}

// mistakes lists the violations that axe finds, each with its element. Targets
// of 24 pixels are a rule of WCAG 2.2 that axe checks only on request.
const mistakes = `axe.run({rules: {"target-size": {enabled: true}}, resultTypes: ["violations"]}).then(({violations}) =>
	violations.flatMap((rule) => rule.nodes.map((node) => rule.id + ": " + node.html.slice(0, 160) + ": " + node.failureSummary.replace(/\s+/g, " "))))`

// faint lists text and placeholders with less contrast than WCAG's level AA asks for (4.5:1, or 3:1
// for large text), and borders of fields and buttons below 3:1. Axe ignores borders, and text that
// it cannot decide on. Printers leave out backgrounds.
const faint = `(() => {
	const printed = matchMedia("print").matches;
	const colour = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return {r, g, b, a}; };
	const over = (top, below) => ({r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a), b: top.b * top.a + below.b * (1 - top.a), a: 1});
	const canvas = document.body.appendChild(document.createElement("i"));
	canvas.style.color = "Canvas";
	const white = colour("rgb(255, 255, 255)"), empty = colour(getComputedStyle(canvas).color);
	canvas.remove();
	const ground = (e) => {
		if (printed || !e) return printed ? white : empty;
		const own = colour(getComputedStyle(e).backgroundColor);
		return own.a === 1 ? own : over(own, ground(e.parentElement));
	};
	const opacity = (e) => e ? getComputedStyle(e).opacity * opacity(e.parentElement) : 1;
	const light = (c) => [c.r, c.g, c.b].map((x) => x / 255).map((x) => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4).reduce((sum, x, i) => sum + x * [.2126, .7152, .0722][i], 0);
	const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
	const found = new Set();
	const check = (e, what, front, back, least) => {
		front.a *= opacity(e);
		const c = contrast(over(front, back), back);
		if (c < least) found.add(what + " " + c.toFixed(2) + ":1: " + e.outerHTML.slice(0, 120));
	};
	for (const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); walk.nextNode();) {
		const e = walk.currentNode.parentElement;
		if (!walk.currentNode.data.trim() || e.matches("script, style, noscript") || !e.checkVisibility()) continue;
		const style = getComputedStyle(e), size = parseFloat(style.fontSize);
		const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
		check(e, "text", colour(style.color), ground(e), large ? 3 : 4.5);
	}
	for (const e of document.querySelectorAll("input:not([type=hidden]), button, .button")) {
		if (!e.checkVisibility() || printed) continue;
		const style = getComputedStyle(e), filled = contrast(ground(e), ground(e.parentElement)) >= 3;
		if (e.placeholder) check(e, "placeholder", colour(getComputedStyle(e, "::placeholder").color), ground(e), 4.5);
		if (!filled && parseFloat(style.borderTopWidth) > 0) check(e, "border", colour(style.borderTopColor), ground(e.parentElement), 3);
	}
	return [...found];
})()`

// accessible checks the page as a phone shows it, in both colour schemes, and as it is printed.
func (b *tab) accessible(name, axe string) {
	b.t.Helper()
	b.do("have axe", chromedp.Evaluate[chromedp.Void](axe+";0"))
	for _, media := range []string{"screen", "print"} {
		for _, scheme := range []string{"light", "dark"} {
			if media == "print" && scheme == "dark" {
				continue // browsers print in the light scheme
			}
			b.do("look", chromedp.EmulateViewport(390, 844), call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Media: media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			}))
			found := get(b, chromedp.Evaluate[[]string](faint))
			if media == "screen" {
				b.fits(name)
				// Axe assumes that a page without a background is white, even in the dark scheme.
				b.do("say the ground", chromedp.Evaluate[chromedp.Void](`document.documentElement.style.backgroundColor = "Canvas"`))
				found = append(found, get(b, chromedp.Evaluate[[]string](mistakes, chromedp.EvalAwaitPromise))...)
				b.do("leave the ground", chromedp.Evaluate[chromedp.Void](`document.documentElement.style.backgroundColor = ""`))
			}
			if len(found) > 0 {
				b.t.Errorf("%s, %s, %s: %d mistakes:\n%s", name, media, scheme, len(found), strings.Join(found, "\n"))
			}
			if folder := os.Getenv("SCREENSHOTS"); folder != "" && os.Getenv("SCREENSHOTS_ALL") != "" {
				file := strings.ReplaceAll(strings.Join([]string{"axe", name, media, scheme}, "-"), " ", "-") + ".png"
				require.NoError(b.t, os.WriteFile(filepath.Join(folder, file), get(b, chromedp.FullScreenshot(100)), 0o644))
			}
		}
	}
	b.do("as it was", call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
}

// unfold opens every fold of the page, so that its content is checked too. Of the frames that look
// alike it opens only the first, because each open frame has to read its variables.
const unfold = `document.querySelectorAll("details:not(.frame)").forEach((fold) => fold.open = true);
	document.querySelectorAll(".frame").forEach((frame, i, all) => frame.open = i === [...all].findIndex((other) => other.className === frame.className))`

// filled returns true when every open frame that can have variables shows them.
const filled = `[...document.querySelectorAll(".frame[open] > .live")].every((box) => !box.hidden)`

func TestPagesOfTheDebuggerAreAccessible(t *testing.T) {
	script := axe(t)
	broken := supervised(t, "examples/broken", "ZEUG_DEBUG_PIN=123-456-789")
	b := open(t)
	b.do("the page asks for the PIN", chromedp.Navigate(broken+"/checkout/7"), chromedp.WaitVisible(css("#pin input")))
	b.do("a wrong one is refused", chromedp.SendKeys(css("#pin input"), "000-000-000"+kb.Enter), chromedp.WaitVisible(css("#pin output:not(:empty)")))
	b.accessible("panic", script)
	b.do("let in", chromedp.SetValue(css("#pin input"), "123456789"), chromedp.Click(css("#pin button")), chromedp.WaitVisible(css(`.frame[data-frame="0"] .console input`)))
	for _, expression := range []string{"len(items)", "items[9]"} {
		b.do(expression, chromedp.SendKeys(css(`.frame[data-frame="0"] .console input`), expression+kb.Enter))
	}
	b.do("variables open",
		chromedp.Poll[chromedp.Void](`document.querySelector('.frame[data-frame="0"] .console .wrong') !== null`),
		chromedp.Evaluate[chromedp.Void](unfold), chromedp.Poll[chromedp.Void](filled),
		chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("[data-frame='0'] .live > .vars button").forEach((open) => open.click())`),
	)
	b.accessible("variables", script)
	for _, path := range []string{"template", "twice", "value", "typed", "error", "made", "background"} {
		b.do(path, chromedp.Navigate(broken+"/"+path), chromedp.WaitVisible(css("#traceback")),
			chromedp.Evaluate[chromedp.Void](unfold), chromedp.Poll[chromedp.Void](filled))
		b.accessible(path, script)
	}
	b.do("the program", chromedp.Navigate(broken+"/.zeug/debugger/"), chromedp.WaitVisible(css("#goroutines")), chromedp.Evaluate[chromedp.Void](unfold))
	b.accessible("dashboard", script)
	b.do("the list of requests", chromedp.Navigate(broken+"/.zeug/requests/"), chromedp.WaitVisible(css("#rows a")))
	b.accessible("requests", script)
	b.do("a request", chromedp.Click(css("#rows a")), chromedp.WaitVisible(css(".tools form button")))
	b.accessible("request", script)
	b.do("is run again", chromedp.Click(css(".tools form button")), chromedp.WaitVisible(css("#changes")))
	b.accessible("request that ran again", script)
	b.do("who is not known gives the PIN", call(network.ClearBrowserCookies, cdp.Empty{}), chromedp.Navigate(broken+"/.zeug/debugger/"), chromedp.WaitVisible(css("#pin")))
	b.accessible("pin", script)
	b.do("the default page of an error", chromedp.Navigate(broken+"/nothing"), chromedp.WaitVisible(css("h1")))
	b.accessible("not found", script)
}

func TestPagesOfABrokenProgramAreAccessible(t *testing.T) {
	script := axe(t)
	url, save := follow(t)
	b := open(t)
	b.do("open the page", chromedp.Navigate(url))
	for _, edit := range []struct{ name, from, to, selector string }{
		{"build", "one", `three" + 3 + "`, "mark"},
		{"end", "func main() {", "func init() { println(\"the database is away\"); os.Exit(1) }\n\nfunc main() {", "footer"},
		// This comes last, since the page of a crash stays on the screen.
		{"start", "func main() {", "func init() { panic(\"no \\x1b[31mdatabase\") }\n\nfunc main() {", "#traceback, h1"},
	} {
		source := strings.Replace(reloaded, edit.from, edit.to, 1)
		if edit.name == "end" {
			source = strings.Replace(source, `"net/http"`, "\"net/http\"\n\t\"os\"", 1)
		}
		before := get(b, chromedp.Evaluate[string](`document.title`))
		save("main.go", source)
		require.Eventually(t, func() bool {
			// While the page is loading, the script cannot be run.
			shown, _ := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.title !== `+quoted(before)+` && document.querySelector(`+quoted(edit.selector)+`) !== null`))
			return shown
		}, time.Minute, 50*time.Millisecond, edit.name)
		b.accessible(edit.name, script)
	}
}

func TestPagesOfShortlyAreAccessible(t *testing.T) {
	script := axe(t)
	b := open(t)
	shortly := start(t, "examples/shortly")
	away := start(t, "examples/shortly", "-redis", "redis://127.0.0.1:1")
	b.do("the form", chromedp.Navigate(shortly), chromedp.WaitVisible(css("#url")))
	b.accessible("new", script)
	b.do("with an error", chromedp.SendKeys(css("#url"), "example.org"+kb.Enter), chromedp.WaitVisible(css("#error")))
	b.accessible("error", script)
	b.do("a long link",
		chromedp.Navigate(shortly),
		chromedp.SendKeys(css("#url"), "https://example.org/"+strings.Repeat("long/", 300)+kb.Enter),
		chromedp.WaitVisible(css("#short")))
	b.accessible("details", script)
	b.do("an id that is not valid", chromedp.Navigate(shortly+"/nothing"), chromedp.WaitVisible(css("h1")))
	b.accessible("missing", script)
	b.do("the database is away", chromedp.Navigate(away+"/1"), chromedp.WaitVisible(css("h1")))
	b.accessible("unavailable", script)
}

// profiled is a program whose requests are profiled.
const profiled = `package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/zeugkit/zeug/middleware/profiler"
)

func main() {
	busy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for end := time.Now().Add(200 * time.Millisecond); r.URL.Path == "/busy" && time.Now().Before(end); {
		}
	})
	server := httptest.NewServer(profiler.Profiler{Dir: os.Args[1], Path: "/_profiler/"}.Wrap(busy))
	fmt.Println(server.URL)
	select {}
}
`

func TestPagesOfTheProfilerAreAccessible(t *testing.T) {
	script := axe(t)
	b := open(t)
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(source, []byte(profiled), 0o644))
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "program"), source)
	build.Dir = "../../middleware/profiler" // its go.mod lists its dependencies
	build.Env = append(os.Environ(), "GOWORK=")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	program := exec.Command(filepath.Join(dir, "program"), filepath.Join(dir, "profiles"))
	stdout, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	t.Cleanup(func() {
		program.Process.Kill()
		program.Wait()
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	url = strings.TrimSpace(url)
	b.do("the empty list", chromedp.Navigate(url+"/_profiler/"), chromedp.WaitVisible(css("h1")))
	b.accessible("no profiles", script)
	for _, path := range []string{"/busy", "/idle"} {
		resp, err := http.Get(url + path)
		require.NoError(t, err)
		resp.Body.Close()
	}
	b.do("the list", chromedp.Navigate(url+"/_profiler/"), chromedp.WaitVisible(css("table")))
	b.accessible("profiles", script)
	b.do("an error", chromedp.Navigate(url+"/_profiler/none"), chromedp.WaitVisible(css("h1")))
	b.accessible("profile not found", script)
}
