package peer

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// credentials returns the user id of the process that connected to a unix socket.
func credentials(c *net.UnixConn) int {
	uid := Unknown
	raw, err := c.SyscallConn()
	if err != nil {
		return Unknown
	}
	err = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid = int(cred.Uid)
		}
	})
	if err != nil {
		return Unknown
	}
	return uid
}

// owner returns the user id of the socket whose local end is remote and whose remote
// end is local: the client's own row in the tables of this network namespace. An IPv4
// client may use an IPv6 socket, so both tables count.
func owner(remote, local netip.AddrPort) (uid int, ok bool) {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if uid, ok := ownerIn(table, remote, local); ok {
			return uid, true
		}
	}
	return Unknown, false
}

// established is the state of a connection in the tables (TCP_ESTABLISHED). Sockets in later states
// may have lost their user: the kernel then writes 0, which is root.
const established = "01"

func ownerIn(table string, remote, local netip.AddrPort) (uid int, ok bool) {
	f, err := os.Open(table)
	if err != nil {
		return Unknown, false
	}
	defer f.Close()
	remote, local = plain(remote), plain(local)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		//  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid …
		fields := strings.Fields(lines.Text())
		if len(fields) < 8 || fields[3] != established || tableAddr(fields[1]) != remote || tableAddr(fields[2]) != local {
			continue
		}
		uid, err := strconv.Atoi(fields[7])
		return uid, err == nil
	}
	return Unknown, false
}

// plain is an address as [tableAddr] returns it.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// tableAddr reads an address of the tables: words of 32 bits in the byte order of the
// machine, a colon, the port.
func tableAddr(text string) netip.AddrPort {
	address, port, _ := strings.Cut(text, ":")
	bytes, err := hex.DecodeString(address)
	number, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(bytes)%4 != 0 {
		return netip.AddrPort{}
	}
	for i := 0; i < len(bytes); i += 4 {
		binary.NativeEndian.PutUint32(bytes[i:], binary.BigEndian.Uint32(bytes[i:]))
	}
	addr, ok := netip.AddrFromSlice(bytes)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(number))
}
