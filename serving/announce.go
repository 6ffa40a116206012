package serving

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
)

// announce says where the server is to be found: Werkzeug's lines for a reader
// at a terminal, one record for a program.
func announce(o *Options, secure bool, addrs []net.Addr) {
	if !onTerminal() || !isDefault(o.Logger) {
		for _, addr := range addrs {
			found := urls(addr, secure)
			o.Logger.Info("running", "address", addr.String(), "url", found[len(found)-1])
		}
		return
	}
	if o.Debug {
		fmt.Fprintln(os.Stderr, "\x1b[31mWARNING: Debug is on: whoever reaches this server reads its source. It is for development.\x1b[0m")
	}
	for _, addr := range addrs {
		for _, url := range urls(addr, secure) {
			fmt.Fprintln(os.Stderr, " * Running on "+url)
		}
	}
	fmt.Fprintln(os.Stderr, "Press CTRL+C to quit")
}

// urls returns what a browser can be given to reach addr: of an unspecified
// address a line that says so, loopback, and the address other machines use.
func urls(addr net.Addr, secure bool) []string {
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

// outward returns the address that packets to other networks leave from. No
// packet is sent to learn it.
func outward() string {
	c, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return ""
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP.String()
}

// onTerminal reports whether standard error is a terminal.
func onTerminal() bool {
	info, err := os.Stderr.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

var toTerminal, toPipe = slog.New(slog.NewTextHandler(os.Stderr, nil)), slog.New(slog.NewJSONHandler(os.Stderr, nil))

func defaultLogger() *slog.Logger {
	if onTerminal() {
		return toTerminal
	}
	return toPipe
}

func isDefault(l *slog.Logger) bool { return l == toTerminal || l == toPipe }
