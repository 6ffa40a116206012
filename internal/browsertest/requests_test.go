package browsertest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

func TestRequests(t *testing.T) {
	b := open(t)
	broken := supervised(t, "examples/broken", "ZEUG_DEBUG_PIN=123-456-789")
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{
			Origin: broken, Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
		})
		require.NoError(t, err)
	}
	b.do("the list wants the PIN", chromedp.Navigate(broken+"/.zeug/requests/"),
		chromedp.SendKeys(css("#pin input[name=pin]"), "123-456-789"+kb.Enter), chromedp.WaitVisible(css("#rows a")))
	shows := func(what, text string) {
		t.Helper()
		b.do(what, chromedp.Poll[chromedp.Void](`document.querySelector("#rows").textContent.includes(`+quoted(text)+`)`))
	}
	resp, err := http.Get(broken + "/nothing?at=once")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	shows("a request appears as it happens", "/nothing?at=once")
	b.do("a filter leaves some out", chromedp.SendKeys(css("input[name=path]"), "once"),
		chromedp.Poll[chromedp.Void](`document.querySelectorAll("#rows a").length === 1`))
	resp, err = http.Get(broken + "/other")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	resp, err = http.Get(broken + "/nothing?twice=once")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	shows("and goes on to", "twice=once")
	require.Equal(t, 2, get(b, chromedp.Evaluate[int](`document.querySelectorAll("#rows a").length`)))

	b.do("one opens", chromedp.Click(css("#rows a")), chromedp.WaitVisible(css("button.copy")))
	b.do("and is copied as curl", chromedp.Click(css(`button.copy[data-from$="curl"]`)), chromedp.Poll[chromedp.Void](`document.querySelector("#said").textContent === "Copied."`))
	copied := get(b, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
	require.True(t, strings.HasPrefix(copied, "curl '"+broken+"/nothing?twice=once'"), copied)
	b.do("text is chosen", chromedp.Evaluate[chromedp.Void](`document.querySelector("#said").textContent = "";
		getSelection().selectAllChildren(document.querySelector("#body")); getSelection().modify("move", "backward", "character");
		getSelection().setBaseAndExtent(document.querySelector("#body").firstChild, 0, document.querySelector("#body").firstChild, 13)`))
	chosen := get(b, chromedp.Evaluate[string](`getSelection().toString()`))
	require.NotEmpty(t, chosen)
	b.do("for the test", chromedp.Click(css(`button.copy[data-from$="test"]`)), chromedp.Poll[chromedp.Void](`document.querySelector("#said").textContent === "Copied."`))
	copied = get(b, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
	require.Contains(t, copied, `client := webtest.New(t, newApp())`)
	require.Contains(t, copied, ".Expect(404)")
	require.Contains(t, copied, strings.TrimSpace(strings.Split(chosen, "\n")[0]))

	get(b, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Click(css(".tools form button"))))
	require.Equal(t, "The response is the same.", get(b, chromedp.Text(css("#changes + .note"))))
	b.do("a failure's page", chromedp.Navigate(broken+"/error"), chromedp.WaitVisible(css(`button.copy[data-from$="curl"]`)),
		chromedp.Click(css(`button.copy[data-from$="curl"]`)), chromedp.Poll[chromedp.Void](`document.querySelector("#said").textContent === "Copied."`))
	copied = get(b, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
	require.True(t, strings.HasPrefix(copied, "curl "+broken+"/error"), copied)
	b.do("leads to its request", chromedp.Click(css(`.tools a[href^="/.zeug/requests/"]`)), chromedp.WaitVisible(css("#response")))
	require.Contains(t, get(b, chromedp.Text(css("header"))), "matched /error")
}
