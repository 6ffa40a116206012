// Command wrappers times Zeug's Request and Response beside net/http alone, gin
// and echo, and writes the table of docs/performance.md.
package main

import (
	"flag"
	"os"

	"github.com/zeugkit/zeug/bench/measure"
)

func main() {
	settings := measure.Flags()
	flag.Parse()
	list := subjects()
	if settings.Marked == 0 { // making their bodies takes longer under callgrind than all other rows
		list = append(list, streams()...)
	}
	settings.Report(os.Stdout, list)
}
