// Command middleware times Zeug's middlewares beside chi's and gorilla's, each
// alone and in a chain, and writes the table of docs/performance.md. Its tests
// show that all of them compose.
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
