// Command headers times the reading and writing of header fields and queries
// beside net/http and the frameworks, and writes the table of
// docs/performance.md.
package main

import (
	"flag"
	"os"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/bench/measure"
)

func main() {
	settings := measure.Flags()
	only := flag.String("only", "", "the case, or the cases that hold this text")
	flag.Parse()
	list := slices.DeleteFunc(subjects(), func(s measure.Subject) bool { return !strings.Contains(s.Case, *only) })
	settings.Report(os.Stdout, list)
}
