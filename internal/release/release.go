package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Release commits and tags a release of every module that users get. It returns the tags in the
// order in which they were created, and the branch that has the commit. If it returns an error, the
// repository is unchanged.
func Release(ctx context.Context, dir, version string, now time.Time) (tags []string, branch string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, "", err
	}
	repo := git{dir: dir, ctx: ctx}
	modules, err := releasedModules(dir)
	if err != nil {
		return nil, "", err
	}
	if err := check(repo, version, modules); err != nil {
		return nil, "", err
	}
	branch, err = repo.run("branch", "--show-current")
	if err != nil {
		return nil, "", err
	}
	commit, err := prepare(repo, modules, version, now.UTC().Format(time.DateOnly))
	if err != nil {
		return nil, "", err
	}
	tags, err = publish(repo, commit, modules, version)
	return tags, branch, err
}

// prepare makes the commit of a release on top of HEAD, and returns its hash. No branch has
// the commit yet.
func prepare(repo git, modules []released, version, date string) (commit string, err error) {
	temp, err := os.MkdirTemp("", "release")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	tree := git{dir: filepath.Join(temp, "tree"), ctx: repo.ctx}
	if _, err := repo.run("worktree", "add", "-q", "--detach", tree.dir, "HEAD"); err != nil {
		return "", err
	}
	defer func() {
		// The context may have ended, but the work tree must be removed all the same.
		_, problem := git{dir: repo.dir, ctx: context.WithoutCancel(repo.ctx)}.run("worktree", "remove", "--force", tree.dir)
		err = errors.Join(err, problem)
	}()

	if err := writeChangelog(tree.dir, version, date); err != nil {
		return "", err
	}
	if _, err := tree.run("commit", "-q", "-a", "-m", "Release "+version); err != nil {
		return "", err
	}
	commit, err = tree.run("rev-parse", "HEAD")
	if err != nil {
		return "", err
	}
	source, err := bare(tree, filepath.Join(temp, "source"))
	if err != nil {
		return "", err
	}
	files := proxy{dir: filepath.Join(temp, "proxy")}
	before, err := files.add(source, commit, modules[0], version)
	if err != nil {
		return "", err
	}
	settings, err := machine(repo.ctx, tree.dir)
	if err != nil {
		return "", err
	}
	if err := pin(repo.ctx, tree.dir, modules, version, files.env(settings, filepath.Join(temp, "cache"))); err != nil {
		return "", err
	}
	if _, err := tree.run("add", "-A"); err != nil { // a go.sum may be new
		return "", err
	}
	if _, err := tree.run("commit", "-q", "--amend", "--no-edit"); err != nil {
		return "", err
	}
	commit, err = tree.run("rev-parse", "HEAD")
	if err != nil {
		return "", err
	}
	after, err := files.add(source, commit, modules[0], version)
	if err == nil && before != after {
		err = errors.New("pinning the nested modules has changed the files of " + rootModule + " itself, so their go.sum is wrong")
	}
	return commit, err
}

// bare makes a repository without files that shares the objects of another one. Zips can be made
// only in a folder whose .git is a folder, and in a work tree it is a file.
func bare(of git, dir string) (git, error) {
	objects, err := of.objects()
	if err != nil {
		return git{}, err
	}
	if _, err := of.run("init", "-q", dir); err != nil {
		return git{}, err
	}
	return git{dir: dir, ctx: of.ctx}, os.WriteFile(filepath.Join(dir, ".git", "objects", "info", "alternates"), []byte(objects+"\n"), 0o644)
}

func writeChangelog(dir, version, date string) error {
	name := filepath.Join(dir, changelogName)
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	changed, err := withRelease(string(text), version, date)
	if err != nil {
		return err
	}
	return os.WriteFile(name, []byte(changed), 0o644)
}

// publish tags the commit and moves the branch to it. If it fails, it removes the tags again.
func publish(repo git, commit string, modules []released, version string) (tags []string, err error) {
	defer func() {
		if err == nil {
			return
		}
		repo.ctx = context.WithoutCancel(repo.ctx)
		for _, tag := range tags {
			_, problem := repo.run("tag", "-d", tag)
			err = errors.Join(err, problem)
		}
		tags = nil
	}()
	for _, m := range modules {
		tag := m.tag(version)
		if _, err := repo.run("tag", "-a", "-m", strings.TrimPrefix(m.path, "github.com/")+" "+version, tag, commit); err != nil {
			return tags, err
		}
		tags = append(tags, tag)
	}
	_, err = repo.run("merge", "-q", "--ff-only", commit)
	return tags, err
}
