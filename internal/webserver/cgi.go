package webserver

import "os"

// ForOneRequest reports whether a web server has started the process for a request by
// CGI.
func ForOneRequest() bool {
	return os.Getenv("GATEWAY_INTERFACE") != "" && os.Getenv("REQUEST_METHOD") != ""
}
