package proxyprotocol_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/certs"
	"github.com/zeugkit/zeug/serving/proxyprotocol"
)

func start(t *testing.T, o serving.Options, networks ...string) string {
	t.Helper()
	wrap, err := proxyprotocol.From(networks...)
	require.NoError(t, err)
	o.WrapListener = wrap
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := serving.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.RemoteAddr)
	}), o)
	require.NoError(t, err)
	require.NoError(t, s.Listen("127.0.0.1:0"))
	go s.Serve()
	t.Cleanup(func() { require.NoError(t, s.Shutdown(context.Background())) })
	return s.Addrs()[0].String()
}

// ask sends a header of the protocol and a request, and returns the response.
func ask(t *testing.T, addr, header string, secure bool) (string, error) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, header)
	if secure {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		return "", fmt.Errorf("%s", resp.Status)
	}
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

const v1 = "PROXY TCP4 192.0.2.9 192.0.2.1 4711 443\r\n"

func v2(t *testing.T) string {
	h := proxyproto.Header{
		Version: 2, Command: proxyproto.PROXY, TransportProtocol: proxyproto.TCPv6,
		SourceAddr:      &net.TCPAddr{IP: net.ParseIP("2001:db8::9"), Port: 4711},
		DestinationAddr: &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 443},
	}
	b, err := h.Format()
	require.NoError(t, err)
	return string(b)
}

func TestATrustedProxyNamesTheClient(t *testing.T) {
	addr := start(t, serving.Options{}, "192.0.2.0/24", "127.0.0.1")
	got, err := ask(t, addr, v1, false)
	require.NoError(t, err)
	require.Equal(t, "192.0.2.9:4711", got)
	got, err = ask(t, addr, v2(t), false)
	require.NoError(t, err)
	require.Equal(t, "[2001:db8::9]:4711", got)
	_, err = ask(t, addr, "", false)
	require.Error(t, err, "it must send the header")
}

func TestTLSFollowsTheHeader(t *testing.T) {
	addr := start(t, serving.Options{TLS: certs.SelfSigned()}, "127.0.0.0/8")
	got, err := ask(t, addr, v1, true)
	require.NoError(t, err)
	require.Equal(t, "192.0.2.9:4711", got)
}

func TestNobodyElseIsBelieved(t *testing.T) {
	addr := start(t, serving.Options{}, "192.0.2.0/24")
	_, err := ask(t, addr, v1, false)
	require.ErrorContains(t, err, "400")
	got, err := ask(t, addr, "", false)
	require.NoError(t, err)
	require.Contains(t, got, "127.0.0.1:")
}

func TestNetworksAreRefused(t *testing.T) {
	for _, networks := range [][]string{nil, {""}, {"10.0.0.0/33"}, {"localhost"}} {
		_, err := proxyprotocol.From(networks...)
		require.Error(t, err)
	}
}

// records passes on the records of a log.
type records chan map[string]any

func (c records) Write(b []byte) (int, error) {
	var r map[string]any
	if err := json.Unmarshal(b, &r); err != nil {
		return 0, err
	}
	c <- r
	return len(b), nil
}

func TestARefusedHeaderIsLogged(t *testing.T) {
	for name, header := range map[string]string{
		"no header":                       "",
		"an unknown word":                 "PROXY TCP5 192.0.2.9 192.0.2.1 4711 443\r\n",
		"no port":                         "PROXY TCP4 192.0.2.9 192.0.2.1\r\n",
		"an invalid address":              "PROXY TCP4 192.0.2.999 192.0.2.1 4711 443\r\n",
		"an address of the other family":  "PROXY TCP4 2001:db8::9 192.0.2.1 4711 443\r\n",
		"a line without an end":           "PROXY TCP4 " + strings.Repeat("1", 200),
		"an invalid version of version 2": "\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x0c" + strings.Repeat("\x00", 12),
		"a length that is too short":      "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x01\x00",
	} {
		t.Run(name, func(t *testing.T) {
			log := make(records, 10)
			addr := start(t, serving.Options{Logger: slog.New(slog.NewJSONHandler(log, nil)), NoAccessLog: true}, "127.0.0.1")
			_, err := ask(t, addr, header, false)
			require.Error(t, err)
			r := <-log
			require.Equal(t, "WARN", r["level"])
			require.Contains(t, r["msg"], "a connection of a trusted proxy is refused")
			require.Contains(t, r["peer"], "127.0.0.1:")
			require.NotEmpty(t, r["err"])
			for range 3 {
				_, err := ask(t, addr, header, false)
				require.Error(t, err)
			}
			require.Empty(t, log, "once a minute")
		})
	}
}

func TestAProbeThatSendsNothingIsNotLogged(t *testing.T) {
	log := make(records, 10)
	addr := start(t, serving.Options{Logger: slog.New(slog.NewJSONHandler(log, nil)), NoAccessLog: true}, "127.0.0.1")
	for range 3 {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		require.NoError(t, c.(*net.TCPConn).CloseWrite())
		_, err = io.Copy(io.Discard, c)
		require.NoError(t, err)
		c.Close()
	}
	got, err := ask(t, addr, v1, false)
	require.NoError(t, err)
	require.Equal(t, "192.0.2.9:4711", got)
	require.Empty(t, log)
}
