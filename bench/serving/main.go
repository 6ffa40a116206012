// Command serving measures Zeug's server beside net/http's: what its limits cost a
// request, and what a connection takes that does nothing.
//
//	GOWORK=off go run ./serving
//	GOWORK=off go run ./serving -load
//	GOWORK=off go run ./serving -idle 10000
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
	"github.com/zeugkit/zeug/bench/load"
	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/serving"
)

func main() {
	settings := measure.Flags()
	idle := flag.Int("idle", 0, "measure so many idle connections instead, with a fifth of that number that send a header slowly")
	wrk := flag.Bool("load", false, "measure whole servers under wrk instead")
	serve := flag.String("serve", "", "be the server of this peer")
	addr := flag.String("addr", "127.0.0.1:0", "with -serve: where to listen")
	flag.Parse()
	switch {
	case *serve != "":
		l, err := net.Listen("tcp", *addr)
		if err == nil {
			err = serverOf(*serve, middleware.AccessLog{})(l)
		}
		log.Fatal(err)
	case *idle > 0:
		load.Main(settings, nil, func(string) error {
			list, err := idleRows(*idle)
			settings.Report(os.Stdout, list)
			return err
		})
	case *wrk:
		load.Main(settings, load.Wrk, func(string) error {
			list, err := loaded()
			settings.Report(os.Stdout, list)
			return err
		})
	default:
		load.Main(settings, nil, func(dir string) error {
			list, err := subjects(dir)
			settings.Report(os.Stdout, list)
			return err
		})
	}
}

// The peers of the rows, and the variants of them for -serve.
const (
	logging    = "zeug with its access log"
	withType   = "net/http that sets Content-Type"
	withApp    = "zeug with an App"
	loggingApp = "zeug with an App and its access log"
)

var peers = []string{"zeug", "net/http"}

func app(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }

func appWithFields(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, "hello")
}

// helloApp answers the same as app.
var helloApp = zeug.New(zeug.Get("/", func(*zeug.Request) (*zeug.Response, error) { return zeug.Text("hello"), nil }))

// serverOf returns a function that serves with a peer. If its name says so, or lines has a
// destination, Zeug has its access log, which is on by default; net/http has none.
func serverOf(peer string, lines middleware.AccessLog) func(net.Listener) error {
	var handler http.Handler = http.HandlerFunc(app)
	logs := lines.JSON != nil
	switch peer {
	case "net/http", withType:
		if peer == withType {
			handler = http.HandlerFunc(appWithFields)
		}
		// With the same time-outs, so that the timers are the same too.
		s := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, IdleTimeout: 10 * time.Minute}
		return s.Serve
	case logging:
		logs = true
	case loggingApp:
		logs, handler = true, helloApp
	case withApp:
		handler = helloApp
	}
	return func(l net.Listener) error {
		o := serving.Options{HeaderTimeout: time.Minute, IdleTimeout: 10 * time.Minute, AccessLog: lines}
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
