package listen

import (
	"net"
	"strconv"
)

// URLs returns text that tells the user of a browser how to reach addr. For an unspecified address
// it returns a line that says so, loopback, and the address that other machines use. protocol is
// the result of [Protocol]. For a protocol that browsers do not speak it returns the address in the
// form of this package.
func URLs(addr net.Addr, protocol string, secure bool) []string {
	if protocol != "" {
		return []string{protocol + "://" + addr.String()}
	}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return []string{addr.Network() + "://" + addr.String()}
	}
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	port := strconv.Itoa(tcp.Port)
	if !tcp.IP.IsUnspecified() {
		return []string{scheme + net.JoinHostPort(tcp.IP.String(), port)}
	}
	lines := []string{"all addresses (" + tcp.IP.String() + ")", scheme + net.JoinHostPort("127.0.0.1", port)}
	if ip := outward(); ip != "" {
		lines = append(lines, scheme+net.JoinHostPort(ip, port))
	}
	return lines
}

// outward returns the local address from which packets to other networks are
// sent. It sends no packet to find that out.
func outward() string {
	c, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return ""
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP.String()
}
