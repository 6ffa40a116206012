package hosts

import (
	"cmp"
	"fmt"
	"net"
	"strings"

	"golang.org/x/net/idna"
)

// ToASCII returns a host name, or a part of it, as requests spell it: in lower case and
// in ASCII (RFC 5891).
func ToASCII(text string) (string, error) {
	text = strings.ToLower(text)
	if isASCII(text) {
		return text, nil
	}
	ascii, err := idna.ToASCII(text)
	if err != nil {
		return "", fmt.Errorf("%q is not a part of a host name: %w", text, err)
	}
	return ascii, nil
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// Normalize returns a request's host in lower case and ASCII, without the port that the
// scheme implies and without the root's dot. It does not allocate if the host is normal.
func Normalize(host, scheme string) (string, error) {
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		name, port = host[:i], host[i+1:]
	}
	name = strings.TrimSuffix(name, ".")
	if !isASCII(name) || hasUpper(name) {
		var err error
		if name, err = ToASCII(name); err != nil {
			return "", err
		}
	}
	if !fitsNames(name) {
		return "", fmt.Errorf("a host name has at most 253 characters, each of its labels 1 to 63")
	}
	if port == "" || port == cmp.Or(DefaultPort(scheme), "80") {
		return name, nil
	}
	if len(name)+1+len(port) == len(host) && strings.HasPrefix(host, name) {
		return host, nil
	}
	if strings.HasPrefix(name, "[") {
		return name + ":" + port, nil
	}
	return net.JoinHostPort(name, port), nil
}

// fitsNames reports whether name and its labels have the lengths of RFC 1035,
// section 2.3.4. A request may also have no host at all.
func fitsNames(name string) bool {
	label := 0
	for i := range len(name) {
		switch {
		case name[i] != '.':
			label++
		case label == 0:
			return false
		default:
			label = 0
		}
		if label > 63 {
			return false
		}
	}
	return len(name) <= 253 && (label > 0 || name == "")
}

func hasUpper(text string) bool {
	for i := range len(text) {
		if 'A' <= text[i] && text[i] <= 'Z' {
			return true
		}
	}
	return false
}
