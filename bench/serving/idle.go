package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/zeugkit/zeug/bench/load"
	"github.com/zeugkit/zeug/bench/measure"
)

// idleRows has the memory of each of n idle connections that were used once, with a fifth of that
// number that send a header slowly, and how fast the server answers others meanwhile.
func idleRows(n int) (list []measure.Subject, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for _, peer := range peers {
		memory := measure.Subject{Case: fmt.Sprintf("memory of one of %d idle connections", n), Peer: peer, Form: measure.Bytes}
		memory.Attempt = func() (measure.Timing, error) {
			bytes, _, err := beside(server(self, peer), n)
			return bytes, err
		}
		answer := measure.Subject{Case: fmt.Sprintf("answer beside %d idle connections", n), Peer: peer, Form: measure.Clock}
		answer.Attempt = func() (measure.Timing, error) {
			_, took, err := beside(server(self, peer), n)
			return took, err
		}
		list = append(list, memory, answer)
	}
	return list, nil
}

// beside starts a server, and returns the memory of each of the connections and the median time of
// a response on a new one.
func beside(s *load.Server, n int) (memory, answer measure.Timing, err error) {
	if err := s.Start(); err != nil {
		return memory, answer, err
	}
	defer s.Stop()
	before, err := resident(s.Pid())
	if err != nil {
		return memory, answer, err
	}
	var kept []net.Conn
	defer func() {
		for _, c := range kept {
			c.Close()
		}
	}()
	for range n {
		c, err := ask(s.Addr)
		if err != nil {
			return memory, answer, fmt.Errorf("after %d connections: %w", len(kept), err)
		}
		kept = append(kept, c)
	}
	for range n / 5 {
		c, err := net.Dial("tcp", s.Addr)
		if err != nil {
			return memory, answer, err
		}
		kept = append(kept, c)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
	}
	time.Sleep(time.Second)
	after, err := resident(s.Pid())
	if err != nil {
		return memory, answer, err
	}
	memory.Nanoseconds = float64((after - before) / len(kept))
	watch := s.Watch()
	var took []time.Duration
	for range 1000 {
		began := time.Now()
		c, err := ask(s.Addr)
		if err != nil {
			return memory, answer, err
		}
		took = append(took, time.Since(began))
		c.Close()
	}
	slices.Sort(took)
	answer.Nanoseconds = float64(took[500])
	_, answer.Busy = watch(0)
	return memory, answer, nil
}

// ask sends a request and returns the connection, which is kept.
func ask(addr string) (net.Conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReaderSize(c, 512), nil)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return c, err
}

var rss = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is the memory of a process, in bytes.
func resident(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	m := rss.FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("/proc/%d/status has no VmRSS", pid)
	}
	kb, err := strconv.Atoi(string(m[1]))
	return kb << 10, err
}
