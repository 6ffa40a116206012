package middleware_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
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
		{"a request's own limit", middleware.BodyLimit{Bytes: 1, Of: func(*http.Request) int64 { return 9 }}, "fives", false, 200},
		{"a request without limit", middleware.BodyLimit{Bytes: 1, Of: func(*http.Request) int64 { return -1 }}, "fives", true, 200},
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
	require.Panics(t, func() { middleware.BodyLimit{Bytes: -1}.Wrap(reads) })
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestTimeout(t *testing.T) {
	short := middleware.Timeout{After: 30 * time.Millisecond, RetryAfter: 1500 * time.Millisecond}
	patient := middleware.Timeout{After: time.Minute}
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
		server := httptest.NewServer(middleware.Timeout{After: 300 * time.Millisecond}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
		whole := middleware.Timeout{After: 20 * time.Millisecond, Whole: true}
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
