package browsertest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// look sets the kind of screen on which pages are shown.
func (b *tab) look(width, height int64, scheme string) {
	b.t.Helper()
	b.do("look", chromedp.EmulateViewport(width, height),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}))
}

// scripts turns scripts on or off for pages that are opened from then on.
func (b *tab) scripts(on bool) {
	b.t.Helper()
	b.do("scripts", call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}))
}

// fits checks that the page is not wider than the window.
func (b *tab) fits(name string) {
	b.t.Helper()
	w := get(b, chromedp.Evaluate[[]int]("[innerWidth, document.documentElement.scrollWidth]"))
	require.LessOrEqual(b.t, w[1], w[0], name)
}

func TestShortly(t *testing.T) {
	b := open(t)
	shortly := start(t, "examples/shortly")
	var visits atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/target" {
			visits.Add(1)
		}
		fmt.Fprint(w, "<title>the target</title>")
	}))
	t.Cleanup(target.Close)
	long := target.URL + `/target?"><script>document.title="stolen"</script>&x=` + strings.Repeat("y", 300)

	b.look(390, 844, "light")
	b.do("a mistake comes back with the error",
		chromedp.Navigate(shortly),
		chromedp.SendKeys(css("#url"), `example.org/"><b>`+kb.Enter),
		chromedp.WaitVisible(css("#error")),
	)
	require.Contains(t, get(b, chromedp.Text(css("#error"))), "http:// or https://")
	require.Equal(t, `example.org/"><b>`, get(b, chromedp.Value(css("#url"))))

	b.do("a URL becomes a link",
		chromedp.Clear(css("#url")),
		chromedp.SendKeys(css("#url"), long+kb.Enter),
		chromedp.WaitVisible(css("#short")),
	)
	require.Equal(t, shortly+"/1", get(b, chromedp.Text(css("#short"))))
	require.Equal(t, shortly+"/1+", get(b, chromedp.Location()))
	require.Equal(t, long, get(b, chromedp.Text(css(".target dd"))), "shown as it was typed")
	require.Equal(t, "Details about /1 | shortly", get(b, chromedp.Title()))
	b.fits("a long URL on a phone")

	b.do("the link is copied by one click",
		chromedp.Click(css("button[data-copy]"), chromedp.NodeVisible),
		chromedp.WaitVisible(css("button.done")),
	)
	require.Equal(t, "Copied", get(b, chromedp.Text(css("button[data-copy]"))))
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{
			Origin: shortly, Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
		})
		require.NoError(t, err)
	}
	require.Equal(t, shortly+"/1", get(b, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise)))

	get(b, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Click(css("#short"))))
	require.Equal(t, "the target", get(b, chromedp.Title()))
	require.True(t, strings.HasPrefix(get(b, chromedp.Location()), target.URL+"/target?"))
	require.Equal(t, int32(1), visits.Load())

	b.do("the click was counted", chromedp.Navigate(shortly+"/1+"))
	require.Equal(t, "1", get(b, chromedp.Text(css(".count dd"))))

	b.scripts(false)
	b.do("without scripts everything is there but the button",
		chromedp.Navigate(shortly),
		chromedp.SendKeys(css("#url"), target.URL+"/other"+kb.Enter),
		chromedp.WaitVisible(css("#short")),
		chromedp.WaitNotVisible(css("button[data-copy]")),
	)
	require.Equal(t, shortly+"/2", get(b, chromedp.Text(css("#short"))))
	b.scripts(true)

	b.do("an invalid id", chromedp.Navigate(shortly+"/nothing"))
	require.Equal(t, "There is no such link.", get(b, chromedp.Text(css("h1"))))
	// The browser reports the statuses 422 and 404 and nothing else: no script
	// failed, and the policy blocked none.
	require.Len(t, b.complaints(), 2, "%v", b.complaints())
}

// The target of a link is shown in the URL's own order, whatever the direction
// of its letters: a host that looks like a path would deceive.
func TestURLsKeepTheirOrder(t *testing.T) {
	shortly := start(t, "examples/shortly")
	b := open(t)
	const long = "http://אבג.דהו/זחט/יכל?מנס=עפצ"
	b.do("shorten", chromedp.Navigate(shortly), chromedp.SendKeys(css("#url"), long+kb.Enter), chromedp.WaitVisible(css("#short")))
	require.Equal(t, long, get(b, chromedp.Text(css(".target dd"))), "copied as it was typed")
	for _, selector := range []string{".host dd", ".target dd"} {
		order := get(b, chromedp.Evaluate[[]string](`(() => {
			const dd = document.querySelector(`+quoted(selector)+`), range = document.createRange(), list = [];
			for (const walk = document.createTreeWalker(dd, NodeFilter.SHOW_TEXT); walk.nextNode();) {
				for (const m of walk.currentNode.data.matchAll(/[א-ת]+|[^א-ת]+/g)) {
					range.setStart(walk.currentNode, m.index);
					range.setEnd(walk.currentNode, m.index + m[0].length);
					list.push([range.getBoundingClientRect().left, m[0]]);
				}
			}
			return list.sort((a, b) => a[0] - b[0]).map((part) => part[1]);
		})()`))
		require.Contains(t, long, strings.Join(order, ""), "%s from left to right", selector)
	}
}

// TestScreenshots looks at every page on a phone and on a screen, light and
// dark. No page may be wider than the window. The folder that the variable
// SCREENSHOTS names gets shortly.png, the picture of the README, and, if
// SCREENSHOTS_ALL is set, every page.
func TestScreenshots(t *testing.T) {
	b := open(t)
	// With the header fields of a proxy the pictures show a realistic host.
	shortly := start(t, "examples/shortly", "-proxies", "1")
	b.do("behind a proxy", call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
		Headers: network.Headers{"X-Forwarded-Host": "s.example", "X-Forwarded-Proto": "https"},
	}))
	away := start(t, "examples/shortly", "-redis", "redis://127.0.0.1:1")
	const long = "https://en.wikipedia.org/wiki/Rindfleischetikettierungs%C3%BCberwachungsaufgaben%C3%BCbertragungsgesetz?action=history#top"
	resp, err := http.PostForm(shortly, url.Values{"url": {long}})
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range 3 {
		resp, err := stay.Get(shortly + "/1")
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusFound, resp.StatusCode)
	}
	pictures := map[string][]byte{}
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range [][2]int64{{390, 844}, {1280, 800}} {
			b.look(size[0], size[1], scheme)
			for name, show := range map[string]chromedp.Action[chromedp.Void]{
				"new":         chromedp.Navigate(shortly),
				"details":     chromedp.Navigate(shortly + "/1+"),
				"missing":     chromedp.Navigate(shortly + "/nothing"),
				"unavailable": chromedp.Navigate(away + "/1"),
				"error": chromedp.Steps(
					chromedp.Navigate(shortly),
					chromedp.SendKeys(css("#url"), "example.org"+kb.Enter),
					chromedp.WaitVisible(css("#error")),
				),
			} {
				name = fmt.Sprintf("%s-%d-%s", name, size[0], scheme)
				b.do(name, show)
				b.fits(name)
				pictures[name] = get(b, chromedp.CaptureScreenshot())
			}
		}
	}
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	if os.Getenv("SCREENSHOTS_ALL") != "" {
		for name, picture := range pictures {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644))
		}
	}
	b.look(1280, 660, "light")
	b.do("the form", chromedp.Navigate(shortly))
	form := get(b, chromedp.CaptureScreenshot())
	b.look(1280, 720, "light")
	b.do("collage", chromedp.Navigate("about:blank"),
		chromedp.Evaluate[chromedp.Void](collage(form, pictures["details-390-dark"]), chromedp.EvalAwaitPromise))
	both := get(b, chromedp.CaptureScreenshot())
	require.Less(t, len(both), 150<<10)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "shortly.png"), both, 0o644))
}

// collage is a script that shows a screen with a phone in front of it.
func collage(screen, phone []byte) string {
	source := func(picture []byte) string {
		return "data:image/png;base64," + base64.StdEncoding.EncodeToString(picture)
	}
	return fmt.Sprintf(`document.body.innerHTML = '<style>body{margin:0;background:#fff;overflow:hidden}img{position:absolute;border-radius:14px;box-shadow:0 0 0 1px #0002,0 20px 50px -15px #0006}</style>'
		+ '<img src="%s" style="left:24px;top:24px;width:1080px"><img src="%s" style="right:24px;bottom:24px;height:630px;border-radius:26px;border:6px solid #0c0f13">';
		Promise.all([...document.images].map(i => i.decode()))`,
		source(screen), source(phone))
}
