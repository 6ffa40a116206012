package serving

import (
	"slices"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/internal/listen"
	"github.com/zeugkit/zeug/internal/webserver"
)

// open takes over the sockets that were passed to the process, and opens the
// others. The order of precedence is: the socket from a web server for FastCGI,
// sockets from systemd, sockets from an older process of the program, and then
// the addresses.
func (s *Server) open(addrs []string) error {
	inherited, isInherited := webserver.Inherited()
	activated, err := listen.Activated()
	if err != nil {
		return err
	}
	names, handed, err := listen.HandedDown()
	if err != nil {
		return err
	}
	taken := make([]bool, len(handed))
	switch {
	case isInherited:
		s.use(listen.FastCGI+"://fd://0", inherited, true)
	case len(activated) > 0:
		for i, l := range activated {
			s.use(activatedName(addrs, i), l, true)
		}
	case slices.ContainsFunc(names, isActivation):
		for i, l := range handed {
			if isActivation(names[i]) {
				s.use(names[i], l, true)
				taken[i] = true
			}
		}
	default:
		for _, addr := range addrs {
			if i := untaken(taken, names, addr); i >= 0 {
				s.Use(addr, handed[i])
				taken[i] = true
			} else if err := s.Listen(addr); err != nil {
				return err
			}
		}
	}
	for i, l := range handed {
		if !taken[i] {
			l.Close()
		}
	}
	s.taken = taken
	return nil
}

// untaken returns the index of the first socket with the name addr that no
// earlier address has taken, or -1.
func untaken(taken []bool, names []string, addr string) int {
	for i, name := range names {
		if !taken[i] && listen.SameSocket(name, addr) {
			return i
		}
	}
	return -1
}

// own makes this process the owner of the files of its unix sockets. It does that when it serves:
// if it fails before that, the older process needs the files.
func (s *Server) own() {
	for _, l := range s.listeners {
		if !l.shared {
			listen.SetUnlinkOnClose(l.raw, true)
		}
	}
}

// activation is the prefix in the names of systemd's sockets. A process that
// takes over recognises them by it: they replace its addresses too.
const activation = "activated:"

// activatedName names the socket at index i. Its protocol is that of the address at that index.
// Sockets after the last address have the protocol of the last.
func activatedName(addrs []string, i int) string {
	name := activation + strconv.Itoa(i)
	if protocol, _ := listen.Protocol(addrs[min(i, len(addrs)-1)]); protocol != "" {
		name = protocol + "://" + name
	}
	return name
}

// isActivation reports whether an older process got the socket of this name from
// systemd.
func isActivation(name string) bool {
	_, socket := listen.Protocol(name)
	return strings.HasPrefix(socket, activation)
}
