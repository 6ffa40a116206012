package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEntriesGetTheVersionAsHeading(t *testing.T) {
	const before = "# Changelog\n\nNewest first.\n\n"
	for name, c := range map[string]struct{ given, want string }{
		"the first release": {
			"## Unreleased\n\n### Added\n\n- A thing.\n",
			"## Unreleased\n\n## v0.2.0 (2026-11-30)\n\n### Added\n\n- A thing.\n",
		},
		"above an older one": {
			"## Unreleased\n\n* A thing.\n\n## v0.1.0 (2026-01-01)\n\n- Old.\n",
			"## Unreleased\n\n## v0.2.0 (2026-11-30)\n\n* A thing.\n\n## v0.1.0 (2026-01-01)\n\n- Old.\n",
		},
		"a table of names": {
			"## Unreleased\n\n| old name | new name |\n|---|---|\n| `A` | `B` |\n",
			"## Unreleased\n\n## v0.2.0 (2026-11-30)\n\n| old name | new name |\n|---|---|\n| `A` | `B` |\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := withRelease(before+c.given, "v0.2.0", "2026-11-30")
			require.NoError(t, err)
			require.Equal(t, before+c.want, got)
		})
	}

	for name, c := range map[string]struct{ given, problem string }{
		"no section":           {"- A thing.\n", `CHANGELOG.md has no section "## Unreleased"`},
		"no entries":           {"## Unreleased\n\n### Added\n\n| old name | new name |\n|---|---|\n", `CHANGELOG.md has no entries under "## Unreleased": say what changed for users`},
		"entries of old alone": {"## Unreleased\n\n## v0.1.0 (2026-01-01)\n\n- Old.\n", `CHANGELOG.md has no entries under "## Unreleased": say what changed for users`},
		"released before":      {"## Unreleased\n\n- A thing.\n\n## v0.2.0 (2026-01-01)\n", "CHANGELOG.md has a section v0.2.0 already"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := withRelease(before+c.given, "v0.2.0", "2026-11-30")
			require.EqualError(t, err, c.problem)
		})
	}
}
