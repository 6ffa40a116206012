package browsertest

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// supervised builds the command zeug, runs an example with it, and returns the
// example's address.
func supervised(t *testing.T, folder string, env ...string) string {
	t.Helper()
	return runZeug(t, "../..", "./"+folder, env...)
}

// runZeug builds zeug, runs a package with it, and returns the address once the package is served.
func runZeug(t *testing.T, dir, pkg string, env ...string) string {
	t.Helper()
	zeug := filepath.Join(t.TempDir(), "zeug")
	build := exec.Command("go", "build", "-o", zeug, ".")
	build.Dir = "../../cmd/zeug"
	build.Env = append(os.Environ(), "GOWORK=")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	addr := freeAddr(t)
	command := exec.Command(zeug, "run", "--addr", addr, pkg)
	command.Dir = dir
	command.Env = append(append(os.Environ(), "GOWORK=off"), env...)
	stderr, err := command.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			t.Log("zeug: " + lines.Text())
		}
	}()
	t.Cleanup(func() {
		command.Process.Signal(os.Interrupt)
		command.Wait()
	})
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + addr)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}, 5*time.Minute, 20*time.Millisecond)
	return "http://" + addr
}

func TestDebugger(t *testing.T) {
	b := open(t)
	broken := supervised(t, "examples/broken", "ZEUG_DEBUG_PIN=123-456-789")

	b.look(1100, 1000, "light")
	b.do("the page of a panic asks for the PIN",
		chromedp.Navigate(broken+"/checkout/7?token=hidden"),
		chromedp.WaitVisible(css("#pin input")),
	)
	require.Equal(t, "runtime error: index out of range [3] with length 3", get(b, chromedp.Text(css("h1"))))
	require.NotContains(t, get(b, chromedp.Text(css("body"))), "hidden")
	require.Contains(t, get(b, chromedp.Text(css(".rule"))), "/checkout/<int:cart>")
	b.do("a wrong PIN is refused",
		chromedp.SendKeys(css("#pin input"), "000-000-000"+kb.Enter),
		chromedp.Poll[chromedp.Void](`document.querySelector("#pin output").textContent === "that is not the PIN"`),
	)
	b.do("the right one shows the variables",
		chromedp.SetValue(css("#pin input"), "123456789"),
		chromedp.Click(css("#pin button")),
		chromedp.WaitVisible(css(`.frame[data-frame="0"] .vars`)),
		chromedp.WaitVisible(css(`.frame[data-frame="1"] .console input`)),
	)
	require.Contains(t, get(b, chromedp.Text(css(`.frame[data-frame="0"] .vars`))), "sum int 18")
	require.True(t, get(b, chromedp.Evaluate[bool](`document.activeElement === document.querySelector(".frame > summary")`)), "the PIN leads to the first frame")

	for expression, want := range map[string]string{
		"len(items)":              "3",
		"items[2].Price*3":        "33",
		`buyer.Name + "!"`:        `"Ann!"`,
		`buyer.Tags["none"]`:      "the map has no such key",
		"buyer.Boss.Boss.Name":    `"Ann"`,
		"total(items, 1)":         "7",
		"append(items, shelf[0])": "functions cannot be called here",
	} {
		b.do(expression,
			chromedp.SendKeys(css(`.frame[data-frame="1"] .console input`), expression+kb.Enter),
			chromedp.Poll[chromedp.Void](`(document.querySelector('.frame[data-frame="1"] .console li:last-child') || {textContent: ""}).textContent.includes(`+quoted(want)+`)`),
		)
	}
	b.do("a variable opens",
		chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll('.frame[data-frame="1"] > .live > .vars button')].find(b => b.ariaLabel === "Open buyer").click()`),
		chromedp.Poll[chromedp.Void](`document.querySelector('.frame[data-frame="1"]').textContent.includes("Boss *main.user")`),
	)
	b.evaluator(`.frame[data-frame="1"]`)
	b.longList(`.frame[data-frame="1"]`)
	b.fits("the debugger on a screen")
	if folder := os.Getenv("SCREENSHOTS"); folder != "" {
		b.look(1100, 640, "light")
		b.do("the picture of the README",
			chromedp.SendKeys(css(`.frame[data-frame="0"] .console input`), "items[last-1].Price * 3"+kb.Enter),
			chromedp.Poll[chromedp.Void](`(document.querySelector('.frame[data-frame="0"] .console li:last-child') || {textContent: ""}).textContent.includes("33")`),
			chromedp.Evaluate[chromedp.Void](`document.querySelector('.frame').scrollIntoView()`),
		)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "debugger.png"), get(b, chromedp.CaptureScreenshot()), 0o644))
	}
	light := get(b, chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`))
	b.look(390, 844, "dark")
	b.fits("the debugger on a phone")
	require.NotEqual(t, light, get(b, chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`)), "it is dark")
	b.do("a frame folds", chromedp.Click(css(`.frame[data-frame="0"] > summary`)), b.seen(`.frame[data-frame="0"] .source`, false))
	b.do("the calls of libraries unfold", chromedp.Click(css(`.libraries > summary`)), b.seen(`.libraries > .frame.library`, true))
	b.do("by the keyboard as well", chromedp.Focus(css(`.libraries > .frame.library > summary`)), chromedp.KeyEvent(kb.Enter), b.seen(`.libraries > .frame.library .source`, true))
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{
			Origin: broken, Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
		})
		require.NoError(t, err)
	}
	b.do("it is copied as text", chromedp.Click(css("#copy")), chromedp.Poll[chromedp.Void](`document.querySelector("#said").textContent === "Copied."`))
	copied := get(b, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
	require.Contains(t, copied, "panic: runtime error: index out of range [3] with length 3")
	require.Contains(t, copied, "main.total\n")

	b.do("a form is sent again as it was",
		chromedp.Navigate(broken),
		chromedp.SetValue(css("input[name=name]"), `Bob "<b>" & Co`),
		chromedp.Click(css("form button")),
		chromedp.WaitVisible(css(".tools form button")),
	)
	first := get(b, chromedp.Evaluate[string](`document.body.dataset.report`))
	require.Equal(t, `Bob "<b>" & Co: the stock is negative`, get(b, chromedp.Text(css("h1"))))
	get(b, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Click(css(".tools form button"))))
	require.NotEqual(t, first, get(b, chromedp.Evaluate[string](`document.body.dataset.report`)))
	require.Equal(t, `Bob "<b>" & Co: the stock is negative`, get(b, chromedp.Text(css("h1"))))
	b.do("a template's lines are shown", chromedp.Navigate(broken+"/template"), chromedp.WaitVisible(css(".template .current")))
	require.Contains(t, get(b, chromedp.Text(css(".template .current"))), "price(item)")
	b.do("both of two panics are shown", chromedp.Navigate(broken+"/twice"), chromedp.WaitVisible(css(".again")))
	b.fits("two panics on a phone")

	b.do("the application serves on", chromedp.Navigate(broken), chromedp.WaitVisible(css("ul a")))
	b.do("an error that nobody answered has a page",
		chromedp.Navigate(broken+"/error"),
		chromedp.WaitVisible(css(".causes")),
	)
	require.Contains(t, get(b, chromedp.Text(css(".causes"))), "the stock is negative")

	b.do("a value that is not an error opens", chromedp.Navigate(broken+"/value"), chromedp.WaitVisible(css("section > .dump")))
	require.Contains(t, get(b, chromedp.Text(css("section > .dump"))), "Within time.Duration 1h30m0s")
	require.NotContains(t, get(b, chromedp.Text(css("body"))), "open sesame")
	require.Contains(t, get(b, chromedp.Text(css("main"))), "Maps are not read")
	b.fits("a value on a phone")
	b.do("what an error holds opens", chromedp.Navigate(broken+"/typed"), chromedp.Click(css(".causes .made > summary")), b.seen(".causes .dump b", true))
	b.fits("an error with fields on a phone")

	b.do("the page leads to the program, for which the PIN was given", chromedp.Navigate(broken+"/value"), chromedp.Click(css(`.tools a[href="/.zeug/debugger/"]`)), chromedp.WaitVisible(css("#goroutines")))
	b.fits("the program on a phone")
	b.look(1100, 1000, "light")
	b.fits("the program on a screen")
	require.Contains(t, get(b, chromedp.Text(css(".routes"))), "/checkout/<int:cart>")
	require.Contains(t, get(b, chromedp.Text(css("main"))), "github.com/zeugkit/zeug/cmd/zeug")
	b.do("a stack opens", chromedp.Click(css(".goroutine > summary")), b.seen(".goroutine ol", true))
	b.do("a failure that was has its page, with variables", chromedp.Click(css(".kept li:nth-child(2) a")), chromedp.WaitVisible(css(".frame .vars, .frame .live .note, #traceback")))
	b.do("a program that died has its page", chromedp.Navigate(broken+"/background"), chromedp.WaitVisible(css(".goroutine > summary code")))
	b.do("whose goroutines are named by functions of the application",
		chromedp.Poll[chromedp.Void](`[...document.querySelectorAll(".goroutine > summary code")].some(code => code.textContent.startsWith("main."))`))

	b.scripts(false)
	b.do("without scripts a value opens all the same",
		chromedp.Navigate(broken+"/value"),
		chromedp.Click(css("section > .dump li:nth-child(2) > details > summary")),
		chromedp.Click(css("section > .dump li:nth-child(2) > details > ul > li:last-child > details > summary")),
	)
	require.Contains(t, get(b, chromedp.Text(css("section > .dump"))), `"pen 39"`)
	b.do("without scripts the program is shown", chromedp.Navigate(broken+"/.zeug/debugger/"), chromedp.WaitVisible(css("#goroutines")))
	b.do("whom the browser does not know gives the PIN",
		call(network.ClearBrowserCookies, cdp.Empty{}),
		chromedp.Navigate(broken+"/.zeug/debugger/"),
		chromedp.SendKeys(css("#pin input[name=pin]"), "000000000"+kb.Enter),
		chromedp.WaitVisible(css("#pin output:not(:empty)")),
	)
	require.Equal(t, "That is not the PIN.", get(b, chromedp.Text(css("#pin output"))))
	b.do("and is let in",
		chromedp.SendKeys(css("#pin input[name=pin]"), "123-456-789"+kb.Enter),
		chromedp.WaitVisible(css("#goroutines")),
	)
	b.do("without scripts the page is complete but for variables", chromedp.Navigate(broken+"/checkout/8"))
	require.Contains(t, get(b, chromedp.Text(css("body"))), "Variables and the console need JavaScript")
	require.Contains(t, get(b, chromedp.Text(css("body"))), "sum += items[i].Price")
}

// evaluator uses the console of a frame with the keyboard alone.
func (b *tab) evaluator(frame string) {
	b.t.Helper()
	input := css(frame + " .console input")
	field := "document.querySelector(" + quoted(string(input)) + ")"
	listed := `[...document.querySelectorAll(` + quoted(frame+" .candidates li") + `)].map((li) => li.textContent).join()`
	b.do("what can follow is listed", chromedp.SendKeys(input, "buyer."), chromedp.Poll[chromedp.Void](listed+` === "Boss,Name,Tags"`))
	b.do("the arrows choose, and Enter takes",
		chromedp.KeyEvent(kb.ArrowDown+kb.ArrowDown),
		chromedp.Poll[chromedp.Void](`document.getElementById(`+field+`.getAttribute("aria-activedescendant")).textContent === "Name"`),
		chromedp.KeyEvent(kb.Enter),
		chromedp.Poll[chromedp.Void](field+`.value === "buyer.Name" && `+field+`.ariaExpanded === "false"`),
	)
	b.do("Enter then evaluates", chromedp.KeyEvent(kb.Enter),
		chromedp.Poll[chromedp.Void](`document.querySelector(`+quoted(frame+" [role=log] li:last-child")+`).textContent.includes("\"Ann\"")`))
	b.do("the arrows go back to what was asked", chromedp.KeyEvent(kb.ArrowUp), chromedp.Poll[chromedp.Void](field+`.value === "buyer.Name"`))
	b.do("Tab leaves a field with text", chromedp.KeyEvent(kb.Tab), chromedp.Poll[chromedp.Void](`document.activeElement.textContent === "Evaluate"`))
	b.do("and returns", chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)), chromedp.Poll[chromedp.Void](`document.activeElement === `+field))
	b.do("Escape closes the list", chromedp.SetValue(input, "b"), chromedp.SendKeys(input, "u"), chromedp.Poll[chromedp.Void](listed+` === "buyer"`),
		chromedp.KeyEvent(kb.Escape), chromedp.Poll[chromedp.Void](field+`.ariaExpanded === "false" && document.activeElement === `+field))
	require.Equal(b.t, "bu", get(b, chromedp.Value(input)), "what was typed stays")
	b.do("and then leaves the field", chromedp.KeyEvent(kb.Escape),
		chromedp.Poll[chromedp.Void](`document.activeElement === document.querySelector(`+quoted(frame+" > summary")+`)`))
	b.do("a click takes a candidate", chromedp.SetValue(input, "buyer."), chromedp.SendKeys(input, "Ta"), chromedp.WaitVisible(css(frame+" .candidates li")),
		chromedp.Click(css(frame+" .candidates li")), chromedp.Poll[chromedp.Void](field+`.value === "buyer.Tags" && document.activeElement === `+field))
}

// longList uses the keyboard to open a list that is longer than what is shown at once. The focus
// must not be lost when the button that loads the rest disappears.
func (b *tab) longList(frame string) {
	b.t.Helper()
	last := `[...document.querySelectorAll(` + quoted(frame+" [role=log] > ol > li") + `)].at(-1)`
	b.do("a long list", chromedp.SetValue(css(frame+" .console input"), "shelf"), chromedp.Focus(css(frame+" .console input")), chromedp.KeyEvent(kb.Enter),
		chromedp.Poll[chromedp.Void](last+`?.querySelector("button")?.ariaLabel === "Open []main.item"`),
		chromedp.Evaluate[chromedp.Void](last+`.querySelector("button").focus()`), chromedp.KeyEvent(kb.Enter),
		chromedp.Poll[chromedp.Void](last+`.textContent.includes(" more")`))
	shown := get(b, chromedp.Evaluate[int](last+`.querySelectorAll("ul > li").length - 1`))
	require.Less(b.t, shown, 50)
	b.do("goes on after what was shown",
		chromedp.Evaluate[chromedp.Void](`[...`+last+`.querySelectorAll("button")].at(-1).focus()`), chromedp.KeyEvent(kb.Enter),
		chromedp.Poll[chromedp.Void](last+`.querySelectorAll("ul > li").length === 50`),
		chromedp.Poll[chromedp.Void](last+`.querySelectorAll("ul > li")[`+strconv.Itoa(shown)+`].contains(document.activeElement)`))
}

// seen waits until an element is visible, or is not: an element in a closed
// fold has a position, but is not visible.
func (b *tab) seen(selector string, visible bool) chromedp.Action[chromedp.Void] {
	check := "document.querySelector(" + quoted(selector) + ").checkVisibility()"
	if !visible {
		check = "!" + check
	}
	return chromedp.Poll[chromedp.Void](check)
}

// quoted returns a string as a script literal.
func quoted(s string) string {
	b := []byte{'"'}
	for _, c := range []byte(s) {
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return string(append(b, '"'))
}
