// Shortly is a URL shortener on Redis: the application of Werkzeug's tutorial,
// written with Zeug. docs/tutorial.md builds it step by step.
//
//	go run ./examples/shortly
//
// serves it at http://127.0.0.1:5000. Without the address of a Redis it starts one of its own,
// which keeps links in memory only.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/serving"
)

func main() {
	slog.SetDefault(serving.DefaultLogger())
	addr := flag.String("addr", "127.0.0.1:5000", "where to listen")
	s := register(flag.CommandLine)
	flag.Parse()
	if flag.NArg() > 0 {
		fail(fmt.Errorf("unexpected argument %q: settings are given as flags, see -help", flag.Arg(0)))
	}
	s.redis = cmp.Or(s.redis, os.Getenv("REDIS_URL"))
	service, err := s.open()
	if err != nil {
		fail(err)
	}
	err = serving.Run(*addr, service, s.options(service))
	// The last request was answered, so its click can be sent.
	if lost := service.Close(); lost != nil {
		serving.DefaultLogger().Error("shortly: " + lost.Error())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(serving.ExitCode(err))
}

// fail ends the program with a message of one line.
func fail(err error) {
	serving.DefaultLogger().Error("shortly: " + err.Error())
	os.Exit(1)
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

// announce writes a line about the start: beside the server's own lines, or as
// JSON if a program reads them.
func announce(line string) { serving.DefaultLogger().Info(line) }
