package listen

import "strings"

// The protocols that a web server in front may speak, besides HTTP.
const (
	FastCGI = "fastcgi"
	SCGI    = "scgi"
	UWSGI   = "uwsgi"
)

// Protocol splits the protocol of addr from its address: for "fastcgi:///run/app.sock" it returns
// "fastcgi" and "unix:/run/app.sock". The protocol is "" for HTTP.
func Protocol(addr string) (protocol, socket string) {
	for _, protocol := range []string{FastCGI, SCGI, UWSGI} {
		if rest, ok := strings.CutPrefix(addr, protocol+"://"); ok {
			if strings.HasPrefix(rest, "/") {
				rest = "unix:" + rest
			}
			return protocol, rest
		}
	}
	return "", addr
}
