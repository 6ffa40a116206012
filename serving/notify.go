package serving

import (
	"net"
	"os"
	"strings"
)

// notify sends the state of the process to systemd, or to another program that listens at
// $NOTIFY_SOCKET: sd_notify(3). It is not an error if nothing listens.
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
