// Command behind is the program of the tests behind web servers: it does not
// know which of them starts it, or how. It answers with its own URL, where its
// root is, and who asked.
package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/wrappers"
)

func main() {
	first, more, _ := strings.Cut(os.Getenv("APP_ADDRS"), " ")
	serving.MainWith(first, http.HandlerFunc(answer), serving.Options{
		Listen: strings.Fields(more), SocketMode: 0o666, DrainTimeout: 10 * time.Second, Health: "/healthz",
	})
}

func answer(w http.ResponseWriter, r *http.Request) {
	if d, err := time.ParseDuration(r.URL.Query().Get("sleep")); err == nil {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Info("sleeping")
		time.Sleep(d)
	}
	if r.URL.Path == "/events" {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		io.WriteString(w, "data: the end\n\n")
		return
	}
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		panic(err)
	}
	req := wrappers.NewRequest(r)
	fmt.Fprintf(w, "%s %s %s %d", req.FullURL(), req.RootURL(), gateway.OriginOf(r).Client.Addr(), n)
}
