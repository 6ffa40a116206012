package reload

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestTheScriptStandsFirstInTheHead(t *testing.T) {
	for name, text := range map[string]string{
		"after the doctype":             "<!doctype html>|<title>t</title>",
		"after html":                    "<!DOCTYPE HTML>\n<html lang=en>\n|<title>t</title>",
		"after head":                    "<!doctype html><html><head>|<meta charset=utf-8>",
		"after head without html":       "<!doctype html><head data-x='>'>|<title>",
		"without doctype":               "<html><HEAD\n>|<title>",
		"after comments":                "<!-- a > b --><!doctype html><!-- c -->|<p>",
		"after a byte order mark":       "\xef\xbb\xbf<!doctype html>|text",
		"before text":                   "<!doctype html>\n|hello",
		"at the end of nothing":         "<!doctype html>|\n",
		"before a tag that never ends":  "<!doctype html>|<title",
		"before the body":               "<!doctype html><html>|<body>",
		"after a doctype of old":        `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">|<p>`,
		"nowhere in a fragment":         "<li>one</li>",
		"nowhere in text":               "hello <html>",
		"nowhere in a headless head":    "<head><title>",
		"nowhere in nothing":            "",
		"nowhere in what looks like it": "<htmlx><p>",
		"nowhere in an open comment":    "<!-- <!doctype html>",
		"before a comment left open":    "<!doctype html>|<!-- a > b",
		"nowhere in UTF-16":             "\xff\xfe<\x00!\x00d\x00o\x00c\x00t\x00y\x00p\x00e\x00>\x00",
		"nowhere in UTF-16, big-endian": "\x00<\x00!\x00d\x00o\x00c\x00t\x00y\x00p\x00e\x00>",
	} {
		t.Run(name, func(t *testing.T) {
			before, after, ok := strings.Cut(text, "|")
			whole := before + after
			want := -1
			if ok {
				want = len(before)
			}
			requireHead(t, scanHead, whole, want)
		})
	}
}

// requireHead compares the places where a script may be, even if the document comes in pieces.
func requireHead(t *testing.T, scan func([]byte) (int, bool), whole string, want int) {
	t.Helper()
	at, _ := scan([]byte(whole))
	require.Equal(t, want, at)
	head, rest := peekDocument(iotest.OneByteReader(strings.NewReader(whole)), scan)
	at, _ = scan(head)
	require.Equal(t, want, at)
	b, err := io.ReadAll(io.MultiReader(bytes.NewReader(head), rest))
	require.NoError(t, err)
	require.Equal(t, whole, string(b))
}

func TestTheScriptLeavesXHTMLWellFormed(t *testing.T) {
	const xhtml = `<html xmlns="http://www.w3.org/1999/xhtml">`
	for name, text := range map[string]string{
		"in the head":                 `<?xml version="1.0"?>` + "\n<!DOCTYPE html>\n" + xhtml + "\n<head>|<title>t</title></head><body/></html>",
		"without doctype":             xhtml + "<head>|</head></html>",
		"after a byte order mark":     "\xef\xbb\xbf" + xhtml + "<head>|</head></html>",
		"past what browsers ignore":   `<?xml-stylesheet href="a?b>"?><!-- <html> -->` + xhtml + "<!-- c --><?x y?><head>|</head></html>",
		"before a head that is empty": xhtml + "|<head/><body/></html>",
		"before the body":             xhtml + "|<body/></html>",
		"before text":                 xhtml + "|text</html>",
		"before a comment left open":  xhtml + "|<!-- a > b",
		"after a doctype of old":      `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">` + xhtml + "|<body/></html>",
		"of another prefix":           `<html xmlns="http://www.w3.org/1999/xhtml" xmlns:m="m"><head m:a=">">|</head></html>`,
		"not before the root":         "<!DOCTYPE html><body/>",
		"not in an empty root":        `<html xmlns="http://www.w3.org/1999/xhtml"/>`,
		"not in another case":         "<!doctype html><HTML><head></head></HTML>",
		"not past declarations":       `<!DOCTYPE html [<!ENTITY a "]>">]>` + xhtml + "<head></head></html>",
		"not in other XML":            `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`,
		"not in nothing":              "",
		"not in UTF-16":               "\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00",
	} {
		t.Run(name, func(t *testing.T) {
			before, after, ok := strings.Cut(text, "|")
			want := -1
			if ok {
				want = len(before)
			}
			requireHead(t, scanXHTML, before+after, want)
			if ok && strings.HasSuffix(after, "</html>") {
				added := xml.NewDecoder(strings.NewReader(before + xhtmlTag("1.2", `a"<&`) + after))
				scripts := 0
				for {
					token, err := added.Token()
					if err == io.EOF {
						break
					}
					require.NoError(t, err)
					if e, ok := token.(xml.StartElement); ok && e.Name == (xml.Name{Space: "http://www.w3.org/1999/xhtml", Local: "script"}) {
						scripts++
						require.Contains(t, e.Attr, xml.Attr{Name: xml.Name{Local: "nonce"}, Value: `a"<&`})
					}
				}
				require.Equal(t, 1, scripts)
			}
		})
	}
}

func TestOnlyDocumentsAreAddedTo(t *testing.T) {
	const document = "<!doctype html>\n<title>t</title>\n"
	const xhtml = `<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head></html>`
	browser := []string{"Accept", "text/html,*/*;q=0.8"}
	for name, c := range map[string]struct {
		method  string
		request []string
		status  int
		header  []string
		body    string
		added   bool
	}{
		"a document":                     {request: browser, added: true},
		"an error's document":            {request: browser, status: 500, added: true},
		"a frame's":                      {request: []string{"Sec-Fetch-Dest", "iframe"}, added: true},
		"not what a script fetches":      {request: []string{"Accept", "text/html", "Sec-Fetch-Dest", "empty"}},
		"not what htmx fetches":          {request: []string{"Accept", "text/html", "Hx-Request", "true"}},
		"not what XMLHttpRequest says":   {request: []string{"Accept", "text/html", "X-Requested-With", "XMLHttpRequest"}},
		"not for what takes anything":    {request: []string{"Accept", "*/*"}},
		"not the answer to a form":       {method: "POST", request: browser},
		"not a download":                 {request: browser, header: []string{"Content-Disposition", `Attachment; filename="a.html"`}},
		"not what is compressed":         {request: browser, header: []string{"Content-Encoding", "gzip"}},
		"not what has a digest":          {request: browser, header: []string{"Content-Digest", "sha-256=:x:"}},
		"not a range":                    {request: browser, status: 206},
		"XHTML":                          {request: browser, header: []string{"Content-Type", "application/xhtml+xml"}, body: xhtml, added: true},
		"not HTML that says it is XHTML": {request: browser, header: []string{"Content-Type", "application/xhtml+xml"}},
		"not into other types than HTML": {request: browser, header: []string{"Content-Type", "application/xml"}, body: xhtml},
		"not what says nothing of types": {request: browser, header: []string{"Content-Type", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(max(c.method, "GET"), "/", nil)
			for i := 0; i < len(c.request); i += 2 {
				r.Header.Set(c.request[i], c.request[i+1])
			}
			resp := &http.Response{StatusCode: max(c.status, 200), Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
				ContentLength: int64(len(cmp.Or(c.body, document))), Body: io.NopCloser(strings.NewReader(cmp.Or(c.body, document)))}
			for i := 0; i < len(c.header); i += 2 {
				resp.Header.Set(c.header[i], c.header[i+1])
			}
			require.NoError(t, (&Supervisor{}).inject(r, resp, "1"))
			b, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, c.added, strings.Contains(string(b), "/.zeug/live.js"))
			require.EqualValues(t, len(b), resp.ContentLength)
			if c.added {
				require.Equal(t, strconv.Itoa(len(b)), resp.Header.Get("Content-Length"))
			}
		})
	}
}

func TestTheScriptFollowsThePolicy(t *testing.T) {
	for policy, want := range map[string]string{
		"script-src 'nonce-abc=' 'self'":                      "abc=",
		"style-src 'nonce-style'; default-src 'nonce-script'": "script",
		"script-src-elem 'nonce-a'; script-src 'nonce-b'":     "a",
		"script-src 'self'; default-src 'nonce-a'":            "",
		"style-src 'nonce-a'":                                 "",
		"":                                                    "",
	} {
		require.Equal(t, want, scriptNonce(policy), policy)
	}
	require.Contains(t, scriptTag("1", `a"b`), ` nonce="a&#34;b"`)
	require.NotContains(t, scriptTag("1", ""), "nonce")
}

func TestEachPolicyAllowsTheScript(t *testing.T) {
	r := httptest.NewRequest("GET", "http://a/", nil)
	r.Header.Set("Accept", "text/html")
	resp := &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("<!doctype html><p>")), ContentLength: -1, Header: http.Header{
		"Content-Type":            {"text/html"},
		"Content-Security-Policy": {"script-src 'self', script-src b.com 'nonce-n'", "img-src c.com"},
	}}
	require.NoError(t, (&Supervisor{}).inject(r, resp, "1"))
	require.Equal(t, []string{"script-src 'self' http://a/.zeug/live.js, script-src b.com 'nonce-n' http://a/.zeug/live.js, img-src c.com"}, resp.Header["Content-Security-Policy"])
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, `<!doctype html><script src="/.zeug/live.js" data-version="1" nonce="n"></script><p>`, string(b))
}

func TestAPolicyAllowsTheScriptAndTheStream(t *testing.T) {
	const script, stream = " http://a/.zeug/live.js", " http://a/.zeug/live"
	for policy, want := range map[string]string{
		"default-src 'none'":                    "default-src 'none'; script-src" + script + "; connect-src" + stream,
		"script-src 'self'":                     "script-src 'self'" + script,
		"default-src 'self'; connect-src b.com": "default-src 'self'; connect-src b.com" + stream + "; script-src 'self'" + script,
		"script-src-elem 'self'":                "script-src-elem 'self'" + script,
		"frame-ancestors 'none'":                "frame-ancestors 'none'",
	} {
		var directives []string
		for _, text := range []string{allowing(policy, "http://a"), want} {
			parts := strings.Split(text, "; ")
			slices.Sort(parts)
			directives = append(directives, strings.Join(parts, "; "))
		}
		require.Equal(t, directives[1], directives[0])
	}
}

func TestProblems(t *testing.T) {
	require.Equal(t, []Problem{
		{File: "/app/main.go", Line: 3, Column: 5, Message: "undefined: x"},
		{File: "/lib/a.go", Line: 9, Message: "imported and not used\n\thave (int)\n\twant ()"},
		{File: "/app/go.mod", Line: 5, Message: "unknown directive: requir"},
	}, problems("/app", "# example.org/app\n./main.go:3:5: undefined: x\n/lib/a.go:9: imported and not used\n\thave (int)\n\twant ()\ngo: errors parsing go.mod:\ngo.mod:5: unknown directive: requir\n"))
	require.Empty(t, problems("/app", "write /tmp/x: no space left on device\n"))
}

func TestAPageHasNoColoursOfTheTerminal(t *testing.T) {
	require.Equal(t, "404 is yellow\nand \\x1b[ is text", uncoloured("\n\x1b[33m404\x1b[0m is \x1b[38;5;226myellow\x1b[K\nand \\x1b[ is text\n"))
}

func TestFnmatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*.go", "a/b.go", true}, {"*.go", "b.gox", false}, {"?.go", "a.go", true}, {"[ab].go", "b.go", true},
		{"[!ab].go", "b.go", false}, {"[!ab].go", "c.go", true}, {"*/node_modules/*", "/x/node_modules/y/z.js", true},
		{"a.b", "axb", false}, {"[", "[", true}, {"[]", "[]", true}, {`a\b`, `a\b`, true}, {"", "", true},
	} {
		require.Equal(t, c.want, fnmatch(c.pattern).MatchString(c.name), "%s %s", c.pattern, c.name)
	}
}

func TestGlobsOfWatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"/app/*.py", "/app/a.py", true},
		{"/app/*.py", "/app/x/a.py", false},
		{"/app/**/*.py", "/app/a.py", true},
		{"/app/**/*.py", "/app/x/y/a.py", true},
		{"/app/**/*.py", "/apple/a.py", false},
		{"/app/**/*.py", "/app/a.pyc", false},
		{"/app/**/x/?.py", "/app/w/x/a.py", true},
		{"/app/**/x/?.py", "/app/w/x/y/a.py", false},
		{"/app/[ab].py", "/app/a.py", true},
		{"/app/[!ab].py", "/app/a.py", false},
	} {
		require.Equal(t, c.want, newGlob(c.pattern).names.MatchString(c.name), "%s %s", c.pattern, c.name)
	}
	require.Equal(t, "/app", newGlob("/app/**/*.py").dir)
}

func TestATracebackNamesTheSource(t *testing.T) {
	s := &Supervisor{config: Config{Program: Program{WorkDir: "/app", Dir: "/app"}}}
	p := &Process{output: &tail{}}
	io.WriteString(p.output, "Traceback (most recent call last):\n  File \"/app/old.py\", line 1, in <module>\nOSError: old\n"+
		"Traceback (most recent call last):\n  File \"/app/views.py\", line 3, in <module>\n    import models\n"+
		"  File \"/usr/lib/python3/lib.py\", line 9, in f\n  File \"/app/models.py\", line 7\n    def (:\n        ^\nSyntaxError: invalid syntax\nzeug: said more\n")
	require.Equal(t, []Problem{
		{File: "/app/models.py", Line: 7, Message: "SyntaxError: invalid syntax"},
		{File: "/app/views.py", Line: 3},
	}, s.raised(p))
	require.Empty(t, s.raised(&Process{output: &tail{}}))
}

func TestABodyIsReadAgainFromItsBeginning(t *testing.T) {
	body := replayable{from: iotest.HalfReader(strings.NewReader("0123456789"))}
	first, ok := body.again()
	require.True(t, ok)
	_, err := io.ReadFull(first, make([]byte, 5))
	require.NoError(t, err)
	second, ok := body.again()
	require.True(t, ok)
	_, err = first.Read(make([]byte, 1))
	require.Error(t, err, "the first reading is over")
	b, err := io.ReadAll(second)
	require.NoError(t, err)
	require.Equal(t, "0123456789", string(b))

	long := replayable{from: strings.NewReader(strings.Repeat("x", replaySize+1))}
	all, _ := long.again()
	io.Copy(io.Discard, all)
	_, ok = long.again()
	require.False(t, ok)
}

func TestTheAddressOfAProgramsArguments(t *testing.T) {
	for args, want := range map[string]string{
		"":                                    "",
		"-addr 127.0.0.1:7000":                "127.0.0.1:7000",
		"--addr=:7000 -v":                     ":7000",
		"-v -listen unix:/run/app.sock":       "unix:/run/app.sock",
		"serve --bind [::1]:80":               "[::1]:80",
		"-http localhost:http":                "localhost:http",
		"-addr":                               "",
		"-addr nowhere":                       "",
		"-addr 127.0.0.1:":                    "",
		"-redis 127.0.0.1:6379":               "",
		"addr 127.0.0.1:7000":                 "",
		"-addr fastcgi://127.0.0.1:9000":      "",
		"-addr wrong --address 127.0.0.1:700": "127.0.0.1:700",
	} {
		require.Equal(t, want, addrOf(strings.Fields(args)), args)
	}
}
