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

// editors are ways in which editors replace a file.
var editors = map[string]func(t *testing.T, file, text string){
	"vim": func(t *testing.T, file, text string) {
		probe := filepath.Join(filepath.Dir(file), "4913")
		save(t, probe, "")
		require.NoError(t, os.Remove(probe))
		require.NoError(t, os.Rename(file, file+"~"))
		save(t, file, text)
		require.NoError(t, os.Remove(file+"~"))
	},
	"GoLand": func(t *testing.T, file, text string) {
		save(t, file+"___jb_tmp___", text)
		require.NoError(t, os.Rename(file, file+"___jb_old___"))
		require.NoError(t, os.Rename(file+"___jb_tmp___", file))
		require.NoError(t, os.Remove(file+"___jb_old___"))
	},
	"Emacs": func(t *testing.T, file, text string) {
		dir, base := filepath.Split(file)
		require.NoError(t, os.Symlink("me@here.1", dir+".#"+base))
		save(t, dir+"#"+base+"#", text)
		save(t, file, text)
		require.NoError(t, os.Remove(dir+"#"+base+"#"))
		require.NoError(t, os.Remove(dir+".#"+base))
	},
	"what truncates first": func(t *testing.T, file, text string) {
		f, err := os.Create(file)
		require.NoError(t, err)
		defer f.Close()
		for i := 0; i < len(text); i += 100 {
			_, err := f.WriteString(text[i:min(i+100, len(text))])
			require.NoError(t, err)
		}
	},
}

func servesTheLastOfSeveralEdits(t *testing.T, p *project) {
	slow := reload.Rounds(2, 5)
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
		git := func(dir string, args ...string) {
			cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b.c"}, args...)...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
		}
		git(p.dir, "init", "-q", "-b", "main")
		git(p.dir, "add", ".")
		git(p.dir, "commit", "-qm", "few")
		clone := filepath.Join(t.TempDir(), "clone")
		git(p.dir, "clone", "-q", p.dir, clone)
		for n := range reload.Rounds(50, 500) {
			save(t, filepath.Join(clone, fmt.Sprintf("file%d.go", n)), fmt.Sprintf("package main\n\nfunc init() { _ = %d }\n", n))
		}
		save(t, filepath.Join(clone, "main.go"), source("many"))
		git(clone, "add", ".")
		git(clone, "commit", "-qm", "many")
		for range reload.Rounds(1, 2) {
			git(p.dir, "pull", "-q", "--ff-only", clone, "main")
			p.eventually("/", "many")
			git(p.dir, "reset", "-q", "--hard", "HEAD~1")
			p.eventually("/", last)
		}
	})
}

// The target of a link is watched at its own path. elsewhere has the targets of the links.
func followsLinks(t *testing.T, p *project, elsewhere string) {
	_, page := p.browse("/")
	events := p.events(page)
	editors["what truncates first"](t, filepath.Join(elsewhere, "main.go"), source("one"))
	p.eventually("/", "one")
	p.hears(events, "reload")
	replace(t, filepath.Join(elsewhere, "static", "a.css"), "b!")
	p.hears(events, "restyle")
}
