package urls

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/net/idna"
)

// HostToASCII returns the name of a host as it travels: labels that are not
// ASCII in the encoding of IDNA ("xn--…"), the others as they are. The error
// names what is no host: an empty label, one that is too long, or a character
// that no name has. An address in brackets, as in a URL, is none here.
func HostToASCII(host string) (string, error) {
	// No name of a host is longer, however it is written; the encoding of IDNA
	// takes quadratic time.
	if len(host) > 4*254 {
		return "", errors.New("host name is longer than 254 characters")
	}
	ascii := true
	for i := 0; i < len(host) && ascii; i++ {
		ascii = host[i] < 0x80
	}
	if !ascii {
		var err error
		if host, err = idna.Lookup.ToASCII(host); err != nil {
			return "", fmt.Errorf("host %q: %w", host, err)
		}
	}
	if len(host) > 254 {
		return "", errors.New("host name is longer than 254 characters")
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 {
			return "", fmt.Errorf("host %q: a label has %d characters, not 1 to 63", host, len(label))
		}
	}
	for i := 0; i < len(host); i++ {
		if !isHostChar(host[i]) {
			return "", fmt.Errorf("host %q: the character %q is not allowed", host, host[i])
		}
	}
	return host, nil
}

// isHostChar reports whether c is for host names; the underscore is in none, but
// in the names of many machines.
func isHostChar(c byte) bool {
	return isNameChar(c) || c == '_'
}

func isNameChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.'
}

// ValidHost reports whether a Host header is made of what a host and a port are
// made of: a name or an address of letters, digits, "-" and ".", or an IPv6
// address in brackets, and digits behind a colon. It judges the characters, as
// Werkzeug does; ValidHost of package gateway, which judges what proxies say,
// also wants the address to be one and the port to be at most 65535.
func ValidHost(host string) bool {
	name, ok := cutPort(host)
	if !ok || name == "" {
		return false
	}
	if name[0] != '[' {
		for i := 0; i < len(name); i++ {
			if !isNameChar(name[i]) {
				return false
			}
		}
		return true
	}
	name = name[1 : len(name)-1]
	for i := 0; i < len(name); i++ {
		if c := name[i]; !isHex(c) && c != ':' && c != '.' {
			return false
		}
	}
	// The first colon has nothing but digits before it.
	before, _, ok := strings.Cut(name, ":")
	return ok && !strings.Contains(before, ".") && len(name) > len(before)+1
}

// cutPort takes the port off a host. It reports false where what follows the
// host is no port, or a bracket is not closed.
func cutPort(host string) (name string, ok bool) {
	end := strings.IndexByte(host, ':')
	if strings.HasPrefix(host, "[") {
		end = strings.IndexByte(host, ']')
		if end < 0 {
			return "", false
		}
		end++
	}
	if end < 0 || end == len(host) {
		return host, true
	}
	if host[end] != ':' || end+1 == len(host) {
		return "", false
	}
	for i := end + 1; i < len(host); i++ {
		if host[i] < '0' || host[i] > '9' {
			return "", false
		}
	}
	return host[:end], true
}

// HostTrusted reports whether a Host header is valid and names one of the hosts
// that are trusted; without any of those every valid one is. Ports are ignored.
// A trusted name that starts with a dot stands for the host and all below it:
// ".example.com". Names are compared without regard to case; those that are
// trusted may be written in any script.
func HostTrusted(host string, trusted []string) bool {
	if !ValidHost(host) {
		return false
	}
	if len(trusted) == 0 {
		return true
	}
	name, _ := cutPort(host)
	for _, want := range trusted {
		want, below := strings.CutPrefix(want, ".")
		if bare, ok := cutPort(want); ok {
			want = bare
		}
		if !strings.HasPrefix(want, "[") {
			var err error
			if want, err = HostToASCII(want); err != nil {
				continue
			}
		}
		if equalFold(name, want) {
			return true
		}
		if cut := len(name) - len(want); below && cut > 0 && name[cut-1] == '.' && equalFold(name[cut:], want) {
			return true
		}
	}
	return false
}

// equalFold compares names of hosts, which are ASCII.
func equalFold(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

// Host returns the host that a request asked for, without the port that its
// scheme implies: header is the Host header, or, where none was sent, server the
// server's own "host:port". It returns "" for one that is not valid, or where
// there is none.
func Host(scheme, header, server string) string {
	host := header
	if host == "" {
		host = server
		if name, port, err := net.SplitHostPort(server); err == nil && strings.Contains(name, ":") {
			host = net.JoinHostPort(name, port)
		}
	}
	switch scheme {
	case "http", "ws":
		host = strings.TrimSuffix(host, ":80")
	case "https", "wss":
		host = strings.TrimSuffix(host, ":443")
	}
	if !ValidHost(host) {
		return ""
	}
	return host
}
