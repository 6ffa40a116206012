package wrappers

import (
	"net/http"
	"strconv"
	"sync/atomic"
)

// shortLengths are the values of Content-Length for short bodies, each made at
// its first use: they spare two allocations a request.
var shortLengths [4096]atomic.Pointer[[]string]

func contentLength(n int64) []string {
	if n >= int64(len(shortLengths)) {
		return []string{strconv.FormatInt(n, 10)}
	}
	if value := shortLengths[n].Load(); value != nil {
		return *value
	}
	value := []string{strconv.FormatInt(n, 10)}
	shortLengths[n].Store(&value)
	return value
}

// lengthToState returns the length that Content-Length has to state for a body
// that is written at once, -1 where net/http states it by itself: it does so,
// faster, for a body that fits its buffer. A length that was set, as by Freeze,
// may no longer be right.
func (resp *Response) lengthToState(r *http.Request) int64 {
	n := resp.size()
	if n > 0 && n < 2048 && resp.header["Content-Length"] == nil && r.Context().Value(http.ServerContextKey) != nil {
		return -1
	}
	return n
}
