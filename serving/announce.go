package serving

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/zeugkit/zeug/serving/listen"
	"github.com/zeugkit/zeug/serving/supervise"
)

// announce says where the server is to be found.
func (s *Server) announce() {
	var urls []string
	for _, addr := range s.Addrs() {
		urls = append(urls, listen.URLs(addr, s.tls != nil)...)
	}
	announceURLs(&s.options, urls)
}

// announceURLs prints Werkzeug's lines for a reader at a terminal, and one record
// for each address to a program.
func announceURLs(o *Options, urls []string) {
	if !onTerminal() || !isDefault(o.Logger) {
		for _, url := range urls {
			o.Logger.Info("running", "url", url)
		}
		return
	}
	if o.Debug {
		fmt.Fprintln(os.Stderr, "\x1b[31mWARNING: Debug is on: whoever reaches this server reads its source. It is for development.\x1b[0m")
	}
	for _, url := range urls {
		fmt.Fprintln(os.Stderr, " * Running on "+url)
	}
	fmt.Fprintln(os.Stderr, "Press CTRL+C to quit")
}

// onTerminal reports whether standard error is a terminal, or a supervisor's pipe
// to one.
func onTerminal() bool {
	if os.Getenv(supervise.EnvTerminal) != "" {
		return true
	}
	info, err := os.Stderr.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

var toTerminal, toPipe = slog.New(slog.NewTextHandler(os.Stderr, nil)), slog.New(slog.NewJSONHandler(os.Stderr, nil))

func defaultLogger() *slog.Logger {
	if onTerminal() {
		return toTerminal
	}
	return toPipe
}

func isDefault(l *slog.Logger) bool { return l == toTerminal || l == toPipe }
