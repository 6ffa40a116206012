//go:build unix

package gateway_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/cgi"
	"github.com/zeugkit/zeug/gateway/fastcgi"
	"github.com/zeugkit/zeug/gateway/scgi"
	"github.com/zeugkit/zeug/gateway/uwsgi"
)

// protocol is a protocol that a web server speaks on a connection: how a request is written, and
// which server answers it.
type protocol struct {
	serve func(http.Handler) server
	// head is a request up to its body, body is a piece of the body, and end is what follows the last
	// piece.
	head func(vars [][2]string) string
	body func(piece string) string
	end  string
	// ahead is how much of a body is read before the handler reads it.
	ahead int
}

func protocols() map[string]protocol {
	quiet := slog.New(slog.DiscardHandler)
	asIs := func(piece string) string { return piece }
	record := func(kind byte, content string) string {
		return string([]byte{1, kind, 0, 1, byte(len(content) >> 8), byte(len(content)), 0, 0}) + content
	}
	return map[string]protocol{
		"SCGI": {
			serve: func(h http.Handler) server { return &scgi.Server{Handler: h, Settings: scgi.Settings{Logger: quiet}} },
			head: func(vars [][2]string) string {
				var b strings.Builder
				for _, v := range vars {
					b.WriteString(v[0] + "\x00" + v[1] + "\x00")
				}
				return fmt.Sprintf("%d:%s,", b.Len(), b.String())
			},
			body: asIs,
		},
		"uwsgi": {
			serve: func(h http.Handler) server { return &uwsgi.Server{Handler: h, Settings: uwsgi.Settings{Logger: quiet}} },
			head: func(vars [][2]string) string {
				var b []byte
				for _, v := range vars {
					for _, text := range v {
						b = append(binary.LittleEndian.AppendUint16(b, uint16(len(text))), text...)
					}
				}
				return string([]byte{0, byte(len(b)), byte(len(b) >> 8), 0}) + string(b)
			},
			body: asIs,
		},
		"FastCGI": {
			serve: func(h http.Handler) server {
				return &fastcgi.Server{Handler: h, Settings: fastcgi.Settings{Logger: quiet}}
			},
			head: func(vars [][2]string) string {
				var b []byte
				for _, v := range vars {
					for _, text := range v {
						b = binary.BigEndian.AppendUint32(b, uint32(len(text))|1<<31)
					}
					b = append(append(b, v[0]...), v[1]...)
				}
				return record(1, "\x00\x01\x01\x00\x00\x00\x00\x00") + record(4, string(b)) + record(4, "")
			},
			body: func(piece string) string {
				var b strings.Builder
				for ; piece != ""; piece = piece[min(len(piece), 60000):] {
					b.WriteString(record(5, piece[:min(len(piece), 60000)]))
				}
				return b.String()
			},
			end:   record(5, ""),
			ahead: 64 << 10,
		},
	}
}

// asked is a request with a body of size bytes, in SCGI's order.
func asked(size int, more ...[2]string) [][2]string {
	return append([][2]string{
		{"CONTENT_LENGTH", strconv.Itoa(size)}, {"SCGI", "1"}, {"REQUEST_METHOD", "POST"}, {"SERVER_PROTOCOL", "HTTP/1.1"},
		{"REQUEST_URI", "/x"}, {"PATH_INFO", "/x"}, {"SCRIPT_NAME", ""}, {"QUERY_STRING", ""},
	}, more...)
}

// listening serves h and returns a dialler.
func (p protocol) listening(t testing.TB, network string, h http.HandlerFunc) func(testing.TB) net.Conn {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		dir, err := os.MkdirTemp("", "zg")
		require.NoError(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		address = filepath.Join(dir, "s")
	}
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	s := p.serve(h)
	ended := startServing(s, l)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		require.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return func(t testing.TB) net.Conn {
		t.Helper()
		c, err := net.Dial(network, l.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

// Whatever part of a body has arrived and was not read, the handler's context ends when the peer
// closes its connection.
func TestAPeerThatLeavesEndsTheContext(t *testing.T) {
	for name, p := range protocols() {
		for _, network := range []string{"tcp", "unix"} {
			for _, c := range []struct {
				name            string
				size, sent, eat int
			}{
				{"no body", 0, 0, 0},
				{"a body that is read", 100, 100, 100},
				{"a small body that nobody reads", 100, 100, 0},
				{"a large body that nobody reads", 5_000_000, 5_000_000, 0},
				{"a large body of which some is read", 5_000_000, 5_000_000, 300_000},
				{"a body of which half has come", 200_000, 100_000, 0},
				{"a body that is waited for", 200_000, 100_000, 200_000},
			} {
				if c.sent > 0 && c.eat == 0 && runtime.GOOS != "linux" {
					continue // this system cannot report it
				}
				t.Run(name+" over "+network+": "+c.name, func(t *testing.T) {
					began, ended := make(chan struct{}), make(chan struct{})
					conn := p.listening(t, network, func(_ http.ResponseWriter, r *http.Request) {
						close(began)
						_, _ = io.CopyN(io.Discard, r.Body, int64(c.eat))
						<-r.Context().Done()
						close(ended)
					})(t)
					_, err := io.WriteString(conn, p.head(asked(c.size)))
					require.NoError(t, err)
					<-began
					sent := c.sent
					if network == "tcp" {
						// The end of a connection arrives after the bytes that were sent before it,
						// and cannot arrive while the system's buffer is full.
						sent = min(sent, c.eat+16_000+p.ahead)
					}
					// Bytes that the buffers of both sides cannot hold are not sent.
					require.NoError(t, conn.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
					_, _ = io.WriteString(conn, p.body(strings.Repeat("x", sent)))
					select {
					case <-ended:
						require.Fail(t, "the handler was told though the peer is there")
					default:
					}
					require.NoError(t, conn.Close())
					select {
					case <-ended:
					case <-time.After(10 * time.Second):
						require.Fail(t, "the handler was not told")
					}
				})
			}
		}
	}
}

// The watch for a peer that leaves consumes none of the bytes that are read afterwards.
func TestABodyThatIsReadLateArrivesWhole(t *testing.T) {
	const size = 3_000_000
	text := strings.Repeat("0123456789abcdef", size/16)
	for name, p := range protocols() {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(name+" over "+network, func(t *testing.T) {
				t.Parallel()
				got := make(chan string, 1)
				conn := p.listening(t, network, func(_ http.ResponseWriter, r *http.Request) {
					var b strings.Builder
					// Wait for several times as long as it takes until a connection is watched.
					for _, some := range []int64{0, 1, 100_000, size} {
						select {
						case <-r.Context().Done():
						case <-time.After(50 * time.Millisecond):
						}
						_, _ = io.CopyN(&b, r.Body, some)
					}
					got <- b.String()
				})(t)
				go func() { _, _ = io.WriteString(conn, p.head(asked(size))+p.body(text)+p.end) }()
				require.Equal(t, text, <-got)
			})
		}
	}
}

func TestAWebServerThatClosesTheOutputEndsTheContext(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system does not tell")
	}
	for name, body := range map[string]io.Reader{"no body": strings.NewReader(""), "a body that nobody reads": strings.NewReader("body")} {
		t.Run(name, func(t *testing.T) {
			from, out, err := os.Pipe()
			require.NoError(t, err)
			defer out.Close()
			ended := make(chan struct{})
			s := cgi.Server{
				Out: out, In: body, Logger: slog.New(slog.DiscardHandler),
				Env: []string{"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=POST", "CONTENT_LENGTH=4", "SERVER_PROTOCOL=HTTP/1.1"},
				Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					require.NoError(t, from.Close())
					<-r.Context().Done()
					close(ended)
				}),
			}
			require.Error(t, s.Serve(), "there is nobody to read the answer")
			<-ended
		})
	}
}

// A proxy answers before it has read its input, and its reading goroutine outlives the handler.
func TestAGoroutineThatStillReadsHoldsNoAnswerBack(t *testing.T) {
	for name, p := range protocols() {
		t.Run(name, func(t *testing.T) {
			left := make(chan error, 1)
			conn := p.listening(t, "tcp", func(w http.ResponseWriter, r *http.Request) {
				reads := make(chan struct{})
				go func() {
					close(reads)
					_, err := io.Copy(io.Discard, r.Body)
					left <- err
				}()
				<-reads
				_, _ = io.WriteString(w, "too early")
			})(t)
			_, err := io.WriteString(conn, p.head(asked(1000))+p.body("some"))
			require.NoError(t, err)
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
			var got strings.Builder
			for !strings.Contains(got.String(), "too early") {
				_, err := io.CopyN(&got, conn, 1)
				require.NoError(t, err, got.String())
			}
			require.Error(t, <-left, "the body is not whole")
		})
	}
}
