package middleware_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware"
)

func ask(h http.Handler, method, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func body(text string, chunked bool) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(text))
		r.ContentLength = int64(len(text))
		if chunked {
			r.ContentLength = -1
		}
	}
}

func TestBodyLimit(t *testing.T) {
	reads := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = w.Write(text)
	})
	for _, c := range []struct {
		name    string
		limit   middleware.BodyLimit
		text    string
		chunked bool
		status  int
	}{
		{"as long as the limit", middleware.BodyLimit{Bytes: 4}, "four", false, 200},
		{"as long as the limit, chunked", middleware.BodyLimit{Bytes: 4}, "four", true, 200},
		{"longer is refused before it is read", middleware.BodyLimit{Bytes: 4}, "fives", false, 413},
		{"longer and chunked cannot be read", middleware.BodyLimit{Bytes: 4}, "fives", true, 418},
		{"a request's own limit", middleware.BodyLimit{Bytes: 1, BytesFunc: func(*http.Request) int64 { return 9 }}, "fives", false, 200},
		{"a request without limit", middleware.BodyLimit{Bytes: 1, BytesFunc: func(*http.Request) int64 { return -1 }}, "fives", true, 200},
		{"the default is generous", middleware.BodyLimit{}, strings.Repeat("x", 1<<20), false, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(c.limit.Wrap(reads), "POST", "/", body(c.text, c.chunked))
			require.Equal(t, c.status, w.Code)
			if c.status == 200 {
				require.Equal(t, c.text, w.Body.String())
			}
		})
	}
}

// The rest of a body that is too long must not be read as the next request, even if the server's
// writer is wrapped.
func TestBodyLimitClosesTheConnection(t *testing.T) {
	server := httptest.NewServer(middleware.Chain(
		middleware.AccessLog{Combined: io.Discard}.Wrap, middleware.Timeout{}.Wrap, middleware.BodyLimit{Bytes: 4}.Wrap,
	)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprint(w, err)
	})))
	defer server.Close()
	for name, send := range map[string]string{
		"announced":     "Content-Length: 900000\r\n\r\nfives",
		"not announced": "Transfer-Encoding: chunked\r\n\r\n5\r\nfives\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, server)
			_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\n"+send)
			require.NoError(t, err)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			defer resp.Body.Close()
			require.True(t, resp.Close)
			_, err = io.ReadAll(resp.Body)
			require.NoError(t, err)
		})
	}
}

func dial(t *testing.T, server *httptest.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// A body that stops coming blocks neither the response nor the connection.
func TestTimeoutAnswersThoughTheBodyStalls(t *testing.T) {
	for name, read := range map[string]func(*http.Request) error{
		"while the handler reads": func(r *http.Request) error {
			_, err := io.ReadAll(r.Body)
			return err
		},
		"and the handler has read a part": func(r *http.Request) error {
			_, err := io.ReadFull(r.Body, make([]byte, 2))
			if err == nil {
				<-r.Context().Done()
				_, err = io.ReadAll(r.Body)
			}
			return err
		},
		"and the handler has read nothing": func(r *http.Request) error {
			<-r.Context().Done()
			_, err := io.ReadAll(r.Body)
			return err
		},
	} {
		for _, framing := range []string{"Content-Length: 100\r\n\r\npart", "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"} {
			t.Run(name, func(t *testing.T) {
				ended := make(chan error, 1)
				server := httptest.NewServer(middleware.Chain(
					middleware.AccessLog{Combined: io.Discard}.Wrap, patientBodies, middleware.Timeout{Limit: 50 * time.Millisecond}.Wrap,
				)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ended <- read(r) })))
				defer server.Close()
				conn := dial(t, server)
				_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\n"+framing)
				require.NoError(t, err)
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				require.NoError(t, err)
				defer resp.Body.Close()
				require.Equal(t, 503, resp.StatusCode)
				require.True(t, resp.Close)
				_, err = io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.Error(t, <-ended)
			})
		}
	}
}

// patientBodies allows a minute for each read of a body, like a server that
// limits stalls.
func patientBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		copied := *r
		copied.Body = readerFunc{r.Body, func(p []byte) (int, error) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute))
			return r.Body.Read(p)
		}}
		next.ServeHTTP(w, &copied)
	})
}

type readerFunc struct {
	io.Closer
	read func([]byte) (int, error)
}

func (f readerFunc) Read(p []byte) (int, error) { return f.read(p) }

func TestTimeoutKeepsTheConnectionOfARequestWithoutABody(t *testing.T) {
	server := httptest.NewServer(middleware.Timeout{Limit: 20 * time.Millisecond}.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})))
	defer server.Close()
	conn := dial(t, server)
	in := bufio.NewReader(conn)
	for _, request := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
		_, err := io.WriteString(conn, request)
		require.NoError(t, err)
		resp, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, 503, resp.StatusCode)
		require.False(t, resp.Close)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
	}
}

func TestContextOfATimeout(t *testing.T) {
	type key struct{}
	const limit = 30 * time.Millisecond
	began := func(w http.ResponseWriter) { w.WriteHeader(200) }
	t.Run("ends with DeadlineExceeded, as its children do", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			errs := make(chan []error, 1)
			start := time.Now()
			w := ask(middleware.Timeout{Limit: limit}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx := context.WithValue(r.Context(), key{}, 1)
				cancelled, cancel := context.WithCancel(ctx)
				defer cancel()
				timed, cancel := context.WithTimeout(ctx, time.Hour)
				defer cancel()
				deadline, ok := timed.Deadline()
				if !ok || !deadline.Equal(start.Add(limit)) {
					panic("deadline " + deadline.String())
				}
				<-cancelled.Done()
				<-timed.Done()
				errs <- []error{r.Context().Err(), ctx.Err(), cancelled.Err(), timed.Err(), context.Cause(ctx), context.Cause(cancelled)}
			})), "GET", "/")
			require.Equal(t, 503, w.Code)
			for _, err := range <-errs {
				require.Equal(t, context.DeadlineExceeded, err)
			}
		})
	})
	t.Run("has no deadline once the response has begun", func(t *testing.T) {
		ask(middleware.Timeout{Limit: limit}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began(w)
			if _, set := r.Context().Deadline(); set {
				panic("a deadline that no longer counts")
			}
		})), "GET", "/")
	})
	t.Run("keeps it where the whole is limited", func(t *testing.T) {
		ask(middleware.Timeout{Limit: limit, Whole: true}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began(w)
			if _, set := r.Context().Deadline(); !set {
				panic("no deadline")
			}
		})), "GET", "/")
	})
	t.Run("has the cause and the deadline of the context outside", func(t *testing.T) {
		gone := errors.New("the client has gone")
		outer, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, 7))
		sooner, stop := context.WithTimeout(outer, time.Minute)
		defer stop()
		ask(middleware.Timeout{Limit: time.Hour}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, stop := context.WithCancel(r.Context())
			defer stop()
			want, _ := sooner.Deadline()
			if deadline, _ := ctx.Deadline(); !deadline.Equal(want) {
				panic("another deadline")
			}
			cancel(gone)
			<-ctx.Done()
			if ctx.Err() != context.Canceled || context.Cause(ctx) != gone || context.Cause(r.Context()) != gone || ctx.Value(key{}) != 7 {
				panic(fmt.Sprint(ctx.Err(), context.Cause(ctx), context.Cause(r.Context())))
			}
		})), "GET", "/", func(r *http.Request) { *r = *r.WithContext(sooner) })
	})
}

func TestNegativeLimitsAreNone(t *testing.T) {
	for name, wrap := range map[string]middleware.Middleware{
		"BodyLimit":        middleware.BodyLimit{Bytes: -1}.Wrap,
		"ConcurrencyLimit": middleware.ConcurrencyLimit{Requests: -1, Waiting: -1, Wait: -1, RetryAfter: -1}.Wrap,
		"Timeout":          middleware.Timeout{Limit: -1, RetryAfter: -1}.Wrap,
		"HTTPProxy":        middleware.HTTPProxy{Timeout: -1}.Wrap,
		"the largest ones": middleware.Chain(middleware.BodyLimit{Bytes: math.MaxInt64}.Wrap,
			middleware.ConcurrencyLimit{Requests: math.MaxInt, Waiting: math.MaxInt, Wait: math.MaxInt64, RetryAfter: math.MaxInt64}.Wrap,
			middleware.Timeout{Limit: math.MaxInt64, RetryAfter: math.MaxInt64}.Wrap, middleware.HTTPProxy{Timeout: math.MaxInt64}.Wrap),
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })), "POST", "/", body(strings.Repeat("x", 17<<10), true))
			require.Equal(t, 200, w.Code)
			require.Equal(t, 17<<10, w.Body.Len())
		})
	}
}

// A slot belongs to the handler, even after a Timeout has answered instead.
func TestConcurrencyLimitCountsHandlersThatAreLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		release := make(chan struct{})
		h := middleware.Chain(
			middleware.ConcurrencyLimit{Requests: 3}.Wrap, middleware.ConcurrencyLimit{Requests: 2}.Wrap, middleware.Timeout{Limit: time.Second}.Wrap,
		)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			most.Store(max(most.Load(), running.Add(1)))
			<-release
			running.Add(-1)
		}))
		for range 20 {
			require.Equal(t, 503, ask(h, "GET", "/").Code)
		}
		require.EqualValues(t, 2, most.Load())
		close(release)
		synctest.Wait()
		for range 3 {
			require.Equal(t, 200, ask(h, "GET", "/").Code)
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestTimeout(t *testing.T) {
	short := middleware.Timeout{Limit: 30 * time.Millisecond, RetryAfter: 1500 * time.Millisecond}
	patient := middleware.Timeout{Limit: time.Minute}
	t.Run("a handler in time answers as without", func(t *testing.T) {
		w := ask(patient.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-A", "1")
			w.WriteHeader(201)
			_, _ = io.WriteString(w, "made")
		})), "GET", "/")
		require.Equal(t, 201, w.Code)
		require.Equal(t, "made", w.Body.String())
		require.Equal(t, "1", w.Header().Get("X-A"))
	})
	t.Run("one that writes nothing keeps its header", func(t *testing.T) {
		w := ask(patient.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-A", "1") })), "GET", "/")
		require.Equal(t, 200, w.Code)
		require.Equal(t, "1", w.Header().Get("X-A"))
	})
	t.Run("one that is late gets 503, and is told", func(t *testing.T) {
		stopped := make(chan error, 1)
		write := make(chan struct{})
		wrote := make(chan error, 1)
		w := ask(short.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			stopped <- r.Context().Err()
			w.Header().Set("X-Late", "1")
			<-write
			_, err := io.WriteString(w, "late")
			wrote <- err
		})), "GET", "/")
		require.Equal(t, 503, w.Code)
		require.Equal(t, "2", w.Header().Get("Retry-After"))
		require.NotContains(t, w.Body.String(), "late\n")
		require.ErrorIs(t, <-stopped, context.DeadlineExceeded)
		close(write)
		require.ErrorIs(t, <-wrote, http.ErrHandlerTimeout)
		require.Empty(t, w.Header().Get("X-Late"))
	})
	t.Run("a panic of one that is late is logged", func(t *testing.T) {
		before := slog.Default()
		defer slog.SetDefault(before)
		said := make(chan string, 1)
		slog.SetDefault(slog.New(slog.NewTextHandler(writerFunc(func(line []byte) (int, error) {
			if strings.Contains(string(line), "panic after the time was over") {
				said <- string(line)
			}
			return len(line), nil
		}), nil)))
		answered := make(chan struct{})
		w := ask(short.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			<-answered
			panic("too late")
		})), "GET", "/slow")
		require.Equal(t, 503, w.Code)
		close(answered)
		line := <-said
		require.Contains(t, line, "uri=/slow")
		require.Contains(t, line, `panic="too late"`)
		require.Contains(t, line, "limits_test.go")
	})
	t.Run("an answer that began in time goes on", func(t *testing.T) {
		server := httptest.NewServer(middleware.Timeout{Limit: 300 * time.Millisecond}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "first ")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(400 * time.Millisecond): // longer than the limit
			case <-r.Context().Done():
				_, _ = io.WriteString(w, "cancelled ")
			}
			_, _ = io.WriteString(w, "second")
		})))
		defer server.Close()
		resp, err := http.Get(server.URL)
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, "first second", string(text))
	})
	t.Run("Whole ends the context of an answer that began", func(t *testing.T) {
		whole := middleware.Timeout{Limit: 20 * time.Millisecond, Whole: true}
		w := ask(whole.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "first")
			<-r.Context().Done()
		})), "GET", "/")
		require.Equal(t, "first", w.Body.String())
	})
	t.Run("a panic reaches the server with its stack", func(t *testing.T) {
		require.PanicsWithError(t, "boom", func() {
			defer func() {
				err, ok := recover().(error)
				require.True(t, ok)
				require.Contains(t, err.Error(), "limits_test.go")
				panic(errors.Unwrap(err))
			}()
			ask(patient.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(errors.New("boom")) })), "GET", "/")
		})
		require.PanicsWithValue(t, http.ErrAbortHandler, func() {
			ask(patient.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })), "GET", "/")
		})
	})
	t.Run("files go out whole", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "f.txt")
		require.NoError(t, os.WriteFile(name, []byte(strings.Repeat("x", 100_000)), 0o600))
		w := ask(patient.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })), "GET", "/f.txt")
		require.Equal(t, 100_000, w.Body.Len())
	})
}

func TestConcurrencyLimit(t *testing.T) {
	t.Run("one is served, one waits, the third is refused", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			h := middleware.ConcurrencyLimit{Requests: 1, Waiting: 1, Wait: time.Minute, RetryAfter: 2 * time.Second}.Wrap(
				http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
			codes := make(chan int, 2)
			for range 2 {
				go func() { codes <- ask(h, "GET", "/").Code }()
				synctest.Wait()
			}
			w := ask(h, "GET", "/")
			require.Equal(t, 503, w.Code)
			require.Equal(t, "2", w.Header().Get("Retry-After"))
			close(release)
			require.Equal(t, 200, <-codes)
			require.Equal(t, 200, <-codes)
			require.Equal(t, 200, ask(h, "GET", "/").Code, "turns are given back")
		})
	})
	t.Run("a client that leaves gives its place up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			h := middleware.ConcurrencyLimit{Requests: 1, Waiting: 1, Wait: time.Minute}.Wrap(
				http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
			codes := make(chan int, 2)
			go func() { codes <- ask(h, "GET", "/").Code }()
			synctest.Wait()
			ctx, leave := context.WithCancel(t.Context())
			go func() {
				codes <- ask(h, "GET", "/", func(r *http.Request) { *r = *r.WithContext(ctx) }).Code
			}()
			synctest.Wait()
			leave()
			require.Equal(t, 503, <-codes)
			close(release)
			require.Equal(t, 200, <-codes)
		})
	})
	t.Run("who waited too long is refused", func(t *testing.T) {
		hold := make(chan struct{})
		in := make(chan struct{})
		h := middleware.ConcurrencyLimit{Requests: 1, Waiting: 5, Wait: 10 * time.Millisecond}.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(in)
			<-hold
		}))
		done := make(chan struct{})
		go func() { ask(h, "GET", "/"); close(done) }()
		<-in
		require.Equal(t, 503, ask(h, "GET", "/").Code)
		close(hold)
		<-done
	})
	t.Run("a panic gives the turn back", func(t *testing.T) {
		h := middleware.ConcurrencyLimit{Requests: 1}.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") }))
		for range 3 {
			require.PanicsWithValue(t, "x", func() { ask(h, "GET", "/") })
		}
	})
}
