package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const shopPackage = "middleware/postmortem/testdata/shop"

// buildShop builds the program that keeps cores.
func buildShop(t *testing.T, flags ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds programs")
	}
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("cores are available only on amd64 and arm64")
	}
	program := filepath.Join(t.TempDir(), "shop")
	cmd := exec.Command("go", append(append([]string{"build", "-o", program}, flags...), "./"+shopPackage)...)
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// started is a command that serves at an address that it has printed.
func started(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	p := &running{t: t, log: &lines{}, cmd: cmd, ended: make(chan error, 1)}
	cmd.Stderr = p.log
	if cmd.Stdout == nil {
		cmd.Stdout = p.log
	}
	require.NoError(t, cmd.Start())
	go func() {
		p.ended <- cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.stop)
	at := regexp.MustCompile(`(?:Running on |"url":")(http://127\.0\.0\.1:\d+)`)
	require.Eventually(t, func() bool {
		if m := at.FindStringSubmatch(p.log.String()); m != nil {
			p.url = m[1]
		}
		return p.url != "" || len(p.ended) > 0
	}, time.Minute, 10*time.Millisecond, "%s", p.log)
	require.NotEmpty(t, p.url, "%s", p.log)
	return p
}

func (p *running) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	<-p.ended
}

// order has the program panic, and returns the variables that it printed before.
func (p *running) order(out *lines) string {
	p.t.Helper()
	r, err := http.NewRequest("GET", p.url+"/order?at=9&print=1&token=x23y", nil)
	require.NoError(p.t, err)
	r.Header.Set("X-Customer", "Ann")
	r.Header.Set("Authorization", "Bearer x23y")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(p.t, err)
	defer resp.Body.Close()
	require.Equal(p.t, http.StatusInternalServerError, resp.StatusCode)
	body, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	require.NotContains(p.t, string(body), "index out of range")
	require.Eventually(p.t, func() bool { return strings.HasSuffix(out.String(), "}\n") }, time.Minute, time.Millisecond)
	return out.String()
}

// failed runs the program until it has panicked, and returns its core and what it printed.
func failed(t *testing.T, program string) (core, printed string) {
	t.Helper()
	folder, out := filepath.Join(t.TempDir(), "cores"), &lines{}
	cmd := exec.Command(program, "-cores", folder)
	cmd.Stdout = out
	p := started(t, cmd)
	defer p.stop()
	printed = p.order(out)
	return onlyCore(t, folder, p), printed
}

func onlyCore(t *testing.T, folder string, p *running) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(folder, "*.core"))
	require.NoError(t, err)
	require.Len(t, list, 1, "%s", p.log)
	return list[0]
}

// inspected is the page of a core.
func inspected(t *testing.T, core string, args ...string) *running {
	t.Helper()
	cmd := zeug(".", append([]string{"inspect", core}, args...)...)
	cmd.Env = append(cmd.Env, "ZEUG_DEBUG_PIN=off")
	return started(t, cmd)
}

// documentedBuild is the command of the guide that builds a program for "zeug inspect", with the package
// of the test in place of the one in the guide.
func documentedBuild(t *testing.T) []string {
	t.Helper()
	guide, err := os.ReadFile("../../docs/debugger.md")
	require.NoError(t, err)
	m := regexp.MustCompile(`(?m)^ +go build (-trimpath) '(-gcflags=)example\.org/shop/\.\.\.(=-N -l)' -o shop \./cmd/shop$`).FindSubmatch(guide)
	require.NotNil(t, m, "the guide builds a program")
	return []string{string(m[1]), string(m[2]) + "github.com/zeugkit/zeug/" + shopPackage + string(m[3])}
}

// TestAPanicOfProductionIsShown lets a program panic while it serves other requests, and looks at the core
// as a developer would.
func TestAPanicOfProductionIsShown(t *testing.T) {
	program := buildShop(t, documentedBuild(t)...)
	core, text := failed(t, program)
	var printed struct {
		Items    []struct{ Name string }
		At       int
		Customer string
		Prices   map[string]int
	}
	require.NoError(t, json.Unmarshal([]byte(text), &printed))
	require.Equal(t, 9, printed.At)

	// The program has been installed at another place meanwhile.
	moved := filepath.Join(t.TempDir(), "shop.old")
	require.NoError(t, os.Rename(program, moved))
	p := inspected(t, core, "--program", moved, "--source", "../..")
	s := p.open("/")
	page := plain(s.html)
	require.Contains(t, page, "index out of range [9] with length 3")
	require.Equal(t, "main.order", s.frames[0], "%q", s.frames)
	require.Contains(t, page, "fmt.Fprint(w, customer, len(stock), prices[items[at].Name])", "the source")
	require.Contains(t, page, "X-Customer")
	require.Contains(t, page, "/order?at=9")
	require.Regexp(t, `level=WARN msg=&#34;the stock is low&#34; customer=&#34;Zoë Ann&#34; left=3 token=`, page, "the log of the request")
	require.NotContains(t, page, "x23y", "secrets are masked")
	require.NotContains(t, page, "Run again", "nothing is sent to the program")

	require.NotEmpty(t, s.live, s.html)
	for expression, want := range map[string]string{
		"at": fmt.Sprint(printed.At), "customer": fmt.Sprintf("%q", printed.Customer), "len(items)": fmt.Sprint(len(printed.Items)),
		"items[2].Name": fmt.Sprintf("%q", printed.Items[2].Name), `prices["ink"]`: fmt.Sprint(printed.Prices["ink"]),
		"stock": "[4, 0, 7]", "stock[2]": "7", "prices": `["ink": 5, "pen": 2]`, `items[at-8].Price*3`: "15", `r.Header.Get("X-Customer")`: `"Ann"`, "r.URL.Path": `"/order"`,
	} {
		require.Equal(t, want, s.eval("main.order", expression), expression)
	}
	require.Contains(t, s.eval("main.order", "itmes"), "did you mean items?")
	require.Contains(t, s.eval("http.(*ServeMux).ServeHTTP", "r"), "the function is optimized")
	status, _, err := p.get("/etc/passwd", "*/*")
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, status)

	t.Run("the terminal has the traceback", func(t *testing.T) {
		require.Contains(t, p.log.String(), "panic: runtime error: index out of range [9] with length 3 (runtime.boundsError)")
		require.Contains(t, p.log.String(), "main.order")
		require.Contains(t, p.log.String(), `msg="the stock is low"`)
		require.NotContains(t, p.log.String(), "x23y")
	})
	t.Run("the files stay", func(t *testing.T) {
		p.stop()
		require.FileExists(t, core)
		require.FileExists(t, moved)
	})
	t.Run("the page is for this machine, and variables need the PIN", func(t *testing.T) {
		cmd := zeug(".", "inspect", core, "--program", moved)
		cmd.Env = append(cmd.Env, "ZEUG_DEBUG_PIN=123456789")
		p := started(t, cmd)
		s := p.open("/")
		status, body := s.ask("variables", url.Values{"frame": {"0"}})
		require.Equal(t, http.StatusUnauthorized, status, body)
		require.Contains(t, p.log.String(), "Debugger PIN: 123-456-789")
		for name, change := range map[string]func(*http.Request){
			"another name": func(r *http.Request) { r.Host = "shop.example" },
			"a proxy":      func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") },
			"another site": func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") },
		} {
			for _, path := range []string{"/", s.live + "variables?frame=0"} {
				r, err := http.NewRequest("GET", p.url+path, nil)
				require.NoError(t, err)
				change(r)
				resp, err := http.DefaultClient.Do(r)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, http.StatusForbidden, resp.StatusCode, "%s, %s", name, path)
			}
		}
	})
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a program that is not there":      {[]string{core}, "name the executable that wrote the core by --program"},
		"another program":                  {[]string{core, "--program", os.Args[0]}, "is not the program that wrote the core: the build IDs differ"},
		"a core that was cut short":        {[]string{cutShort(t, core), "--program", moved}, "not a core that middleware/postmortem wrote, or it was cut short"},
		"a file that is not a core":        {[]string{moved, "--program", moved}, "not a core that middleware/postmortem wrote"},
		"no core":                          {nil, "name one core"},
		"an address that others may reach": {[]string{core, "--program", moved, "--addr", ":5001"}, "the page is for this machine alone"},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			_, problem, code := output(t, ".", append([]string{"inspect"}, c.args...)...)
			require.NotZero(t, code)
			require.Contains(t, problem, c.want)
		})
	}
	t.Run("a program that was stripped ran, and its original is inspected", func(t *testing.T) {
		stripped := filepath.Join(t.TempDir(), "shop")
		out, err := exec.Command(installed(t, "strip"), "-o", stripped, moved).CombinedOutput()
		require.NoError(t, err, "%s", out)
		core, _ := failed(t, stripped)
		s := inspected(t, core, "--program", moved).open("/")
		require.Equal(t, "9", s.eval("main.order", "at"))
		require.Equal(t, `"paper"`, s.eval("main.order", "items[2].Name"))
	})
}

// cutShort is a copy of a file without its end.
func cutShort(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	short := filepath.Join(t.TempDir(), "short")
	require.NoError(t, os.WriteFile(short, content[:len(content)-100], 0o600))
	return short
}

func TestAStrippedProgramHasFramesWithoutVariables(t *testing.T) {
	program := buildShop(t, "-ldflags=-s -w")
	core, _ := failed(t, program)
	require.NoError(t, os.Chmod(core, 0o644))
	p := inspected(t, core)
	s := p.open("/")
	require.Empty(t, s.live)
	require.Equal(t, "main.order", s.frames[0])
	require.Contains(t, s.html, "There are no variables: the program has no debug information")
	require.Contains(t, p.log.String(), "the program has no debug information")
	require.Contains(t, p.log.String(), "WARNING: other users may open")
}

// TestCoresUnderLoad has some requests of many panic. The others are answered meanwhile, and a restart
// of the program does not forget the limits.
func TestCoresUnderLoad(t *testing.T) {
	program, folder := buildShop(t), filepath.Join(t.TempDir(), "cores")
	run := func() *running { return started(t, exec.Command(program, "-cores", folder, "-per-hour", "2")) }
	get := func(p *running, path string) (status int, err error) {
		status, _, err = p.get(path, "*/*")
		return status, err
	}
	cores := func() []string {
		list, err := filepath.Glob(filepath.Join(folder, "*.core"))
		require.NoError(t, err)
		return list
	}
	p := run()
	var others, failing sync.WaitGroup
	var mu sync.Mutex
	var problems []error
	var slowest time.Duration
	answered, stop := 0, make(chan struct{})
	for range 4 {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				began := time.Now()
				status, err := get(p, "/ok")
				if err == nil && status != http.StatusOK {
					err = fmt.Errorf("status %d", status)
				}
				mu.Lock()
				problems, slowest = append(problems, err), max(slowest, time.Since(began))
				answered++
				mu.Unlock()
			}
		})
	}
	for range 8 {
		failing.Go(func() {
			for range 10 {
				status, err := get(p, "/order?at=9")
				if err == nil && status != http.StatusInternalServerError {
					err = fmt.Errorf("status %d of a panic", status)
				}
				mu.Lock()
				problems = append(problems, err)
				mu.Unlock()
			}
		})
	}
	failing.Wait()
	close(stop)
	others.Wait()
	t.Logf("%d other requests, the slowest took %v", answered, slowest.Round(time.Millisecond))
	require.NoError(t, errors.Join(problems...))
	require.NotEmpty(t, cores(), "%s", p.log)
	for len(cores()) < 2 { // requests that panic at the same moment have no core
		before := len(cores())
		_, err := get(p, "/order?at=9")
		require.NoError(t, err)
		require.Greater(t, len(cores()), before, "%s", p.log)
	}
	require.Len(t, cores(), 2)
	require.Contains(t, p.log.String(), `"core":"`+cores()[0]+`"`)
	p.stop()

	p = run()
	for range 3 {
		status, err := get(p, "/order?at=9")
		require.NoError(t, err)
		require.Equal(t, http.StatusInternalServerError, status)
	}
	require.Len(t, cores(), 2, "after a restart")
	require.Equal(t, 1, bytes.Count([]byte(p.log.String()), []byte("Folder.PerHour")), "%s", p.log)
}
