package fastcgi_test

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/fastcgi"
)

// peer is the web server's end of a connection.
type peer struct {
	t    *testing.T
	conn net.Conn
}

func start(t *testing.T, settings fastcgi.Settings, h http.HandlerFunc) (*fastcgi.Server, func() *peer) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	settings.Logger = slog.New(slog.DiscardHandler)
	s := &fastcgi.Server{Handler: h, Settings: settings}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Shutdown(ctx)
		require.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return s, func() *peer {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
		t.Cleanup(func() { _ = c.Close() })
		return &peer{t, c}
	}
}

func (p *peer) send(kind byte, id uint16, content string) {
	p.t.Helper()
	head := []byte{1, kind, byte(id >> 8), byte(id), byte(len(content) >> 8), byte(len(content)), 3, 0}
	_, err := p.conn.Write(append(append(head, content...), 0, 0, 0))
	require.NoError(p.t, err)
}

func variables(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		for _, s := range pairs[i : i+2] {
			if len(s) < 128 {
				b.WriteByte(byte(len(s)))
			} else {
				_ = binary.Write(&b, binary.BigEndian, uint32(len(s))|1<<31)
			}
		}
		b.WriteString(pairs[i] + pairs[i+1])
	}
	return b.String()
}

// request sends everything but the body.
func (p *peer) request(id uint16, keep byte, pairs ...string) {
	p.send(1, id, "\x00\x01"+string([]byte{keep})+"\x00\x00\x00\x00\x00")
	p.send(4, id, variables(append([]string{"REQUEST_METHOD", "GET", "PATH_INFO", "/"}, pairs...)...))
	p.send(4, id, "")
}

// next reads a record.
func (p *peer) next() (kind byte, id uint16, content string, err error) {
	var head [8]byte
	if _, err := io.ReadFull(p.conn, head[:]); err != nil {
		return 0, 0, "", err
	}
	body := make([]byte, int(binary.BigEndian.Uint16(head[4:]))+int(head[6]))
	_, err = io.ReadFull(p.conn, body)
	return head[1], binary.BigEndian.Uint16(head[2:]), string(body[:binary.BigEndian.Uint16(head[4:])]), err
}

// answers reads until n requests have ended, and returns their answers.
func (p *peer) answers(n int) map[uint16]string {
	p.t.Helper()
	list := map[uint16]string{}
	for n > 0 {
		kind, id, content, err := p.next()
		require.NoError(p.t, err)
		switch kind {
		case 6:
			list[id] += content
		case 3:
			n--
		}
	}
	return list
}

func echo(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, r.URL.RawQuery+":")
	_, _ = io.Copy(w, r.Body)
}

func TestRequestsOneAfterTheOther(t *testing.T) {
	_, dial := start(t, fastcgi.Settings{}, echo)
	p := dial()
	for _, q := range []string{"a", "b", strings.Repeat("long", 100)} {
		p.request(1, 1, "QUERY_STRING", q, "CONTENT_LENGTH", "4")
		p.send(5, 1, "bo")
		p.send(5, 1, "dy")
		p.send(5, 1, "")
		require.True(t, strings.HasSuffix(p.answers(1)[1], "\r\n\r\n"+q+":body"))
	}
	p.request(1, 0, "QUERY_STRING", "last")
	p.send(5, 1, "")
	p.answers(1)
	_, _, _, err := p.next()
	require.ErrorIs(t, err, io.EOF, "who asked for one request is left when it is answered")
}

func TestRequestsInterleaved(t *testing.T) {
	_, dial := start(t, fastcgi.Settings{}, echo)
	p := dial()
	p.request(1, 1, "QUERY_STRING", "one", "CONTENT_LENGTH", "3")
	p.request(2, 1, "QUERY_STRING", "two", "CONTENT_LENGTH", "3")
	p.send(5, 2, "222")
	p.send(5, 1, "111")
	p.send(5, 2, "")
	p.send(5, 1, "")
	answers := p.answers(2)
	require.Contains(t, answers[1], "one:111")
	require.Contains(t, answers[2], "two:222")
}

func TestAbort(t *testing.T) {
	for name, body := range map[string]string{"without a body": "", "behind a body that nobody reads": strings.Repeat("x", 60_000)} {
		t.Run(name, func(t *testing.T) {
			began, ended := make(chan struct{}), make(chan struct{})
			_, dial := start(t, fastcgi.Settings{}, func(_ http.ResponseWriter, r *http.Request) {
				close(began)
				<-r.Context().Done()
				close(ended)
			})
			p := dial()
			p.request(1, 1, "CONTENT_LENGTH", "100000")
			if body != "" {
				p.send(5, 1, body)
			}
			<-began
			p.send(2, 1, "")
			<-ended
		})
	}
}

func TestAnAnswerThatIsCutLooksCut(t *testing.T) {
	_, dial := start(t, fastcgi.Settings{}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	p := dial()
	p.request(1, 1)
	for {
		kind, _, _, err := p.next()
		require.NotEqual(t, byte(3), kind, "no record says that it is complete")
		if err != nil {
			break
		}
	}
}

func TestManagement(t *testing.T) {
	_, dial := start(t, fastcgi.Settings{MaxConnections: 7}, echo)
	p := dial()
	p.send(9, 0, variables("FCGI_MAX_REQS", "", "FCGI_MPXS_CONNS", "", "UNHEARD_OF", ""))
	kind, _, content, err := p.next()
	require.NoError(t, err)
	require.Equal(t, byte(10), kind)
	require.Contains(t, content, "FCGI_MAX_REQS7")
	require.Contains(t, content, "FCGI_MPXS_CONNS1")
	p.send(77, 0, "")
	kind, _, content, err = p.next()
	require.NoError(t, err)
	require.Equal(t, byte(11), kind)
	require.Equal(t, byte(77), content[0])
	p.send(1, 9, "\x00\x03\x00\x00\x00\x00\x00\x00")
	kind, id, content, err := p.next()
	require.NoError(t, err)
	require.Equal(t, byte(3), kind)
	require.EqualValues(t, 9, id)
	require.Equal(t, byte(3), content[4], "a filter is a role we do not have")
}

func TestWhatIsNoFastCGIEnds(t *testing.T) {
	for name, send := range map[string]func(*peer){
		"HTTP":            func(p *peer) { _, _ = io.WriteString(p.conn, "GET / HTTP/1.1\r\n\r\n") },
		"a request twice": func(p *peer) { p.request(1, 1); p.send(1, 1, "\x00\x01\x01\x00\x00\x00\x00\x00") },
		"variables cut": func(p *peer) {
			p.send(1, 1, "\x00\x01\x01\x00\x00\x00\x00\x00")
			p.send(4, 1, "\x09\x09x")
			p.send(4, 1, "")
		},
		"too many variables": func(p *peer) {
			p.send(1, 1, "\x00\x01\x01\x00\x00\x00\x00\x00")
			p.send(4, 1, strings.Repeat("x", 2000))
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, dial := start(t, fastcgi.Settings{MaxHeader: 1000}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			p := dial()
			send(p)
			for {
				if _, _, _, err := p.next(); err != nil {
					break
				}
			}
		})
	}
}

// Records that are cut in unusual ways mean the same.
func TestOddRecords(t *testing.T) {
	const begin = "\x00\x01\x01\x00\x00\x00\x00\x00"
	params := variables("REQUEST_METHOD", "POST", "PATH_INFO", "/", "QUERY_STRING", strings.Repeat("q", 200), "CONTENT_LENGTH", "10")
	each := func(p *peer, kind byte, content string) {
		for i := range len(content) {
			p.send(kind, 1, content[i:i+1])
		}
	}
	padded := func(p *peer, kind byte, content string) {
		head := []byte{1, kind, 0, 1, byte(len(content) >> 8), byte(len(content)), 255, 77}
		_, err := p.conn.Write([]byte(string(head) + content + strings.Repeat("\xff", 255)))
		require.NoError(p.t, err)
	}
	for name, send := range map[string]func(*peer){
		"a byte a record": func(p *peer) {
			p.send(1, 1, begin)
			each(p, 4, params)
			p.send(4, 1, "")
			each(p, 5, "0123456789")
			p.send(5, 1, "")
		},
		"as much padding as there can be": func(p *peer) {
			for _, r := range []struct {
				kind    byte
				content string
			}{{1, begin}, {4, params}, {4, ""}, {5, "0123456789"}, {5, ""}} {
				padded(p, r.kind, r.content)
			}
		},
		"a body before the variables, and data for a filter": func(p *peer) {
			p.send(1, 1, begin)
			p.send(5, 1, "too early")
			p.send(8, 1, "data")
			p.send(4, 1, params)
			p.send(4, 1, "")
			p.send(8, 1, strings.Repeat("data", 10_000))
			p.send(5, 1, "0123456789")
			p.send(5, 1, "")
		},
		"records of unknown requests": func(p *peer) {
			p.send(4, 7, params)
			p.send(5, 7, "body")
			p.send(2, 7, "")
			p.send(1, 1, begin)
			p.send(4, 1, params)
			p.send(5, 65535, "body")
			p.send(4, 1, "")
			p.send(4, 1, "more variables")
			p.send(5, 1, "0123456789")
			p.send(5, 1, "")
			p.send(5, 1, "more body")
		},
		"a body longer than announced": func(p *peer) {
			p.send(1, 1, begin)
			p.send(4, 1, params)
			p.send(4, 1, "")
			p.send(5, 1, "0123456789"+strings.Repeat("more", 15_000))
			p.send(5, 1, strings.Repeat("more", 15_000))
			p.send(5, 1, "")
		},
		"a body without an end": func(p *peer) {
			p.send(1, 1, begin)
			p.send(4, 1, params)
			p.send(4, 1, "")
			p.send(5, 1, "0123456789")
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, dial := start(t, fastcgi.Settings{}, echo)
			p := dial()
			send(p)
			require.True(t, strings.HasSuffix(p.answers(1)[1], "\r\n\r\n"+strings.Repeat("q", 200)+":0123456789"))
			// and the connection goes on
			p.request(2, 1, "QUERY_STRING", "next")
			require.Contains(t, p.answers(1)[2], "next:")
		})
	}
}

func TestShutdown(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	s, dial := start(t, fastcgi.Settings{}, func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-release
		_, _ = io.WriteString(w, "whole")
	})
	idle := dial()
	busy := dial()
	busy.request(1, 1)
	<-began
	idle.send(9, 0, "")
	_, _, _, err := idle.next()
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	_, _, _, err = idle.next()
	require.Error(t, err, "who waits for nothing is let go")
	close(release)
	require.Contains(t, busy.answers(1)[1], "whole")
	require.NoError(t, <-done)
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte("\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01\x04\x00\x01\x00\x00\x00\x00"))
	begin := "\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00"
	method := "\x01\x04\x00\x01\x00\x13\x00\x00\x0e\x03REQUEST_METHODGET\x01\x04\x00\x01\x00\x00\x00\x00"
	f.Add([]byte(begin + method))
	f.Add([]byte(begin + method + "\x01\x05\x00\x01\x00\x04\x00\x00body\x01\x05\x00\x01\x00\x00\x00\x00"))
	f.Add([]byte(begin + method + "\x01\x02\x00\x01\x00\x00\x00\x00" + begin))
	f.Add([]byte(begin + "\x01\x04\x00\x01\x00\x08\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x01\x09\x00\x00\x00\x10\x00\x00\x0e\x00FCGI_MAX_CONNS"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f, err)
	s := &fastcgi.Server{Handler: http.HandlerFunc(echo), Settings: fastcgi.Settings{Logger: slog.New(slog.DiscardHandler), HeaderTimeout: time.Minute, StallTimeout: time.Minute}}
	go func() { _ = s.Serve(l) }()
	f.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	f.Fuzz(func(t *testing.T, bytes []byte) {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(2*time.Minute)))
		_, _ = c.Write(bytes)
		_ = c.(*net.TCPConn).CloseWrite()
		_, err = io.Copy(io.Discard, c)
		require.False(t, os.IsTimeout(err), "it ends")
		// and the server goes on
		other, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer other.Close()
		require.NoError(t, other.SetDeadline(time.Now().Add(2*time.Minute)))
		p := &peer{t, other}
		p.request(1, 0, "QUERY_STRING", "q")
		require.Contains(t, p.answers(1)[1], "q:")
	})
}
