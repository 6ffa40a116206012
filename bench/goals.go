// Package bench holds the goals of the benchmarks in its folders.
package bench

import _ "embed"

// Goals are the lines of goals.txt.
//
//go:embed goals.txt
var Goals string
