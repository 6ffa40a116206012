package listen

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// The variables with which a parent passes sockets on.
const (
	// envHandover names the sockets that an older process of the same program
	// left open, as "3=127.0.0.1:5000,4=unix:///run/app.sock". "%" and "," in
	// an address are "%25" and "%2C".
	envHandover = "ZEUG_LISTEN"
	// envCount and envPID are the variables of systemd: sd_listen_fds(3).
	envCount, envPID, envNames = "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"
	firstDescriptor            = 3
)

// Activated returns the sockets that systemd, or another program with its protocol (LISTEN_FDS,
// LISTEN_PID), opened for this process, if any. The variables are removed, so that no child uses
// them.
func Activated() ([]net.Listener, error) {
	defer func() {
		for _, name := range []string{envCount, envPID, envNames} {
			os.Unsetenv(name)
		}
	}()
	if os.Getenv(envPID) != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	count, err := strconv.Atoi(os.Getenv(envCount))
	if err != nil || count < 0 {
		return nil, fmt.Errorf("serving: LISTEN_FDS=%q is not a number of sockets", os.Getenv(envCount))
	}
	var ls []net.Listener
	for fd := firstDescriptor; fd < firstDescriptor+count; fd++ {
		l, err := fromDescriptor(uintptr(fd), "LISTEN_FDS")
		if err != nil {
			return nil, fmt.Errorf("serving: socket activation: descriptor %d is not a listening stream socket: its .socket unit needs ListenStream= and Accept=no: %w", fd, err)
		}
		ls = append(ls, l)
	}
	return ls, nil
}

// HandedDown returns the sockets that an older process of the program left open
// for this one: the addresses and listeners that it passed to Handover, in that
// order. Closing a listener leaves the file of its unix socket, until
// [SetUnlinkOnClose] says that this process now serves there.
func HandedDown() (addrs []string, ls []net.Listener, err error) {
	list := os.Getenv(envHandover)
	os.Unsetenv(envHandover)
	if list == "" {
		return nil, nil, nil
	}
	for entry := range strings.SplitSeq(list, ",") {
		number, escaped, _ := strings.Cut(entry, "=")
		addr := unescape.Replace(escaped)
		fd, err := strconv.Atoi(number)
		if err != nil {
			return nil, nil, fmt.Errorf("serving: %s=%q was not written by an older process of this program", envHandover, list)
		}
		l, err := fromDescriptor(uintptr(fd), addr)
		if err != nil {
			return nil, nil, fmt.Errorf("serving: take over %s: %w", addr, err)
		}
		_, socket := Protocol(addr)
		if u, ok := l.(*net.UnixListener); ok {
			if path, ok := UnixPath(socket); ok {
				l = newUnixSocket(u, path)
			}
		}
		addrs, ls = append(addrs, addr), append(ls, l)
	}
	return addrs, ls, nil
}

// A comma in an address would end its entry in the variable.
var (
	escape   = strings.NewReplacer("%", "%25", ",", "%2C")
	unescape = strings.NewReplacer("%25", "%", "%2C", ",")
)
