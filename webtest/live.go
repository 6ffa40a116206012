package webtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Live returns a Client of the server at address, "http://127.0.0.1:5000" or
// "https://example.com/app". It has the same methods as a Client of [New].
// Requests to other hosts are sent to that server as well, if [Hosts] allows
// them or the hosts are below its own; requests to any other host are refused.
// [RemoteAddr] and [TLS] fail the test: a real server sees the actual address.
func Live(t TB, address string, options ...Option) *Client {
	l := &live{}
	base, err := parseBase(address)
	if err != nil {
		if t == nil {
			t = panics{}
		}
		t.Helper()
		t.Fatalf("webtest: %v", err)
	}
	l.base = base
	l.any = l.transport(nil)
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	l.http2 = l.transport(protocols)
	c := newClient(t, l, options)
	c.t.Cleanup(func() {
		l.any.CloseIdleConnections()
		l.http2.CloseIdleConnections()
	})
	return c
}

// live is a transport to one server, whatever the host of a request.
type live struct {
	base       *url.URL
	any, http2 *http.Transport
}

func (l *live) transport(protocols *http.Protocols) *http.Transport {
	return &http.Transport{
		DialContext:           l.dial,
		DisableCompression:    true,
		ForceAttemptHTTP2:     protocols == nil,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		Protocols:             protocols,
	}
}

func (l *live) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	if _, port, err := net.SplitHostPort(addr); err == nil {
		addr = net.JoinHostPort(l.base.Hostname(), port)
	}
	return d.DialContext(ctx, network, addr)
}

// check returns an error for options that a real server cannot have.
func (l *live) check(r *request) error {
	if r.remoteAddr != "127.0.0.1:40000" || r.tls != nil {
		return errors.New("RemoteAddr and TLS are for handlers in memory, not for a live server")
	}
	r.root = ""
	return nil
}

func (l *live) RoundTrip(req *http.Request) (*http.Response, error) {
	host, base := strings.ToLower(req.URL.Hostname()), strings.ToLower(l.base.Hostname())
	w, _ := req.Context().Value(wayKey{}).(way)
	if host != base && !strings.HasSuffix(host, "."+base) && !w.allows(authority(req.URL)) {
		return nil, fmt.Errorf("the host %q is not one of the live server's (allow it with webtest.Hosts)", host)
	}
	if w.http2 {
		return l.http2.RoundTrip(req)
	}
	return l.any.RoundTrip(req)
}
