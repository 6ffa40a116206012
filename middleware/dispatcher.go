package middleware

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/requestcopy"
)

// Dispatcher mounts applications below paths and hosts (Werkzeug's DispatcherMiddleware). The
// longest mount that fits is chosen, whatever the order. A mounted application finds its prefix in
// the request's root path, and the rest as the URL's path (see [gateway.Mount]). So the URLs and
// redirects of packages wrappers and routing are right, even for mounts within mounts. To mount an
// application that does not know root paths, use [RewriteLocation].
type Dispatcher struct {
	// Mounts maps paths and hosts to applications:
	//
	//	"/api"                the segment api and everything below, not /apix
	//	"/api/v%2F2"          percent-encoded, and compared decoded
	//	"admin.example.org/"  everything on a host, whatever the port
	//	"*.example.org/api"   a path on all hosts below one
	//
	// A slash at the end makes no difference. Mounts of a host come before
	// mounts of all hosts below another, and those come before mounts without a
	// host.
	Mounts map[string]http.Handler
}

// Wrap returns a handler that calls next if no mount fits. It panics if a mount is not valid, or
// is listed twice.
func (d Dispatcher) Wrap(next http.Handler) http.Handler {
	t, err := newMountTable(d.Mounts)
	if err != nil {
		panic("middleware.Dispatcher: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := t.find(r)
		if m == nil {
			next.ServeHTTP(w, r)
			return
		}
		mounted, ok := gateway.Mount(r, m.prefix)
		if !ok { // an invalid escape, below the mount
			next.ServeHTTP(w, r)
			return
		}
		requestcopy.Serve(m.handler, w, mounted, r)
	})
}

// mountTable holds a tree of segments for each host.
type mountTable struct {
	any   *mountNode
	hosts map[string]*mountNode // by name, and by "*.name" for the hosts below name
	below bool                  // there is at least one "*.name"
}

type mountNode struct {
	mount    *mount
	children map[string]*mountNode // by decoded segment
}

type mount struct {
	key     string
	prefix  string
	handler http.Handler
}

func newMountTable(mounts map[string]http.Handler) (*mountTable, error) {
	t := &mountTable{any: new(mountNode), hosts: map[string]*mountNode{}}
	for _, key := range slices.Sorted(maps.Keys(mounts)) {
		host, prefix, slash := strings.Cut(key, "/")
		switch {
		case mounts[key] == nil:
			return nil, fmt.Errorf("mount %q has no handler", key)
		case host != "" && !slash:
			return nil, fmt.Errorf("mount %q is neither a path nor a host: a path starts with a slash (%q), a host is followed by one (%q)", key, "/"+key, key+"/")
		case strings.ContainsAny(prefix, "?#"):
			return nil, fmt.Errorf("mount %q is more than a path: it has a query or a fragment", key)
		}
		node := t.any
		if host != "" {
			name, below := strings.CutPrefix(strings.ToLower(host), "*.")
			if _, port, _ := hosts.Split(name); !hosts.Valid(name) || port != "" {
				return nil, fmt.Errorf("mount %q: %q is not a host name (write one in other letters as xn--…, and no port)", key, host)
			}
			if below {
				name, t.below = "*."+name, true
			}
			if node = t.hosts[name]; node == nil {
				node = new(mountNode)
				t.hosts[name] = node
			}
		}
		if prefix = strings.Trim(prefix, "/"); prefix != "" {
			for segment := range strings.SplitSeq(prefix, "/") {
				decoded, err := url.PathUnescape(segment)
				if err != nil {
					return nil, fmt.Errorf("mount %q: %w", key, err)
				}
				child := node.children[decoded]
				if child == nil {
					if child = new(mountNode); node.children == nil {
						node.children = map[string]*mountNode{}
					}
					node.children[decoded] = child
				}
				node = child
			}
		}
		if node.mount != nil {
			return nil, fmt.Errorf("mounts %q and %q are the same place", node.mount.key, key)
		}
		node.mount = &mount{key, "/" + prefix, mounts[key]}
	}
	return t, nil
}

// find returns the mount for r, or nil.
func (t *mountTable) find(r *http.Request) *mount {
	if len(t.hosts) > 0 {
		if m := t.findByHost(r); m != nil {
			return m
		}
	}
	return t.any.find(r.URL)
}

func (t *mountTable) findByHost(r *http.Request) *mount {
	name, _, _ := hosts.Split(r.Host)
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if node := t.hosts[name]; node != nil {
		if m := node.find(r.URL); m != nil {
			return m
		}
	}
	for t.below {
		var more bool
		if _, name, more = strings.Cut(name, "."); !more {
			break
		}
		if node := t.hosts["*."+name]; node != nil {
			if m := node.find(r.URL); m != nil {
				return m
			}
		}
	}
	return nil
}

// find returns the deepest mount along the path.
func (n *mountNode) find(u *url.URL) *mount {
	found := n.mount
	if len(n.children) == 0 {
		return found
	}
	for path := u.EscapedPath(); path != "" && path[0] == '/'; {
		var segment string
		path = path[1:]
		if i := strings.IndexByte(path, '/'); i >= 0 {
			segment, path = path[:i], path[i:]
		} else {
			segment, path = path, ""
		}
		if strings.IndexByte(segment, '%') >= 0 {
			decoded, err := url.PathUnescape(segment)
			if err != nil {
				break
			}
			segment = decoded
		}
		if n = n.children[segment]; n == nil {
			break
		}
		if n.mount != nil {
			found = n.mount
		}
	}
	return found
}
