package staticfiles

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/zeugkit/zeug/gateway"
)

// mounts records the root paths under which the middleware has passed on requests. The application
// that needs the URL of a file may be mounted below; the files are at the root path under which its
// request came through the middleware.
type mounts struct{ seen atomic.Pointer[[]string] }

// maxMounts limits how many are recorded: a client may make a proxy name any root path.
const maxMounts = 64

func (m *mounts) note(r *http.Request) {
	root := gateway.RootPath(r)
	for {
		old := m.seen.Load()
		var known []string
		if old != nil {
			known = *old
		}
		if len(known) == maxMounts || slices.Contains(known, root) {
			return
		}
		next := append(slices.Clip(known), root)
		slices.SortFunc(next, func(a, b string) int { return len(b) - len(a) })
		if m.seen.CompareAndSwap(old, &next) {
			return
		}
	}
}

// of returns the innermost recorded root path that r is below, or otherwise r's own root path.
func (m *mounts) of(r *http.Request) string {
	root := gateway.RootPath(r)
	if seen := m.seen.Load(); seen != nil {
		for _, outer := range *seen {
			if rest, ok := strings.CutPrefix(root, outer); ok && (rest == "" || rest[0] == '/') {
				return outer
			}
		}
	}
	return root
}
