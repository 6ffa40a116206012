package postmortem_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/postmortem"
	"github.com/zeugkit/zeug/webtest"
)

func Example() {
	dir, err := os.MkdirTemp("", "cores")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	app := http.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no such order") }))

	cores := &postmortem.Folder{
		Path:     filepath.Join(dir, "cores"), // for example /var/lib/shop/cores
		PerHour:  2,
		MaxBytes: 512 << 20,
	}
	app = middleware.Recover{Core: cores, Logger: slog.New(slog.DiscardHandler)}.Wrap(app)

	fmt.Println(webtest.New(nil, app).Get("/order").Status)
	// Output: 500
}

// The core of a panic has what was logged with the context of its request.
func ExampleLogs() {
	dir, err := os.MkdirTemp("", "cores")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	logger := slog.New(postmortem.Logs(slog.NewJSONHandler(os.Stderr, nil)))
	app := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		logger.DebugContext(r.Context(), "looking for the order") // JSONHandler takes no such records
		panic("no such order")
	})

	cores := &postmortem.Folder{Path: filepath.Join(dir, "cores")}
	fmt.Println(webtest.New(nil, middleware.Recover{Core: cores, Logger: slog.New(slog.DiscardHandler)}.Wrap(app)).Get("/order").Status)
	// Output: 500
}
