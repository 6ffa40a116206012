package requests_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/requests"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/webtest"
)

// recorded passes requests to an application as a supervisor does.
func recorded(l *requests.List, app http.Handler) http.Handler {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, answered := l.Record(r)
		rec := httptest.NewRecorder()
		app.ServeHTTP(rec, r)
		_, _ = io.Copy(io.Discard, r.Body) // as a transport does
		resp := rec.Result()
		answered(resp)
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
		_ = resp.Body.Close()
	})
	l.Program = h
	return h
}

// pages are the responses that a browser gets from the program.
func pages(l *requests.List, app http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/.zeug/requests/", l)
	mux.Handle("/", recorded(l, app))
	return mux
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Method", r.Method)
	fmt.Fprintf(w, `{"path":%q,"body":%q}`, r.URL.Path, body)
}

func TestTheListKeepsTheLastRequests(t *testing.T) {
	l := &requests.List{}
	client := webtest.New(t, pages(l, http.HandlerFunc(echo)))
	for i := range 205 {
		client.Post(fmt.Sprintf("/item/%d", i), webtest.JSON(map[string]int{"n": i}))
	}
	all := l.All()
	require.Len(t, all, 200)
	require.Equal(t, "/item/204", all[0].Request.Target)
	require.Equal(t, `{"n":204}`, strings.TrimSpace(string(all[0].Request.Body.Bytes)))
	require.True(t, all[0].Done)
	require.Equal(t, 200, all[0].Response.Status)
	require.Contains(t, string(all[0].Response.Body.Bytes), `"path":"/item/204"`)

	page := client.Get("/.zeug/requests/").Expect(200)
	require.Equal(t, 200, page.HTML("#rows tr").Length())
	for query, want := range map[string]int{"path=/item/20": 6, "method=get": 0, "method=po": 200, "status=2": 200, "status=404": 0, "slower=100000": 0, "slower=x": 200} {
		require.Equal(t, want, client.Get("/.zeug/requests/?"+query).HTML("#rows a").Length(), query)
	}
	client.Get("/.zeug/requests/1").Expect(404)
	client.Get("/.zeug/requests/x/y/z").Expect(404)
	client.Get("/.zeug/requests/205/again").Expect(405)
	require.Contains(t, client.Get("/.zeug/requests/205").Expect(200).Text(), "/item/204")
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	l := &requests.List{}
	client := webtest.New(t, pages(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 40<<10))
		_, _ = io.Copy(w, r.Body)
	})))
	client.Post("/", webtest.Body("text/plain", strings.NewReader(strings.Repeat("a", 200<<10)))).Expect(200)
	e, ok := l.Find(1)
	require.True(t, ok)
	require.Len(t, e.Request.Body.Bytes, 64<<10)
	require.EqualValues(t, 200<<10, e.Request.Body.Size)
	require.Len(t, e.Response.Body.Bytes, 64<<10)
	require.EqualValues(t, 200<<10, e.Response.Body.Size)
	require.NotContains(t, fmt.Sprint(e.Response.Fields), "xxxxx")
	_, err := e.Request.Curl()
	require.ErrorIs(t, err, requests.ErrUnknown)
	_, err = e.Test("", "")
	require.ErrorIs(t, err, requests.ErrUnknown)
	require.Contains(t, client.Get("/.zeug/requests/1").Expect(200).Text(), "cannot be sent again")
	client.Post("/.zeug/requests/1/again").Expect(422)
}

func TestSecretsAreShownWhenAskedFor(t *testing.T) {
	l := &requests.List{}
	client := webtest.New(t, pages(l, http.HandlerFunc(echo)))
	client.Get("/?token=hidden", webtest.Header("Authorization", "Bearer concealed"))
	page := client.Get("/.zeug/requests/1").Text()
	require.NotContains(t, page, "concealed")
	page = client.Get("/.zeug/requests/1?reveal").Text()
	require.Contains(t, page, "concealed")
}

// told gives the list a program's report on a request.
func told(t *testing.T, l *requests.List, facts supervise.Facts) {
	t.Helper()
	data, err := json.Marshal(facts)
	require.NoError(t, err)
	l.Receive(nil, supervise.Message{Type: supervise.TypeFacts, Data: data})
}

func TestLogRecordsAreShown(t *testing.T) {
	l := &requests.List{}
	client := webtest.New(t, pages(l, http.HandlerFunc(echo)))
	client.Get("/")
	require.NotContains(t, client.Get("/.zeug/requests/1").Text(), "Log records")
	told(t, l, supervise.Facts{Exchange: 1, LogsMissed: 3, Logs: []supervise.LogRecord{
		{At: 1500 * time.Microsecond, Level: "INFO", Message: "connected to postgres://ann:hidden@db/shop", Source: "shop/main.go:12",
			Attrs: []supervise.Attr{{Name: "user.password", Value: "hidden"}, {Name: "rows", Value: "7"}}},
		{Level: "ERROR+2", Message: "failed\x1b[2J\u202e</script><b>"},
	}})
	page := client.Get("/.zeug/requests/1").Expect(200)
	require.NotContains(t, page.HTML(".logs").Text(), "hidden")
	lines := page.HTML(".logs li").Map(func(_ int, li *goquery.Selection) string { return strings.Join(strings.Fields(li.Text()), " ") })
	require.Equal(t, []string{
		"+1.5 ms INFO connected to postgres://ann:••••••••@db/shop user.password=•••••••• rows=7 shop/main.go:12",
		`+0.00 ms ERROR+2 failed\u{1b}[2J\u{202e}</script><b>`,
	}, lines)
	require.Equal(t, 1, page.HTML(".logs li.wrong").Length())
	require.Contains(t, page.HTML("main").Text(), "3 more are not kept")
	require.Equal(t, 2, strings.Count(client.Get("/.zeug/requests/1?reveal").HTML(".logs").Text(), "hidden"))
}

func TestTheTimeLineIsShown(t *testing.T) {
	l := &requests.List{}
	client := webtest.New(t, pages(l, http.HandlerFunc(echo)))
	client.Get("/")
	require.NotContains(t, client.Get("/.zeug/requests/1").Text(), "Time line")
	ms := time.Millisecond
	told(t, l, supervise.Facts{Exchange: 1, Took: 10 * ms, SpansMissed: 1, Spans: []supervise.Span{
		{Kind: "middleware", Name: "middleware.Timeout", At: 1 * ms, Took: 8 * ms},
		{Kind: "view", Name: "main.index", At: 2 * ms, Took: 5 * ms},
		{Kind: "sql", Name: "SELECT '<script>' WHERE password='hidden'", At: 3 * ms, Took: 2 * ms},
		{Kind: "template", Name: "index.html", At: 5 * ms, Took: 1 * ms},
		{Kind: "redis", Name: "GET a", At: 9990 * time.Microsecond, Took: 0},
	}})
	page := client.Get("/.zeug/requests/1").Expect(200)
	lines := page.HTML(".timeline li").Map(func(_ int, li *goquery.Selection) string {
		rect := li.Find("rect")
		return strings.Join(append(strings.Fields(li.AttrOr("class", "")+" | "+li.Text()), "|", rect.AttrOr("x", ""), rect.AttrOr("width", "")), " ")
	})
	require.Equal(t, []string{
		"d0 program | program 10.0 ms +0.00 ms | 0.0 1000.0",
		"d1 middleware | middleware middleware.Timeout 8.0 ms +1.0 ms | 100.0 800.0",
		"d2 view | view main.index 5.0 ms +2.0 ms | 200.0 500.0",
		"d3 other | sql SELECT '<script>' WHERE password='••••••••' 2.0 ms +3.0 ms | 300.0 200.0",
		"d3 template | template index.html 1.0 ms +5.0 ms | 500.0 100.0",
		"d1 other | redis GET a 0.00 ms +10.0 ms | 997.0 3.0",
	}, lines)
	require.Contains(t, page.HTML("main").Text(), "1 more is not kept")
	require.Zero(t, page.HTML("[style]").Length(), "the policy of the page forbids it")
}

func TestAFailureLeadsToItsPage(t *testing.T) {
	l := &requests.List{}
	client := webtest.New(t, pages(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "500", http.StatusInternalServerError)
	})))
	client.Get("/")
	told(t, l, supervise.Facts{Exchange: 1, Failure: "/.zeug/debugger/f3", Failed: "dial postgres://ann:secret1@db <b>"})
	require.Equal(t, "/.zeug/debugger/f3", client.Get("/.zeug/requests/").HTML("#rows a.failure").AttrOr("href", ""))
	require.Equal(t, "It failed: dial postgres://ann:••••••••@db <b>", client.Get("/.zeug/requests/1").HTML("p.wrong").Text())
	client.Get("/")
	told(t, l, supervise.Facts{Exchange: 2, Failure: "javascript:alert(1)", Failed: "x"})
	require.Equal(t, 1, client.Get("/.zeug/requests/").HTML("#rows a.failure").Length())
	require.Zero(t, client.Get("/.zeug/requests/2").HTML("p.wrong").Length())
}

func TestTheOutcomeOfARequestThatRunsAgain(t *testing.T) {
	l := &requests.List{}
	status := 500
	client := webtest.New(t, pages(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
	})))
	client.Get("/")
	again := func(told func(id int)) (outcome map[string]any) {
		done, next := make(chan struct{}), l.All()[0].ID+1
		go func() {
			defer close(done)
			for e, _ := l.Find(next); !e.Done; e, _ = l.Find(next) {
				runtime.Gosched()
			}
			told(next)
		}()
		client.Post("/.zeug/requests/1/again", webtest.Header("Accept", "application/json")).Expect(200).JSON(&outcome)
		<-done
		return outcome
	}
	fails := func(id int) {
		told(t, l, supervise.Facts{Exchange: id, Failure: "/.zeug/debugger/f4", Failed: "token=hidden\u202e"})
	}
	require.Equal(t, map[string]any{"id": 2., "status": 500., "failure": "/.zeug/debugger/f4", "failed": `token=••••••••`}, again(fails))
	status = 204
	require.Equal(t, map[string]any{"id": 3., "status": 204.}, again(func(id int) { told(t, l, supervise.Facts{Exchange: id}) }))
}

func TestStreamsAreOpenUntilTheyEnd(t *testing.T) {
	l := &requests.List{}
	client := webtest.New(t, l)
	row := func() string {
		return strings.Join(strings.Fields(client.Get("/.zeug/requests/").HTML("#rows tr:first-child").Text()), " ")
	}
	_, answered := l.Record(httptest.NewRequest("GET", "/events", nil))
	require.Contains(t, row(), "/events … running")
	body, end := io.Pipe()
	resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}}, Body: body}
	answered(resp)
	require.Contains(t, row(), "/events event stream 200 open")
	require.NoError(t, end.Close())
	_, err := io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.Regexp(t, `/events event stream 200 [\d.]+ ms 0 B$`, row())

	_, answered = l.Record(httptest.NewRequest("GET", "/socket", nil))
	ours, theirs := net.Pipe()
	defer theirs.Close()
	resp = &http.Response{StatusCode: 101, Header: http.Header{"Upgrade": {"WebSocket"}}, Body: ours}
	answered(resp)
	require.Contains(t, row(), "/socket websocket 101 open")
	require.Implements(t, (*io.ReadWriteCloser)(nil), resp.Body, "a proxy wants it")
	require.NoError(t, resp.Body.Close())
	require.Regexp(t, `/socket websocket 101 [\d.]+ ms 0 B$`, row())
}

// profiled is the profile of a request that computes and allocates, as a program tells it.
func profiled(t *testing.T, exchange int) supervise.Profile {
	t.Helper()
	function := func(id uint64, name string) *profile.Function { return &profile.Function{ID: id, Name: name} }
	functions := []*profile.Function{
		function(1, "net/http.(*conn).serve"), function(2, "github.com/zeugkit/zeug/serving/dev.runProfiled"),
		function(3, "main.index"), function(4, "main.(*shop).find[go.shape.int]"), function(5, "main.<script>alert(1)</script>"),
	}
	var locations []*profile.Location
	for _, f := range functions {
		locations = append(locations, &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}})
	}
	stack := func(ids ...int) (list []*profile.Location) { // the newest frame first
		for _, id := range ids {
			list = append(list, locations[id-1])
		}
		return list
	}
	label := map[string][]string{supervise.ProfileLabel: {strconv.Itoa(exchange)}}
	write := func(p *profile.Profile) []byte {
		p.Function, p.Location = functions, locations
		var b bytes.Buffer
		require.NoError(t, p.Write(&b))
		return b.Bytes()
	}
	ms := int64(time.Millisecond)
	cpu := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		Sample: []*profile.Sample{
			{Location: stack(4, 3, 2, 1), Value: []int64{6, 6 * ms}, Label: label},
			{Location: stack(5, 3, 2, 1), Value: []int64{2, 2 * ms}, Label: label},
			{Location: stack(4, 4, 3, 2, 1), Value: []int64{2, 2 * ms}, Label: label},
			{Location: stack(4, 3, 2, 1), Value: []int64{99, 99 * ms}},
		},
	}
	allocs := func(first, others int64) []byte {
		return write(&profile.Profile{
			SampleType: []*profile.ValueType{{Type: "alloc_objects", Unit: "count"}, {Type: "alloc_space", Unit: "bytes"}},
			Sample: []*profile.Sample{
				{Location: stack(4, 3, 2, 1), Value: []int64{first, first * 1024}},
				{Location: stack(4, 3, 1), Value: []int64{others, others * 1024}},
			},
		})
	}
	return supervise.Profile{Exchange: exchange, CPU: write(cpu), AllocsBefore: allocs(3, 1), Allocs: allocs(5, 1000), Trace: []byte("go 1.26 trace")}
}

func TestTheNextRequestIsProfiled(t *testing.T) {
	l := &requests.List{}
	var wanted []string
	client := webtest.New(t, pages(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wanted = append(wanted, peer.Of(r).Profile)
	})))
	client.Get("/items/1")
	require.NotContains(t, client.Get("/.zeug/requests/1").Text(), "Profile the next one")
	client.Post("/.zeug/requests/1/want").Expect(422)
	client.Get("/.zeug/requests/1/want").Expect(405)
	client.Get("/.zeug/requests/1/profile").Expect(404)
	told(t, l, supervise.Facts{Exchange: 1, Rule: "/items/<int:id>"})
	client.Post("/.zeug/requests/1/want", webtest.FromPage("https://evil.example/")).Expect(403)
	page := client.Get("/.zeug/requests/1").Submit(`form[action="1/want"]`, nil, webtest.Follow).Expect(200)
	require.Contains(t, page.HTML("header").Text(), "The next GET request that matches /items/<int:id> is profiled.")
	client.Post("/items/1")
	client.Get("/items/2")
	require.Equal(t, []string{"", "", "/items/<int:id>"}, wanted)
	data, err := json.Marshal(profiled(t, 3))
	require.NoError(t, err)
	l.Receive(nil, supervise.Message{Type: supervise.TypeProfile, Data: data})
	client.Get("/items/3")
	require.Equal(t, "", wanted[3], "one is enough")

	require.Equal(t, "3/profile", client.Get("/.zeug/requests/").HTML(`#rows a:contains("profile")`).AttrOr("href", ""))
	require.Equal(t, "3/profile", client.Get("/.zeug/requests/3").HTML(`.tools a:contains("Profile")`).AttrOr("href", ""))
	page = client.Get("/.zeug/requests/3/profile").Expect(200)
	require.Equal(t, []string{"CPU: 10.0 ms", "Allocations: 2.0 KiB"}, page.HTML("h2").Map(func(_ int, h *goquery.Selection) string { return h.Text() }))
	require.Equal(t, []string{
		"request: 10.0 ms", "main.index: 10.0 ms", "main.(*shop).find[go.shape.int]: 8.0 ms",
		"main.(*shop).find[go.shape.int]: 2.0 ms", "main.<script>alert(1)</script>: 2.0 ms",
	}, page.HTML("section:first-of-type title").Map(func(_ int, s *goquery.Selection) string { return s.Text() }))
	require.Equal(t, []string{
		"main.(*shop).find[go.shape.int] 8.0 ms 8.0 ms", "main.<script>alert(1)</script> 2.0 ms 2.0 ms",
	}, page.HTML("section:first-of-type tbody tr").Map(func(_ int, s *goquery.Selection) string {
		return strings.Join(s.Find("td").Map(func(_ int, s *goquery.Selection) string { return s.Text() }), " ")
	}))
	require.Zero(t, page.HTML("script, [style]").Length())
	require.Equal(t, "go 1.26 trace", client.Get("/.zeug/requests/3/profile?file=request.trace").Expect(200).Text())
	client.Get("/.zeug/requests/3/profile?file=../x").Expect(404)

	for id := 4; id < 20; id++ {
		client.Get("/items/4")
		data := fmt.Appendf(nil, `{"exchange": %d, "cpu": "AAAA", "notes": ["<b>"]}`, id)
		l.Receive(nil, supervise.Message{Type: supervise.TypeProfile, Data: data})
	}
	client.Get("/.zeug/requests/3/profile").Expect(404)
	notes := client.Get("/.zeug/requests/19/profile").Expect(200).HTML("main .note").Text()
	require.Contains(t, notes, "<b>")
	require.Contains(t, notes, "read the CPU profile")
}

// FuzzLogRecordsStayText checks that nothing in a log record becomes markup or hides a part of the
// page.
func FuzzLogRecordsStayText(f *testing.F) {
	f.Add("INFO", "message", "name", "value", "main.go:1")
	f.Add("<script>", "</li></ol><script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "{{.}}", "\x00\u202e\xff")
	f.Fuzz(func(t *testing.T, level, message, name, value, source string) {
		l := &requests.List{}
		client := webtest.New(t, pages(l, http.HandlerFunc(echo)))
		client.Get("/")
		told(t, l, supervise.Facts{Exchange: 1, Logs: []supervise.LogRecord{{
			Level: level, Message: message, Source: source, Attrs: []supervise.Attr{{Name: name, Value: value}},
		}}})
		plain := client.Get("/.zeug/requests/1").Expect(200).HTML("body")
		require.Equal(t, 1, plain.Find(".logs li").Length())
		require.Equal(t, 1, plain.Find("body script, script").Length())
		kinds := plain.Find(".logs li *").Map(func(_ int, e *goquery.Selection) string { return goquery.NodeName(e) })
		require.Subset(t, []string{"span", "b", "small"}, kinds)
		require.LessOrEqual(t, len(kinds), 5)
		for _, c := range plain.Find(".logs").Text() {
			require.True(t, c == '\n' || c == '\t' || unicode.IsPrint(c), "%q", c)
		}
	})
}

func TestARequestRunsAgain(t *testing.T) {
	n := 0
	l := &requests.List{}
	client := webtest.New(t, pages(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		if n > 1 {
			w.Header().Set("X-New", "yes")
			w.WriteHeader(http.StatusTeapot)
		}
		fmt.Fprintf(w, "first line\nrun %d of %s %s\nCookie %s\n", n, r.Method, r.URL, r.Header.Get("Cookie"))
		_, _ = io.Copy(w, r.Body)
	})))
	client.Post("/order?x=1", webtest.Form(url.Values{"name": {"Ann"}}), webtest.Header("Cookie", "a=b"))
	page := client.Get("/.zeug/requests/1").Submit(".tools form", nil, webtest.Follow).Expect(200)
	text := page.Text()
	require.Contains(t, text, "run 2 of POST /order?x=1")
	require.Contains(t, text, "Cookie a=b")
	require.Equal(t, "-run 1 of POST /order?x=1", page.HTML(".difference .gone").Text())
	require.Equal(t, "+run 2 of POST /order?x=1", page.HTML(".difference .new").Text())
	require.Contains(t, page.HTML("del").Text(), "200 OK")
	require.Contains(t, page.HTML("ins").Text(), "418 I'm a teapotyes")

	t.Run("changed", func(t *testing.T) {
		page := client.Get("/.zeug/requests/1?reveal").Submit("form.edit", url.Values{
			"method": {"PUT"}, "target": {"/else"}, "header": {"Cookie: c=d\r\nContent-Type: text/plain\r\n"}, "body": {"new"},
		}, webtest.Follow).Expect(200)
		require.Contains(t, page.Text(), "run 3 of PUT /else\nCookie c=d\nnew")
	})
	t.Run("a line that is not a field is refused", func(t *testing.T) {
		client.Post("/.zeug/requests/1/again", webtest.Form(url.Values{"header": {"no colon"}})).Expect(422)
		client.Post("/.zeug/requests/1/again", webtest.Form(url.Values{"method": {"GE T"}})).Expect(422)
		client.Post("/.zeug/requests/1/again", webtest.Form(url.Values{"target": {"http://elsewhere/"}})).Expect(422)
		require.Equal(t, 3, n)
	})
	t.Run("pages of others may not ask", func(t *testing.T) {
		client.Post("/.zeug/requests/1/again", webtest.FromPage("https://evil.example/")).Expect(403)
		require.Equal(t, 3, n)
	})
	t.Run("a body that was not changed stays as it was", func(t *testing.T) {
		client.Post("/bytes", webtest.Body("text/plain", strings.NewReader("a\r\nb\nc\r")))
		id := l.All()[0].ID
		client.Get(fmt.Sprintf("/.zeug/requests/%d", id)).Submit("form.edit", nil).Expect(303)
		require.Equal(t, "a\r\nb\nc\r", string(l.All()[0].Request.Body.Bytes))
	})
}

func TestNewRowsComeAsTheyHappen(t *testing.T) {
	l := &requests.List{}
	client := webtest.New(t, pages(l, http.HandlerFunc(echo)))
	version := client.Get("/.zeug/requests/rows").Header.Get("Zeug-Version")
	rows := make(chan *webtest.Response)
	go func() { rows <- client.Get("/.zeug/requests/rows?version=" + version) }()
	client.Get("/new")
	require.Contains(t, (<-rows).Text(), "/new")
}

// TestCurlSendsTheSameRequest runs the commands in a shell, and compares the requests with the
// recorded ones.
func TestCurlSendsTheSameRequest(t *testing.T) {
	var got [][]byte
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := &requests.List{}
		r, _ = l.Record(r)
		_, _ = io.Copy(io.Discard, r.Body)
		e, _ := l.Find(1)
		got = append(got, described(e.Request))
	}))
	server.Start()
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")

	random := rand.New(rand.NewPCG(1, 2))
	var script bytes.Buffer
	var want [][]byte
	var commands []string
	for i := range 120 {
		r := randomRequest(random, host, i)
		command, err := r.Curl()
		require.NoError(t, err)
		commands = append(commands, command)
		want = append(want, described(r))
		fmt.Fprintf(&script, "%s >/dev/null 2>&1 || echo %d fails $?\n", command, i)
	}
	for _, shell := range []string{"dash", "bash"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			path = "/bin/sh"
		}
		got = nil
		dir := t.TempDir()
		c := exec.Command(path)
		c.Dir, c.Stdin = dir, bytes.NewReader(script.Bytes())
		out, err := c.CombinedOutput()
		require.NoError(t, err)
		require.Empty(t, string(out))
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left, "nothing of a request is a command")
		require.Len(t, got, len(want))
		for i := range want {
			require.Equal(t, string(want[i]), string(got[i]), commands[i])
		}
	}
}

// described is a request as a server sees it: an escaped character of the target is the character.
func described(r requests.Request) []byte {
	var b bytes.Buffer
	target, err := url.ParseRequestURI(r.Target)
	path := r.Target
	if err == nil {
		query, _ := url.PathUnescape(target.RawQuery)
		path = target.Path + "?" + query
	}
	fmt.Fprintf(&b, "%s %q\n", r.Method, path)
	for _, f := range r.Fields {
		if f.Name != "Content-Length" {
			fmt.Fprintf(&b, "%s: %q\n", f.Name, f.Value)
		}
	}
	fmt.Fprintf(&b, "%q\n", r.Body.Bytes)
	return b.Bytes()
}

func randomRequest(random *rand.Rand, host string, i int) requests.Request {
	hostile := []string{"'", `"`, "`", "$(touch x)", "\\", ";", "&", "|", ">", "<x", "*", "~", "!", "#", "%", "%41", "{a,b}", "[0-9]", "@file", "-d", "\t",
		"ü", "日本", "\u202e", "\U0001f600", "a", "b c", "=", "+", "\xff", "//", "..", "\\n", "%s", "%%", "\\303"}
	text := func(n int) string {
		s := ""
		for range random.IntN(n + 1) {
			s += hostile[random.IntN(len(hostile))]
		}
		return s
	}
	r := requests.Request{Method: []string{"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "QUERY"}[random.IntN(8)], Scheme: "http", Host: host}
	clean := strings.NewReplacer("%", "", "?", "", "#", "", "\t", "", " ", "", "<", "", ">", "", "\"", "", "`", "", "|", "", "\\", "", "{", "", "}", "", "[", "", "]", "", "\xff", "")
	r.Target = "/" + clean.Replace(text(4))
	if random.IntN(2) == 0 {
		r.Target += "?" + clean.Replace(text(4))
	}
	if random.IntN(3) > 0 {
		r.Fields = append(r.Fields, requests.Field{Name: "Accept", Value: "text/html, */*;q=0.1"})
	}
	if random.IntN(3) == 0 {
		r.Fields = append(r.Fields, requests.Field{Name: "Accept-Encoding", Value: "gzip"})
	}
	r.Body.Whole = true
	if random.IntN(2) == 0 && r.Method != "HEAD" {
		body := text(8)
		if random.IntN(3) == 0 {
			body += "\x00\n\x1b[2J\r\n"
		}
		if body != "" {
			r.Body = requests.Body{Bytes: []byte(body), Size: int64(len(body)), Whole: true}
			if random.IntN(3) > 0 {
				r.Fields = append(r.Fields, requests.Field{Name: "Content-Type", Value: "text/plain"})
			}
		}
	}
	if random.IntN(2) == 0 {
		r.Fields = append(r.Fields, requests.Field{Name: "User-Agent", Value: "x " + strings.Trim(text(3), " \t") + "y"})
	}
	value := strings.Trim(text(5), " \t")
	r.Fields = append(r.Fields, requests.Field{Name: "X-Field", Value: value}, requests.Field{Name: "X-Field", Value: "second"})
	return r
}

// TestTheCopiedTestPasses writes the test into copies of applications, and runs it there.
func TestTheCopiedTestPasses(t *testing.T) {
	for name, imports := range map[string]string{"with testify": "\n\t\"github.com/stretchr/testify/require\"", "without": ""} {
		t.Run(name, func(t *testing.T) { copied(t, imports) })
	}
}

// copied runs the tests of some requests in a package whose own test has the given imports.
func copied(t *testing.T, imports string) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	folder := t.TempDir()
	for name, source := range map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/zeugkit/zeug v0.0.0\n\tgithub.com/stretchr/testify v1.12.1\n)\n\nreplace github.com/zeugkit/zeug => " + root + "\n",
		"main.go": `package main

import (
	"fmt"
	"io"
	"net/http"
)

func newApp() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
			http.Redirect(w, r, "/", http.StatusSeeOther)
		case "/upload":
			file, header, err := r.FormFile("picture")
			if err != nil {
				http.Error(w, err.Error(), 400)
				return
			}
			text, _ := io.ReadAll(file)
			fmt.Fprintf(w, "%s of %d bytes, %q, by %s", header.Filename, len(text), text, r.PostFormValue("by"))
		default:
			w.Header().Set("Content-Type", "application/json")
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "{\"path\": %q, \"body\": %q, \"agent\": %q}", r.URL, body, r.Header.Get("X-Agent"))
		}
	})
}

func main() { _ = http.ListenAndServe("127.0.0.1:0", newApp()) }
`,
		"app_test.go": `package main

import (
	"testing"
` + imports + `
	"github.com/zeugkit/zeug/webtest"
)

func TestGetX(t *testing.T) {
	webtest.New(t, newApp()).Get("/x").Expect(200)
	` + map[bool]string{true: "require.True(t, true)"}[imports != ""] + `
}
`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(source), 0o600))
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "go.sum"), sum, 0o600))

	l := &requests.List{Tests: func() string { return folder }}
	app := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			http.Redirect(w, r, "/", http.StatusSeeOther)
		case "/upload":
			file, header, err := r.FormFile("picture")
			if err != nil {
				http.Error(w, err.Error(), 400)
				return
			}
			text, _ := io.ReadAll(file)
			fmt.Fprintf(w, "%s of %d bytes, %q, by %s", header.Filename, len(text), text, r.PostFormValue("by"))
		default:
			w.Header().Set("Content-Type", "application/json")
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "{\"path\": %q, \"body\": %q, \"agent\": %q}", r.URL, body, r.Header.Get("X-Agent"))
		}
	}
	client := webtest.New(t, pages(l, http.HandlerFunc(app)))
	client.Get("/x")
	client.Get("/x/"+"日本?q=`a`&b=%22", webtest.Header("X-Agent", "a\"b`c\\"))
	client.Post("/login", webtest.Form(url.Values{"name": {"Ann", "`b`"}, "q\"": {"\n"}}))
	client.Post("/upload", webtest.Field("by", "Ann"), webtest.FileOfType("picture", `ka"tze.png`, "image/png", strings.NewReader("\x00\xff`")))
	client.Post("/json", webtest.JSON(map[string]any{"a": []int{1, 2}, "b": "`\"\n"}))
	client.Do("QUERY", "/odd;x=1?%ff", webtest.Body("text/plain", strings.NewReader("\u202e\r\n`")))
	client.Delete("/x")
	n := len(l.All())
	for id := 1; id <= n; id++ {
		source := client.Get(fmt.Sprintf("/.zeug/requests/%d/test?chosen=%s", id, "")).Expect(200).Text()
		require.Contains(t, source, "client := webtest.New(t, newApp())\n")
		require.NoError(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("copied%d_test.go", id)), []byte(source), 0o600))
		if id == 1 {
			require.Contains(t, source, "func TestGetX2(t *testing.T)")
		}
	}
	chosen := client.Get("/.zeug/requests/4/test?chosen=" + url.QueryEscape("of 3 bytes")).Text()
	require.Contains(t, chosen, map[bool]string{
		true:  `require.Contains(t, resp.Text(), "of 3 bytes")`,
		false: `if got := resp.Text(); !strings.Contains(got, "of 3 bytes") {`,
	}[imports != ""])
	require.Equal(t, imports != "", strings.Contains(chosen, "testify"))
	c := exec.Command("go", "test", "-v", "-mod=mod", "./...")
	c.Dir = folder
	c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	passed := 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "--- PASS") {
			passed++
		}
	}
	require.Equal(t, n+1, passed, "%s", out)
}

func TestTestsThatHaveNoPackageSayWhatToAdapt(t *testing.T) {
	e := requests.Exchange{Request: requests.Request{Method: "GET", Host: "localhost:5000", Scheme: "http", Target: "/", Body: requests.Body{Whole: true}},
		Response: requests.Response{Status: 200}, Done: true, Began: time.Now()}
	source, err := e.Test("", "")
	require.NoError(t, err)
	require.Equal(t, `package main

import (
	"testing"

	"github.com/zeugkit/zeug/webtest"
)

func TestGetIndex(t *testing.T) {
	// Replace newApp() with the function that makes the application.
	client := webtest.New(t, newApp())
	client.Get("/").Expect(200)
}
`, source)
}

// FuzzPages shows hostile requests: whatever they hold is text.
func FuzzPages(f *testing.F) {
	f.Add("/x", "X-A", "<script>alert(1)</script>", "<b>", "text/html")
	f.Add("/\u202e?<i>=\"'", "X", "`", "{\"a\":1}", "application/json")
	f.Fuzz(func(t *testing.T, target, name, value, body, kind string) {
		l := &requests.List{}
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.RequestURI = "/" + target
		r.Header = http.Header{name: {value}, "Content-Type": {kind}}
		r, answered := l.Record(r)
		_, _ = io.Copy(io.Discard, r.Body)
		resp := &http.Response{StatusCode: 200, Header: http.Header{name: {value}, "Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body))}
		answered(resp)
		_, _ = io.Copy(io.Discard, resp.Body)
		for _, path := range []string{"", "1", "1?reveal", "1/page"} {
			w := httptest.NewRecorder()
			l.ServeHTTP(w, httptest.NewRequest("GET", "/.zeug/requests/"+path, nil))
			if path == "1/page" {
				require.Contains(t, w.Header().Get("Content-Security-Policy")+strings.Repeat("sandbox", w.Code/404), "sandbox")
				continue
			}
			page := w.Body.String()
			require.Equal(t, 200, w.Code, page)
			require.Equal(t, 1, strings.Count(page, "<script"), page)
			for _, c := range page {
				require.False(t, c == 0x1b || c == 0x202e || c == 0x200b, page)
			}
		}
	})
}
