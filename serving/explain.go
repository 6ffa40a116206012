package serving

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// explain turns the error of listening at addr into a line that says what to do.
func explain(addr string, err error) error {
	var dns *net.DNSError
	var form *net.AddrError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("serving: %s is in use by another program: stop it, or choose another port (0 takes a free one): %w", addr, err)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return fmt.Errorf("serving: no permission to listen at %s: ports below 1024 want CAP_NET_BIND_SERVICE or socket activation, others are free: %w", addr, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("serving: %s is no address of this machine: 127.0.0.1 is this machine alone, 0.0.0.0 every address it has: %w", addr, err)
	case errors.As(err, &dns):
		return fmt.Errorf("serving: the host of %s is not known: %w", addr, err)
	case errors.As(err, &form):
		return fmt.Errorf("serving: %q is no address: write \"host:port\", such as 127.0.0.1:5000: %w", addr, err)
	}
	return fmt.Errorf("serving: listen at %s: %w", addr, err)
}
