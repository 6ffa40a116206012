package serving

import (
	"fmt"
	"os"

	"github.com/zeugkit/zeug/internal/listen"
)

// announce prints the addresses of the server.
func (s *Server) announce() { announceURLs(&s.options, s.urls()) }

func (s *Server) urls() (urls []string) {
	for _, l := range s.listeners {
		urls = append(urls, listen.URLs(l.Addr(), l.protocol(), s.tls != nil)...)
	}
	return urls
}

// announceURLs prints lines like Werkzeug's on a terminal, and otherwise one
// log record for each address.
func announceURLs(o *Options, urls []string) {
	if o.Logger != toTerminal {
		for _, url := range urls {
			o.Logger.Info("running", "url", url)
		}
		return
	}
	if o.Debug {
		warning := "WARNING: Debug is on: whoever reaches this server reads its source. It is for development."
		if hasColours() {
			warning = red + warning + reset
		}
		fmt.Fprintln(os.Stderr, warning)
	}
	for _, url := range urls {
		fmt.Fprintln(os.Stderr, " * Running on "+url)
	}
	fmt.Fprintln(os.Stderr, "Press CTRL+C to quit")
}
