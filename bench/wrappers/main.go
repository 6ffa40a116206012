// Command wrappers times Zeug's Request and Response beside net/http alone, gin
// and echo, and writes the table of docs/performance.md.
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
	list := subjects()
	if settings.Marked == 0 { // making their bodies takes longer under callgrind than all other rows
		list = append(list, streams()...)
	}
	list = slices.DeleteFunc(list, func(s measure.Subject) bool { return !strings.Contains(s.Case, *only) })
	settings.Report(os.Stdout, list)
}
