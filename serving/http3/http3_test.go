package http3_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/certs"
	zeug3 "github.com/zeugkit/zeug/serving/http3"
)

var insecure = &tls.Config{InsecureSkipVerify: true}

func start(t *testing.T, app http.HandlerFunc) (s *serving.Server, addr string) {
	t.Helper()
	s, err := serving.New(app, serving.Options{
		TLS: certs.Adhoc(), Companions: []serving.Companion{zeug3.Companion()}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	require.NoError(t, s.Listen("127.0.0.1:0"))
	go s.Serve()
	t.Cleanup(func() { s.Close() })
	return s, s.Addrs()[0].String()
}

func TestHTTP3IsAnnouncedAndServed(t *testing.T) {
	s, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Proto, " ", len(b))
	})
	client := http.Client{Transport: &http.Transport{TLSClientConfig: insecure, ForceAttemptHTTP2: true}}
	resp, err := client.Get("https://" + addr)
	require.NoError(t, err)
	resp.Body.Close()
	_, port, _ := net.SplitHostPort(addr)
	require.Equal(t, `h3=":`+port+`"; ma=86400`, resp.Header.Get("Alt-Svc"))

	quic := &http3.Transport{TLSClientConfig: insecure}
	defer quic.Close()
	resp, err = (&http.Client{Transport: quic}).Post("https://"+addr, "text/plain", strings.NewReader(strings.Repeat("x", 1<<20)))
	require.NoError(t, err)
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	require.NoError(t, err)
	require.Equal(t, "HTTP/3.0 1048576", string(b))
	client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, s.Shutdown(ctx))
}

func TestDrainFinishesWhatRuns(t *testing.T) {
	running, finish := make(chan bool), make(chan bool)
	s, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		running <- true
		<-finish
		io.WriteString(w, "whole")
	})
	quic := &http3.Transport{TLSClientConfig: insecure}
	defer quic.Close()
	answer := make(chan string)
	go func() {
		resp, err := (&http.Client{Transport: quic}).Get("https://" + addr)
		if err != nil {
			answer <- err.Error()
			return
		}
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-running
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stopped := make(chan error)
	go func() { stopped <- s.Shutdown(ctx) }()
	close(finish)
	require.Equal(t, "whole", <-answer)
	require.NoError(t, <-stopped)
}

func TestAPortThatAnotherProcessStillHasIsTakenLater(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	other, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Addr().(*net.TCPAddr).Port})
	require.NoError(t, err)
	s, err := serving.New(http.NotFoundHandler(), serving.Options{
		TLS: certs.Adhoc(), Companions: []serving.Companion{zeug3.Companion()}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	s.Use("", tcp)
	go s.Serve()
	defer s.Close()
	other.Close()
	quic := &http3.Transport{TLSClientConfig: insecure}
	defer quic.Close()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, "GET", "https://"+tcp.Addr().String(), nil)
		resp, err := quic.RoundTrip(r)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
}
