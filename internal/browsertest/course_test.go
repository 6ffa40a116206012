//go:build unix

package browsertest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// TestTheCourseOfARequestIsShown checks the time line and the log records of requests to shortly,
// whose Redis runs in its own process.
func TestTheCourseOfARequestIsShown(t *testing.T) {
	script := axe(t)
	shortly := supervised(t, "examples/shortly", "ZEUG_DEBUG_PIN=123-456-789", "REDIS_URL=")
	broken := supervised(t, "examples/broken", "ZEUG_DEBUG_PIN=off")
	b := open(t) // after the programs are built, since a tab has five minutes
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.PostForm(shortly+"/", url.Values{"url": {"https://example.org/"}})
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusSeeOther, resp.StatusCode)
	resp, err = client.Get(shortly + resp.Header.Get("Location"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)

	b.do("the list", chromedp.Navigate(shortly+"/.zeug/requests/"),
		chromedp.SendKeys(css("#pin input[name=pin]"), "123-456-789"+kb.Enter), chromedp.WaitVisible(css("#rows a")),
		// The program sends its report after its response.
		chromedp.Poll[chromedp.Void](`document.querySelectorAll("#rows small").length >= 2`))
	b.do("the page of a link", chromedp.Click(css(`#rows a[href="3"]`)), chromedp.WaitVisible(css(".timeline")))
	require.Equal(t, []string{"program", "middleware middleware.SecureHeaders", "middleware staticfiles.Shared", "view main.App.dispatch",
		"redis", "template short_link_details.html"}, slices.Compact(get(b, chromedp.Evaluate[[]string](
		`[...document.querySelectorAll(".timeline .what")].map((what) => what.textContent.trim().replace(/^redis .*/, "redis"))`))))
	require.True(t, get(b, chromedp.Evaluate[bool](`[...document.querySelectorAll(".timeline rect")].every((bar) => {
		const {width, left, right} = bar.getBoundingClientRect(), frame = bar.closest("svg").getBoundingClientRect();
		return width >= .5 && left >= frame.left - 1 && right <= frame.right + 1;
	})`)))
	b.accessible("time line", script)

	b.do("the next one is profiled", chromedp.Click(css(`form[action$="/want"] button`)), chromedp.WaitVisible(css("header [role=status]")))
	b.accessible("profile wanted", script)
	resp, err = client.Get(shortly + "/1+")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	b.do("its row leads to the profile", chromedp.Navigate(shortly+"/.zeug/requests/"), chromedp.WaitVisible(css(`#rows a[href$="/profile"]`)),
		chromedp.Click(css(`#rows a[href$="/profile"]`)), chromedp.WaitVisible(css(".flames")))
	require.Contains(t, get(b, chromedp.Text(css("main"))), "Allocations: ")
	require.Contains(t, get(b, chromedp.Evaluate[string](`[...document.querySelectorAll(".flames title")].map((title) => title.textContent).join(" ")`)),
		"main.(*App).shortLinkDetails")
	require.Contains(t, get(b, chromedp.Text(css(".waits"))), "main.marks.ProcessHook", "it waits for Redis")
	b.accessible("profile", script)

	resp, err = client.Get(broken + "/checkout/7")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	b.do("a request that logs", chromedp.Navigate(broken+"/.zeug/requests/?path=checkout"),
		chromedp.Poll[chromedp.Void](`document.querySelector("#rows small") !== null`),
		chromedp.Click(css("#rows a")), chromedp.WaitVisible(css(".logs")))
	require.Regexp(t, `^\+[0-9.]+ ms INFO adding up cart=7 items=3 broken/main\.go:\d+$`, get(b, chromedp.Text(css(".logs li"))))
	b.accessible("log records", script)
	require.NotContains(t, strings.Join(b.complaints(), " "), "Content Security Policy")
}
