package serving_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/serving"
)

func shutdown(t *testing.T, s *serving.Server, limit time.Duration) <-chan error {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(ctx) }()
	return stopped
}

func TestDrainFinishesWhatRuns(t *testing.T) {
	t.Parallel()
	running, finish := make(chan bool), make(chan bool)
	s, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		running <- true
		<-finish
		io.WriteString(w, "whole")
	}, serving.Options{})
	_, r := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-running
	stopped := shutdown(t, s, time.Minute)
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	}, time.Minute, time.Millisecond, "no connection is accepted any more")
	close(finish)
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "whole", string(b))
	require.NoError(t, <-stopped)
}

func TestDrainCutsAtTheDeadline(t *testing.T) {
	t.Parallel()
	running := make(chan bool)
	s, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		running <- true
		<-r.Context().Done()
	}, serving.Options{})
	dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-running
	err := <-shutdown(t, s, 50*time.Millisecond)
	require.ErrorIs(t, err, serving.ErrCut)
	require.Equal(t, 75, serving.ExitCode(err))
}

func TestDrainEndsEventStreamsProperly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header string
		done   func(r *http.Request) <-chan struct{}
	}{
		"by the context": {"Accept: text/event-stream\r\n", func(r *http.Request) <-chan struct{} { return r.Context().Done() }},
		"by Draining":    {"", func(r *http.Request) <-chan struct{} { return serving.Draining(r.Context()) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			running := make(chan bool)
			s, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "data: 1\n\n")
				http.NewResponseController(w).Flush()
				running <- true
				<-c.done(r)
			}, serving.Options{})
			_, r := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n"+c.header+"\r\n")
			<-running
			require.NoError(t, <-shutdown(t, s, time.Minute))
			resp, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			b, err := io.ReadAll(resp.Body)
			require.NoError(t, err, "the last chunk was sent")
			require.Equal(t, "data: 1\n\n", string(b))
		})
	}
}

// socket answers the handshake of a websocket and passes the connection on.
func socket(t *testing.T, took chan<- net.Conn, done <-chan bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		rw.Flush()
		took <- c
		<-done
		c.Close()
	}
}

const handshake = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

func upgrade(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	c, r := dial(t, addr, handshake)
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, 101, resp.StatusCode)
	return c, r
}

func TestDrainClosesWebsockets(t *testing.T) {
	t.Parallel()
	took, done := make(chan net.Conn, 1), make(chan bool)
	s, addr := start(t, socket(t, took, done), serving.Options{})
	_, r := upgrade(t, addr)
	c := <-took

	// When the server stops, half a frame with 300 bytes of text has been sent.
	head := append([]byte{0x81, 126, 1, 44}, make([]byte, 100)...)
	_, err := c.Write(head)
	require.NoError(t, err)
	stopped := shutdown(t, s, time.Minute)
	require.Eventually(t, func() bool {
		probe, err := net.Dial("tcp", addr)
		if err == nil {
			probe.Close()
		}
		return err != nil
	}, time.Minute, time.Millisecond)
	_, err = c.Write(make([]byte, 200))
	require.NoError(t, err)

	frame := make([]byte, 304)
	_, err = io.ReadFull(r, frame)
	require.NoError(t, err)
	require.Equal(t, head, frame[:104], "the frame of the application is whole")
	require.Equal(t, make([]byte, 200), frame[104:])
	goodbye := make([]byte, 4)
	_, err = io.ReadFull(r, goodbye)
	require.NoError(t, err)
	require.Equal(t, []byte{0x88, 2, 0x03, 0xe9}, goodbye, "1001, going away")
	close(done)
	require.NoError(t, <-stopped)
}

func TestDrainCutsWebsocketsAtTheDeadline(t *testing.T) {
	t.Parallel()
	took, done := make(chan net.Conn, 1), make(chan bool)
	s, addr := start(t, socket(t, took, done), serving.Options{})
	_, r := upgrade(t, addr)
	<-took
	require.ErrorIs(t, <-shutdown(t, s, 50*time.Millisecond), serving.ErrCut)
	b, _ := io.ReadAll(r)
	require.Equal(t, []byte{0x88, 2, 0x03, 0xe9}, b)
	close(done)
}

// Clients that send requests one after the other, and never repeat any, lose
// none when the server stops.
func TestDrainUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	var served atomic.Int64
	s, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		io.WriteString(w, "ok")
	}, serving.Options{})
	var answered atomic.Int64
	ended := make(chan error)
	const clients = 32
	for range clients {
		go func() { ended <- askUntilRefused(addr, &answered) }()
	}
	require.Eventually(t, func() bool { return answered.Load() > 1000 }, time.Minute, time.Millisecond)
	require.NoError(t, <-shutdown(t, s, time.Minute))
	for range clients {
		require.NoError(t, <-ended)
	}
	require.Equal(t, served.Load(), answered.Load())
}

// askUntilRefused sends requests until connections are refused. An error means that a request was
// sent and not answered.
func askUntilRefused(addr string, answered *atomic.Int64) error {
	for {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return nil
		}
		r := bufio.NewReader(c)
		for kept := true; kept; {
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
				return fmt.Errorf("ask: %w", err)
			}
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				return fmt.Errorf("answer: %w", err)
			}
			io.Copy(io.Discard, resp.Body)
			answered.Add(1)
			kept = !resp.Close
		}
		c.Close()
	}
}

// stuckListener accepts one connection at a time, as netutil.LimitListener(1) does.
type stuckListener struct {
	net.Listener
	room   chan struct{}
	closed chan struct{} // if nil, Close does not wake Accept
	once   sync.Once
}

func (l *stuckListener) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
	}
	return c, err
}

func (l *stuckListener) Close() error {
	if l.closed != nil {
		l.once.Do(func() { close(l.closed) })
	}
	return l.Listener.Close()
}

func TestAListenerThatWaitsDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, closed chan struct{}, app http.HandlerFunc) (*serving.Server, string) {
		s, err := serving.New(app, serving.Options{Logger: silent, WrapListener: func(l net.Listener) net.Listener {
			return &stuckListener{Listener: l, room: make(chan struct{}, 1), closed: closed}
		}})
		require.NoError(t, err)
		require.NoError(t, s.Listen("127.0.0.1:0"))
		go s.Serve()
		t.Cleanup(func() { s.Close() })
		return s, s.Addrs()[0].String()
	}
	idle := func(t *testing.T, addr string) *bufio.Reader {
		_, r := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		io.Copy(io.Discard, resp.Body)
		return r
	}
	t.Run("if Close wakes it, nothing is cut", func(t *testing.T) {
		t.Parallel()
		s, addr := start(t, make(chan struct{}), hello)
		idle(t, addr)
		require.NoError(t, <-shutdown(t, s, time.Minute))
	})
	t.Run("if nothing wakes it, until the context ends", func(t *testing.T) {
		t.Parallel()
		s, addr := start(t, nil, hello)
		r := idle(t, addr)
		began := time.Now()
		err := <-shutdown(t, s, 200*time.Millisecond)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, serving.ErrCut)
		require.Less(t, time.Since(began), 5*time.Second)
		_, err = r.ReadByte()
		require.Error(t, err, "its connection is closed all the same")
	})
	t.Run("and Close does not wait for it", func(t *testing.T) {
		s, addr := start(t, nil, hello)
		r := idle(t, addr)
		require.NoError(t, s.Close())
		_, err := r.ReadByte()
		require.Error(t, err)
	})
}

func TestAContextThatHasEndedCutsNothingWhereNothingRuns(t *testing.T) {
	for range 20 {
		s, addr := start(t, hello, serving.Options{})
		_, r := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		_, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, s.Shutdown(ctx))
	}
}

func TestAStopMayComeWhileServeBegins(t *testing.T) {
	for range 50 {
		s, err := serving.New(http.NotFoundHandler(), serving.Options{})
		require.NoError(t, err)
		require.NoError(t, s.Listen("127.0.0.1:0"))
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		require.NoError(t, s.Shutdown(t.Context()))
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	}
}
