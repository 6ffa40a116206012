package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/fcgi"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/gateway/fastcgi"
	"github.com/zeugkit/zeug/gateway/scgi"
	"github.com/zeugkit/zeug/gateway/uwsgi"
)

var large = strings.Repeat("x", 1<<20)

// app reads the body, and answers with hello or with a megabyte.
func app(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "text/plain")
	if r.URL.Path == "/large" {
		_, _ = io.WriteString(w, large)
		return
	}
	_, _ = io.WriteString(w, "hello")
}

// variables are the ones that nginx sends for a request by curl.
func variables(path string, size int) [][2]string {
	method := "GET"
	if size > 0 {
		method = "POST"
	}
	return [][2]string{
		{"CONTENT_LENGTH", strconv.Itoa(size)}, {"SCGI", "1"}, {"REQUEST_METHOD", method}, {"REQUEST_URI", path}, {"QUERY_STRING", ""},
		{"DOCUMENT_URI", path}, {"SCRIPT_NAME", path}, {"SERVER_PROTOCOL", "HTTP/1.1"}, {"REQUEST_SCHEME", "http"}, {"GATEWAY_INTERFACE", "CGI/1.1"},
		{"SERVER_SOFTWARE", "nginx/1.22.1"}, {"REMOTE_ADDR", "192.0.2.1"}, {"REMOTE_PORT", "40000"}, {"SERVER_ADDR", "192.0.2.2"},
		{"SERVER_PORT", "80"}, {"SERVER_NAME", "example.org"}, {"HTTP_HOST", "example.org"}, {"HTTP_USER_AGENT", "curl/8.0"}, {"HTTP_ACCEPT", "*/*"},
	}
}

type question struct {
	name, path string
	size       int // of a body
}

var questions = []question{{"GET", "/", 0}, {"POST of 64 KB", "/", 64 << 10}, {"answer of 1 MB", "/large", 0}}

// subjects have their sockets in dir.
func subjects(dir string) (list []measure.Subject) {
	listen := func(name string, serve func(net.Listener) error) string {
		socket := filepath.Join(dir, name)
		l, err := net.Listen("unix", socket)
		check(err)
		go func() { check(serve(l)) }()
		return socket
	}
	handler := http.HandlerFunc(app)
	records := map[string]string{
		"zeug":     listen("f", (&fastcgi.Server{Handler: handler}).Serve),
		"net/http": listen("n", func(l net.Listener) error { return fcgi.Serve(l, handler) }),
	}
	scgiSocket := listen("s", (&scgi.Server{Handler: handler}).Serve)
	uwsgiSocket := listen("u", (&uwsgi.Server{Handler: handler}).Serve)
	httpSocket := listen("h", func(l net.Listener) error { return http.Serve(l, handler) })
	for _, q := range questions {
		for _, one := range []struct {
			name, socket string
			ask          []byte
		}{{"SCGI", scgiSocket, scgiRequest(q)}, {"uwsgi", uwsgiSocket, uwsgiRequest(q)}} {
			list = append(list,
				measure.Subject{Case: one.name + ", " + q.name, Peer: "zeug", Run: func(n int) { each(one.socket, one.ask, n) }},
				measure.Subject{Case: one.name + ", " + q.name, Peer: "net/http", Run: func(n int) { each(httpSocket, httpRequest(q), n) }})
		}
		// net/http/fcgi leaves much garbage, and the subject after it pays for the collection.
		for _, peer := range []string{"net/http", "zeug"} {
			list = append(list, measure.Subject{Case: "FastCGI, " + q.name, Peer: peer, Run: (&kept{socket: records[peer], ask: fastcgiRequest(q)}).run})
		}
	}
	return list
}

func scgiRequest(q question) []byte {
	var head strings.Builder
	for _, v := range variables(q.path, q.size) {
		head.WriteString(v[0] + "\x00" + v[1] + "\x00")
	}
	return fmt.Appendf(nil, "%d:%s,%s", head.Len(), head.String(), strings.Repeat("x", q.size))
}

func uwsgiRequest(q question) []byte {
	var body []byte
	for _, v := range variables(q.path, q.size) {
		for _, text := range v {
			body = append(binary.LittleEndian.AppendUint16(body, uint16(len(text))), text...)
		}
	}
	head := append(binary.LittleEndian.AppendUint16([]byte{0}, uint16(len(body))), 0)
	return append(append(head, body...), strings.Repeat("x", q.size)...)
}

func httpRequest(q question) []byte {
	method := "GET"
	if q.size > 0 {
		method = "POST"
	}
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: example.org\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		method, q.path, q.size, strings.Repeat("x", q.size))
}

func fastcgiRequest(q question) []byte {
	record := func(b []byte, kind byte, content []byte) []byte {
		b = append(b, 1, kind, 0, 1, byte(len(content)>>8), byte(len(content)), 0, 0)
		return append(b, content...)
	}
	b := record(nil, 1, []byte{0, 1, 1, 0, 0, 0, 0, 0})
	var params []byte
	for _, v := range variables(q.path, q.size) {
		params = append(append(append(params, byte(len(v[0])), byte(len(v[1]))), v[0]...), v[1]...)
	}
	b = record(record(b, 4, params), 4, nil)
	for body := []byte(strings.Repeat("x", q.size)); len(body) > 0; body = body[min(len(body), 32<<10):] {
		b = record(b, 5, body[:min(len(body), 32<<10)])
	}
	return record(b, 5, nil)
}

// kept sends its requests by FastCGI on a connection that stays open.
type kept struct {
	socket string
	ask    []byte
	conn   net.Conn
	in     *bufio.Reader
}

func (k *kept) run(n int) {
	if k.conn == nil {
		var err error
		k.conn, err = net.Dial("unix", k.socket)
		check(err)
		k.in = bufio.NewReaderSize(k.conn, 64<<10)
	}
	for range n {
		_, err := k.conn.Write(k.ask)
		check(err)
		check(k.answer())
	}
}

// answer reads one response to its end.
func (k *kept) answer() error {
	for got := 0; ; {
		head, err := k.in.Peek(8)
		if err != nil {
			return err
		}
		kind, size := head[1], int(binary.BigEndian.Uint16(head[4:]))+int(head[6])
		if _, err := k.in.Discard(8 + size); err != nil {
			return err
		}
		if kind == 3 {
			if got == 0 {
				return errors.New("an empty answer")
			}
			return nil
		}
		got += size
	}
}

// each sends each of its requests on a new connection.
func each(socket string, ask []byte, n int) {
	for range n {
		c, err := net.Dial("unix", socket)
		check(err)
		_, err = c.Write(ask)
		check(err)
		got, err := io.Copy(io.Discard, c)
		check(err)
		if got < 20 {
			log.Fatalf("an answer of %d bytes", got)
		}
		_ = c.Close()
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
