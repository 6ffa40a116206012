//go:build unix

package listen

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Handover returns the files to leave open in a child, where their descriptors begin at first, and
// the environment variable that describes them; addrs are the addresses with which ls were opened.
// The child calls [HandedDown].
func Handover(first int, addrs []string, ls []net.Listener) (files []*os.File, env string, err error) {
	var entries []string
	for i, l := range ls {
		file, err := duplicate(l, addrs[i])
		if err != nil {
			return files, "", fmt.Errorf("serving: hand over %s: %w", addrs[i], err)
		}
		entries = append(entries, strconv.Itoa(first+len(files))+"="+escape.Replace(absolute(addrs[i], l)))
		files = append(files, file)
	}
	return files, envHandover + "=" + strings.Join(entries, ","), nil
}

// absolute returns addr with the absolute path at which its socket was opened:
// the working directory may have changed since.
func absolute(addr string, l net.Listener) string {
	s, ok := l.(*unixSocket)
	if !ok {
		return addr
	}
	if protocol, _ := Protocol(addr); protocol != "" {
		return protocol + "://unix:" + s.path
	}
	return "unix:" + s.path
}

// duplicate returns another descriptor of the same socket. Its own method File
// is not suitable: os.File.Fd, which is called to start a process, makes both
// descriptors blocking, and then a deadline does not end an Accept.
func duplicate(l net.Listener, name string) (file *os.File, err error) {
	conn, ok := l.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("a %T has no descriptor", l)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	failed := raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		var other int
		if other, err = syscall.Dup(int(fd)); err == nil {
			syscall.CloseOnExec(other)
			file = os.NewFile(uintptr(other), name)
		}
	})
	if failed != nil {
		return nil, failed
	}
	return file, err
}
