package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// programs maps the folder of each nested module that users get to a program that uses it.
// Each program prints "it works".
var programs = map[string]string{
	"middleware/metrics": `package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/zeugkit/zeug/middleware/metrics"
)

func main() {
	if (metrics.Metrics{Registerer: prometheus.NewRegistry()}).Wrap(http.NotFoundHandler()) != nil {
		println("it works")
	}
}
`,
	"middleware/profiler": `package main

import (
	"net/http"
	"os"

	"github.com/zeugkit/zeug/middleware/profiler"
)

func main() {
	if (profiler.Profiler{Dir: os.TempDir()}).Wrap(http.NotFoundHandler()) != nil {
		println("it works")
	}
}
`,
	"middleware/tracing": `package main

import (
	"net/http"

	"github.com/zeugkit/zeug/middleware/tracing"
)

func main() {
	if (tracing.Tracing{}).Wrap(http.NotFoundHandler()) != nil {
		println("it works")
	}
}
`,
	"serving/http3": `package main

import (
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/http3"
)

func main() {
	if (serving.Options{HTTP3: http3.New()}).HTTP3 != nil {
		println("it works")
	}
}
`,
}

// consumer is the machine of a user who has only Go: no clone, no module cache. Its module proxy is
// a folder of files with a release of the checkout.
type consumer struct {
	dir     string // the folder of the programs
	env     []string
	version string
}

// run runs a command in a folder of the consumer and returns what it prints.
func (c consumer) run(t *testing.T, folder, name string, args ...string) string {
	t.Helper()
	cmd := c.command(folder, name, args...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %s: %s", name, strings.Join(args, " "), out)
	return string(out)
}

func (c consumer) command(folder, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = filepath.Join(c.dir, folder), c.env
	if name == "zeug" {
		cmd.Path, cmd.Err = filepath.Join(c.dir, "go/bin/zeug"), nil
	}
	return cmd
}

// checkout commits the files of the checkout, committed or not, into a new repository.
func checkout(t *testing.T) git {
	t.Helper()
	root := git{dir: filepath.Join("..", ".."), ctx: t.Context()}
	files := map[string]string{}
	for name := range strings.SplitSeq(strings.Trim(must(t, root, "ls-files", "-z", "-co", "--exclude-standard"), "\x00"), "\x00") {
		if content, err := os.ReadFile(filepath.Join(root.dir, name)); err == nil {
			files[name] = string(content)
		} else {
			require.ErrorIs(t, err, os.ErrNotExist) // the file was removed, and that is not committed yet
		}
	}
	files[changelogName] = strings.Replace(files[changelogName], unreleased, unreleased+"\n- A release for a test.\n", 1)
	return newRepository(t, files)
}

// nextVersion is v0.1.0, or the minor version after the newest one of the changelog.
func nextVersion(t *testing.T, repo git) string {
	t.Helper()
	newest := "v0.0.0"
	for _, heading := range regexp.MustCompile(`(?m)^## (v\S+) `).FindAllStringSubmatch(read(t, repo, changelogName), -1) {
		if semver.Compare(heading[1], newest) > 0 {
			newest = heading[1]
		}
	}
	major, minor, _ := strings.Cut(strings.TrimPrefix(semver.MajorMinor(newest), semver.Major(newest)), ".")
	require.Empty(t, major)
	n, err := strconv.Atoi(minor)
	require.NoError(t, err)
	return semver.Major(newest) + "." + strconv.Itoa(n+1) + ".0"
}

// requirements returns the modules that a go.mod requires, without those of this repository.
func requirements(t *testing.T, text string) map[string]string {
	t.Helper()
	mod, err := modfile.Parse("go.mod", []byte(text), nil)
	require.NoError(t, err)
	needed := map[string]string{}
	for _, r := range mod.Require {
		if !strings.HasPrefix(r.Mod.Path+"/", rootModule+"/") {
			needed[r.Mod.Path] = r.Mod.Version
		}
	}
	return needed
}

// newConsumer releases the checkout and returns a consumer of that release.
func newConsumer(t *testing.T) (consumer, []released) {
	t.Helper()
	settings, err := machine(t.Context(), ".")
	require.NoError(t, err)
	repo := checkout(t)
	version := nextVersion(t, repo)
	modules, err := releasedModules(repo.dir)
	require.NoError(t, err)
	before := must(t, repo, "rev-parse", "HEAD")
	_, _, err = Release(t.Context(), repo.dir, version, today)
	require.NoError(t, err)

	files := proxy{dir: t.TempDir()}
	for _, m := range modules {
		hash, err := files.add(repo, m.tag(version), m, version)
		require.NoError(t, err)
		if m.folder == "" {
			require.Contains(t, read(t, repo, "cmd/zeug/go.sum"), rootModule+" "+version+" "+hash)
			continue
		}
		old := must(t, repo, "show", before+":"+m.folder+"/go.mod")
		require.Equal(t, requirements(t, old), requirements(t, read(t, repo, m.folder+"/go.mod")), "%s was not tidy: run .ci/tidy", m.folder)
	}

	c := consumer{dir: t.TempDir(), version: version}
	gopath := filepath.Join(c.dir, "go")
	c.env = append(os.Environ(), files.env(settings, filepath.Join(gopath, "pkg/mod"))...)
	// GOWORK and CI's GOFLAGS must not affect the consumer. The two flags do not change what is
	// built: one lets the test remove the cache, one lets the build cache serve every run.
	c.env = append(c.env, "GOWORK=", "GOPATH="+gopath, "GOBIN=", "GOFLAGS=-modcacherw -trimpath")
	return c, modules
}

// TestAConsumer follows README.md on a machine that has only Go.
func TestAConsumer(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	c, modules := newConsumer(t)
	c.run(t, "", "go", "install", rootModule+"/cmd/zeug@"+c.version)
	require.Contains(t, c.run(t, "", "zeug", "version"), c.version)

	for name, args := range map[string][]string{"guestbook": {"new", "guestbook"}, "todo": {"new", "--api", "todo"}} {
		t.Run(name, func(t *testing.T) {
			out := c.run(t, "", "zeug", args...)
			require.Contains(t, out, "made "+name+": cd "+name+" && zeug run\n")
			text, err := os.ReadFile(filepath.Join(c.dir, name, "go.mod"))
			require.NoError(t, err)
			require.Contains(t, string(text), rootModule+" "+c.version+"\n")
			require.NotContains(t, string(text), "replace")
			c.run(t, name, "go", "mod", "tidy", "-diff")
			c.run(t, name, "go", "test", "./...")
		})
	}
	t.Run("zeug run", func(t *testing.T) { served(t, c, "guestbook") })

	for _, m := range modules {
		if m.folder == "" || m.folder == "cmd/zeug" {
			continue
		}
		t.Run(m.folder, func(t *testing.T) {
			program, there := programs[m.folder]
			require.True(t, there, "write a program that uses %s", m.path)
			name := filepath.Base(m.folder)
			require.NoError(t, os.Mkdir(filepath.Join(c.dir, name), 0o755))
			c.run(t, name, "go", "mod", "init", "example.org/"+name)
			c.run(t, name, "go", "get", m.path+"@"+c.version)
			require.NoError(t, os.WriteFile(filepath.Join(c.dir, name, "main.go"), []byte(program), 0o600))
			require.Equal(t, "it works\n", c.run(t, name, "go", "run", "."))
			license, err := os.ReadFile(filepath.Join(c.dir, "go/pkg/mod", m.path+"@"+c.version, "LICENSE"))
			require.NoError(t, err)
			require.Contains(t, string(license), "BSD 3-Clause")
		})
	}
}

// served runs a program with "zeug run", requests a page from it, and stops it.
func served(t *testing.T, c consumer, folder string) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := c.command(folder, "zeug", "run", "--addr", "127.0.0.1:0")
	reader, writer := io.Pipe()
	defer reader.Close()
	cmd.Stdout, cmd.Stderr = writer, writer
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		writer.Close()
	}()
	defer func() {
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		<-ended
	}()
	stop := context.AfterFunc(ctx, func() { reader.CloseWithError(ctx.Err()) })
	defer stop()

	lines := bufio.NewScanner(reader)
	var address, seen string
	for address == "" && lines.Scan() {
		seen += lines.Text() + "\n"
		address = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(lines.Text())
	}
	require.NotEmpty(t, address, seen)
	go io.Copy(io.Discard, reader)
	req, err := http.NewRequestWithContext(ctx, "GET", address+"/hello/Ada", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode, "%s", body)
	require.Contains(t, string(body), "Ada")
}
