package main

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	changelogName = "CHANGELOG.md"
	unreleased    = "## Unreleased\n"
)

// entry is a line of the changelog with content: an item of a list, or a row of a table that begins
// with a name.
var entry = regexp.MustCompile("(?m)^([-*] |\\| `)")

// withRelease moves the entries under "Unreleased" below a heading with the version and the date:
//
//	## Unreleased          ## Unreleased
//	- A new thing.
//	                  →    ## v0.1.0 (2026-11-30)
//	                       - A new thing.
//
// It returns an error if there are no entries, or the changelog has the version already.
func withRelease(changelog, version, date string) (string, error) {
	if strings.Contains(changelog, "\n## "+version+" ") {
		return "", fmt.Errorf("%s has a section %s already", changelogName, version)
	}
	before, rest, found := strings.Cut(changelog, unreleased)
	if !found {
		return "", fmt.Errorf("%s has no section %q", changelogName, strings.TrimSpace(unreleased))
	}
	section, older := rest, ""
	if end := strings.Index(rest, "\n## "); end >= 0 {
		section, older = rest[:end], rest[end:]
	}
	if !entry.MatchString(section) {
		return "", fmt.Errorf("%s has no entries under %q: say what changed for users", changelogName, strings.TrimSpace(unreleased))
	}
	return before + unreleased + "\n## " + version + " (" + date + ")\n" + section + older, nil
}
