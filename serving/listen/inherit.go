package listen

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// The variables by which a parent hands down sockets.
const (
	// envHandover names what an older process of the same program left open,
	// as "3=127.0.0.1:5000,4=unix:///run/app.sock".
	envHandover = "ZEUG_LISTEN"
	// envCount and envPID are systemd's: sd_listen_fds(3).
	envCount, envPID, envNames = "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"
	firstDescriptor            = 3
)

// Activated returns the sockets that systemd, or whatever speaks its protocol
// (LISTEN_FDS, LISTEN_PID), opened for this process, and none when it opened
// none. The variables are removed, so that no child takes them for its own.
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
		return nil, fmt.Errorf("serving: LISTEN_FDS=%q is no number of sockets", os.Getenv(envCount))
	}
	var ls []net.Listener
	for fd := firstDescriptor; fd < firstDescriptor+count; fd++ {
		l, err := fromDescriptor(uintptr(fd), "LISTEN_FDS")
		if err != nil {
			return nil, fmt.Errorf("serving: socket activation: descriptor %d is no listening stream socket, which a .socket unit gives by ListenStream= with Accept=no: %w", fd, err)
		}
		ls = append(ls, l)
	}
	return ls, nil
}

// HandedDown returns what an older process of the program left open for this
// one, by the address each was opened with: what Handover left open.
func HandedDown() (map[string]net.Listener, error) {
	list := os.Getenv(envHandover)
	os.Unsetenv(envHandover)
	if list == "" {
		return nil, nil
	}
	ls := map[string]net.Listener{}
	for entry := range strings.SplitSeq(list, ",") {
		number, addr, _ := strings.Cut(entry, "=")
		fd, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("serving: %s=%q is not what an older process writes", envHandover, list)
		}
		l, err := fromDescriptor(uintptr(fd), addr)
		if err != nil {
			return nil, fmt.Errorf("serving: take over %s: %w", addr, err)
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(true)
		}
		ls[addr] = l
	}
	return ls, nil
}
