package serving

import (
	"net"
	"os"
	"strings"
)

// notify tells systemd, or whoever else listens at $NOTIFY_SOCKET, the state of
// the process: sd_notify(3). Nobody listening is no error.
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if strings.HasPrefix(path, "@") {
		path = "\x00" + path[1:] // an abstract socket
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer c.Close()
	c.Write([]byte(state))
}
