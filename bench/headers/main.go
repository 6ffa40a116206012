// Command headers times the reading and writing of header fields and queries
// beside net/http and the frameworks, and writes the table of
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
