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
	"net/url"
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

// project is a program in its own folder, under a supervisor.
type project struct {
	t      *testing.T
	dir    string
	addr   string
	folder string // of the supervisor
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
	"github.com/zeugkit/zeug/serving/certs"
)

//go:embed words
var words embed.FS

const answer = "one"

var (
	at       = flag.String("at", "127.0.0.1:0", "")
	greeting = flag.String("greeting", "none", "")
	secure   = flag.Bool("secure", false, "")
)

func app(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/pid":
		fmt.Fprint(w, os.Getpid())
	case "/executable":
		name, _ := os.Executable()
		io.WriteString(w, name)
	case "/write":
		os.WriteFile(r.FormValue("name"), []byte("written"), 0o600)
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
	options := serving.Options{NoAccessLog: true, OPTIONS}
	if *secure {
		options.TLS = certs.SelfSigned()
	}
	serving.MainWith(*at, http.HandlerFunc(app), options)
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

// run supervises a program until the test ends. To be built quickly, the program has no debug information, no symbols
// and no development tools. Tests that need the tools set LinkTools.
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
		Program: reload.Program{Dir: p.dir, WorkDir: p.dir, Flags: []string{"-ldflags=-s"}},
		Listen:  []string{"127.0.0.1:0"},
		Logger:  slog.New(slog.NewTextHandler(p.log, nil)), Stdout: p.log, Stderr: p.log,
	}
	if prepare != nil {
		prepare(p.dir, &config)
	}
	s, err := reload.New(config)
	require.NoError(t, err)
	p.folder = s.Folder()
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
	p := run(t, func(dir string, c *reload.Config) {
		c.Program.Flags, c.LinkTools, c.Watch = nil, true, []string{"data"}
		save(t, filepath.Join(dir, "data", "end.txt"), "")
		save(t, filepath.Join(dir, "main.go"), source("one")+endings())
	})
	t.Run("a request waits for the first build", func(t *testing.T) {
		status, body := p.get("/")
		require.Equal(t, 200, status)
		require.Equal(t, "one", body)
	})
	t.Run("it sees the request as it came", func(t *testing.T) { seesTheRequestAsItCame(t, p) })
	t.Run("it is killed during a request", func(t *testing.T) { isKilledDuringARequest(t, p) })
	t.Run("it dies and is replaced before the next request", func(t *testing.T) { diesAndIsReplaced(t, p) })
	t.Run("it ends at start", func(t *testing.T) { endsAtStart(t, p) })

	// These subtests have supervisors of their own, which run the same executable.
	_, executable := p.get("/executable")
	t.Run("its supervisor speaks TLS", func(t *testing.T) { isServedByTLS(t, executable) })
	t.Run("its port is taken", func(t *testing.T) { saysOnceThatItsPortIsTaken(t, executable) })
	t.Run("its cores are removed when it dies", func(t *testing.T) { leavesNoCores(t, executable) })
}

// The subtests share a program, which each of them edits, because the first build takes as long as an edit. At first
// main.go is a link.
func TestAProgramThatIsEdited(t *testing.T) {
	t.Parallel()
	elsewhere := t.TempDir()
	p := run(t, func(dir string, _ *reload.Config) {
		save(t, filepath.Join(elsewhere, "main.go"), strings.Replace(source("one"), "func main", "func mian", 1))
		save(t, filepath.Join(elsewhere, "static", "a.css"), "a")
		require.NoError(t, os.Remove(filepath.Join(dir, "main.go")))
		require.NoError(t, os.Symlink(filepath.Join(elsewhere, "main.go"), filepath.Join(dir, "main.go")))
		require.NoError(t, os.Symlink(filepath.Join(elsewhere, "static"), filepath.Join(dir, "static")))
	})
	for _, test := range []struct {
		name string
		run  func(*testing.T, *project)
	}{
		{"failures are shown to the developer alone", showsFailuresToTheDeveloperAlone},
		{"a first build that fails is shown", showsAFirstBuildThatFails},
		{"links are followed", func(t *testing.T, p *project) { followsLinks(t, p, elsewhere) }},
		{"requests during a build", answersWithTheNewCode},
		{"a build that fails is shown and mended however editors save", showsABuildThatFails},
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
	t.Parallel()
	p := run(t, nil)
	p.eventually("/", "one")
	const clients = 64
	edits := reload.Rounds(2, 10)
	pause := time.Duration(reload.Rounds(25, 5)) * time.Millisecond
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

// Each failure is repaired by an editor that saves in its own way.
func showsABuildThatFails(t *testing.T, p *project) {
	file := filepath.Join(p.dir, "main.go")
	for editor, c := range map[string]struct{ old, new, message, place string }{
		"vim":    {`const answer = "two"`, `const answer = "two`, "newline in string", "main.go:19:20"},
		"GoLand": {`const answer = "two"`, `const answer string = 1`, "cannot use 1", "main.go:19:23"},
		"Emacs":  {`"embed"`, "\"embed\"\n\t_ \"example.org/missing\"", "package example.org/missing", "main.go:5:2"},
	} {
		t.Run(c.message+", repaired with "+editor, func(t *testing.T) {
			_, old := p.get("/")
			save(t, file, strings.Replace(source("two"), c.old, c.new, 1))
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
			require.Equal(t, old, body)
			p.says("answers clients that are not browsers")
			resp, _ := p.ask("GET", "/", nil, func(r *http.Request) { r.Header.Set("Accept", "*/*") })
			require.Equal(t, "build failed", resp.Header.Get("X-Zeug-Stale"), "and says so")
			require.NotContains(t, p.log.String(), "answers clients that are not browsers", "once in the terminal")

			// The page that shows the failure gets an event when the failure is repaired.
			events := p.events(page)
			editors[editor](t, file, source(editor))
			p.hears(events, "reload")
			status, page = p.browse("/document")
			require.Equal(t, 200, status)
			require.Contains(t, page, "<title>"+editor+"</title>")
			resp, _ = p.ask("GET", "/", nil, nil)
			require.Empty(t, resp.Header.Get("X-Zeug-Stale"))
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

// ends are the ways in which a program ends before it serves: its source, and what is said about it.
var ends = map[string]struct{ source, says, page string }{
	"by a panic in init":    {`panic("no database")`, "exit status 2", "panic: no database"},
	"by its exit code":      {`println("2026/11/30 01:02:03 no configuration"); os.Exit(7)`, "exit status 7", "<h1>no configuration</h1>"},
	"by the end of main":    {`println("done\n"); os.Exit(0)`, "exit status 0", "<h1>done</h1>"},
	"by a signal":           {`p, _ := os.FindProcess(os.Getpid()); p.Kill(); time.Sleep(time.Minute)`, "signal: killed", "<h1>the program ended before it served"},
	"by a server's refusal": {`serving.Main("127.0.0.1:0", nil)`, "exit status 78", "there is no application"},
}

// endings returns the source with which a program reads how to end, so that it is built once.
func endings() string {
	var cases strings.Builder
	for name, end := range ends {
		fmt.Fprintf(&cases, "\tcase %q:\n\t\t%s\n", name, end.source)
	}
	return "\nfunc init() {\n\tend, _ := os.ReadFile(\"data/end.txt\")\n\tswitch string(end) {\n" + cases.String() + "\t}\n}\n"
}

func endsAtStart(t *testing.T, p *project) {
	for name, c := range ends {
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

func isServedByTLS(t *testing.T, executable string) {
	p := run(t, func(dir string, c *reload.Config) {
		save(t, filepath.Join(dir, "data", "file.txt"), "")
		c.Program.Executable, c.Program.Args, c.Watch = executable, []string{"-secure"}, []string{"data"}
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
	pid, _ := get("/pid")
	save(t, filepath.Join(p.dir, "data", "file.txt"), "changed")
	require.Eventually(t, func() bool { got, _ := get("/pid"); return got != pid }, patience, 20*time.Millisecond)
	p.client.CloseIdleConnections()
	_, second := get("/")
	require.Equal(t, first.PeerCertificates[0].Raw, second.PeerCertificates[0].Raw, "a browser that was told to trust it need not be told again")
}

func saysOnceThatItsPortIsTaken(t *testing.T, executable string) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	p := run(t, func(_ string, c *reload.Config) {
		c.Listen, c.Program.Executable, c.Program.Args = nil, executable, []string{"-at", taken.Addr().String()}
	})
	require.Eventually(t, func() bool {
		return strings.Contains(p.log.String(), "the program ended before it served, for the reason that it gave")
	}, patience, 10*time.Millisecond)
	require.Equal(t, 1, strings.Count(p.log.String(), "is in use by another program"), "%s", p.log)
}

// If a process is killed while it writes a core, it leaves an incomplete one, which is not
// reported. The supervisor removes it, but no file of another run.
func leavesNoCores(t *testing.T, executable string) {
	p := run(t, func(_ string, c *reload.Config) { c.Program.Executable, c.Frames = executable, true })
	for _, name := range []string{"core-1-f1", "core-1-f2", "core-11-f1", "kept-core-1-f3"} {
		p.get("/write?name=" + url.QueryEscape(filepath.Join(p.folder, name)))
	}
	cores := func() (names []string) {
		list, err := filepath.Glob(filepath.Join(p.folder, "*core-*"))
		require.NoError(t, err)
		for _, name := range list {
			names = append(names, filepath.Base(name))
		}
		return names
	}
	require.Equal(t, []string{"core-1-f1", "core-1-f2", "core-11-f1", "kept-core-1-f3"}, cores())
	_, pid := p.get("/pid")
	number, err := strconv.Atoi(pid)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(number, syscall.SIGKILL))
	require.Eventually(t, func() bool { return len(cores()) == 2 }, patience, time.Millisecond, "%v", cores())
	require.Equal(t, []string{"core-11-f1", "kept-core-1-f3"}, cores(), "of another run, and one that was taken over")
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
		watch(t, dir, c)
		c.LinkTools = reload.Rounds(0, 1) > 0
	})
	p.seesFilesThatAreRead()
	p.seesSource()
}

// Outside of CI, one change of the source is enough: the rest is the same for events of the system.
func TestWhatIsWatchedByPolling(t *testing.T) {
	t.Parallel()
	p := run(t, func(dir string, c *reload.Config) {
		watch(t, dir, c)
		c.Poll = 100 * time.Millisecond
	})
	p.seesFilesThatAreRead()
	if reload.Rounds(0, 1) > 0 {
		p.seesSource()
		return
	}
	p.edit(`"one"`, `"polled"`)
	p.eventually("/", "polled")
}

func watch(t *testing.T, dir string, c *reload.Config) {
	save(t, filepath.Join(dir, "templates", "a.html"), "a")
	save(t, filepath.Join(dir, "static", "css", "a.css"), "a")
	save(t, filepath.Join(dir, "data", "file.txt"), "data")
	c.Watch, c.Exclude = []string{"data"}, []string{"*.ignored", "*/secret/*"}
}

// seesFilesThatAreRead changes files that need no build.
func (p *project) seesFilesThatAreRead() {
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
}

// seesSource changes files from which the program is built.
func (p *project) seesSource() {
	t := p.t
	save(t, filepath.Join(p.dir, "words", "word.txt"), "new word")
	p.eventually("/words", "new word")

	// A package that is created, and then changes.
	save(t, filepath.Join(p.dir, "more", "more.go"), "package more\n\nconst Answer = \"more\"\n")
	importing := strings.NewReplacer(`"embed"`, "\"embed\"\n\t\"example.org/app/more\"", `answer = "one"`, `answer = more.Answer`).Replace(source("one"))
	save(t, filepath.Join(p.dir, "main.go"), importing)
	p.eventually("/", "more")
	save(t, filepath.Join(p.dir, "more", "more.go"), "package more\n\nconst Answer = \"even more\"\n")
	p.eventually("/", "even more")

	// A file that disappears, and a file that replaces another, as with editors. The go command may have listed the
	// folder just when extra.go appeared, and then it keeps a wrong index for the folder without it. So main.go changes.
	save(t, filepath.Join(p.dir, "extra.go"), "package main\n\nconst answer = \"another one\"\n")
	p.says("does not build")
	require.NoError(t, os.Remove(filepath.Join(p.dir, "extra.go")))
	save(t, filepath.Join(p.dir, ".main.go.tmp"), strings.Replace(importing, "more.Answer", "more.Answer + \" renamed\"", 1))
	require.NoError(t, os.Rename(filepath.Join(p.dir, ".main.go.tmp"), filepath.Join(p.dir, "main.go")))
	p.eventually("/", "even more renamed")
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
	cmd := exec.Command("go", "run", "-ldflags=-s", ".", "-greeting", "moin")
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
