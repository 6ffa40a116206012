package reload

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/devtools"
)

// asking is a program that reports whether it has the debugger.
const asking = `package main

import (
	"fmt"
	"net/http"

	"github.com/zeugkit/zeug/serving"
)

var greeting = "plain"

func main() {
	_, err := serving.New(http.NotFoundHandler(), serving.Options{Debug: true})
	fmt.Println(greeting, err)
}
`

// quick holds flags that make builds faster: with -trimpath, programs in different folders share
// compiled packages.
var quick = []string{"-trimpath", "-ldflags=-s"}

// folder is a folder with a program that is built by the go command.
type folder struct {
	*testing.T
	dir, root string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	if testing.Short() {
		t.Skip("builds programs")
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	return folder{t, t.TempDir(), root}
}

func (f folder) save(name, text string) {
	f.Helper()
	name = filepath.Join(f.dir, name)
	require.NoError(f, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(f, os.WriteFile(name, []byte(text), 0o644))
}

func (f folder) read(name string) string {
	f.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	require.NoError(f, err)
	return string(b)
}

func (f folder) run(dir string, command ...string) string {
	f.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = filepath.Join(f.dir, dir)
	out, err := cmd.CombinedOutput()
	require.NoError(f, err, "%s", out)
	return string(out)
}

// module makes a module in a subfolder, whose files import what asking imports. Its go.mod is as "go mod tidy" writes
// it: without the requirements that only other programs of zeug have.
func (f folder) module(below string, files map[string]string) {
	f.Helper()
	for name, text := range files {
		f.save(filepath.Join(below, name), text)
	}
	tidied.Lock()
	defer tidied.Unlock()
	if tidied.mod == "" {
		f.save(filepath.Join(below, "go.mod"), "module example.org/app\n\ngo 1.26.0\n\nrequire github.com/zeugkit/zeug v0.0.0\n\nreplace github.com/zeugkit/zeug => "+f.root+"\n")
		f.run(below, "go", "mod", "tidy")
		tidied.mod, tidied.sum = f.read(filepath.Join(below, "go.mod")), f.read(filepath.Join(below, "go.sum"))
		return
	}
	f.save(filepath.Join(below, "go.mod"), tidied.mod)
	f.save(filepath.Join(below, "go.sum"), tidied.sum)
}

// tidied holds the go.mod and go.sum of asking, which "go mod tidy" writes once.
var tidied struct {
	sync.Mutex
	mod, sum string
}

// listed lists the sources of a program as "zeug run" does, and returns them and the supervisor's warning.
func (f folder) listed(p *Program) (listed *sources, warning error) {
	f.Helper()
	p.complete()
	added := &addedImport{folder: f.TempDir(), warn: func(reason error) { warning = reason }}
	listed, err := added.list(f.Context(), p)
	require.NoError(f, err)
	again, err := added.list(f.Context(), p)
	require.NoError(f, err)
	require.Equal(f, listed, again)
	require.NoError(f, p.check(listed))
	for _, name := range listed.main().GoFiles {
		require.FileExists(f, filepath.Join(listed.main().Dir, name), "what is watched")
	}
	return listed, warning
}

// output builds a program from its listed sources, runs it, and returns its output.
func (f folder) output(p *Program, listed *sources) string {
	f.Helper()
	program := filepath.Join(f.TempDir(), "program")
	err := p.build(f.Context(), listed, program)
	var failure *Failure
	if errors.As(err, &failure) {
		require.FailNow(f, failure.Output)
	}
	require.NoError(f, err)
	return f.run("", program)
}

// Outside of CI, the programs whose build needs no more arguments than their listing are listed and not built.
func TestTheToolsAreLinkedIntoUnchangedPrograms(t *testing.T) {
	t.Parallel()
	loud := "//go:build loud\n\n" + strings.Replace(asking, "plain", "loud", 1)
	for name, c := range map[string]struct {
		prepare func(f folder)
		program Program
		want    string
		built   bool // outside of CI, too
	}{
		"a package of a module that must not be written": {
			func(f folder) { f.module("", map[string]string{"cmd/app/main.go": asking}) },
			Program{Package: "./cmd/app", Flags: []string{"-mod=readonly"}}, "plain", false,
		},
		"a workspace": {
			func(f folder) {
				f.module("app", map[string]string{"main.go": asking})
				f.save("app/main.go", strings.NewReplacer("\n\t\"fmt\"", "\n\t\"example.org/lib\"\n\t\"fmt\"", `"plain"`, "lib.Word").Replace(asking))
				f.save("lib/go.mod", "module example.org/lib\n\ngo 1.26.0\n")
				f.save("lib/lib.go", "package lib\n\nconst Word = \"lib\"\n")
				f.save("go.work", "go 1.26.0\n\nuse (\n\t./app\n\t./lib\n)\n")
			},
			Program{Package: "./app"}, "lib", false,
		},
		"a vendor folder": {
			func(f folder) {
				f.module("", map[string]string{"main.go": asking})
				f.run("", "go", "mod", "vendor")
			},
			Program{Flags: []string{"-mod=vendor"}}, "plain", false,
		},
		"build tags, and a file of the same name": {
			func(f folder) { f.module("", map[string]string{"zeug_dev.go": loud}) },
			Program{Flags: []string{"-tags=loud"}}, "loud", false,
		},
		"a program in a nested module": {
			func(f folder) {
				f.save("go.mod", "module example.org\n\ngo 1.26.0\n")
				f.module("cmd/app", map[string]string{"main.go": asking})
			},
			Program{Dir: "cmd/app"}, "plain", false,
		},
		"a program named by its file": {
			func(f folder) {
				f.module("", map[string]string{"main.go": asking})
				f.save("tools/serve.go", "//go:build ignore\n\n"+asking)
			},
			Program{Package: "tools/serve.go"}, "plain", true,
		},
		"an overlay of the user's": {
			func(f folder) {
				f.module("", map[string]string{"main.go": asking})
				f.save("other/main.txt", strings.Replace(asking, "plain", "replaced", 1))
				f.save("overlay.json", `{"Replace": {"main.go": "other/main.txt"}}`)
			},
			Program{Flags: []string{"-overlay", "overlay.json"}}, "replaced", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			c.prepare(f)
			c.program.Dir = filepath.Join(f.dir, c.program.Dir)
			c.program.Flags = append(c.program.Flags, quick...)
			before := f.run("", "find", ".", "-type", "f", "-newermt", "2000-01-01", "-printf", "%p %s\n")
			listed, warning := f.listed(&c.program)
			require.NoError(t, warning)
			require.True(t, listed.paths[devtools.ImportPath])
			if c.built || Rounds(0, 1) > 0 {
				require.Equal(t, c.want+" <nil>\n", f.output(&c.program, listed))
			}
			require.Equal(t, before, f.run("", "find", ".", "-type", "f", "-newermt", "2000-01-01", "-printf", "%p %s\n"))
		})
	}
}

func TestTheToolsAreNotLinkedTwiceOrForNothing(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"a program that imports them":   strings.Replace(asking, "\n\t\"fmt\"", "\n\t\"fmt\"\n\t_ \"github.com/zeugkit/zeug/serving/dev\"", 1),
		"a program that does not serve": "package main\n\nfunc main() {}\n",
		"a program that does not parse": asking[:strings.Index(asking, "\"net/http")],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			f.module("", map[string]string{"main.go": asking})
			f.save("main.go", source)
			p := Program{Dir: f.dir}
			p.complete()
			listed, err := (&addedImport{folder: f.TempDir(), warn: func(reason error) { t.Error(reason) }}).list(t.Context(), &p)
			require.NoError(t, err)
			require.Nil(t, listed.shown)
		})
	}
}

// A go.sum from before the tools were split off has no sum of fsnotify.
func TestAProgramIsBuiltWithoutToolsThatTheGoCommandDoesNotFind(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.module("", map[string]string{"main.go": asking})
	var kept []string
	for line := range strings.Lines(f.read("go.sum")) {
		if !strings.Contains(line, "fsnotify") || strings.Contains(line, "/go.mod ") {
			kept = append(kept, line)
		}
	}
	f.save("go.sum", strings.Join(kept, ""))
	p := Program{Dir: f.dir, Flags: quick}
	listed, warning := f.listed(&p)
	require.ErrorContains(t, warning, "fsnotify")
	require.Contains(t, f.output(&p, listed), "Options.Debug needs a tool of development, and this program links none of them")
}
