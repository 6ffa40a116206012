// Command gateway measures what a request costs behind a web server that speaks
// another protocol than HTTP: FastCGI beside net/http/fcgi, and SCGI and uwsgi beside
// HTTP on a connection of its own each time, which is what they are used for.
//
//	GOWORK=off go run ./gateway
package main

import (
	"flag"
	"os"

	"github.com/zeugkit/zeug/bench/measure"
)

func main() {
	settings := measure.Flags()
	flag.Parse()
	measure.Table(os.Stdout, settings.Run(subjects()))
}
