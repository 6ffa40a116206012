package dev

import (
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/devtools"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/supervise"
)

var kept [][]byte

func TestARequestOfTheRuleIsProfiled(t *testing.T) {
	rate := runtime.MemProfileRate
	ours, theirs := net.Pipe()
	conn := supervise.NewConn(ours)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		require.NoError(t, theirs.Close())
	})
	profiles, done := make(chan supervise.Profile, 4), make(chan int, 4)
	go func() {
		for c := supervise.NewConn(theirs); ; {
			m, err := c.Receive()
			if err != nil {
				return
			}
			var p supervise.Profile
			var facts supervise.Facts
			switch {
			case m.Type == supervise.TypeProfile && m.Into(&p) == nil:
				profiles <- p
			case m.Type == supervise.TypeFacts && m.Into(&facts) == nil:
				done <- facts.Exchange
			}
		}
	}()
	restoreDefault(t)
	s := &server{devtools.Server{Keeper: func() *supervise.Conn { return conn }}}
	rule := "/other"
	app := s.tellFacts(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		gateway.RouteOf(r).Pattern = rule
		kept = append(kept, make([]byte, 1<<20))
		for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
			continue
		}
	}))
	ask := func(exchange int) {
		r := httptest.NewRequest("GET", "/", nil)
		r = r.WithContext(peer.With(r.Context(), peer.Peer{UID: peer.Unknown, Exchange: exchange, Profile: "/items/<int:id>"}))
		app.ServeHTTP(httptest.NewRecorder(), r)
		require.Equal(t, exchange, <-done)
	}
	ask(1)
	require.Empty(t, profiles, "another rule matched")
	rule = "/items/<int:id>"
	ask(2)
	p := <-profiles
	require.Equal(t, 2, p.Exchange)
	require.Empty(t, p.Notes)
	for _, part := range [][]byte{p.CPU, p.Allocs, p.AllocsBefore, p.Trace} {
		require.NotEmpty(t, part)
	}
	require.Equal(t, rate, runtime.MemProfileRate, "it is as it was")

	t.Run("while another profile is taken", func(t *testing.T) {
		require.NoError(t, pprof.StartCPUProfile(discard{}))
		defer pprof.StopCPUProfile()
		ask(3)
		p := <-profiles
		require.Contains(t, p.Notes[0], "there is no CPU profile")
		require.NotEmpty(t, p.Allocs)
		require.Error(t, pprof.StartCPUProfile(discard{}), "the other profile goes on")
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
