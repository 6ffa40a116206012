package reload

import "os"

// Rounds returns how many times a test repeats what takes processor time: many times in CI, where CI is set.
func Rounds(few, many int) int {
	if os.Getenv("CI") != "" {
		return many
	}
	return few
}
