package debugger_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/middleware/debugger"
)

// hostile fails with one string in every place that a client or an application can choose.
type hostile struct{ text string }

func (e hostile) Error() string { return e.text }
func (e hostile) Place() (string, int, int, string) {
	return e.text, 1, 2, e.text + "\n" + e.text
}

func (e hostile) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	route := gateway.RouteOf(r)
	route.Pattern = e.text
	route.Params = func() map[string]any { return map[string]any{e.text: e.text} }
	r.PostForm = url.Values{e.text: {e.text}}
	panic(error(e))
}

// TestHostileTexts: no string makes an element, attribute or scheme in the page, and no form of
// the report has a character that a terminal would obey.
func TestHostileTexts(t *testing.T) {
	for _, text := range []string{
		"", "plain", "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "</pre></textarea></style></title><svg onload=x>",
		"javascript:alert(1)", "\x1b[31mred\x1b]0;title\x07", "\u009b31m", "\u202etxt.exe\u2066", "a\x00b", "\xff\xfe\x80", "\r\nX-Set: 1",
		"{{.}}", "--><!--", "\u2028\u2029", "&lt;b&gt;", strings.Repeat("<b>", 2000), "'onfocus='x", "\U000e0041",
	} {
		t.Run("", func(t *testing.T) { checkHostile(t, text) })
	}
}

func checkHostile(t *testing.T, text string) {
	ask := func(accept string, header ...string) (string, string) {
		r := local("POST", "/?"+url.QueryEscape(text)+"="+url.QueryEscape(text))
		r.URL.Path, r.URL.RawPath = "/"+text, ""
		r.Header.Set("Accept", accept)
		for _, name := range header {
			r.Header.Set(name, "true")
		}
		r.Header["X-"+text] = []string{text}
		r.Header["Referer"] = []string{text}
		r.Header["Cookie"] = []string{"a=" + text}
		var out bytes.Buffer
		w := httptest.NewRecorder()
		debugger.Debugger{Output: &out, Editor: "idea://open?file={file}"}.Wrap(hostile{text}).ServeHTTP(w, r)
		require.Equal(t, 500, w.Code)
		return w.Body.String(), out.String()
	}
	page, log := ask("text/html")
	fragment, _ := ask("*/*", "Hx-Request")
	plain, _ := ask("text/plain")
	asJSON, _ := ask("application/json")
	for name, body := range map[string]string{"page": page, "log": log, "fragment": fragment, "text": plain, "json": asJSON} {
		require.True(t, utf8.ValidString(body), name)
		at := strings.IndexFunc(body, func(c rune) bool {
			return c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c == '\u2028' || c == '\u2029')
		})
		require.Negative(t, at, "%s has a hidden character", name)
	}
	require.True(t, json.Valid([]byte(asJSON)))

	count := map[string]int{}
	elements(t, page, func(n *html.Node) {
		count[n.Data]++
		for _, a := range n.Attr {
			require.False(t, strings.HasPrefix(a.Key, "on"), "%s has %s", n.Data, a.Key)
			if a.Key == "href" || a.Key == "action" || a.Key == "src" {
				require.Regexp(t, `^(?:http://localhost:5000/|idea://open\?file=|#traceback$)`, a.Val)
			}
		}
	})
	require.Equal(t, 1, count["script"])
	require.Equal(t, 1, count["style"])
	for _, name := range []string{"img", "svg", "iframe", "object", "textarea", "base", "meta:refresh"} {
		require.Zero(t, count[name], name)
	}
	elements(t, fragment, func(n *html.Node) {
		require.Contains(t, []string{"html", "head", "body", "section", "pre"}, n.Data)
	})
}

func elements(t *testing.T, page string, visit func(*html.Node)) {
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			visit(n)
		}
	}
}

func TestLinksToEditors(t *testing.T) {
	for editor, want := range map[string]string{
		"":                                    `href="vscode://file/`,
		"idea://open?file={file}&line={line}": `href="idea://open?file=/`,
		"off":                                 "",
		"javascript:alert('{file}')":          "",
		"JaVaScRiPt:alert(1)":                 "",
		" javascript:alert(1)":                "",
		"\tjavascript:alert(1)":               "",
		"data:text/html,{file}":               "",
		"vbscript:x":                          "",
		"no scheme {file}":                    "",
		"//example.org/{file}":                "",
	} {
		t.Run(editor, func(t *testing.T) {
			w := httptest.NewRecorder()
			debugger.Debugger{Editor: editor, Output: new(bytes.Buffer)}.Wrap(http.HandlerFunc(fails)).ServeHTTP(w, local("GET", "/"))
			require.Equal(t, want != "", strings.Contains(w.Body.String(), `<p class="edit">`))
			require.Contains(t, w.Body.String(), want)
		})
	}
}

// A long value is cut, and a request that is not complete is not offered for sending again.
func TestLongRequestsAreCut(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	r := local("POST", "/")
	r.Header.Set("X-Long", long)
	w, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.PostForm = url.Values{"a": {long}}
		fails(w, r)
	}), r)
	require.Less(t, w.Body.Len(), 300<<10)
	require.Contains(t, w.Body.String(), "(1048576 bytes)")
	require.NotContains(t, w.Body.String(), "<form")
}

func TestSecretNames(t *testing.T) {
	for _, c := range []struct {
		masked bool
		names  []string
	}{
		{true, []string{"password", "user_pass", "PassPhrase", "passcode", "passwd", "pwd", "api_key", "apikey", "access-key", "token", "csrf_token", "sessionid", "sid", "Authorization", "X-Auth", "oauth_verifier", "auth-token", "credentials", "cvv", "card_number", "ssn", "private_key", "signature", "pin", "otp", "jwt"}},
		{false, []string{"author", "authors", "authority", "passenger", "passage", "page", "name", "pinned", "side", "assessment"}},
	} {
		for _, name := range c.names {
			word := "hunter" + "2"
			w, _ := serve(t, http.HandlerFunc(fails), local("GET", "/?"+name+"="+word))
			require.Equal(t, !c.masked, strings.Contains(w.Body.String(), word), name)
		}
	}
}
