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
// not support.
var errSystem = errors.New("wsgi: this system cannot hand sockets to a process: run Python applications on Linux, macOS or another Unix")

const rightsSize = 0

func socketPair() (*net.UnixConn, *os.File, error) { return nil, nil, errSystem }

func sendPair(time.Duration) (*os.File, *os.File, error) { return nil, nil, errSystem }

const canTakeBack = false

type packets int

func packetPair() (packets, packets, *os.File, error) { return 0, 0, nil, errSystem }

func (packets) send([]byte) error { return errSystem }

func sendNow(int, []byte) error { return errSystem }

func (packets) unread([]*ticket) []*ticket { return nil }

func (packets) close() {}

type file struct{}

var noFile file

func (file) descriptor() int { return -1 }

func (file) ReadAt([]byte, int64) (int, error) { return 0, errSystem }

func (file) Close() error { return nil }

func filesOf([]byte) ([]file, error) { return nil, errSystem }

func rightsOf([]*os.File) []byte { return nil }

var dumpSignal = os.Interrupt

func describe(status int) string { return "exit status " + strconv.Itoa(status) }
