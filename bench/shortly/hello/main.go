// Command hello answers with one line of text, through the same server as
// shortly.
package main

import (
	"log"
	"os"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/serving"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: hello ADDRESS")
	}
	app := zeug.New(zeug.Get("/<name>", hello))
	serving.MainWith(os.Args[1], app, serving.Options{NoAccessLog: true})
}

func hello(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Text("Hello, World!\n"), nil
}
