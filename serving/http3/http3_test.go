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
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/certs"
	zeug3 "github.com/zeugkit/zeug/serving/http3"
)

var insecure = &tls.Config{InsecureSkipVerify: true}

func start(t *testing.T, app http.HandlerFunc) (s *serving.Server, addr string) {
	t.Helper()
	return startWith(t, app, serving.Options{})
}

func startWith(t *testing.T, app http.HandlerFunc, o serving.Options) (s *serving.Server, addr string) {
	t.Helper()
	o.TLS, o.HTTP3 = certs.SelfSigned(), zeug3.New()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := serving.New(app, o)
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
	client := http.Client{Transport: &http.Transport{TLSClientConfig: insecure.Clone(), ForceAttemptHTTP2: true}}
	resp, err := client.Get("https://" + addr)
	require.NoError(t, err)
	resp.Body.Close()
	_, port, _ := net.SplitHostPort(addr)
	require.Equal(t, `h3=":`+port+`"; ma=86400`, resp.Header.Get("Alt-Svc"))

	transport := &http3.Transport{TLSClientConfig: insecure.Clone()}
	defer transport.Close()
	resp, err = (&http.Client{Transport: transport}).Post("https://"+addr, "text/plain", strings.NewReader(strings.Repeat("x", 1<<20)))
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
	transport := &http3.Transport{TLSClientConfig: insecure.Clone()}
	defer transport.Close()
	answer := make(chan string)
	go func() {
		resp, err := (&http.Client{Transport: transport}).Get("https://" + addr)
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

// ask sends a request over HTTP/3 on a connection of the client.
func ask(t *testing.T, client *http3.Transport, addr string) (status int, body string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", "https://"+addr, nil)
	require.NoError(t, err)
	resp, err := client.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func newClient(t *testing.T) *http3.Transport {
	client := &http3.Transport{TLSClientConfig: insecure.Clone()}
	t.Cleanup(func() { client.Close() })
	return client
}

func TestARequestThatComesDuringTheDrainIsAnswered(t *testing.T) {
	finish := make(chan bool)
	stopping := make(chan bool)
	s, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("First") != "" {
			<-serving.Draining(r.Context())
			stopping <- true
			<-finish
		}
		io.WriteString(w, "whole")
	})
	client := newClient(t)
	_, _, err := ask(t, client, addr)
	require.NoError(t, err)
	first := make(chan error)
	go func() {
		r, _ := http.NewRequest("GET", "https://"+addr, nil)
		r.Header.Set("First", "1")
		resp, err := client.RoundTrip(r)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
		}
		first <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stopped := make(chan error)
	go func() { stopped <- s.Shutdown(ctx) }()
	<-stopping
	_, body, err := ask(t, client, addr)
	require.NoError(t, err)
	require.Equal(t, "whole", body)
	close(finish)
	require.NoError(t, <-first)
	require.NoError(t, <-stopped)
}

func TestFieldsOfAConnectionStayOut(t *testing.T) {
	_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.Header().Set("Keep-Alive", "timeout=5")
		io.WriteString(w, "whole")
	})
	_, body, err := ask(t, newClient(t), addr)
	require.NoError(t, err)
	require.Equal(t, "whole", body)
}

func TestAnIdleClientDoesNotHoldUpTheEnd(t *testing.T) {
	s, addr := start(t, func(w http.ResponseWriter, r *http.Request) {})
	conn, err := quic.DialAddr(t.Context(), addr, http3.ConfigureTLSConfig(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}}), nil)
	require.NoError(t, err)
	defer conn.CloseWithError(0, "")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, s.Shutdown(ctx))
	<-conn.Context().Done()
}

func TestCloseEndsEverything(t *testing.T) {
	running, left := make(chan bool), make(chan bool)
	s, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		running <- true
		<-r.Context().Done()
		close(left)
	})
	failed := make(chan error)
	go func() {
		_, _, err := ask(t, newClient(t), addr)
		failed <- err
	}()
	<-running
	require.NoError(t, s.Close())
	require.Error(t, <-failed)
	<-left
	at, err := net.ResolveUDPAddr("udp", addr)
	require.NoError(t, err)
	udp, err := net.ListenUDP("udp", at)
	require.NoError(t, err, "the port is free")
	udp.Close()
}

func TestTheLimitsOfTheServerHold(t *testing.T) {
	hello := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }
	t.Run("of the header", func(t *testing.T) {
		_, addr := startWith(t, hello, serving.Options{MaxHeader: 1 << 10})
		r, err := http.NewRequest("GET", "https://"+addr, nil)
		require.NoError(t, err)
		r.Header.Set("X", strings.Repeat("x", 4<<10))
		resp, err := newClient(t).RoundTrip(r)
		if err == nil {
			resp.Body.Close()
			require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
		}
	})
	t.Run("of idle time", func(t *testing.T) {
		_, addr := startWith(t, hello, serving.Options{IdleTimeout: 100 * time.Millisecond})
		conn, err := quic.DialAddr(t.Context(), addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}}, nil)
		require.NoError(t, err)
		<-conn.Context().Done()
	})
	t.Run("of connections", func(t *testing.T) {
		_, addr := startWith(t, hello, serving.Options{MaxConnections: 2})
		var conns []*quic.Conn
		for range 5 {
			client := newClient(t)
			client.Dial = func(ctx context.Context, addr string, c *tls.Config, q *quic.Config) (*quic.Conn, error) {
				conn, err := quic.DialAddrEarly(ctx, addr, c, q)
				conns = append(conns, conn)
				return conn, err
			}
			_, body, err := ask(t, client, addr)
			require.NoError(t, err)
			require.Equal(t, "hello", body)
		}
		for _, c := range conns[:3] {
			<-c.Context().Done()
		}
	})
	t.Run("of a response that nobody takes", func(t *testing.T) {
		failed := make(chan error, 1)
		_, addr := startWith(t, func(w http.ResponseWriter, r *http.Request) {
			for b := make([]byte, 1<<20); ; {
				if _, err := w.Write(b); err != nil {
					failed <- err
					return
				}
			}
		}, serving.Options{StallTimeout: 200 * time.Millisecond})
		r, err := http.NewRequest("GET", "https://"+addr, nil)
		require.NoError(t, err)
		resp, err := newClient(t).RoundTrip(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Error(t, <-failed)
	})
	t.Run("of a body that never comes", func(t *testing.T) {
		failed := make(chan error, 1)
		_, addr := startWith(t, func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			failed <- err
		}, serving.Options{StallTimeout: 200 * time.Millisecond})
		body, end := io.Pipe()
		defer end.Close()
		r, err := http.NewRequest("POST", "https://"+addr, body)
		require.NoError(t, err)
		client := newClient(t)
		go client.RoundTrip(r)
		require.ErrorIs(t, <-failed, httperror.RequestTimeout)
	})
}

func TestAPortThatAnotherProcessStillHasIsTakenLater(t *testing.T) {
	var log lines
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	other, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Addr().(*net.TCPAddr).Port})
	require.NoError(t, err)
	s, err := serving.New(http.NotFoundHandler(), serving.Options{
		TLS: certs.SelfSigned(), HTTP3: zeug3.New(), NoAccessLog: true, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	require.NoError(t, err)
	s.Use("", tcp)
	go s.Serve()
	defer s.Close()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: insecure.Clone(), ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	announced := func() string {
		resp, err := client.Get("https://" + tcp.Addr().String())
		require.NoError(t, err, log.String())
		resp.Body.Close()
		return resp.Header.Get("Alt-Svc")
	}
	require.Empty(t, announced(), "nobody serves there yet")
	other.Close()
	transport := &http3.Transport{TLSClientConfig: insecure.Clone()}
	defer transport.Close()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, "GET", "https://"+tcp.Addr().String(), nil)
		resp, err := transport.RoundTrip(r)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	require.Contains(t, announced(), "h3=")
	require.Contains(t, log.String(), "HTTP/3 waits")
	require.Contains(t, log.String(), "HTTP/3 is served")
}

// lines is a log that several goroutines write.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
