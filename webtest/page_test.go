package webtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

const page = `<!doctype html><base href="/base/">
<a class=next href=" next?x=1#frag ">next</a> <a class=out href=//other.example/>out</a> <b>none</b>
<form id=f action=search>
	<input name=q value="old"><input name=hidden type=hidden value=token><input type=text value=nameless>
	<input name=off disabled value=1><fieldset disabled><input name=off2 value=1></fieldset>
	<input type=checkbox name=c value=1><input type=checkbox name=c checked><input type=radio name=r value=a><input type=radio name=r value=b checked>
	<select name=s><option disabled>no<option>first one<option value=2>second</select>
	<select name=m multiple><option selected>1<option selected>2<option>3</select>
	<select name=l><option selected>1<option selected>2</select>
	<textarea name=t>
a
b</textarea>
	<input type=submit name=go value=Go><button name=del value=1>Delete</button>
</form>
<input name=outside form=f value=o>
<form id=p method=POST action=/post><input name=csrf value=t><input name=user></form>
<form id=u method=post enctype=multipart/form-data action=/post><input type=file name=doc><input name=title value=t></form>
<form id=d method=dialog></form><form id=x method=post enctype=text/plain></form><form id=o action=//other.example/></form>`

var pages = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, page)
		return
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s %s", r.Method, r.RequestURI, r.Header.Get("Sec-Fetch-Site"), body)
})

func TestClick(t *testing.T) {
	c := webtest.New(t, pages)
	require.Equal(t, "GET /base/next?x=1 same-origin ", c.Get("/").Click("a.next").Text())
}

func TestSubmit(t *testing.T) {
	c := webtest.New(t, pages)
	require.Equal(t, "GET /base/search?q=old&hidden=token&c=on&r=b&s=first+one&m=1&m=2&l=2&t=a%0D%0Ab&outside=o same-origin ", c.Get("/").Submit("#f", nil).Text())
	require.Equal(t, "GET /base/search?q=%C3%BC&hidden=token&c=1&c=2&r=b&s=2&l=2&t=a%0D%0Ab&del=1&outside=o same-origin ",
		c.Get("/").Submit("#f", url.Values{"q": {"ü"}, "c": {"1", "2"}, "s": {"2"}, "m": nil, "del": {"1"}}).Text())
	require.Equal(t, "POST /post same-origin csrf=t&user=ann", c.Get("/").Submit("#p", url.Values{"user": {"ann"}}).Text())

	got := c.Get("/").Submit("#u", nil, webtest.File("doc", "a.txt", strings.NewReader("content"))).Text()
	require.Contains(t, got, `name="title"`)
	require.Contains(t, got, `filename="a.txt"`)
	require.Contains(t, got, "content")
	require.Contains(t, c.Get("/").Submit("#u", nil).Text(), `name="doc"; filename=""`, "an empty file, as browsers send it")
}

func TestPageFailure(t *testing.T) {
	for want, do := range map[string]func(resp *webtest.Response){
		`"a" finds 2 elements, want one`:                              func(resp *webtest.Response) { resp.Click("a") },
		`"i" finds 0 elements, want one`:                              func(resp *webtest.Response) { resp.Click("i") },
		`"b" finds an element without href`:                           func(resp *webtest.Response) { resp.Click("b") },
		`leads outside, to http://other.example/`:                     func(resp *webtest.Response) { resp.Click("a.out") },
		`"a.next" finds no form`:                                      func(resp *webtest.Response) { resp.Submit("a.next", nil) },
		`the form "#p" has no field "usr", but ["csrf" "user"]`:       func(resp *webtest.Response) { resp.Submit("#p", url.Values{"usr": {"x"}}) },
		`the form "#d" is a dialog's`:                                 func(resp *webtest.Response) { resp.Submit("#d", nil) },
		`which no application can read reliably`:                      func(resp *webtest.Response) { resp.Submit("#x", nil) },
		`leads outside, to http://other.example/ (allow it with webt`: func(resp *webtest.Response) { resp.Submit("#o", nil) },
	} {
		require.Contains(t, failure(t, func(r *recorder) { do(webtest.New(r, pages).Get("/")) }), want)
	}
}
