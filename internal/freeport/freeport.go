// Package freeport chooses TCP ports of 127.0.0.1 for the programs that tests start.
//
// The usual way is to listen on port 0, to close the listener, and to hand its port to the
// program. Until the program listens there, the system may give the port to another process:
// another test that asks for a port, or any outgoing connection. The ports here are chosen at
// random below those that the system assigns (32768 and higher on Linux, 49152 on other systems),
// and a process gets each once. On Linux a port also belongs to the process until it ends, so that
// the tests of other packages do not choose it meanwhile.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"sync"
)

// The ports are between these numbers. A node of a Redis Cluster also uses the port 10,000 above
// its own unless configured otherwise. Those ports are free too.
const (
	lowest  = 10_000
	highest = 19_999
)

var (
	mu    sync.Mutex
	given = map[int]bool{}
	// The sockets of reserve, so that they are not closed as unused.
	reserved []net.Listener
)

// Choose returns n free ports of 127.0.0.1. It fails if it does not find them among a thousand.
func Choose(n int) ([]string, error) {
	mu.Lock()
	defer mu.Unlock()
	var ports []string
	for tries := 0; len(ports) < n; tries++ {
		if tries == 1000 {
			return nil, errors.New("freeport: no free port of 127.0.0.1 between 10000 and 19999")
		}
		port := lowest + rand.IntN(highest-lowest+1)
		if given[port] {
			continue
		}
		text := strconv.Itoa(port)
		l, err := net.Listen("tcp", "127.0.0.1:"+text)
		if err != nil {
			continue
		}
		ours := reserve(text)
		_ = l.Close()
		if !ours {
			continue
		}
		given[port] = true
		ports = append(ports, text)
	}
	return ports, nil
}

// reserve takes a port until this process ends. It reports false if another process has the port. Its means is
// a socket without a file, which takes nothing that a program may want to use.
func reserve(port string) bool {
	if runtime.GOOS != "linux" {
		return true
	}
	l, err := net.Listen("unix", "@zeug-freeport-"+port)
	if err != nil {
		return false
	}
	reserved = append(reserved, l)
	return true
}

// Port returns one such port. It fails the test if there is none.
func Port(t interface {
	Helper()
	Fatal(...any)
}) string {
	t.Helper()
	ports, err := Choose(1)
	if err != nil {
		t.Fatal(err)
	}
	return ports[0]
}
