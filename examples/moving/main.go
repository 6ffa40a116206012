// Moving is a shop that moves from Python to Go, a route at a time. The folder legacy holds the shop as it
// was, in Flask. Go answers the requests that a rule here matches, and the Python application all other
// requests, in the same session of the visitor.
//
//	go run ./examples/moving
//
// serves it at http://127.0.0.1:5000. It needs a Python with Flask (apt install
// python3-flask).
package main

import (
	"cmp"
	"context"
	"flag"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/serving"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:5000", "where to listen")
	dir := flag.String("legacy", "examples/moving/legacy", "the folder of the Python application")
	python := flag.String("python", "", "the Python interpreter; by default that of the virtual environment, or python3")
	flag.Parse()
	secret := cmp.Or(os.Getenv("SHOP_SECRET"), "for development only")

	var legacy *wsgi.Application
	app, err := newShop(secret, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { legacy.ServeHTTP(w, r) }))
	if err != nil {
		log.Fatal(err)
	}
	err = serving.Run(*addr, app, serving.Options{
		Start: func([]string) (err error) {
			legacy, err = wsgi.Start(wsgi.Config{App: "shop:app", Dir: *dir, Python: *python, Env: []string{"SHOP_SECRET=" + secret}})
			return err
		},
		HangUp: func() error { return legacy.Reload() },
	})
	if legacy != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		legacy.Shutdown(ctx)
		cancel()
	}
	if err != nil {
		log.Print(err)
	}
	os.Exit(serving.ExitCode(err))
}
