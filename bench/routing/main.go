// Command routing times Zeug's router beside others, and writes the tables of
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
	without := flag.String("without", "", "peers to leave out, with commas")
	construct := flag.Bool("construct", false, "report time and memory of 10,000 rules")
	flag.Parse()
	if *construct {
		construction()
		return
	}
	list := subjects()
	if settings.Marked == 0 { // it makes routers of 10,000 routes at once, which takes minutes under callgrind
		list = append(list, building()...)
	}
	list = slices.DeleteFunc(list, func(s measure.Subject) bool {
		return *without != "" && slices.Contains(strings.Split(*without, ","), s.Peer)
	})
	settings.Report(os.Stdout, list)
}
