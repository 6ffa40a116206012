//go:build !unix

package wsgi

import (
	"errors"
	"net"
	"os"
	"strconv"
	"time"
)

// Workers are reached through sockets that they inherit, which this system does
// not do.
var errSystem = errors.New("wsgi: this system cannot hand sockets to a process: run Python applications on Linux, macOS or another Unix")

const rightsSize = 0

func socketPair() (*net.UnixConn, *os.File, error) { return nil, nil, errSystem }

func requestPair(time.Duration) (*os.File, *os.File, error) { return nil, nil, errSystem }

func leftUnread(*os.File) bool { return false }

type file struct{}

var noFile file

func (file) descriptor() int { return -1 }

func (file) ReadAt([]byte, int64) (int, error) { return 0, errSystem }

func (file) Close() error { return nil }

func filesOf([]byte) ([]file, error) { return nil, errSystem }

func rightsOf([]*os.File) []byte { return nil }

var dumpSignal = os.Interrupt

func describe(status int) string { return "exit status " + strconv.Itoa(status) }
