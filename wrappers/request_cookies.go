package wrappers

import (
	"strings"

	"github.com/zeugkit/zeug/datastructures"
)

// Cookies returns the cookies the client sent, in their order. A name may come
// twice, with the cookie of the longer path first: Get returns that one.
func (req *Request) Cookies() *datastructures.Values {
	cookies := new(datastructures.Values)
	for _, line := range req.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if name = strings.TrimSpace(name); name != "" {
				cookies.Add(name, strings.Trim(strings.TrimSpace(value), `"`))
			}
		}
	}
	return cookies
}
