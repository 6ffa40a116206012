package serving

import (
	"net"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/gateway/fastcgi"
	"github.com/zeugkit/zeug/serving/listen"
)

// open takes the sockets that were handed to the process, and opens the rest.
// In the order of what counts most: the one that a web server gave for FastCGI,
// those of systemd, those of an older process of the program, the addresses.
func (s *Server) open(addrs []string) error {
	inherited, isInherited := fastcgi.Inherited()
	activated, err := listen.Activated()
	if err != nil {
		return err
	}
	handed, err := listen.HandedDown()
	if err != nil {
		return err
	}
	switch {
	case isInherited:
		s.use(listen.FastCGI+"://fd://0", inherited, true)
	case len(activated) > 0:
		for i, l := range activated {
			s.use(activatedName(addrs, i), l, true)
		}
	case s.takeActivated(handed):
	default:
		for _, addr := range addrs {
			if l, ok := handed[addr]; ok {
				delete(handed, addr)
				s.Use(addr, l)
			} else if err := s.Listen(addr); err != nil {
				return err
			}
		}
	}
	for _, l := range handed {
		l.Close() // the program no longer serves there
	}
	return nil
}

// activation begins the names of systemd's sockets among addresses, by which a
// process that takes over knows them: they take the place of its addresses too.
const activation = "activated:"

// activatedName names the socket at place i, with the protocol of the address in
// its place; those beyond the last one have that one's.
func activatedName(addrs []string, i int) string {
	name := activation + strconv.Itoa(i)
	if protocol, _ := listen.Protocol(addrs[min(i, len(addrs)-1)]); protocol != "" {
		name = protocol + "://" + name
	}
	return name
}

// takeActivated takes the sockets of systemd's out of those that an older
// process handed down, and reports whether there were any.
func (s *Server) takeActivated(handed map[string]net.Listener) (any bool) {
	for name, l := range handed {
		if _, socket := listen.Protocol(name); strings.HasPrefix(socket, activation) {
			delete(handed, name)
			s.use(name, l, true)
			any = true
		}
	}
	return any
}
