// Package exchange is what the gateways for CGI, FastCGI, SCGI and uwsgi share. All four describe a
// request in the variables of CGI (RFC 3875). [NewRequest] makes a request of them, and a [Writer]
// writes the response in the form of CGI. [Answer] calls the handler in between.
//
// Variables such as
//
//	SCRIPT_NAME=/app  PATH_INFO=/x  REQUEST_METHOD=GET  HTTP_HOST=example.org
//
// become GET /x on example.org, whose [gateway.Origin] has the root path /app. The response begins
//
//	Status: 200 OK
package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	gopath "path"
	"strconv"
	"strings"
	"sync"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/httplex"
)

// ErrRequest says that variables do not describe a request. The server that sent them is at fault,
// or a client that is not a web server.
var ErrRequest = errors.New("no CGI request")

type variablesKey struct{}

// described is a context that holds the variables.
type described struct {
	context.Context
	vars map[string]string
}

func (d *described) Value(key any) any {
	if key == (variablesKey{}) {
		return d.vars
	}
	return d.Context.Value(key)
}

// Variables returns the variables a request was made of, or nil for a request
// that came in another way. They must not be changed.
func Variables(r *http.Request) map[string]string {
	v, _ := r.Context().Value(variablesKey{}).(map[string]string)
	return v
}

// AddVariable adds a variable that a web server sent to those before it. If a name comes twice, the
// later variable counts: servers send their own variables before those of their configuration.
// There are two exceptions. If a client sent a header field twice, it becomes one field with both
// values (RFC 3875, section 4.1.18); nginx before 1.23 leaves that to the program. An empty
// CONTENT_LENGTH, which nginx sends for a chunked body, does not replace another one; two lengths
// that differ make [NewRequest] refuse the request, as RFC 9112, section 6.3, asks.
func AddVariable(vars map[string]string, name, value string) {
	before, twice := vars[name]
	if twice {
		switch {
		case name == "CONTENT_LENGTH":
			if value == "" {
				value = before
			} else if before != "" && before != value {
				value = before + ", " + value
			}
		case name == "HTTP_COOKIE":
			value = before + "; " + value
		case strings.HasPrefix(name, "HTTP_") && name != "HTTP_HOST":
			value = before + ", " + value
		}
	}
	vars[name] = value
}

// NewRequest makes a request from CGI variables and a body, which is cut at CONTENT_LENGTH. If that
// is missing and HTTP_TRANSFER_ENCODING says chunked, the body is all that can be read, already
// decoded. An error wraps [ErrRequest]: a variable is missing or not valid. A request is not valid
// if it could not have come over HTTP, for instance because of a header field with a line break.
//
// The path is taken from REQUEST_URI if there is one, because PATH_INFO does not say which slashes
// were escaped. Header fields come from the variables HTTP_*. Proxy, Transfer-Encoding and Expect
// are left out: programs take HTTP_PROXY for a setting, and the server has decoded the body and
// handled Expect.
func NewRequest(ctx context.Context, vars map[string]string, body io.Reader) (*http.Request, error) {
	method := vars["REQUEST_METHOD"]
	if method == "" {
		return nil, fmt.Errorf("%w: REQUEST_METHOD is missing", ErrRequest)
	}
	if !httplex.IsToken(method) {
		return nil, fmt.Errorf("%w: REQUEST_METHOD %q", ErrRequest, method)
	}
	r := (&http.Request{Method: method, Proto: vars["SERVER_PROTOCOL"]}).WithContext(&described{ctx, vars})
	var err error
	var ok bool
	if r.ProtoMajor, r.ProtoMinor, ok = protocol(r.Proto); !ok {
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
	}
	if r.Header, err = header(vars); err != nil {
		return nil, err
	}
	if r.ContentLength, err = contentLength(vars["CONTENT_LENGTH"]); err != nil {
		return nil, err
	}
	r.Body = http.NoBody
	switch {
	case body == nil:
	case r.ContentLength > 0:
		r.Body = &limitedBody{r: body, left: r.ContentLength}
	case vars["CONTENT_LENGTH"] == "" && strings.EqualFold(vars["HTTP_TRANSFER_ENCODING"], "chunked"):
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
		r.Body = io.NopCloser(body)
	}

	for _, name := range []string{"REQUEST_URI", "QUERY_STRING"} {
		if strings.ContainsFunc(vars[name], isControl) {
			return nil, fmt.Errorf("%w: %s is %q, which has a control character", ErrRequest, name, vars[name])
		}
	}
	root, err := setURL(r, vars)
	if err != nil {
		return nil, err
	}
	o := gateway.Origin{Scheme: scheme(vars), Host: host(vars), Client: client(vars)}
	if o.Scheme == "https" {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	r.Host = o.Host
	if o.Client.IsValid() {
		r.RemoteAddr = o.Client.String()
	}
	o.RootPath = root
	return gateway.WithOrigin(r, o), nil
}

// protocol reads "HTTP/1.1", and "HTTP/2.0" and "HTTP/2" alike.
func protocol(s string) (major, minor int, ok bool) {
	if major, minor, ok = http.ParseHTTPVersion(s); ok {
		return major, minor, true
	}
	switch s {
	case "HTTP/2":
		return 2, 0, true
	case "HTTP/3":
		return 3, 0, true
	}
	return 0, 0, false
}

// header collects the request's header fields. The host is checked with them.
func header(vars map[string]string) (http.Header, error) {
	fields := 2 // of the content
	for name := range vars {
		if strings.HasPrefix(name, "HTTP_") {
			fields++
		}
	}
	h := make(http.Header, fields)
	values := make([]string, 0, fields) // one array for all
	one := func(value string) []string {
		values = append(values, value)
		return values[len(values)-1 : len(values) : len(values)]
	}
	for name, value := range vars {
		field, ok := strings.CutPrefix(name, "HTTP_")
		if !ok || field == "" {
			continue
		}
		if !httplex.IsToken(field) || !httplex.IsFieldValue(value) {
			return nil, fmt.Errorf("%w: %s is %q, which is not a header field", ErrRequest, name, value)
		}
		switch field {
		case "HOST":
			if strings.ContainsFunc(value, notOfHost) {
				return nil, fmt.Errorf("%w: HTTP_HOST is %q, which is not a host", ErrRequest, value)
			}
			continue
		case "PROXY", "TRANSFER_ENCODING", "EXPECT", "CONTENT_LENGTH", "CONTENT_TYPE":
			continue
		}
		key := textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(field, "_", "-"))
		if h[key] != nil {
			return nil, fmt.Errorf("%w: %s is one of two variables for the header field %s", ErrRequest, name, key)
		}
		h[key] = one(value)
	}
	if t := vars["CONTENT_TYPE"]; t != "" {
		if !httplex.IsFieldValue(t) {
			return nil, fmt.Errorf("%w: CONTENT_TYPE is %q, which is not a header field", ErrRequest, t)
		}
		h["Content-Type"] = one(t)
	}
	// SCGI has a length even if there is no body.
	if n := vars["CONTENT_LENGTH"]; n != "" && (n != "0" || vars["SCGI"] == "") {
		h["Content-Length"] = one(n)
	}
	return h, nil
}

// notOfHost reports whether a character must not be in a Host header. net/http refuses requests
// with the same characters.
func notOfHost(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"#/<>?@\\^`{|}", c)
}

// isControl reports whether c is an ASCII control character, which net/http refuses in
// a URL.
func isControl(c rune) bool { return c < ' ' || c == 0x7f }

func contentLength(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%w: CONTENT_LENGTH %q", ErrRequest, s)
	}
	return int64(n), nil
}

// setURL fills in r.URL and r.RequestURI, and returns the root path.
func setURL(r *http.Request, vars map[string]string) (root string, err error) {
	root, info := splitPath(vars)
	path, query := target(vars)
	r.URL = &url.URL{RawQuery: query}
	r.RequestURI = vars["REQUEST_URI"]

	// REQUEST_URI is the better source if it is below the mount: a server that rewrites URLs sends
	// a PATH_INFO that the client did not request.
	if below, at, ok := belowMount(path, root); ok {
		if _, hasInfo := vars["PATH_INFO"]; !hasInfo || sameInfo(below.Path, info) {
			r.URL.Path, r.URL.RawPath = below.Path, below.RawPath
			if r.URL.RawPath == (&url.URL{Path: r.URL.Path}).EscapedPath() {
				r.URL.RawPath = "" // as in net/url
			}
			return at, nil
		}
	}
	if info == "" || info[0] != '/' {
		info = "/" + info
	}
	r.URL.Path = info
	if _, hasURI := vars["REQUEST_URI"]; !hasURI {
		r.RequestURI = r.URL.RequestURI()
	}
	return root, nil
}

// splitPath returns the root path, percent-encoded, and the path below it from the variables.
//
// Servers differ in their SCRIPT_NAME. By the standard SCRIPT_NAME is the mount, and PATH_INFO is
// the rest. nginx's own lists of variables, and Apache's mod_proxy_fcgi, put the whole path in
// SCRIPT_NAME and send no PATH_INFO: then there is no mount.
func splitPath(vars map[string]string) (root, info string) {
	script := strings.TrimRight(vars["SCRIPT_NAME"], "/")
	info, hasInfo := vars["PATH_INFO"]
	if !hasInfo && script != "" && (vars["DOCUMENT_URI"] == vars["SCRIPT_NAME"] || strings.HasPrefix(vars["SCRIPT_FILENAME"], "proxy:")) {
		script, info = "", vars["SCRIPT_NAME"]
	}
	if script != "" && script[0] != '/' {
		script = "/" + script
	}
	if rest, below := strings.CutPrefix(info, script); below && script != "" && infoIsWhole(vars) && (rest == "" || rest[0] == '/') {
		// nginx's list for uwsgi has the whole path in PATH_INFO.
		info = rest
	}
	return (&url.URL{Path: script}).EscapedPath(), info
}

// target returns the path of the request, percent-encoded, and the query.
func target(vars map[string]string) (path, query string) {
	path, query, _ = strings.Cut(vars["REQUEST_URI"], "?")
	if _, rest, ok := strings.Cut(path, "://"); ok && !strings.HasPrefix(path, "/") {
		// The absolute form.
		_, rest, _ = strings.Cut(rest, "/")
		path = "/" + rest
	}
	if q, ok := vars["QUERY_STRING"]; ok {
		query = q
	}
	return path, query
}

// belowMount returns the URL that a percent-encoded path has below root, and the root as
// the path spells it. It reports false if path is not below root.
func belowMount(path, root string) (below *url.URL, at string, ok bool) {
	decoded, err := url.PathUnescape(path)
	if err != nil || !strings.HasPrefix(path, "/") {
		return nil, "", false
	}
	below = &url.URL{Path: decoded, RawPath: path}
	if root == "" {
		return below, "", true
	}
	mounted, ok := gateway.Mount(&http.Request{URL: below}, root)
	if !ok {
		return nil, "", false
	}
	return mounted.URL, gateway.RootPath(mounted), true
}

// infoIsWhole reports whether PATH_INFO contains the mount, though SCRIPT_NAME is set: it is then
// the path of REQUEST_URI, or nginx's name for that.
func infoIsWhole(vars map[string]string) bool {
	info := vars["PATH_INFO"]
	if info == vars["DOCUMENT_URI"] {
		return true
	}
	uri, _, _ := strings.Cut(vars["REQUEST_URI"], "?")
	path, err := url.PathUnescape(uri)
	return err == nil && sameInfo(path, info)
}

// sameInfo reports whether a path and PATH_INFO are the same except for the changes that servers
// make to the latter: they merge slashes, resolve dots, and leave it empty at the mount.
func sameInfo(path, info string) bool {
	if path == info || info == "" && path == "/" {
		return true
	}
	squeeze := func(s string) string {
		// Apache may leave escaped slashes unchanged in a decoded path.
		s = strings.NewReplacer("%2F", "/", "%2f", "/").Replace(s)
		for strings.Contains(s, "//") {
			s = strings.ReplaceAll(s, "//", "/")
		}
		return gopath.Clean("/" + s)
	}
	return squeeze(path) == squeeze(info) && strings.HasSuffix(path, "/") == strings.HasSuffix(info, "/")
}

func scheme(vars map[string]string) string {
	for _, name := range []string{"REQUEST_SCHEME", "UWSGI_SCHEME", "wsgi.url_scheme"} {
		switch s := strings.ToLower(vars[name]); s {
		case "http", "https":
			return s
		}
	}
	switch strings.ToLower(vars["HTTPS"]) {
	case "on", "1", "true", "https":
		return "https"
	}
	return "http"
}

// host is the Host header, or else the server's name and port (RFC 3875,
// section 4.1.14).
func host(vars map[string]string) string {
	if h := vars["HTTP_HOST"]; h != "" {
		return h
	}
	name, port := vars["SERVER_NAME"], vars["SERVER_PORT"]
	if name == "" || name == "_" {
		return ""
	}
	if port == "" || port == hosts.DefaultPort(scheme(vars)) {
		return name
	}
	return net.JoinHostPort(strings.Trim(name, "[]"), port)
}

func client(vars map[string]string) netip.AddrPort {
	addr, err := netip.ParseAddr(vars["REMOTE_ADDR"])
	if err != nil {
		return netip.AddrPort{}
	}
	port, err := strconv.ParseUint(vars["REMOTE_PORT"], 10, 16)
	if err != nil {
		port = 0
	}
	return netip.AddrPortFrom(addr, uint16(port))
}

// limitedBody is the body of the announced length. A body that ends before that is an error: it was
// cut on its way. A goroutine that the handler has left may still read the body while the rest is
// drained.
type limitedBody struct {
	mu   sync.Mutex
	r    io.Reader
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left <= 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	switch {
	case b.left == 0 && (err == nil || err == io.EOF):
		return n, nil
	case err == io.EOF:
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

func (b *limitedBody) Close() error { return nil }
