// Command middleware times Zeug's middlewares beside chi's and gorilla's, each
// alone and in a chain, and writes the table of docs/performance.md. Its tests
// show that all of them compose.
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
