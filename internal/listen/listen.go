// Package listen opens the sockets of a server from addresses. It can also take over the sockets of
// a supervisor, or of an older process of the same program. If a socket cannot be opened, its error
// says in one line what to do.
//
// An address is one of
//
//	127.0.0.1:5000      TCP; port 0 takes a free port, ":5000" is every address
//	                    of the machine
//	unix:///run/a.sock  a unix socket; a relative path is "unix:a.sock"
//	fd://3              a descriptor that the parent process left open
//
// and means HTTP. The name of another protocol and "://" before an address select that protocol:
// "fastcgi:///run/a.sock", "scgi://127.0.0.1:9000", "uwsgi://unix:a.sock", "fastcgi://fd://3"
// ([Protocol]).
package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Default is the address of a server without a given address.
const Default = "127.0.0.1:5000"

// Open listens at addr. The function [Protocol] returns the protocol of the socket. mode is the
// permission of a unix socket; 0 leaves it to the umask. If nothing listens on a socket's file, the
// file is replaced. Closing the listener removes a unix socket's file ([SetUnlinkOnClose]).
func Open(addr string, mode fs.FileMode) (net.Listener, error) {
	protocol, socket := Protocol(addr)
	switch {
	case socket != "":
		addr = socket
	case protocol != "":
		return nil, fmt.Errorf("serving: %s names no socket: write it after that, as in %s:///run/app.sock or %s://127.0.0.1:9000", addr, protocol, protocol)
	default:
		addr = Default
	}
	if path, ok := UnixPath(addr); ok {
		return openUnix(path, mode)
	}
	if number, ok := strings.CutPrefix(addr, "fd://"); ok {
		return openDescriptor(number)
	}
	// With a listener of multipath TCP, new connections cannot be kept away while the open ones are
	// accepted, and each plain connection costs a fall-back.
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	l, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, explain(addr, err)
	}
	return l, nil
}

// SameSocket reports whether two addresses name one socket, whatever their protocols and the
// spelling of a unix socket's path.
func SameSocket(a, b string) bool { return canonical(a) == canonical(b) }

// canonical returns an address without its protocol, with an absolute path.
func canonical(addr string) string {
	_, socket := Protocol(addr)
	if path, ok := UnixPath(socket); ok {
		return "unix:" + path
	}
	if socket == "" {
		return Default
	}
	return socket
}

// UnixPath returns the path of a unix socket's address, made absolute.
func UnixPath(addr string) (string, bool) {
	path, ok := strings.CutPrefix(addr, "unix:")
	if !ok {
		return "", false
	}
	path = strings.TrimPrefix(path, "//")
	if path == "" {
		return "", true
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return path, true
}

func openUnix(path string, mode fs.FileMode) (net.Listener, error) {
	if path == "" {
		return nil, errors.New(`serving: a unix socket needs a path, as in "unix:///run/app.sock"`)
	}
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && stale(path) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("serving: remove the stale socket: %w", err)
		}
		l, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, explainUnix(path, err)
	}
	socket := newUnixSocket(l.(*net.UnixListener), path)
	socket.owned.Store(true)
	if mode != 0 {
		if err := os.Chmod(path, mode); err != nil {
			socket.Close()
			return nil, fmt.Errorf("serving: set the mode of the socket: %w", err)
		}
	}
	return socket, nil
}

// stale reports whether path is a socket on which no process listens.
func stale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return false
	}
	dialer := net.Dialer{Timeout: time.Second}
	c, err := dialer.DialContext(context.Background(), "unix", path)
	if err == nil {
		c.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func openDescriptor(number string) (net.Listener, error) {
	fd, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("serving: fd://%s: write the number of an open descriptor, as in fd://3", number)
	}
	l, err := fromDescriptor(uintptr(fd), "fd://"+number)
	if err != nil {
		return nil, fmt.Errorf("serving: descriptor %d is not a listening socket: the parent process must leave one open there: %w", fd, err)
	}
	return l, nil
}

// fromDescriptor makes a listener of fd, and closes fd itself.
func fromDescriptor(fd uintptr, name string) (net.Listener, error) {
	file := os.NewFile(fd, name)
	if file == nil {
		return nil, syscall.EBADF
	}
	defer file.Close()
	return net.FileListener(file)
}
