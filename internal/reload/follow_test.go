package reload

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/middleware/debugger"
)

func TestAPageIsToldWhatItMissed(t *testing.T) {
	for name, c := range map[string]struct {
		version, now string
		want         effect
	}{
		"nothing":                  {"run.3.1", "run.3.1", nothing},
		"nothing that it names":    {"", "run.3.1", nothing},
		"a style":                  {"run.3.1", "run.3.2", restyle},
		"a change":                 {"run.3.1", "run.4.1", refresh},
		"a change and a style":     {"run.3.1", "run.4.2", refresh},
		"all of another run":       {"old.3.1", "run.3.1", refresh},
		"what no version is about": {"3", "run.3.1", refresh},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, missed(c.version, c.now)) })
	}
}

func TestTheStreamBeginsWithWhatWasMissed(t *testing.T) {
	for name, c := range map[string]struct {
		change effect
		want   string
	}{"nothing": {nothing, "hello"}, "a style": {restyle, "restyle"}, "a change": {refresh, "reload"}} {
		t.Run(name, func(t *testing.T) {
			s := &Supervisor{}
			since := s.live.version()
			if c.change != nothing {
				s.live.send(c.change)
			}
			for _, told := range []string{"by its address", "by the browser, which tries again"} {
				r := httptest.NewRequest("GET", "/.zeug/live?since="+since, nil)
				if told != "by its address" {
					r = httptest.NewRequest("GET", "/.zeug/live?since=of+long+ago", nil)
					r.Header.Set("Last-Event-ID", since)
				}
				ctx, stop := context.WithCancel(t.Context())
				stop() // after the first event
				w := httptest.NewRecorder()
				s.serveEvents(w, r.WithContext(ctx))
				require.Equal(t, "retry: 1000\nevent: "+c.want+"\nid: "+s.live.version()+"\ndata: "+s.live.version()+"\n\n", w.Body.String(), told)
			}
		})
	}
}

func TestPagesBeyondTheLimitTakeTurns(t *testing.T) {
	var l live
	var pages []context.Context
	for range streams + 2 {
		ctx, _, leave := l.join(t.Context(), "a browser")
		defer leave()
		pages = append(pages, ctx)
	}
	for _, browser := range []string{"another browser", "", "", "", "", ""} {
		ctx, _, leave := l.join(t.Context(), browser)
		defer leave()
		require.NoError(t, ctx.Err(), "of %q", browser)
	}
	for i, ctx := range pages {
		require.Equal(t, i < 2, ctx.Err() != nil, "page %d", i)
	}
	require.Len(t, l.pages, streams+6)
}

func TestConnectionsAreScarceByHTTP1Alone(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "[::1]:4711"
	r.Header.Set("User-Agent", "a browser")
	require.Equal(t, "::1 a browser", browserOf(r))
	r.RemoteAddr = "@" // a unix socket
	require.True(t, strings.HasPrefix(browserOf(r), "@ "))
	r.ProtoMajor = 2
	require.Empty(t, browserOf(r))
}

// While something takes long, a browser does not show a blank page.
func TestWhatIsWaitedForIsShown(t *testing.T) {
	browser := func(method string) *http.Request {
		r := httptest.NewRequest(method, "/", nil)
		r.Header.Set("Accept", "text/html")
		r.Host = "localhost"
		r.RemoteAddr = "127.0.0.1:4711"
		return r.WithContext(peer.With(r.Context(), peer.Peer{UID: os.Getuid()}))
	}
	for name, c := range map[string]struct {
		r      *http.Request
		waits  time.Duration
		status int
		says   string
	}{
		"to a browser that asks":             {browser("GET"), navigationTime, 503, "connecting to the database"},
		"not to one that sends":              {browser("POST"), holdTime, 200, ""},
		"not to other clients than browsers": {httptest.NewRequest("GET", "/", nil), holdTime, 200, ""},
		"not where the build is there by":    {browser("GET"), time.Second, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old := &Process{gone: make(chan struct{})}
				s := &Supervisor{config: Config{Guard: &debugger.Debugger{}}, busy: true, changed: make(chan struct{}), current: old, starting: &Process{output: &tail{}}}
				io.WriteString(s.starting.output, "connecting to the database")
				if c.waits < navigationTime {
					time.AfterFunc(c.waits, func() { s.update(func() { s.busy = false }) })
				}
				began := time.Now()
				p, f, version := s.acquire(c.r)
				require.Equal(t, c.waits, time.Since(began))
				if c.status == 200 {
					require.Same(t, old, p)
					return
				}
				w := httptest.NewRecorder()
				s.serveFailure(w, c.r, f, http.StatusServiceUnavailable, version)
				require.Equal(t, c.status, w.Code)
				require.Equal(t, "1", w.Header().Get("Retry-After"))
				require.Contains(t, w.Body.String(), "the program is not ready yet")
				require.Contains(t, w.Body.String(), c.says)
				require.Contains(t, w.Body.String(), "/.zeug/live.js")
			})
		})
	}
}
