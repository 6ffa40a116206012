// Package hosts reads the hosts of requests: "name", "name:port" and "[address]:port".
package hosts

import (
	"net"
	"net/netip"
	"strings"
)

// Split splits a host in the form of a Host header: "name:port". An IPv6 address keeps its
// brackets. It reports false if a bracket is not closed or a colon has no port.
func Split(host string) (name, port string, ok bool) {
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return "", "", false
		}
		name, port = host[:end+1], host[end+1:]
		if port == "" {
			return name, "", true
		}
		return name, port[1:], port[0] == ':' && len(port) > 1
	}
	name, port, found := strings.Cut(host, ":")
	return name, port, !found || port != ""
}

// DefaultPort returns the port that URLs of a scheme leave out: "80" for http and ws,
// "443" for https and wss, and "" for other schemes.
func DefaultPort(scheme string) string {
	switch scheme {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	}
	return ""
}

// IsLocal reports whether host names this machine, with or without a port: localhost, a
// name below it, or a loopback address.
func IsLocal(host string) bool {
	name := Bare(host)
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// Bare returns the name or address of host in lower case: without the port, the brackets
// and the root's dot. The address may be an IPv6 one without brackets.
func Bare(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(strings.TrimSuffix(host, "."), "[]"))
}

// Valid reports whether host is a name, an IPv4 address or an IPv6 one in brackets, with
// or without a port from 1 to 65535. The labels of a name have up to 63 letters, digits
// and hyphens, and no hyphen at either end. A dot may end the name. A name in other
// letters must be encoded (RFC 5891).
func Valid(host string) bool {
	name, port, ok := Split(host)
	if !ok || port != "" && !validPort(port) {
		return false
	}
	if strings.HasPrefix(name, "[") {
		addr, err := netip.ParseAddr(name[1 : len(name)-1])
		return err == nil && addr.Is6() && addr.Zone() == ""
	}
	name = strings.TrimSuffix(name, ".")
	return name != "" && len(name) <= 255 && validLabels(name)
}

// validLabels reports whether the labels of a name are valid. A name whose last label is a number
// must be an address, because browsers interpret it as one.
func validLabels(name string) bool {
	start, numeric := 0, true // of the current label
	for i := 0; i <= len(name); i++ {
		if i == len(name) || name[i] == '.' {
			if i == start || i-start > 63 || name[start] == '-' || name[i-1] == '-' {
				return false
			}
			if i < len(name) {
				start, numeric = i+1, true
			}
			continue
		}
		switch c := name[i]; {
		case c >= '0' && c <= '9':
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-':
			numeric = false
		default:
			return false
		}
	}
	if !numeric {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

func validPort(port string) bool {
	n := 0
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
		if n = 10*n + int(port[i]-'0'); n > 65535 {
			return false
		}
	}
	return n > 0
}
