package wsgi

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/hosts"
)

// The flags of a request.
const (
	flagComplete    = 1 << iota // the whole body is in the same message
	flagWithoutBody             // the response has no body: HEAD
)

// errVariables says that a request has more variables than a frame can hold.
var errVariables = errors.New("wsgi: the header is too large")

// errNUL says that a variable contains NUL, which separates variables.
var errNUL = errors.New("wsgi: a NUL in the request's header")

// variables writes the environ of a request (PEP 3333, RFC 3875 section 4.1).
type variables struct {
	text  []byte
	count int
}

func (v *variables) add(name, value string) {
	v.text = append(append(append(append(v.text, name...), 0), value...), 0)
	v.count++
}

// requestHead is the size of the fields before the variables in a request's frame.
const requestHead = 4 + 4 + 1 + 2 + 4

// appendRequest appends a request's frame.
func appendRequest(frame []byte, number uint32, r *http.Request, b *body) ([]byte, error) {
	start := len(frame)
	v := variables{text: append(frame, make([]byte, requestHead)...)}
	o := gateway.OriginOf(r)
	v.add("REQUEST_METHOD", r.Method)
	v.add("SERVER_PROTOCOL", r.Proto)
	v.add("wsgi.url_scheme", o.Scheme)
	if query := query(r); query != "" {
		v.add("QUERY_STRING", query)
	}
	if o.RootPath != "" {
		root, err := url.PathUnescape(o.RootPath)
		if err != nil {
			root = o.RootPath
		}
		v.add("SCRIPT_NAME", root)
	}
	uri := r.RequestURI
	if uri == "" {
		uri = r.URL.RequestURI()
	}
	v.add("REQUEST_URI", uri)
	v.add("RAW_URI", uri)
	name, port := server(r, o)
	v.add("SERVER_NAME", name)
	v.add("SERVER_PORT", port)
	if o.Client.IsValid() {
		v.add("REMOTE_ADDR", o.Client.Addr().WithZone("").Unmap().String())
		if o.Client.Port() != 0 {
			v.add("REMOTE_PORT", strconv.Itoa(int(o.Client.Port())))
		}
	} else {
		v.add("REMOTE_ADDR", "")
	}
	if o.Host != "" {
		v.add("HTTP_HOST", o.Host)
	}
	if b.length >= 0 {
		v.add("CONTENT_LENGTH", strconv.FormatInt(b.length, 10))
	} else if len(r.TransferEncoding) > 0 {
		v.add("HTTP_TRANSFER_ENCODING", strings.Join(r.TransferEncoding, ","))
	}
	v.header(r.Header)
	if bytes.Count(v.text[start+requestHead:], []byte{0}) != 2*v.count {
		return frame, errNUL
	}
	// The path comes last, since it alone may hold any byte.
	v.text = append(append(v.text, "PATH_INFO\x00"...), path(r)...)
	v.count++
	size := len(v.text) - start
	if v.count > 1<<16-1 || size-4+len(b.start) > 1<<24-1 {
		return frame, errVariables
	}
	head := v.text[start:]
	binary.BigEndian.PutUint32(head, 'R'<<24|uint32(size-4+len(b.start)))
	binary.BigEndian.PutUint32(head[4:], number)
	if b.complete {
		head[8] |= flagComplete
	}
	if r.Method == http.MethodHead {
		head[8] |= flagWithoutBody
	}
	binary.BigEndian.PutUint16(head[9:], uint16(v.count))
	binary.BigEndian.PutUint32(head[11:], uint32(size-requestHead))
	return append(v.text, b.start...), nil
}

// path is the path of the request below the mount, decoded. The fragment is not part of it: a
// client should not send one, and net/http leaves it there.
func path(r *http.Request) string {
	if before, _, found := strings.Cut(r.URL.RawPath, "#"); found {
		if decoded, err := url.PathUnescape(before); err == nil {
			return decoded
		}
	}
	if r.URL.Path == "" && gateway.RootPath(r) == "" {
		return "/" // RFC 9110 section 4.2.3
	}
	return r.URL.Path
}

// query is the query of the request, without a fragment.
func query(r *http.Request) string {
	if strings.Contains(r.URL.RawPath, "#") {
		return "" // the question mark is in the fragment
	}
	before, _, _ := strings.Cut(r.URL.RawQuery, "#")
	return before
}

// server returns SERVER_NAME and SERVER_PORT, which must not be empty: the address at which the
// connection was accepted, unless a proxy fix has set the host of the request. The host of the
// request is also used if the connection has no such address.
func server(r *http.Request, o gateway.Origin) (name, port string) {
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		if received := gateway.Received(r); received.Host == o.Host && received.Scheme == o.Scheme {
			return addr.IP.String(), strconv.Itoa(addr.Port)
		}
	}
	name, port, _ = hosts.Split(o.Host)
	if name == "" {
		name = "localhost"
	}
	if port == "" {
		port = cmp.Or(hosts.DefaultPort(o.Scheme), "80")
	}
	return name, port
}

// header adds the request's fields. A field with an underscore in its name could be mistaken for
// one with a hyphen, and Proxy would become the variable from which programs take proxies.
func (v *variables) header(h http.Header) {
	for name, values := range h {
		if len(values) == 0 {
			continue
		}
		switch name {
		case "Content-Type":
			v.add("CONTENT_TYPE", values[0])
			continue
		case "Content-Length", "Transfer-Encoding", "Host", "Proxy":
			continue
		}
		if strings.Contains(name, "_") {
			continue
		}
		v.text = append(v.text, "HTTP_"...)
		for i := range len(name) {
			c := name[i]
			switch {
			case c == '-':
				c = '_'
			case 'a' <= c && c <= 'z':
				c -= 'a' - 'A'
			}
			v.text = append(v.text, c)
		}
		v.text = append(v.text, 0)
		separator := ","
		if name == "Cookie" {
			separator = "; " // RFC 9113 section 8.2.3
		}
		for i, value := range values {
			if i > 0 {
				v.text = append(v.text, separator...)
			}
			v.text = append(v.text, value...)
		}
		v.text = append(v.text, 0)
		v.count++
	}
}
