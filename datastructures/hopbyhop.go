package datastructures

import (
	"net/http"

	"github.com/zeugkit/zeug/internal/httplex"
)

// hopByHop are the fields that concern one connection: those of RFC 9110,
// section 7.6.1, and fields that are older than that RFC.
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade",
}

// RemoveHopByHop removes the fields that concern one connection, with those that the Connection
// field names: a message must lose them before it is passed on or kept.
func RemoveHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range httplex.Items(line) {
			h.Del(name)
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}
