//go:build unix

package reload_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/reload"
)

// patience is how long the tests wait for an event: builds take long on a busy machine.
const patience = 3 * time.Minute

// rounds returns how many times a test repeats what takes processor time: many times in CI, where CI is set.
func rounds(few, many int) int {
	if os.Getenv("CI") != "" {
		return many
	}
	return few
}

// project is a program in its own folder, under a supervisor.
type project struct {
	t      *testing.T
	dir    string
	addr   string
	client *http.Client
	log    *output
}

// output collects what a supervisor and its program print.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Reset()
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

const program = `package main

import (
	"embed"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/zeugkit/zeug/serving"
)

//go:embed words
var words embed.FS

const answer = "one"

var greeting = flag.String("greeting", "none", "")

func app(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/pid":
		fmt.Fprint(w, os.Getpid())
	case "/slow":
		fmt.Println("asked for what is slow")
		time.Sleep(time.Minute)
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: begun\n\n")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		io.WriteString(w, "data: ended\n\n")
	case "/echo":
		b, err := io.ReadAll(r.Body)
		fmt.Fprint(w, answer, " ", len(b), " ", err)
	case "/origin":
		fmt.Fprint(w, r.TLS != nil, " ", r.RemoteAddr, " ", r.Host, " ", r.RequestURI, " ", r.Header)
	case "/words":
		b, _ := words.ReadFile("words/word.txt")
		w.Write(b)
	case "/disk":
		b, _ := os.ReadFile("data/file.txt")
		w.Write(b)
	case "/panic":
		panic("broken: " + answer)
	case "/greeting":
		fmt.Fprint(w, *greeting)
	case "/document":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html>\n<title>"+answer+"</title>\n")
	default:
		io.WriteString(w, answer)
	}
}

func main() {
	flag.Parse()
	serving.MainWith("127.0.0.1:0", http.HandlerFunc(app), serving.Options{NoAccessLog: true, OPTIONS})
}
`

// write writes a program's files.
func write(t *testing.T, dir, options string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	// The library requires the same modules as this program.
	_, requirements, _ := strings.Cut(string(mod), "\nrequire")
	save(t, filepath.Join(dir, "go.sum"), string(sums))
	save(t, filepath.Join(dir, "go.mod"), "module example.org/app\n\ngo 1.26.0\n\nrequire github.com/zeugkit/zeug v0.0.0\n\nreplace github.com/zeugkit/zeug => "+root+"\n\nrequire"+requirements)
	save(t, filepath.Join(dir, "words", "word.txt"), "word")
	save(t, filepath.Join(dir, "main.go"), strings.Replace(program, ", OPTIONS", options, 1))
}

func save(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
}

// replace changes a file in one step. The watcher can see a file that save writes twice, empty and then whole, and report
// the second change together with the next one.
func replace(t *testing.T, name, text string) {
	t.Helper()
	written := filepath.Join(t.TempDir(), "written")
	save(t, written, text)
	require.NoError(t, os.Rename(written, name))
}

// run supervises a program until the test ends. To be built quickly, the program has neither debug information
// nor the development tools. Tests that need the tools set LinkTools.
func run(t *testing.T, prepare func(dir string, c *reload.Config)) *project {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a program")
	}
	p := &project{t: t, dir: t.TempDir(), log: &output{}}
	p.client = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 100, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	write(t, p.dir, "")
	config := reload.Config{
		Program: reload.Program{Dir: p.dir, WorkDir: p.dir, Flags: []string{"-ldflags=-w"}},
		Listen:  []string{"127.0.0.1:0"},
		Logger:  slog.New(slog.NewTextHandler(p.log, nil)), Stdout: p.log, Stderr: p.log,
	}
	if prepare != nil {
		prepare(p.dir, &config)
	}
	s, err := reload.New(config)
	require.NoError(t, err)
	if addrs := s.Addrs(); len(addrs) > 0 { // otherwise the program prints its address
		p.addr = addrs[0].String()
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		stop()
		require.NoError(t, <-ended)
		require.NoDirExists(t, s.Folder())
		if t.Failed() {
			t.Log(p.log)
		}
	})
	return p
}

func (p *project) edit(before, after string) {
	p.t.Helper()
	name := filepath.Join(p.dir, "main.go")
	b, err := os.ReadFile(name)
	require.NoError(p.t, err)
	require.Contains(p.t, string(b), before)
	save(p.t, name, strings.Replace(string(b), before, after, 1))
}

// get returns the status and the body of the response to a client that is not a browser.
func (p *project) get(path string) (int, string) {
	p.t.Helper()
	return p.do("GET", path, "")
}

// browse does what get does, for a browser that requests a document. If it gets the waiting page,
// it loads it again, as that page itself does.
func (p *project) browse(path string) (status int, body string) {
	p.t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); {
		status, body = p.do("GET", path, "", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Dest", "document")
		if status != http.StatusServiceUnavailable || !strings.Contains(body, "the program is not ready yet") {
			break
		}
	}
	return status, body
}

// hears waits for an event. Other events come more than once if a file is written in pieces with
// long pauses.
func (p *project) hears(events <-chan string, want string) {
	p.t.Helper()
	late := time.After(patience)
	for {
		select {
		case event := <-events:
			if event == want {
				return
			}
		case <-late:
			require.Failf(p.t, "not heard", "%q in %v", want, patience)
		}
	}
}

func (p *project) do(method, path, body string, header ...string) (int, string) {
	p.t.Helper()
	r, err := http.NewRequest(method, "http://"+p.addr+path, strings.NewReader(body))
	require.NoError(p.t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := p.client.Do(r)
	require.NoError(p.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	return resp.StatusCode, string(b)
}

// eventually waits until a request for path gets this response.
func (p *project) eventually(path, want string) {
	p.t.Helper()
	last := ""
	require.Eventually(p.t, func() bool {
		_, last = p.get(path)
		return last == want
	}, patience, 20*time.Millisecond, "%s is not answered by %q", path, want)
}

// says waits until the log contains the string, and clears the log.
func (p *project) says(text string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		p.log.mu.Lock()
		defer p.log.mu.Unlock()
		said := strings.Contains(p.log.text.String(), text)
		if said {
			p.log.text.Reset()
		}
		return said
	}, patience, time.Millisecond, "nothing says %q", text)
}

// The subtests share a program, because building it takes longer than all of them.
func TestAProgramThatIsBuiltOnce(t *testing.T) {
	t.Parallel()
	p := run(t, func(_ string, c *reload.Config) { c.Program.Flags, c.LinkTools = nil, true })
	t.Run("a request waits for the first build", func(t *testing.T) {
		status, body := p.get("/")
		require.Equal(t, 200, status)
		require.Equal(t, "one", body)
	})
	t.Run("it sees the request as it came", func(t *testing.T) { seesTheRequestAsItCame(t, p) })
	t.Run("it is killed during a request", func(t *testing.T) { isKilledDuringARequest(t, p) })
	t.Run("it dies and is replaced before the next request", func(t *testing.T) { diesAndIsReplaced(t, p) })
}

// The subtests share a program, which each of them edits, because the first build takes as long as an edit.
func TestAProgramThatIsEdited(t *testing.T) {
	t.Parallel()
	p := run(t, func(dir string, _ *reload.Config) {
		save(t, filepath.Join(dir, "main.go"), strings.Replace(source("one"), "func main", "func mian", 1))
	})
	for _, test := range []struct {
		name string
		run  func(*testing.T, *project)
	}{
		{"failures are shown to the developer alone", showsFailuresToTheDeveloperAlone},
		{"a first build that fails is shown and mended", showsAFirstBuildThatFails},
		{"a build that fails", showsABuildThatFails},
		{"requests during a build", answersWithTheNewCode},
		{"however editors save", isServedHoweverEditorsSave},
		{"the last of several edits is served", servesTheLastOfSeveralEdits},
	} {
		require.True(t, t.Run(test.name, func(t *testing.T) {
			own := *p
			own.t = t
			p.log.clear()
			test.run(t, &own)
		}), "the next subtest begins with the program of this one")
	}
}

// After each edit under load the new code answers, and no request fails.
func TestEditsUnderLoadLoseNothing(t *testing.T) {
	p := run(t, nil)
	p.eventually("/", "one")
	const clients = 64
	edits := rounds(4, 10)
	pause := time.Duration(rounds(25, 5)) * time.Millisecond
	var asked atomic.Int64
	var stop atomic.Bool
	failed := make(chan error, clients)
	var load sync.WaitGroup
	for n := range clients {
		load.Go(func() {
			transport := &http.Transport{DisableKeepAlives: n%4 == 0}
			defer transport.CloseIdleConnections()
			client := http.Client{Transport: transport}
			for !stop.Load() {
				// A request with a body is not sent again.
				resp, err := client.Post("http://"+p.addr+"/echo", "text/plain", strings.NewReader("12345"))
				if err != nil {
					failed <- err
					return
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 || !strings.HasSuffix(string(b), " 5 <nil>") {
					failed <- fmt.Errorf("%s: %q: %w", resp.Status, b, err)
					return
				}
				asked.Add(1)
				time.Sleep(pause) // the builds need the two processors, too
			}
		})
	}
	was := `"one"`
	var longest, sum time.Duration
	for n := range edits {
		next := strconv.Quote("edit " + strconv.Itoa(n))
		began := time.Now()
		p.edit("answer = "+was, "answer = "+next)
		was = next
		want, _ := strconv.Unquote(next)
		p.eventually("/", want)
		took := time.Since(began)
		longest, sum = max(longest, took), sum+took
	}
	stop.Store(true)
	load.Wait()
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
	t.Logf("%d requests, none failed; an edit was visible after %v, at most %v", asked.Load(), sum/time.Duration(edits), longest)
}

// A new request gets the response of the new code, and a stream of the old process ends.
func answersWithTheNewCode(t *testing.T, p *project) {
	r, err := http.NewRequest("GET", "http://"+p.addr+"/events", nil)
	require.NoError(t, err)
	r.Header.Set("Accept", "text/event-stream")
	stream, err := p.client.Do(r)
	require.NoError(t, err)
	defer stream.Body.Close()
	p.edit(`"one"`, `"two"`)
	p.says("detected change")
	status, body := p.do("POST", "/echo", strings.Repeat("x", 1<<20))
	require.Equal(t, 200, status)
	require.Equal(t, "two 1048576 <nil>", body)
	b, err := io.ReadAll(stream.Body)
	require.NoError(t, err)
	require.Equal(t, "data: begun\n\ndata: ended\n\n", string(b))
}

func showsABuildThatFails(t *testing.T, p *project) {
	for name, c := range map[string]struct{ old, new, message, place string }{
		"by its syntax":     {`const answer = "one"`, `const answer = "one`, "newline in string", "main.go:18:20"},
		"by a wrong type":   {`const answer = "one"`, `const answer string = 1`, "cannot use 1", "main.go:18:23"},
		"by what it misses": {`"embed"`, "\"embed\"\n\t_ \"example.org/missing\"", "package example.org/missing", "main.go:5:2"},
	} {
		t.Run(name, func(t *testing.T) {
			p.eventually("/", "one")
			p.edit(c.old, c.new)
			p.says("does not build")
			status, page := p.browse("/")
			require.Equal(t, 500, status)
			require.Contains(t, page, c.message)
			_, worker := p.do("GET", "/", "", "Accept", "*/*", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "empty")
			require.Contains(t, worker, c.message, "a service worker that asks for the document")
			require.Contains(t, page, "<h2>"+c.place+"</h2>")
			require.Contains(t, page, "<mark>")
			require.Contains(t, page, "/.zeug/live.js")
			status, body := p.get("/")
			require.Equal(t, 200, status, "the old process goes on for others")
			require.Equal(t, "one", body)
			p.says("answers clients that are not browsers")
			resp, _ := p.ask("GET", "/", nil, func(r *http.Request) { r.Header.Set("Accept", "*/*") })
			require.Equal(t, "build failed", resp.Header.Get("X-Zeug-Stale"), "and says so")
			require.NotContains(t, p.log.String(), "answers clients that are not browsers", "once in the terminal")

			// The page that shows the failure gets an event when the failure is repaired.
			events := p.events(page)
			p.edit(c.new, c.old)
			p.hears(events, "reload")
			status, page = p.browse("/document")
			require.Equal(t, 200, status)
			resp, _ = p.ask("GET", "/", nil, nil)
			require.Empty(t, resp.Header.Get("X-Zeug-Stale"))
			require.Contains(t, page, "<title>")
		})
	}
}

// events reads the stream that the script of a page reads.
func (p *project) events(page string) <-chan string {
	p.t.Helper()
	_, after, ok := strings.Cut(page, `data-version="`)
	require.True(p.t, ok, page)
	version, _, _ := strings.Cut(after, `"`)
	resp, err := p.client.Get("http://" + p.addr + "/.zeug/live?since=" + version)
	require.NoError(p.t, err)
	p.t.Cleanup(func() { resp.Body.Close() })
	events := make(chan string, 10)
	lines := bufio.NewScanner(resp.Body)
	for _, line := range []string{"retry: 1000", "event: hello"} {
		require.True(p.t, lines.Scan())
		require.Equal(p.t, line, lines.Text())
	}
	go func() {
		for lines.Scan() {
			if event, ok := strings.CutPrefix(lines.Text(), "event: "); ok && event != "beat" {
				events <- event
			}
		}
	}()
	return events
}

func TestAProgramThatEndsAtStart(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ end, says, page string }{
		"by a panic in init":    {`panic("no database")`, "exit status 2", "panic: no database"},
		"by its exit code":      {`println("2026/11/30 01:02:03 no configuration"); os.Exit(7)`, "exit status 7", "<h1>no configuration</h1>"},
		"by the end of main":    {`println("done\n"); os.Exit(0)`, "exit status 0", "<h1>done</h1>"},
		"by a signal":           {`p, _ := os.FindProcess(os.Getpid()); p.Kill(); time.Sleep(time.Minute)`, "signal: killed", "<h1>the program ended before it served"},
		"by a server's refusal": {`serving.Main("127.0.0.1:0", nil)`, "exit status 78", "there is no application"},
	}
	// The program reads how to end, so that it is built once.
	var ends strings.Builder
	for name, c := range cases {
		fmt.Fprintf(&ends, "\tcase %q:\n\t\t%s\n", name, c.end)
	}
	p := run(t, func(dir string, c *reload.Config) {
		save(t, filepath.Join(dir, "data", "end.txt"), "")
		c.Watch = []string{"data"}
		name := filepath.Join(dir, "main.go")
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		save(t, name, string(b)+"\nfunc init() {\n\tend, _ := os.ReadFile(\"data/end.txt\")\n\tswitch string(end) {\n"+ends.String()+"\t}\n}\n")
	})
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, pid := p.get("/pid")
			save(t, filepath.Join(p.dir, "data", "end.txt"), name)
			p.says("ended before it served")
			status, page := p.browse("/")
			require.Equal(t, 500, status)
			require.Contains(t, page, c.says)
			require.Contains(t, page, c.page)
			_, body := p.get("/")
			require.Equal(t, "one", body, "the old process goes on for others")
			save(t, filepath.Join(p.dir, "data", "end.txt"), "")
			p.changes("/pid", pid)
			status, _ = p.browse("/")
			require.Equal(t, 200, status)
		})
	}
}

func showsAFirstBuildThatFails(t *testing.T, p *project) {
	status, page := p.browse("/")
	require.Equal(t, 500, status)
	require.Contains(t, page, "function main is undeclared")
	status, text := p.get("/")
	require.Equal(t, 500, status)
	require.Contains(t, text, "function main is undeclared")
	for accept, kind := range map[string]string{
		"":                                   "text/plain; charset=utf-8",
		"*/*":                                "text/plain; charset=utf-8",
		"text/plain, application/json":       "text/plain; charset=utf-8",
		"application/json":                   "application/json",
		"application/problem+json, */*;q=.1": "application/problem+json",
	} {
		resp, text := p.ask("GET", "/", nil, func(r *http.Request) {
			r.Header.Set("Accept", accept)
			r.Header.Set("Sec-Fetch-Dest", "empty")
		})
		require.Equal(t, 500, resp.StatusCode)
		require.Equal(t, kind, resp.Header.Get("Content-Type"), "Accept: %s", accept)
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		require.Contains(t, strings.Join(resp.Header.Values("Vary"), ","), "Accept")
		require.Contains(t, text, "function main is undeclared")
		if strings.HasSuffix(kind, "json") {
			var problem struct {
				Detail, Output string
				Problems       []struct{ File, Message string }
			}
			require.NoError(t, json.Unmarshal([]byte(text), &problem), "%s", text)
			require.Equal(t, "the program does not build", problem.Detail)
			require.Contains(t, problem.Output, "function main is undeclared")
		}
	}
	write(t, p.dir, "")
	p.eventually("/", "one")
}

// If a program has not reported its address, the address may be in its arguments.
func TestAFailureIsShownWhereTheArgumentsSay(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := free.Addr().String()
	require.NoError(t, free.Close())
	p := run(t, func(dir string, c *reload.Config) {
		c.Listen, c.Program.Args = nil, []string{"-v", "-addr", addr}
		save(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { panic(\"no database\") }\n")
	})
	require.Eventually(t, func() bool { return strings.Contains(p.log.String(), "the failure is shown until the program serves") }, patience, time.Millisecond)
	require.Contains(t, p.log.String(), "http://"+addr)
	p.addr = addr
	status, page := p.browse("/")
	require.Equal(t, http.StatusInternalServerError, status)
	require.Contains(t, page, "no database")
}

func TestATakenPortIsSaidOnce(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	p := run(t, func(dir string, c *reload.Config) {
		c.Listen = nil
		save(t, filepath.Join(dir, "main.go"), strings.NewReplacer("127.0.0.1:0", taken.Addr().String(), ", OPTIONS", "").Replace(program))
	})
	require.Eventually(t, func() bool {
		return strings.Contains(p.log.String(), "the program ended before it served, for the reason that it gave")
	}, patience, 10*time.Millisecond)
	require.Equal(t, 1, strings.Count(p.log.String(), "is in use by another program"), "%s", p.log)
}

func TestAProgramThatServesByItselfIsToldWhatToCall(t *testing.T) {
	t.Parallel()
	p := run(t, func(dir string, c *reload.Config) {
		c.Listen = nil
		save(t, filepath.Join(dir, "main.go"), "package main\n\nimport \"net/http\"\n\nfunc main() { http.ListenAndServe(\"127.0.0.1:0\", http.NotFoundHandler()) }\n")
	})
	require.Eventually(t, func() bool {
		return strings.Contains(p.log.String(), "it is reloaded only if it calls serving.Main, or serving.Run, in place of http.ListenAndServe")
	}, patience, 10*time.Millisecond)
}

func isKilledDuringARequest(t *testing.T, p *project) {
	_, pid := p.get("/pid")
	number, err := strconv.Atoi(pid)
	require.NoError(t, err)
	type answer struct {
		status int
		body   string
	}
	lost := make(chan answer)
	go func() {
		status, body := p.browse("/slow?order=7&password=x23y")
		lost <- answer{status, body}
	}()
	require.Eventually(t, func() bool { return strings.Contains(p.log.String(), "asked for what is slow") }, patience, time.Millisecond)
	require.NoError(t, syscall.Kill(number, syscall.SIGKILL))
	got := <-lost
	require.Equal(t, 502, got.status)
	require.Contains(t, got.body, "signal: killed")
	require.Contains(t, got.body, "GET /slow?order=7", "the request that was on its way")
	require.NotContains(t, got.body, "x23y")
	status, next := p.get("/pid")
	require.Equal(t, 200, status)
	require.NotEqual(t, pid, next)
}

func diesAndIsReplaced(t *testing.T, p *project) {
	for range 5 {
		status, pid := p.do("POST", "/pid", "body")
		require.Equal(t, 200, status)
		number, err := strconv.Atoi(pid)
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(number, syscall.SIGKILL))
		// This must not happen before the supervisor has waited for the process, and so knows of
		// its end: a zombie is not enough.
		require.Eventually(t, func() bool { return syscall.Kill(number, 0) != nil }, patience, 100*time.Microsecond)
	}
}

func TestWhatIsWatched(t *testing.T) {
	t.Parallel()
	p := run(t, func(dir string, c *reload.Config) {
		save(t, filepath.Join(dir, "templates", "a.html"), "a")
		save(t, filepath.Join(dir, "static", "css", "a.css"), "a")
		save(t, filepath.Join(dir, "data", "file.txt"), "data")
		c.Watch, c.Exclude = []string{"data"}, []string{"*.ignored", "*/secret/*"}
		c.LinkTools = true
	})
	p.watched()
}

func TestWhatIsWatchedByPolling(t *testing.T) {
	t.Parallel()
	p := run(t, func(dir string, c *reload.Config) {
		save(t, filepath.Join(dir, "templates", "a.html"), "a")
		save(t, filepath.Join(dir, "static", "css", "a.css"), "a")
		save(t, filepath.Join(dir, "data", "file.txt"), "data")
		c.Watch, c.Exclude = []string{"data"}, []string{"*.ignored", "*/secret/*"}
		c.Poll = 100 * time.Millisecond
	})
	p.watched()
}

func (p *project) watched() {
	t := p.t
	_, page := p.browse("/document")
	events := p.events(page)
	_, pid := p.get("/pid")

	replace(t, filepath.Join(p.dir, "templates", "a.html"), "b!")
	p.hears(events, "reload")
	replace(t, filepath.Join(p.dir, "static", "css", "a.css"), "b!")
	p.hears(events, "restyle")
	save(t, filepath.Join(p.dir, "templates", "new", "b.html"), "b!")
	p.hears(events, "reload")
	for _, name := range []string{"main_test.go", "notes.txt", ".main.go.swp", "data/x.ignored", "data/secret/x"} {
		save(t, filepath.Join(p.dir, name), "package main\n")
	}
	_, same := p.get("/pid")
	require.Equal(t, pid, same, "none of that restarts the program")

	save(t, filepath.Join(p.dir, "data", "file.txt"), "new data")
	p.changes("/pid", pid)
	save(t, filepath.Join(p.dir, "words", "word.txt"), "new word")
	p.eventually("/words", "new word")

	// A package that is created, and then changes.
	save(t, filepath.Join(p.dir, "more", "more.go"), "package more\n\nconst Answer = \"more\"\n")
	save(t, filepath.Join(p.dir, "main.go"), strings.NewReplacer(", OPTIONS", "", `"embed"`, "\"embed\"\n\t\"example.org/app/more\"", `answer = "one"`, `answer = more.Answer`).Replace(program))
	p.eventually("/", "more")
	save(t, filepath.Join(p.dir, "more", "more.go"), "package more\n\nconst Answer = \"even more\"\n")
	p.eventually("/", "even more")

	// A file that disappears, and a file that replaces another, as with editors.
	save(t, filepath.Join(p.dir, "extra.go"), "package main\n\nfunc init() { panic(1) }\n")
	p.says("ended before it served")
	require.NoError(t, os.Remove(filepath.Join(p.dir, "extra.go")))
	save(t, filepath.Join(p.dir, "more", ".more.go.tmp"), "package more\n\nconst Answer = \"renamed\"\n")
	require.NoError(t, os.Rename(filepath.Join(p.dir, "more", ".more.go.tmp"), filepath.Join(p.dir, "more", "more.go")))
	p.eventually("/", "renamed")
	status, _ := p.browse("/")
	require.Equal(t, 200, status)
}

func (p *project) changes(path, from string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		_, now := p.get(path)
		return now != from
	}, patience, 20*time.Millisecond)
}

func seesTheRequestAsItCame(t *testing.T, p *project) {
	_, saw := p.do("GET", "//origin", "", "X-Forwarded-For", "192.0.2.1", "Zeug-Origin", "https 192.0.2.1:1")
	require.Equal(t, "one", saw)
	_, saw = p.do("GET", "/origin?a;b=%zz&c", "", "X-Forwarded-For", "192.0.2.1", "Zeug-Origin", "https 192.0.2.1:1", "User-Agent", "me")
	require.Regexp(t, `^false 127\.0\.0\.1:\d+ 127\.0\.0\.1:\d+ /origin\?a;b=%zz&c map\[Accept-Encoding:\[gzip\] User-Agent:\[me\] X-Forwarded-For:\[192\.0\.2\.1\]\]$`, saw)
}

func TestTLSIsSpokenByTheSupervisor(t *testing.T) {
	t.Parallel()
	p := run(t, func(dir string, _ *reload.Config) {
		write(t, dir, ", TLS: certs.SelfSigned()")
		name := filepath.Join(dir, "main.go")
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		save(t, name, strings.Replace(string(b), `zeug/serving"`, `zeug/serving"`+"\n\t\"github.com/zeugkit/zeug/serving/certs\"", 1))
	})
	get := func(path string) (string, *tls.ConnectionState) {
		resp, err := p.client.Get("https://" + p.addr + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(b), resp.TLS
	}
	saw, first := get("/origin")
	require.Regexp(t, `^true 127`, saw)
	p.edit(`"one"`, `"two"`)
	require.Eventually(t, func() bool { got, _ := get("/"); return got == "two" }, patience, 20*time.Millisecond)
	p.client.CloseIdleConnections()
	_, second := get("/")
	require.Equal(t, first.PeerCertificates[0].Raw, second.PeerCertificates[0].Raw, "a browser that was told to trust it need not be told again")
}

func TestArgumentsAndTagsInAWorkspaceWithANestedModule(t *testing.T) {
	t.Parallel()
	p := run(t, func(dir string, c *reload.Config) {
		c.Program.Args = []string{"-greeting", "moin"}
		c.Program.Flags = append(c.Program.Flags, "-tags=loud")
		save(t, filepath.Join(dir, "loud.go"), "//go:build loud\n\npackage main\n\nfunc init() { *greeting = \"\" }\n")
		save(t, filepath.Join(dir, "quiet.go"), "//go:build !loud\n\npackage main\n\nfunc init() { panic(1) }\n")
		save(t, filepath.Join(dir, "lib", "go.mod"), "module example.org/lib\n\ngo 1.26\n")
		save(t, filepath.Join(dir, "lib", "lib.go"), "package lib\n\nconst Answer = \"lib\"\n")
		save(t, filepath.Join(dir, "go.work"), "go 1.26.0\n\nuse (\n\t.\n\t./lib\n)\n")
		name := filepath.Join(dir, "main.go")
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		save(t, name, strings.NewReplacer(`"embed"`, "\"embed\"\n\t\"example.org/lib\"", `"one"`, "lib.Answer").Replace(string(b)))
	})
	p.eventually("/", "lib")
	p.eventually("/greeting", "moin")
	save(t, filepath.Join(p.dir, "go.work.sum"), "") // as the go command writes it during a build
	save(t, filepath.Join(p.dir, "lib", "lib.go"), "package lib\n\nconst Answer = \"new lib\"\n")
	p.eventually("/", "new lib")
	require.NotContains(t, p.log.String(), "go.work.sum", "sums that appear build nothing")
}

func TestAnAddressThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, err = reload.New(reload.Config{Listen: []string{taken.Addr().String()}})
	require.ErrorContains(t, err, "is in use by another program")
	_, err = reload.New(reload.Config{Listen: []string{"fastcgi://127.0.0.1:0"}})
	require.ErrorContains(t, err, "serves HTTP alone, and not at fastcgi://127.0.0.1:0: give another address")
}

func TestWhatIsNoProgramIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, filepath.Join(dir, "go.mod"), "module example.org/lib\n\ngo 1.26\n")
	save(t, filepath.Join(dir, "lib.go"), "package lib\n")
	for pkg, says := range map[string]string{".": "is package lib, and a program is package main", "./none": "./none"} {
		s, err := reload.New(reload.Config{Program: reload.Program{Dir: dir, Package: pkg}, Listen: []string{"127.0.0.1:0"}})
		require.NoError(t, err)
		require.ErrorContains(t, s.Run(t.Context()), says)
	}
}

// The program supervises itself when serving.Options.Reload is set.
func TestGoRunReloads(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a program")
	}
	dir := t.TempDir()
	write(t, dir, ", Reload: true")
	save(t, filepath.Join(dir, "dev.go"), "package main\n\nimport _ \"github.com/zeugkit/zeug/serving/dev\"\n")
	log := &output{}
	cmd := exec.Command("go", "run", "-ldflags=-w", ".", "-greeting", "moin")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	p := &project{t: t, dir: dir, client: http.DefaultClient, log: log}
	defer func() {
		// The signal goes to every process in the foreground, as from a terminal.
		syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		cmd.Wait() // go run exits with 1 whatever the program does
	}()
	require.Eventually(t, func() bool {
		_, after, ok := strings.Cut(log.String(), `"url":"http://`)
		p.addr, _, _ = strings.Cut(after, `"`)
		return ok
	}, patience, 10*time.Millisecond, "go run prints the address; it printed %s", log)
	p.eventually("/greeting", "moin")
	p.edit(`"one"`, `"two"`)
	p.eventually("/", "two")
}

func TestABrokenModuleIsSaidInTheGoCommandsWords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, filepath.Join(dir, "go.mod"), "module example.org/bad\n\nrequir x v1\n")
	s, err := reload.New(reload.Config{Program: reload.Program{Dir: dir}, Listen: []string{"127.0.0.1:0"}})
	require.NoError(t, err)
	err = s.Run(t.Context())
	require.ErrorContains(t, err, "go.mod:3: unknown directive: requir")
	require.NotContains(t, err.Error(), "exit status")
}
