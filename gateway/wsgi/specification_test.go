package wsgi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/wsgi"
)

// The clauses of PEP 3333, each checked with a worker.

func TestEnviron(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 2, Threads: 1})
	resp, body := l.ask("POST", "/environ/?a=%20b&c", "xyz", "Content-Type", "text/x", "X-Two", "1", "X-Two", "2",
		"Cookie", "a=1", "Cookie", "b=2", "Proxy", "evil", "X_Under", "evil")
	require.Equal(t, 200, resp.StatusCode)
	host := strings.TrimPrefix(l.server.URL, "http://")
	_, port, err := net.SplitHostPort(host)
	require.NoError(t, err)
	for _, line := range []string{
		"REQUEST_METHOD='POST'", "SCRIPT_NAME=''", "PATH_INFO='/environ/'", "QUERY_STRING='a=%20b&c'",
		"CONTENT_TYPE='text/x'", "CONTENT_LENGTH='3'", "SERVER_NAME='127.0.0.1'", "SERVER_PORT='" + port + "'",
		"SERVER_PROTOCOL='HTTP/1.1'", "HTTP_HOST='" + host + "'", "HTTP_X_TWO='1,2'", "HTTP_COOKIE='a=1; b=2'",
		"REMOTE_ADDR='127.0.0.1'", "REQUEST_URI='/environ/?a=%20b&c'",
		"wsgi.version=(1, 0)", "wsgi.url_scheme='http'", "wsgi.multithread=False", "wsgi.multiprocess=True", "wsgi.run_once=False",
	} {
		require.Contains(t, "\n"+body+"\n", "\n"+line+"\n")
	}
	require.NotContains(t, body, "evil")
	require.NotContains(t, body, "HTTP_CONTENT")
}

func TestTextsAreLatin1(t *testing.T) {
	t.Parallel()
	l := shared(t)
	_, body := l.get("/environ/?%C3%BC")
	require.Contains(t, body, "QUERY_STRING='%C3%BC'")
	_, body = l.get("/%C3%BCmlaut/../environ")
	require.Contains(t, body, "no such view")
	resp, body := l.ask("GET", "/latin?q=1", "")
	require.Equal(t, "q=1", body)
	require.Equal(t, "caf\xe9", resp.Header.Get("X-Latin"))
}

func TestTheInputIsReadInEveryWay(t *testing.T) {
	t.Parallel()
	l := shared(t)
	large := strings.Repeat("0123456789abcde\n", 100000)
	for name, c := range map[string]struct{ path, send, want string }{
		"read, nothing":     {"/echo", "", ""},
		"read, small":       {"/echo", "small", "small"},
		"read, a block":     {"/echo", large[:64<<10], large[:64<<10]},
		"read, large":       {"/echo", large, large},
		"readline":          {"/lines", "a\nb\nc\nd", "a\n|b\n|c\n|d"},
		"iteration":         {"/iterate", "a\nb\n\nc", "a\n|b\n|\n|c"},
		"lines of a stream": {"/iterate", large, strings.TrimSuffix(strings.ReplaceAll(large, "\n", "\n|"), "|")},
		"not at all":        {"/unread", large, "unread"},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", chunked ", chunked), func(t *testing.T) {
				var send io.Reader = strings.NewReader(c.send)
				if chunked {
					send = struct{ io.Reader }{send}
				}
				resp, err := l.server.Client().Post(l.server.URL+c.path, "text/plain", send)
				require.NoError(t, err)
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.True(t, c.want == string(got), "%d bytes, not %d", len(got), len(c.want))
				if c.path == "/echo" {
					want := fmt.Sprint(len(c.send))
					if chunked && len(c.send) >= 64<<10 {
						want = "none" // not known before it ends
					}
					require.Equal(t, want, resp.Header.Get("X-Length"))
				}
			})
		}
	}
}

func TestChunkedBodiesAreCollectedOnRequest(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 1, SpoolChunked: 300000})
	post := func(n int) *http.Response {
		resp, err := l.server.Client().Post(l.server.URL+"/echo", "text/plain", io.LimitReader(zeros{}, int64(n)))
		require.NoError(t, err)
		resp.Body.Close()
		return resp
	}
	require.Equal(t, "300000", post(300000).Header.Get("X-Length"))
	require.Equal(t, 413, post(300001).StatusCode)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	l := shared(t)
	resp, body := l.ask("GET", "/cookies", "", "Cookie", "x=y")
	require.Equal(t, "x=y", body)
	require.Equal(t, []string{"a=1", "b=2"}, resp.Header["Set-Cookie"])
	require.Equal(t, []string{"1", "2"}, resp.Header["X-A"])
	resp, _ = l.ask("GET", "/untyped", "")
	require.NotContains(t, resp.Header, "Content-Type", "nothing is guessed")
	resp, body = l.ask("GET", "/hop-by-hop", "")
	require.Equal(t, "ok", body)
	require.NotContains(t, resp.Header, "Keep-Alive")
	require.False(t, resp.Close)
	resp, body = l.ask("GET", "/named-hops", "")
	require.Equal(t, "ok", body)
	require.NotContains(t, resp.Header, "X-Hop", "Connection names it")
	require.Equal(t, "2", resp.Header.Get("X-End"))
	resp, _ = l.ask("GET", "/no-content", "")
	require.NotContains(t, resp.Header, "Content-Type")
	resp, _ = l.ask("GET", "/one-part", "")
	require.EqualValues(t, 1000000, resp.ContentLength)
	resp, _ = l.ask("GET", "/parts", "")
	require.EqualValues(t, -1, resp.ContentLength)
	resp, _ = l.ask("GET", "/file", "")
	require.Greater(t, resp.ContentLength, int64(1000))
}

// If an application fails before anything was sent, the response is a 500. After that the response
// is cut, so that no client mistakes it for the whole.
func TestApplicationsThatAreWrong(t *testing.T) {
	t.Parallel()
	l := shared(t)
	for path, says := range map[string]string{
		"/raises":             "LookupError: ümlaut <b>",
		"/exits":              "SystemExit: 3",
		"/starts-twice":       "called again without exc_info",
		"/never-starts":       "start_response was not called",
		"/returns-text":       "yields bytes, not str",
		"/returns-none":       "NoneType",
		"/bad-status":         "'100 Continue' cannot be the status of a response",
		"/bad-header":         "a control character, such as a line break,",
		"/bad-name":           "the header name 'X A' is not valid",
		"/control":            "a control character",
		"/not-latin":          "UnicodeEncodeError",
		"/huge-header":        "a header of 2000",
		"/bad-length":         "the Content-Length '-1' is not a number",
		"/one-part-too-short": "5 bytes of the Content-Length of 50",
		"/status-line":        "cannot be the status of a response",
	} {
		status, body := l.get(path)
		require.Equal(t, 500, status, path)
		require.NotContains(t, body, "Traceback", path)
		require.Eventually(t, func() bool { return strings.Contains(l.log.String(), says) }, 5*time.Second, 10*time.Millisecond, path)
	}
	require.NotContains(t, l.log.String(), "<zeug>")
	for path, begun := range map[string]string{
		"/raises-late": "begun", "/recovers-late": "begun", "/too-short": "hello",
	} {
		_, body, err := l.try("GET", path, "")
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, path)
		require.Equal(t, begun, body, path)
	}
	_, body := l.get("/too-long")
	require.Equal(t, "hello", body)
	require.Contains(t, l.log.String(), "ValueError: too late")
	status, _ := l.get("/")
	require.Equal(t, 200, status)
	require.Zero(t, l.Stats().Crashed)
}

func TestDebugShowsTheTraceback(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 1, Debug: true})
	resp, body := l.ask("GET", "/raises", "")
	require.Equal(t, 500, resp.StatusCode)
	require.Contains(t, body, "<h1>LookupError: ümlaut &lt;b&gt;</h1>")
	require.Contains(t, body, "in view_raises")
}

func TestCloseIsCalledOnce(t *testing.T) {
	t.Parallel()
	l := shared(t)
	closed := func() int { // the test is the only one that calls these views of the shared application
		_, body := l.get("/closed")
		n, err := strconv.Atoi(body)
		require.NoError(t, err)
		return n
	}
	before := closed()
	l.get("/closing")
	l.ask("HEAD", "/closing", "")
	l.get("/raises-and-closes")
	l.get("/file-that-closes")
	require.Eventually(t, func() bool { return closed() == before+4 }, 5*time.Second, 10*time.Millisecond)
}

// If an iterable is slow to close, the client gets its response before it is closed.
func TestCloseKeepsNobodyWaiting(t *testing.T) {
	l := shared(t)
	begun := time.Now()
	_, body := l.get("/closing-slowly")
	require.Equal(t, "a", body)
	require.Less(t, time.Since(begun), 900*time.Millisecond)
}

// Each part is sent before the application makes the next one.
func TestPartsAreNotHeldBack(t *testing.T) {
	t.Parallel()
	l := shared(t)
	resp, err := l.server.Client().Get(l.server.URL + "/stream")
	require.NoError(t, err)
	defer resp.Body.Close()
	b := make([]byte, 5)
	_, err = io.ReadFull(resp.Body, b)
	require.NoError(t, err)
	require.Equal(t, "first", string(b))
	l.get("/open-gate")
	rest, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "second", string(rest))
}

// An application may answer while it reads.
func TestReadingAndAnsweringAlternate(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 1, BufferRequest: 1})
	c, err := net.Dial("tcp", strings.TrimPrefix(l.server.URL, "http://"))
	require.NoError(t, err)
	defer c.Close()
	fmt.Fprint(c, "POST /talk HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	say := func(line string) { fmt.Fprintf(c, "%x\r\n%s\r\n", len(line), line) }
	say("one\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	heard := bufio.NewReader(resp.Body)
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		if line != "one\n" {
			say(line)
		}
		got, err := heard.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "got "+line, got)
	}
	fmt.Fprint(c, "0\r\n\r\n")
	_, err = heard.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}

// A client that waits for 100 Continue sends its body when the application begins to read.
func TestExpectationsAreMetWhenTheApplicationReads(t *testing.T) {
	t.Parallel()
	l := shared(t)
	for path, continues := range map[string]bool{"/echo": true, "/unread": false} {
		c, err := net.Dial("tcp", strings.TrimPrefix(l.server.URL, "http://"))
		require.NoError(t, err)
		defer c.Close()
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", path)
		in := bufio.NewReader(c)
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, continues, strings.Contains(line, " 100 "), line)
		if continues {
			fmt.Fprint(c, "body")
			in.ReadString('\n')
			resp, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			b, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, "body", string(b))
		}
	}
}

func TestErrorsAreLogged(t *testing.T) {
	t.Parallel()
	l := shared(t)
	l.get("/errors")
	require.Eventually(t, func() bool { return strings.Contains(l.log.String(), "something to log\n") }, 5*time.Second, 10*time.Millisecond)
}
