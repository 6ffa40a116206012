package wrappers_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/wrappers"
)

// start serves h on a socket, with HTTP/2 if requested.
func start(t *testing.T, h http.Handler, http2 bool, configure ...func(*httptest.Server)) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	for _, f := range configure {
		f(s)
	}
	s.EnableHTTP2 = http2
	if http2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// protocols runs a test over HTTP/1.1 and HTTP/2.
func protocols(t *testing.T, h http.Handler, test func(t *testing.T, s *httptest.Server)) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			s := start(t, h, http2)
			test(t, s)
			res, err := s.Client().Head(s.URL)
			require.NoError(t, err)
			res.Body.Close()
			require.Equal(t, name, res.Proto)
		})
	}
}

// view serves the result of f, through a View.
func view(f func(req *wrappers.Request) *wrappers.Response) http.Handler {
	return wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) { return f(req), nil })
}

func TestBodiesOnTheWire(t *testing.T) {
	app := view(func(req *wrappers.Request) *wrappers.Response {
		if kind, ok := kinds[req.URL.Query().Get("kind")]; ok {
			return kind().MakeConditional()
		}
		return wrappers.Text("")
	})
	protocols(t, app, func(t *testing.T, s *httptest.Server) {
		for kind := range kinds {
			for _, c := range []struct {
				method, ranges string
				status         int
				body           string
			}{
				{"GET", "", 200, alphabet},
				{"HEAD", "", 200, ""},
				{"GET", "bytes=30-", 206, alphabet[30:]},
				{"GET", "bytes=99-", 416, ""},
			} {
				req, err := http.NewRequest(c.method, s.URL+"?kind="+kind, nil)
				require.NoError(t, err)
				if c.ranges != "" {
					req.Header.Set("Range", c.ranges)
				}
				res, err := s.Client().Do(req)
				require.NoError(t, err)
				body, err := io.ReadAll(res.Body)
				require.NoError(t, err)
				res.Body.Close()
				require.Equal(t, c.status, res.StatusCode)
				if c.status == 416 {
					require.Equal(t, "bytes */36", res.Header.Get("Content-Range"))
					continue
				}
				require.Equal(t, c.body, string(body))
				require.EqualValues(t, len(alphabet[len(alphabet)-max(len(c.body), 36*boolInt(c.method == "HEAD")):]), res.ContentLength)
			}
		}
	})
}

// readerFroms counts the copies by the server's own ReadFrom, which leads to
// sendfile, and the kinds of their sources.
type readerFroms struct {
	http.ResponseWriter
	files *int
}

func (w readerFroms) ReadFrom(r io.Reader) (int64, error) {
	inner := r
	if limited, ok := r.(*io.LimitedReader); ok {
		inner = limited.R
	}
	if _, ok := inner.(*os.File); ok {
		*w.files++
	}
	return w.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
}

func TestFilesReachTheServerUnwrapped(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	content := bytes.Repeat([]byte(alphabet), 10000)
	require.NoError(t, os.WriteFile(name, content, 0o600))
	files := 0
	app := view(func(*wrappers.Request) *wrappers.Response {
		f, err := os.Open(name)
		require.NoError(t, err)
		return wrappers.Reader("text/plain", f).MakeConditional()
	})
	s := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		app.ServeHTTP(readerFroms{w, &files}, r)
	}), false)
	for header, want := range map[string][]byte{"": content, "bytes=36-359999": content[36:], "bytes=-36": content[:36]} {
		req, _ := http.NewRequest("GET", s.URL, nil)
		req.Header.Set("Range", header)
		res, err := s.Client().Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		res.Body.Close()
		require.True(t, bytes.Equal(want, body))
	}
	require.Equal(t, 3, files)
}

func TestAStreamIsFlushed(t *testing.T) {
	next := make(chan string)
	app := view(func(req *wrappers.Request) *wrappers.Response {
		return wrappers.Stream("text/plain", func(w *wrappers.StreamWriter) error {
			require.NoError(t, w.Controller().SetWriteDeadline(time.Now().Add(time.Minute)))
			for s := range next {
				if _, err := w.WriteString(s); err != nil {
					return err
				}
				if err := w.Flush(); err != nil {
					return err
				}
			}
			return nil
		})
	})
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			next = make(chan string)
			s := start(t, app, http2)
			go func() { next <- "one\n" }()
			res, err := s.Client().Get(s.URL)
			require.NoError(t, err)
			defer res.Body.Close()
			lines := bufio.NewReader(res.Body)
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "one\n", line)
			next <- "two\n"
			line, err = lines.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "two\n", line)
			close(next)
			_, err = lines.ReadString('\n')
			require.Equal(t, io.EOF, err)
		})
	}
}

func TestAClientThatGoesEndsTheStream(t *testing.T) {
	ended := make(chan error, 1)
	closed := make(chan struct{}, 1)
	app := view(func(req *wrappers.Request) *wrappers.Response {
		if req.Method == "HEAD" {
			return wrappers.Text("")
		}
		resp := wrappers.Stream("text/plain", func(w *wrappers.StreamWriter) (err error) {
			defer func() { ended <- err }()
			for {
				if _, err := w.WriteString(strings.Repeat("x", 1<<16)); err != nil {
					return err
				}
			}
		})
		resp.OnClose(func() error { closed <- struct{}{}; return nil })
		return resp
	})
	protocols(t, app, func(t *testing.T, s *httptest.Server) {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
		require.NoError(t, err)
		res, err := s.Client().Do(req)
		require.NoError(t, err)
		_, err = io.ReadFull(res.Body, make([]byte, 10))
		require.NoError(t, err)
		cancel()
		res.Body.Close()
		require.Error(t, <-ended)
		<-closed
	})
}

func TestABodyCutShortIsNotTakenForTheWhole(t *testing.T) {
	app := view(func(req *wrappers.Request) *wrappers.Response {
		if req.Method == "HEAD" {
			return wrappers.Text("")
		}
		return wrappers.Stream("text/plain", func(w *wrappers.StreamWriter) error {
			w.WriteString("some")
			w.Flush()
			return errors.New("disk gone")
		})
	})
	protocols(t, app, func(t *testing.T, s *httptest.Server) {
		res, err := s.Client().Get(s.URL)
		require.NoError(t, err)
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
		require.Error(t, err)
	})
}

func TestAViewTakesOverTheConnection(t *testing.T) {
	app := view(func(*wrappers.Request) *wrappers.Response {
		return wrappers.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			require.NoError(t, err)
			defer conn.Close()
			rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
			line, _ := rw.ReadString('\n')
			rw.WriteString(line)
			rw.Flush()
		}))
	})
	conn, err := net.Dial("tcp", start(t, app, false).Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello\n")
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(answer), "101 Switching")
	require.Contains(t, string(answer), "\r\n\r\nhello\n")
}

func TestAFrozenResponseIsTheSameOverEveryProtocol(t *testing.T) {
	resp := wrappers.Text(alphabet).MakeConditional()
	require.NoError(t, resp.Buffer())
	protocols(t, resp, func(t *testing.T, s *httptest.Server) {
		res, err := s.Client().Get(s.URL)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, alphabet, string(body))
		require.Equal(t, resp.Header().Get("ETag"), res.Header.Get("ETag"))
	})
}

func TestABodyThatGrewAfterItWasFrozen(t *testing.T) {
	protocols(t, view(func(*wrappers.Request) *wrappers.Response {
		resp := wrappers.Text(alphabet)
		require.NoError(t, resp.Buffer())
		io.WriteString(resp, "+")
		return resp
	}), func(t *testing.T, s *httptest.Server) {
		res, err := s.Client().Get(s.URL)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, alphabet+"+", string(body))
		require.EqualValues(t, 37, res.ContentLength)
	})
}
