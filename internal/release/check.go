package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// check returns every reason why the version must not be released now.
func check(repo git, version string, modules []released) error {
	if err := checkVersion(version); err != nil {
		return err
	}
	return errors.Join(
		checkTree(repo),
		checkTags(repo, version, modules),
		checkStamp(repo),
		checkChangelog(repo.dir, version),
	)
}

// checkVersion accepts v0.1.0 and v1.2.3-rc.1.
func checkVersion(version string) error {
	switch {
	case version == "":
		return errors.New("name the version, as in make release VERSION=v0.1.0")
	case semver.Canonical(version) != version:
		return fmt.Errorf("%q is not a semantic version: write all three numbers after a v, as in v0.1.0", version)
	case semver.Major(version) != "v0" && semver.Major(version) != "v1":
		return fmt.Errorf("the path of a module at %s ends in /%s: rename the modules first", version, semver.Major(version))
	}
	return nil
}

func checkTree(repo git) error {
	if _, err := repo.run("symbolic-ref", "-q", "HEAD"); err != nil {
		return errors.New("no branch is checked out: switch to the branch that gets the release's commit")
	}
	changed, err := repo.run("status", "--porcelain")
	if err == nil && changed != "" {
		return fmt.Errorf("the tree has changes that are not committed:\n%s", changed)
	}
	return err
}

// checkTags refuses tags that exist and a version below the newest one of this branch.
func checkTags(repo git, version string, modules []released) error {
	out, err := repo.run("tag", "--list")
	if err != nil {
		return err
	}
	existing := strings.Fields(out)
	var problems []error
	for _, m := range modules {
		if slices.Contains(existing, m.tag(version)) {
			problems = append(problems, fmt.Errorf("the tag %s exists already: choose another version", m.tag(version)))
		}
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	out, err = repo.run("tag", "--list", "v*", "--merged", "HEAD")
	if err != nil {
		return err
	}
	for _, tag := range strings.Fields(out) {
		if semver.IsValid(tag) && semver.Compare(version, tag) < 0 {
			return fmt.Errorf("%s is older than the release %s of this branch", version, tag)
		}
	}
	return nil
}

// checkStamp looks for the stamp of a commit on which .ci/run has passed. It is an empty file
// named after the commit, in the folder .git of the machine that ran it.
func checkStamp(repo git) error {
	head, err := repo.run("rev-parse", "HEAD")
	if err != nil {
		return err
	}
	common, err := repo.commonDir()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(common, stamps, head)); err != nil {
		return fmt.Errorf("CI has not passed here for commit %.12s: run .ci/run in a clean tree", head)
	}
	return nil
}

// stamps is the folder of CI's stamps in .git. The script .ci/run uses the same folder.
const stamps = "ci-passed"

func checkChangelog(dir, version string) error {
	text, err := os.ReadFile(filepath.Join(dir, changelogName))
	if err != nil {
		return err
	}
	_, err = withRelease(string(text), version, "")
	return err
}
