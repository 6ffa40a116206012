package wsgi_test

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/middleware"
)

// A Python application goes on below /legacy, and the program answers the rest.
func Example() {
	legacy, err := wsgi.Start(wsgi.Config{App: "flask_app:app", Dir: "legacy", Workers: 4, Threads: 2})
	if err != nil {
		log.Fatal(err) // with Python's traceback, if the import has failed
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		legacy.Shutdown(ctx)
	}()
	site := http.NotFoundHandler() // the program's own views
	app := middleware.Dispatcher{Mounts: map[string]http.Handler{"/legacy": legacy}}.Wrap(site)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", app))
}
