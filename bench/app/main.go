// Command app times a request through the application package beside a dispatch by hand and chi.
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
