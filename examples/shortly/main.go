// Shortly is a URL shortener on Redis: the application of Werkzeug's tutorial,
// written with Zeug. docs/tutorial.md builds it step by step.
//
//	go run ./examples/shortly
//
// serves it at http://127.0.0.1:5000. Without the address of a Redis it brings
// one of its own, which keeps links in memory only.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/serving"
)

func main() {
	log.SetFlags(0)
	addr := flag.String("addr", "127.0.0.1:5000", "where to listen")
	address := flag.String("redis", "", redisHelp+"; the variable REDIS_URL sets it too")
	dir := flag.String("dev", "", "work on the pages: read templates and static files anew for each request from this directory,\nexamples/shortly, and show tracebacks in the browser")
	proxies := flag.Int("proxies", 0, "how many proxies in front are ours, whose X-Forwarded-For, -Proto, -Host and -Prefix are believed")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("unexpected argument %q: settings are given as flags, see -help", flag.Arg(0))
	}
	app, err := newApp(cmp.Or(*address, os.Getenv("REDIS_URL")), *dir, *proxies)
	if err != nil {
		log.Fatal("shortly: ", err)
	}
	serving.Main(*addr, app, serving.Options{Debug: *dir != ""})
}

// newApp puts the application together and says where its links are.
func newApp(address, dir string, proxies int) (http.Handler, error) {
	if proxies < 0 {
		return nil, fmt.Errorf("-proxies %d: there cannot be less than none", proxies)
	}
	options, err := findRedis(address)
	if err != nil {
		return nil, err
	}
	app, err := NewApp(&Links{redis.NewUniversalClient(options)}, dir)
	if err != nil {
		return nil, err
	}
	behind := middleware.ProxyFix{For: proxies, Proto: proxies, Host: proxies, Prefix: proxies}
	return behind.Wrap(app), nil
}

// findRedis returns the Redis at the address, or one in this process.
func findRedis(address string) (*redis.UniversalOptions, error) {
	if address == "" {
		options, err := embedRedis()
		if err == nil {
			announce("Links are kept in memory only, and are gone when this program ends: -redis or REDIS_URL says where to keep them")
		}
		return options, err
	}
	options, err := parseRedis(address)
	if err == nil {
		announce("Links are kept in " + describe(options))
	}
	return options, err
}

// announce writes a line of the start-up: beside the server's own lines, as
// JSON where a program reads them.
func announce(line string) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintln(os.Stderr, " * "+line)
		return
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	slog.Info(line)
}
