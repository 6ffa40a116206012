package wrappers

import (
	"strings"

	"github.com/zeugkit/zeug/datastructures"
)

// UntrustedRoute returns the addresses that X-Forwarded-For lists, or else the
// client's own (Werkzeug's access_route). Anybody can send that field: take
// [Request.Client] for anything that matters, behind a proxy fix.
func (req *Request) UntrustedRoute() []string {
	if forwarded, sent := req.Header["X-Forwarded-For"]; sent {
		return append([]string{}, datastructures.ParseList(strings.Join(forwarded, ","))...)
	}
	if client := req.Client(); client.IsValid() {
		return []string{client.Addr().String()}
	}
	return []string{}
}
