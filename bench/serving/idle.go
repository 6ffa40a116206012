package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// idleTable shows the cost of n idle connections that were used once, with a fifth of that number
// that send a header slowly, and how fast the server answers others meanwhile.
func idleTable(w io.Writer, n int) error {
	fmt.Fprintf(w, "| %d idle, %d slow | bytes a connection | answer beside them, median | slowest of 1,000 |\n|---|---|---|---|\n", n, n/5)
	for _, peer := range peers {
		row, err := idleRow(peer, n)
		if err != nil {
			return fmt.Errorf("%s: %w", peer, err)
		}
		fmt.Fprintf(w, "| %s | %s |\n", peer, row)
	}
	return nil
}

func idleRow(peer string, n int) (row string, err error) {
	cmd := exec.Command(os.Args[0], "-serve", peer)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	var addr string
	if _, err := fmt.Fscan(out, &addr); err != nil {
		return "", err
	}
	if _, err := ask(addr); err != nil {
		return "", err
	}
	before, err := resident(cmd.Process.Pid)
	if err != nil {
		return "", err
	}
	var kept []net.Conn
	defer func() {
		for _, c := range kept {
			c.Close()
		}
	}()
	for range n {
		c, err := ask(addr)
		if err != nil {
			return "", fmt.Errorf("after %d connections: %w", len(kept), err)
		}
		kept = append(kept, c)
	}
	for range n / 5 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return "", err
		}
		kept = append(kept, c)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
	}
	time.Sleep(time.Second)
	after, err := resident(cmd.Process.Pid)
	if err != nil {
		return "", err
	}
	var took []time.Duration
	for range 1000 {
		began := time.Now()
		c, err := ask(addr)
		if err != nil {
			return "", err
		}
		took = append(took, time.Since(began))
		c.Close()
	}
	slices.Sort(took)
	return fmt.Sprintf("%d | %v | %v", (after-before)/len(kept), took[500].Round(time.Microsecond), took[999].Round(time.Microsecond)), nil
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
