package urls

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/net/idna"

	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/percent"
)

// HostToASCII returns the name of a host as it is sent: labels that are not ASCII are encoded with
// IDNA ("xn--…"), the others are unchanged. The error names the mistake: an empty label, a label
// that is too long, or a character that a host name cannot have. An address in brackets, as in a
// URL, is not accepted here.
func HostToASCII(host string) (string, error) {
	// Host names cannot be longer in any form, and the encoding of IDNA takes
	// quadratic time.
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

// isHostChar reports whether a host name may contain c. The underscore is not
// allowed by the standard, but many machines have one in their name.
func isHostChar(c byte) bool {
	return isNameChar(c) || c == '_'
}

func isNameChar(c byte) bool {
	return isLowerNameChar(c) || 'A' <= c && c <= 'Z'
}

func isLowerNameChar(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.'
}

// validHost reports whether a Host header is a valid host, with or without a port: a name or an
// address of letters, digits, "-" and ".", or an IPv6 address in brackets, and digits after a
// colon. It checks only the characters, as Werkzeug does. Package internal/hosts is stricter; it
// checks the values of proxies.
func validHost(host string) bool {
	name, port, ok := hosts.Split(host)
	if !ok || name == "" || !isDigits(port) {
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
		if c := name[i]; !percent.IsHex(c) && c != ':' && c != '.' {
			return false
		}
	}
	// There must be only digits after the first colon.
	before, _, ok := strings.Cut(name, ":")
	return ok && !strings.Contains(before, ".") && len(name) > len(before)+1
}

// HostTrusted reports whether a Host header is valid and names one of the trusted hosts; if trusted
// is empty, every valid host is trusted. Ports are ignored. A trusted name that starts with a dot
// means the host and all hosts below it: ".example.com". Names are compared without regard to case;
// trusted names may be written in any script.
func HostTrusted(host string, trusted []string) bool {
	if !validHost(host) {
		return false
	}
	if len(trusted) == 0 {
		return true
	}
	name, _, _ := hosts.Split(host)
	for _, want := range trusted {
		want, below := strings.CutPrefix(want, ".")
		if bare, port, ok := hosts.Split(want); ok && isDigits(port) {
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

// equalFold compares host names, which are ASCII.
func equalFold(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

// Host returns the host of a request, without the port that its scheme implies. header is the Host
// header; if it was not sent, the result comes from server, the server's own "host:port". It
// returns "" if the host is not valid, or if there is none.
func Host(scheme, header, server string) string {
	host := header
	if host == "" {
		host = server
		if name, port, err := net.SplitHostPort(server); err == nil && strings.Contains(name, ":") {
			host = net.JoinHostPort(name, port)
		}
	}
	if port := hosts.DefaultPort(scheme); port != "" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	if !validHost(host) {
		return ""
	}
	return host
}
