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
