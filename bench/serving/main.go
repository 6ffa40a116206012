// Command serving measures Zeug's server beside net/http's: what its limits cost a
// request, and what a connection takes that does nothing.
//
//	GOWORK=off go run ./serving
//	GOWORK=off go run ./serving -idle 10000
//	GOWORK=off go run ./serving -load
//
// The row of the access log is measured if standard error is a file:
//
//	GOWORK=off go run ./serving 2>/tmp/log
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/serving"
)

func main() {
	settings := measure.Flags()
	idle := flag.Int("idle", 0, "measure the memory of so many idle connections instead, and of a fifth of that which send a header slowly")
	loaded := flag.Bool("load", false, "measure whole servers under wrk instead")
	serve := flag.String("serve", "", "be the server of this peer")
	flag.Parse()
	switch {
	case *serve != "":
		log.Fatal(run(*serve))
	case *idle > 0:
		if err := idleTable(os.Stdout, *idle); err != nil {
			log.Fatal(err)
		}
	case *loaded:
		if err := loadTable(os.Stdout, settings.Rounds, time.Second); err != nil {
			log.Fatal(err)
		}
	default:
		settings.Report(os.Stdout, subjects())
	}
}

var peers = []string{"zeug", "net/http"}

func app(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }

func appWithFields(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, "hello")
}

// helloApp answers the same as app.
var helloApp = zeug.New(zeug.Get("/", func(*zeug.Request) (*zeug.Response, error) { return zeug.Text("hello"), nil }))

// run serves app with a peer on a free port, and prints the port.
func run(peer string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return serverOf(peer, false)(l)
}

// serverOf returns a function that serves with a peer. With logs, Zeug has its access log, which is
// on by default; net/http has none.
func serverOf(peer string, logs bool) func(net.Listener) error {
	var handler http.Handler = http.HandlerFunc(app)
	switch peer {
	case "net/http", "net/http that sets Content-Type":
		if peer != "net/http" {
			handler = http.HandlerFunc(appWithFields)
		}
		// With the same time-outs, so that the timers are the same too.
		s := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, IdleTimeout: 10 * time.Minute}
		return s.Serve
	case "zeug with its access log":
		logs = true
	case "zeug with an App and its access log":
		logs, handler = true, helloApp
	case "zeug with an App":
		handler = helloApp
	}
	return func(l net.Listener) error {
		o := serving.Options{HeaderTimeout: time.Minute, IdleTimeout: 10 * time.Minute}
		if !logs {
			o.NoAccessLog, o.Logger = true, slog.New(slog.DiscardHandler)
		}
		s, err := serving.New(handler, o)
		if err != nil {
			return err
		}
		s.Use("", l)
		return s.Serve()
	}
}
