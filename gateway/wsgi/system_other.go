//go:build !unix

package wsgi

import (
	"errors"
	"net"
	"os"
	"strconv"
)

// Workers are reached through sockets that they inherit, which this system does
// not do.
var errSystem = errors.New("wsgi: this system cannot hand sockets to a process: run Python applications on Linux, macOS or another Unix")

const rightsSize = 0

func socketPair() (*net.UnixConn, *os.File, error) { return nil, nil, errSystem }

func filesOf([]byte) ([]*os.File, error) { return nil, errSystem }

func rightsOf([]*os.File) []byte { return nil }

var dumpSignal = os.Interrupt

func describe(status int) string { return "exit status " + strconv.Itoa(status) }
