package urls

import "strings"

// Join resolves a reference in a page against the URL of the page (RFC 3986,
// section 5.2): "../b?x" on "http://a/c/d" is "http://a/b?x". It works on
// strings, so nothing is encoded, decoded or refused; if base is empty, the
// reference is unchanged.
func Join(base, reference string) string {
	if base == "" {
		return reference
	}
	b, r := split(base), split(reference)
	switch {
	case r.scheme != "":
		r.path = removeDots(r.path, r.hasAuthority)
		return r.String()
	case r.hasAuthority:
		r.path = removeDots(r.path, true)
	case r.path == "":
		r.path = b.path
		if !r.hasQuery {
			r.query, r.hasQuery = b.query, b.hasQuery
		}
	case r.path[0] == '/':
		r.path = removeDots(r.path, true)
	default:
		dir := b.path[:strings.LastIndexByte(b.path, '/')+1]
		if dir == "" && b.hasAuthority {
			dir = "/"
		}
		r.path = removeDots(dir+r.path, b.hasAuthority)
	}
	r.scheme = b.scheme
	if !r.hasAuthority {
		r.authority, r.hasAuthority = b.authority, b.hasAuthority
	}
	// Without an authority, a path that starts with two slashes would be read
	// as one.
	if !r.hasAuthority && strings.HasPrefix(r.path, "//") {
		r.path = "/." + r.path
	}
	return r.String()
}

// removeDots resolves the segments "." and ".." of a path (RFC 3986, section
// 5.2.4). Segments that lead above the root are dropped.
func removeDots(path string, rooted bool) string {
	if !strings.Contains(path, ".") {
		return path
	}
	rooted = rooted || strings.HasPrefix(path, "/")
	segments := strings.Split(path, "/")
	kept := segments[:0]
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case ".":
		case "..":
			if n := len(kept); n > 1 || n == 1 && !rooted {
				kept = kept[:n-1]
			}
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	joined := strings.Join(kept, "/")
	if rooted && !strings.HasPrefix(joined, "/") {
		joined = "/" + joined
	}
	return joined
}
