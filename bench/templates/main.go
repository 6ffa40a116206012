// Command templates times package templates beside pongo2 alone and the
// templates of the standard library, and writes the table of
// docs/performance.md.
package main

import (
	"flag"
	"os"

	"github.com/zeugkit/zeug/bench/measure"
)

func main() {
	settings := measure.Flags()
	flag.Parse()
	settings.Report(os.Stdout, subjects())
}
