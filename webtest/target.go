package webtest

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"github.com/zeugkit/zeug/internal/percent"
)

// parseBase reads the address of an application. Its path has no slash at the
// end.
func parseBase(address string) (*url.URL, error) {
	u, err := parse(address)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("%q is not an absolute http or https URL", address)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%q has a query or a fragment", address)
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	u.Path, u.RawPath = path, ""
	return u, nil
}

// resolve returns the URL of a target below base, or of an absolute one.
func resolve(base *url.URL, target string) (*url.URL, error) {
	if strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") {
		return parse(target)
	}
	if target != "" && target[0] == '?' {
		target = "/" + target
	}
	if target == "" || target[0] != '/' && target != "*" {
		return nil, errors.New("the target is neither a path that starts with a slash nor an absolute URL")
	}
	u := &url.URL{Scheme: base.Scheme, Host: base.Host}
	if target == "*" {
		u.Opaque = "*"
		return u, nil
	}
	setTarget(u, base.Path+target)
	return u, nil
}

// parse reads an absolute URL as a browser would: characters that are not ASCII are encoded.
func parse(address string) (*url.URL, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return nil, fmt.Errorf("%q is not an absolute URL", address)
	}
	end := strings.IndexAny(rest, "/?#")
	authority, path := rest, "/"
	if end >= 0 {
		authority, path = rest[:end], rest[end:]
		if path[0] != '/' {
			path = "/" + path
		}
	}
	u, err := url.Parse(scheme + "://" + sentInQuery.Escape(authority))
	if err != nil {
		return nil, err
	}
	if host, err := url.PathUnescape(u.Hostname()); err == nil && !isASCII(host) {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return nil, fmt.Errorf("host %q: %w", host, err)
		}
		if port := u.Port(); port != "" {
			ascii += ":" + port
		}
		u.Host = ascii
	}
	u.Host = strings.ToLower(u.Host)
	setTarget(u, path)
	return u, nil
}

// setTarget sets path, query and fragment in such a way that they are sent unchanged.
func setTarget(u *url.URL, target string) {
	target, u.Fragment, _ = strings.Cut(target, "#")
	path, query, hasQuery := strings.Cut(target, "?")
	path, u.RawQuery = sentInPath.Escape(path), sentInQuery.Escape(query)
	u.ForceQuery = hasQuery && query == ""
	decoded, err := url.PathUnescape(path)
	if err != nil {
		// net/url does not accept this path, but a server has to handle it.
		u.Path, u.Opaque = path, path
		return
	}
	u.Path, u.RawPath = decoded, path
}

// The bytes of a target that are sent unchanged: in a query all that a URL may have, in a path only
// those that [url.URL.EscapedPath] would keep.
var (
	sentInQuery = percent.NewSet(visibleWithout("\"<>"))
	sentInPath  = percent.NewSet(visibleWithout("\"<>\\^`{|}"))
)

// visibleWithout returns ASCII's visible characters, except those of excluded.
func visibleWithout(excluded string) string {
	var chars []byte
	for c := byte('!'); c <= '~'; c++ {
		if strings.IndexByte(excluded, c) < 0 {
			chars = append(chars, c)
		}
	}
	return string(chars)
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7f }) < 0
}
