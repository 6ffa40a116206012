package gateway

import (
	"net/netip"
	"strings"
)

// SplitHost splits an authority, "name:port", as it stands in an [Origin] or a
// Host header. An IPv6 address keeps its brackets. It reports false where a
// bracket or a port is missing that was begun.
func SplitHost(host string) (name, port string, ok bool) {
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

// ValidHost reports whether host is a name of letters, digits, dots and
// hyphens, an IPv4 address or an IPv6 one in brackets, with or without a port
// from 0 to 65535. A name in other letters has to be encoded (RFC 5891). It is
// stricter than ValidHost of package urls, which judges what clients send.
func ValidHost(host string) bool {
	name, port, ok := SplitHost(host)
	if !ok || port != "" && !validPort(port) {
		return false
	}
	if strings.HasPrefix(name, "[") {
		addr, err := netip.ParseAddr(name[1 : len(name)-1])
		return err == nil && addr.Is6() && addr.Zone() == ""
	}
	for i := range len(name) {
		c := name[i] | 0x20
		if !(c >= 'a' && c <= 'z' || name[i] >= '0' && name[i] <= '9' || name[i] == '.' || name[i] == '-') {
			return false
		}
	}
	return name != "" && len(name) <= 255
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
	return port != ""
}
