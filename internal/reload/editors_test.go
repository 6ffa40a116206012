//go:build unix

package reload_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/reload"
)

// source is a program with the given response.
func source(answer string) string {
	return strings.NewReplacer(", OPTIONS", "", `"one"`, strconv.Quote(answer)).Replace(program)
}

// Whatever way a file is replaced, the new content is served.
func isServedHoweverEditorsSave(t *testing.T, p *project) {
	file := filepath.Join(p.dir, "main.go")
	move := func(from, to string) { require.NoError(t, os.Rename(from, to)) }
	for name, saved := range map[string]func(text string){
		"vim": func(text string) {
			save(t, filepath.Join(p.dir, "4913"), "")
			require.NoError(t, os.Remove(filepath.Join(p.dir, "4913")))
			move(file, file+"~")
			save(t, file, text)
			require.NoError(t, os.Remove(file+"~"))
		},
		"GoLand": func(text string) {
			save(t, file+"___jb_tmp___", text)
			move(file, file+"___jb_old___")
			move(file+"___jb_tmp___", file)
			require.NoError(t, os.Remove(file+"___jb_old___"))
		},
		"Emacs": func(text string) {
			require.NoError(t, os.Symlink("me@here.1", filepath.Join(p.dir, ".#main.go")))
			save(t, filepath.Join(p.dir, "#main.go#"), text)
			save(t, file, text)
			require.NoError(t, os.Remove(filepath.Join(p.dir, "#main.go#")))
			require.NoError(t, os.Remove(filepath.Join(p.dir, ".#main.go")))
		},
		"what truncates first": func(text string) {
			f, err := os.Create(file)
			require.NoError(t, err)
			defer f.Close()
			for i := 0; i < len(text); i += 100 {
				_, err := f.WriteString(text[i:min(i+100, len(text))])
				require.NoError(t, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			saved(source(name))
			p.eventually("/", name)
		})
	}
}

func servesTheLastOfSeveralEdits(t *testing.T, p *project) {
	slow := rounds(3, 5)
	last := "slow " + strconv.Itoa(slow-1)
	t.Run("at once", func(t *testing.T) {
		_, before := p.get("/")
		for n := range 20 {
			save(t, filepath.Join(p.dir, "main.go"), source("quick "+strconv.Itoa(n)))
		}
		body := before
		for body == before {
			_, body = p.get("/") // the system has not reported the change yet
		}
		require.Equal(t, "quick 19", body)
	})
	t.Run("during a build", func(t *testing.T) {
		for n := range slow {
			save(t, filepath.Join(p.dir, "main.go"), source("slow "+strconv.Itoa(n)))
			p.says("detected change")
			time.Sleep(100 * time.Millisecond) // so that the build is running
		}
		_, body := p.get("/")
		require.Equal(t, last, body)
	})
	t.Run("of many files, as git changes them", func(t *testing.T) {
		git := func(args ...string) {
			cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b.c"}, args...)...)
			cmd.Dir = p.dir
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
		}
		git("init", "-q", "-b", "main")
		git("add", ".")
		git("commit", "-qm", "few")
		git("checkout", "-qb", "many")
		for n := range rounds(100, 500) {
			save(t, filepath.Join(p.dir, fmt.Sprintf("file%d.go", n)), fmt.Sprintf("package main\n\nfunc init() { _ = %d }\n", n))
		}
		save(t, filepath.Join(p.dir, "main.go"), source("many"))
		git("add", ".")
		git("commit", "-qm", "many")
		p.eventually("/", "many")
		git("checkout", "-q", "main")
		p.eventually("/", last)
		git("checkout", "-q", "many")
		p.eventually("/", "many")
	})
}

// The target of a link is watched at its own path.
func TestLinksAreFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := t.TempDir()
	p := run(t, func(dir string, _ *reload.Config) {
		save(t, filepath.Join(elsewhere, "main.go"), source("one"))
		save(t, filepath.Join(elsewhere, "static", "a.css"), "a")
		require.NoError(t, os.Remove(filepath.Join(dir, "main.go")))
		require.NoError(t, os.Symlink(filepath.Join(elsewhere, "main.go"), filepath.Join(dir, "main.go")))
		require.NoError(t, os.Symlink(filepath.Join(elsewhere, "static"), filepath.Join(dir, "static")))
	})
	_, page := p.browse("/document")
	events := p.events(page)
	save(t, filepath.Join(elsewhere, "main.go"), source("two"))
	p.eventually("/", "two")
	p.hears(events, "reload")
	save(t, filepath.Join(elsewhere, "static", "a.css"), "b!")
	p.hears(events, "restyle")
}
