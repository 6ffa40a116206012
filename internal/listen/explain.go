package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"runtime"
	"strings"
	"syscall"
)

// explain turns the error of listening on addr into a line that says what to
// do.
func explain(addr string, err error) error {
	var dns *net.DNSError
	var form *net.AddrError
	var invalid *net.ParseError
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && runtime.GOOS == "darwin" && strings.HasSuffix(addr, ":5000"):
		return fmt.Errorf("serving: %s is in use, on macOS often by AirPlay Receiver: turn that off in System Settings, or choose another port: %w", addr, err)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("serving: %s is in use by another program: stop it, or choose another port (0 takes a free one): %w", addr, err)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return fmt.Errorf("serving: no permission to listen at %s: a port below 1024 wants a right (\"setcap cap_net_bind_service=+ep\" of the program's file, AmbientCapabilities= of its unit) or socket activation, the others are free: %w", addr, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("serving: %s is not an address of this machine: write 127.0.0.1 for this machine alone, or 0.0.0.0 for every address that it has: %w", addr, err)
	case errors.As(err, &dns) && strings.Contains(dns.Err, "unknown port"), errors.As(err, &form), errors.As(err, &invalid):
		return fmt.Errorf("serving: %q is not an address: write \"host:port\", such as %s: %w", addr, Default, err)
	case errors.As(err, &dns):
		return fmt.Errorf("serving: the host of %q is not known: %w", addr, err)
	}
	return fmt.Errorf("serving: listen at %s: %w", addr, err)
}

func explainUnix(path string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("serving: %s exists, and is in use or is not a socket: stop that program, or choose another path: %w", path, err)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return fmt.Errorf("serving: no permission to make the socket %s: choose a folder this user may write to: %w", path, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("serving: the folder of the socket %s does not exist: make it first: %w", path, err)
	case errors.Is(err, syscall.EINVAL) && len(path) > 100:
		return fmt.Errorf("serving: the path of the socket %s is %d bytes long, systems take about 100: choose a shorter one: %w", path, len(path), err)
	}
	return fmt.Errorf("serving: listen at unix:%s: %w", path, err)
}
