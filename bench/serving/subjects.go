package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/internal/linewriter"
	"github.com/zeugkit/zeug/middleware"
)

// subjects ask each peer over one connection that is kept. The client is part of
// the figures: it is the same for all, and small. The access log is in a file in dir.
func subjects(dir string) (list []measure.Subject, err error) {
	file, err := os.OpenFile(filepath.Join(dir, "access.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	lines := linewriter.New(file, func(int) []byte { return nil }) // as package serving writes to standard error
	const browser = "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: en\r\nAccept-Encoding: gzip, br\r\nCookie: a=b\r\n\r\n"
	cases := []struct {
		name, request string
		logs          bool
	}{
		{"GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"GET with a browser's header", browser, false},
		{"the same, with Zeug's access log", browser, true},
		{"POST of 1 KB", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", 1024), false},
	}
	for _, c := range cases {
		for _, peer := range peers {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			var accessLog middleware.AccessLog
			if c.logs {
				accessLog.JSON = lines
			}
			go serverOf(peer, accessLog)(l)
			list = append(list, measure.Subject{Case: c.name, Peer: peer, Run: client(l.Addr().String(), c.request)})
		}
	}
	return list, nil
}

// client returns a function that sends a request n times and reads the
// responses.
func client(addr, request string) func(n int) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		panic(err)
	}
	r := bufio.NewReader(c)
	return func(n int) {
		for range n {
			if _, err := io.WriteString(c, request); err != nil {
				panic(err)
			}
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				panic(err)
			}
			io.Copy(io.Discard, resp.Body)
		}
	}
}
