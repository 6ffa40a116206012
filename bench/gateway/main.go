// Command gateway measures what a request costs behind a web server that speaks FastCGI, SCGI or
// uwsgi. FastCGI runs beside net/http/fcgi. SCGI and uwsgi run beside HTTP with one connection for
// each request, since that is how they are used.
//
//	GOWORK=off go run ./gateway
package main

import (
	"flag"
	"os"

	"github.com/zeugkit/zeug/bench/load"
	"github.com/zeugkit/zeug/bench/measure"
)

func main() {
	settings := measure.Flags()
	flag.Parse()
	load.Main(settings, nil, func(dir string) error {
		settings.Report(os.Stdout, subjects(dir))
		return nil
	})
}
