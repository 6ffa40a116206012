// Command echo is the application of the gateway's live tests, as a program
// that a web server starts for each request by CGI.
package main

import (
	"log"

	"github.com/zeugkit/zeug/gateway/cgi"
	"github.com/zeugkit/zeug/gateway/internal/echo/app"
)

func main() {
	if err := cgi.Serve(app.New()); err != nil {
		log.Fatal(err)
	}
}
