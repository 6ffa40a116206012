// Command shop panics on request, and keeps cores. The tests of postmortem and of "zeug inspect" run it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/postmortem"
	"github.com/zeugkit/zeug/serving"
)

type item struct {
	Name  string
	Price int
}

func main() {
	var cores postmortem.Folder
	flag.StringVar(&cores.Path, "cores", "", "")
	flag.IntVar(&cores.PerHour, "per-hour", 0, "")
	flag.Int64Var(&cores.MaxBytes, "max-bytes", 0, "")
	flag.Parse()
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("/order", order)
	app := middleware.Recover{Core: &cores}.Wrap(mux)
	logger := slog.New(postmortem.Logs(serving.DefaultLogger().Handler()))
	slog.SetDefault(logger)
	serving.MainWith("127.0.0.1:0", app, serving.Options{NoAccessLog: true, Logger: logger})
}

// order prints its variables before it panics.
func order(w http.ResponseWriter, r *http.Request) {
	items := []item{{"pen", 2}, {"ink", 5}, {"paper", 11}}
	stock := []int{4, 0, 7} // on the stack
	prices := map[string]int{"pen": 2, "ink": 5}
	at, _ := strconv.Atoi(r.URL.Query().Get("at"))
	customer := "Zoë " + r.Header.Get("X-Customer")
	slog.WarnContext(r.Context(), "the stock is low", "customer", customer, "left", len(stock), "token", r.URL.Query().Get("token"))
	if r.URL.Query().Get("print") != "" {
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"items": items, "prices": prices, "at": at, "customer": customer})
	}
	fmt.Fprint(w, customer, len(stock), prices[items[at].Name])
}
