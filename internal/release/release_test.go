package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// small holds the files of a repository. It has a module in the top folder, a module that users
// get, and an example that works only inside the repository.
var small = map[string]string{
	"go.mod":       "module github.com/zeugkit/zeug\n\ngo 1.26.0\n",
	"zeug.go":      "// Package zeug greets.\npackage zeug\n\n// Greeting is what it says.\nconst Greeting = \"hello\"\n",
	"LICENSE":      "Do what you like.\n",
	"CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n- A greeting.\n",
	"go.work":      "go 1.26.0\n\nuse (\n\t.\n\t./cmd/zeug\n\t./examples/hello\n)\n",
	"cmd/zeug/go.mod": "module github.com/zeugkit/zeug/cmd/zeug\n\ngo 1.26.0\n\n" +
		"require github.com/zeugkit/zeug v0.0.0\n",
	"cmd/zeug/main.go": "package main\n\nimport \"github.com/zeugkit/zeug\"\n\nfunc main() { println(zeug.Greeting) }\n",
	"examples/hello/go.mod": "module github.com/zeugkit/zeug/examples/hello\n\ngo 1.26.0\n\n" +
		"replace github.com/zeugkit/zeug => ../..\n\nrequire github.com/zeugkit/zeug v0.0.0\n",
	"examples/hello/main.go": "package main\n\nimport \"github.com/zeugkit/zeug\"\n\nfunc main() { println(zeug.Greeting) }\n",
}

var today = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// newRepository commits files to a new repository, on which CI has passed.
func newRepository(t *testing.T, files map[string]string) git {
	t.Helper()
	repo := git{dir: t.TempDir(), ctx: t.Context()}
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(t.TempDir(), "gitconfig"))
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"},
		{"config", "user.name", "Ada"},
		{"config", "user.email", "ada@example.org"},
	} {
		must(t, repo, args...)
	}
	for name, content := range files {
		write(t, repo, name, content)
	}
	commit(t, repo)
	return repo
}

func must(t *testing.T, repo git, args ...string) string {
	t.Helper()
	out, err := repo.run(args...)
	require.NoError(t, err)
	return out
}

func write(t *testing.T, repo git, name, content string) {
	t.Helper()
	name = filepath.Join(repo.dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(content), 0o644))
}

// commit commits all files, and stamps the commit as .ci/run does.
func commit(t *testing.T, repo git) {
	t.Helper()
	must(t, repo, "add", "-A")
	must(t, repo, "commit", "-q", "-m", "Change")
	write(t, repo, ".git/"+stamps+"/"+must(t, repo, "rev-parse", "HEAD"), "")
}

func read(t *testing.T, repo git, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repo.dir, filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(text)
}

func TestARelease(t *testing.T) {
	repo := newRepository(t, small)
	tags, branch, err := Release(t.Context(), repo.dir, "v0.1.0", today)
	require.NoError(t, err)
	require.Equal(t, "main", branch)
	require.Equal(t, []string{"v0.1.0", "cmd/zeug/v0.1.0"}, tags)
	require.Equal(t, "cmd/zeug/v0.1.0\nv0.1.0", must(t, repo, "tag", "--list"))
	for _, tag := range tags {
		require.Equal(t, must(t, repo, "rev-parse", "main"), must(t, repo, "rev-parse", tag+"^{commit}"))
	}
	require.Equal(t, "Release v0.1.0\nChange", must(t, repo, "log", "--format=%s"))
	require.Equal(t, "", must(t, repo, "status", "--porcelain"))
	require.Equal(t, 1, strings.Count(must(t, repo, "worktree", "list")+"\n", "\n"))
	require.Equal(t, "# Changelog\n\n## Unreleased\n\n## v0.1.0 (2026-11-30)\n\n- A greeting.\n", read(t, repo, changelogName))
	require.Contains(t, read(t, repo, "cmd/zeug/go.mod"), "github.com/zeugkit/zeug v0.1.0\n")
	require.Equal(t, small["examples/hello/go.mod"], read(t, repo, "examples/hello/go.mod"))

	t.Run("installs from the tags", func(t *testing.T) {
		// The go command reads the repository directly, without a proxy, and checks the hashes that
		// the release wrote to go.sum.
		cache := t.TempDir()
		env := []string{
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://" + repo.dir + ".insteadOf", "GIT_CONFIG_VALUE_0=https://github.com/zeugkit/zeug",
			"GOPROXY=direct", "GONOSUMDB=" + rootModule, "GOWORK=off", "GOFLAGS=-modcacherw -mod=readonly", "GOMODCACHE=" + cache, "GOBIN=" + t.TempDir(),
		}
		_, err := command(t.Context(), filepath.Join(repo.dir, "cmd/zeug"), env, "go", "build", "-o", os.DevNull, ".")
		require.NoError(t, err)
		_, err = command(t.Context(), t.TempDir(), env, "go", "install", rootModule+"/cmd/zeug@v0.1.0")
		require.NoError(t, err)
		license, err := os.ReadFile(filepath.Join(cache, "github.com/zeugkit/zeug/cmd/zeug@v0.1.0/LICENSE"))
		require.NoError(t, err)
		require.Equal(t, small["LICENSE"], string(license))
	})

	t.Run("is followed by the next one", func(t *testing.T) {
		write(t, repo, "zeug.go", small["zeug.go"]+"\n// Farewell is what it says at the end.\nconst Farewell = \"bye\"\n")
		write(t, repo, "cmd/zeug/main.go", strings.ReplaceAll(small["cmd/zeug/main.go"], "Greeting", "Farewell"))
		write(t, repo, changelogName, strings.Replace(read(t, repo, changelogName), "## Unreleased\n", "## Unreleased\n\n- A farewell.\n", 1))
		commit(t, repo)
		tags, _, err := Release(t.Context(), repo.dir, "v0.2.0-rc.1", today)
		require.NoError(t, err)
		require.Equal(t, []string{"v0.2.0-rc.1", "cmd/zeug/v0.2.0-rc.1"}, tags)
		require.Contains(t, read(t, repo, "cmd/zeug/go.mod"), "github.com/zeugkit/zeug v0.2.0-rc.1\n")
		require.NotContains(t, read(t, repo, "cmd/zeug/go.sum"), "v0.1.0")
	})
}

func TestAReleaseInALinkedWorkTree(t *testing.T) {
	repo := newRepository(t, small)
	linked := git{dir: filepath.Join(t.TempDir(), "linked"), ctx: t.Context()}
	must(t, repo, "worktree", "add", "-q", "-b", "next", linked.dir)
	_, branch, err := Release(t.Context(), linked.dir, "v0.1.0", today)
	require.NoError(t, err)
	require.Equal(t, "next", branch)
	require.Equal(t, "Release v0.1.0", must(t, linked, "log", "-1", "--format=%s"))
}

func TestARefusedReleaseChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		version string // v0.1.0 by default
		change  func(t *testing.T, repo git)
		reason  string
	}{
		"no version":          {version: "-", reason: "name the version"},
		"two numbers":         {version: "v0.1", reason: `"v0.1" is not a semantic version`},
		"no v":                {version: "0.1.0", reason: `"0.1.0" is not a semantic version`},
		"build metadata":      {version: "v0.1.0+linux", reason: `"v0.1.0+linux" is not a semantic version`},
		"another path needed": {version: "v2.0.0", reason: "ends in /v2: rename the modules first"},
		"changed file": {
			change: func(t *testing.T, repo git) { write(t, repo, "zeug.go", "package zeug\n") },
			reason: "the tree has changes that are not committed:\n M zeug.go",
		},
		"new file": {
			change: func(t *testing.T, repo git) { write(t, repo, "new.go", "package zeug\n") },
			reason: "the tree has changes that are not committed:\n?? new.go",
		},
		"no branch": {
			change: func(t *testing.T, repo git) { must(t, repo, "checkout", "-q", "--detach") },
			reason: "no branch is checked out",
		},
		"commit after CI": {
			change: func(t *testing.T, repo git) { must(t, repo, "commit", "-q", "--allow-empty", "-m", "More") },
			reason: "run .ci/run in a clean tree",
		},
		"tag of the top folder": {
			change: func(t *testing.T, repo git) { must(t, repo, "tag", "v0.1.0") },
			reason: "the tag v0.1.0 exists already",
		},
		"tag of a nested module": {
			change: func(t *testing.T, repo git) { must(t, repo, "tag", "cmd/zeug/v0.1.0") },
			reason: "the tag cmd/zeug/v0.1.0 exists already",
		},
		"newer release": {
			change: func(t *testing.T, repo git) { must(t, repo, "tag", "v0.1.1") },
			reason: "v0.1.0 is older than the release v0.1.1 of this branch",
		},
		"empty changelog": {
			change: func(t *testing.T, repo git) {
				write(t, repo, changelogName, "# Changelog\n\n## Unreleased\n")
				commit(t, repo)
			},
			reason: "CHANGELOG.md has no entries",
		},
		"a module that does not build by itself": {
			change: func(t *testing.T, repo git) {
				write(t, repo, "cmd/zeug/main.go", strings.ReplaceAll(small["cmd/zeug/main.go"], "Greeting", "Missing"))
				commit(t, repo)
			},
			reason: "undefined: zeug.Missing",
		},
		"a module with another path than its folder's": {
			change: func(t *testing.T, repo git) {
				write(t, repo, "cmd/zeug/go.mod", strings.Replace(small["cmd/zeug/go.mod"], "cmd/zeug", "command", 1))
				commit(t, repo)
			},
			reason: "./cmd/zeug/go.mod names the module github.com/zeugkit/zeug/command",
		},
	} {
		t.Run(name, func(t *testing.T) {
			repo := newRepository(t, small)
			if c.change != nil {
				c.change(t, repo)
			}
			version := strings.TrimPrefix(c.version, "-")
			if c.version == "" {
				version = "v0.1.0"
			}
			state := func() [4]string {
				return [4]string{must(t, repo, "status", "--porcelain"), must(t, repo, "for-each-ref"), must(t, repo, "worktree", "list"), must(t, repo, "rev-parse", "HEAD")}
			}
			before := state()
			_, _, err := Release(t.Context(), repo.dir, version, today)
			require.ErrorContains(t, err, c.reason)
			require.Equal(t, before, state())
		})
	}

	t.Run("all reasons at once", func(t *testing.T) {
		repo := newRepository(t, small)
		must(t, repo, "commit", "-q", "--allow-empty", "-m", "More")
		must(t, repo, "tag", "v0.1.0")
		_, _, err := Release(t.Context(), repo.dir, "v0.1.0", today)
		require.ErrorContains(t, err, "exists already")
		require.ErrorContains(t, err, "run .ci/run")
	})

	t.Run("interrupted", func(t *testing.T) {
		repo := newRepository(t, small)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := Release(ctx, repo.dir, "v0.1.0", today)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, "", must(t, repo, "tag", "--list"))
	})
}
