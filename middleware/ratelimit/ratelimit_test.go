package ratelimit_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/redistest"
	"github.com/zeugkit/zeug/middleware/ratelimit"
)

// patience is longer than Redis may take on a busy machine. The test must not depend on the speed
// of the machine: if Redis answers late, requests pass.
const patience = time.Minute

// servers are the Redis servers that the tests run against: a real one if it is installed, and the
// embedded one.
func servers(t *testing.T) map[string]*redis.Client {
	t.Helper()
	list := map[string]*redis.Client{"embedded": redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})}
	if _, err := exec.LookPath("redis-server"); err == nil {
		list["real"] = redistest.Start(t).Client
	} else {
		t.Log("redis-server is not installed: the embedded one alone is tested")
	}
	for _, client := range list {
		t.Cleanup(func() { _ = client.Close() })
	}
	return list
}

// TestMain lets more tests run in parallel than there are processors, because those tests wait.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// rounds returns how many times a test repeats what takes processor time: many times in CI, where CI is set.
func rounds(few, many int) int {
	if os.Getenv("CI") != "" {
		return many
	}
	return few
}

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func ask(h http.Handler, addr string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = addr
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestLimit(t *testing.T) {
	for name, client := range servers(t) {
		t.Run(name, func(t *testing.T) {
			limit := ratelimit.RateLimit{Client: client, Timeout: patience, Rate: 3, Period: time.Hour}
			h := limit.Wrap(http.HandlerFunc(ok))
			for i := range 3 {
				w := ask(h, "192.0.2.1:1")
				require.Equal(t, 204, w.Code)
				require.Equal(t, `"3/3600s";q=3;w=3600`, w.Header().Get("RateLimit-Policy"))
				require.Contains(t, w.Header().Get("RateLimit"), ";r="+strconv.Itoa(2-i)+";")
			}
			w := ask(h, "192.0.2.1:99")
			require.Equal(t, http.StatusTooManyRequests, w.Code)
			wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
			require.NoError(t, err)
			require.InDelta(t, 1200, wait, 5, "a third of an hour until the next one")

			require.Equal(t, 204, ask(h, "192.0.2.2:1").Code, "another client has its own")
			require.Equal(t, 204, ask(limit.Wrap(http.HandlerFunc(ok)), "192.0.2.2:1").Code)
			require.Equal(t, 204, ask(h, "192.0.2.2:1").Code)
			require.Equal(t, 429, ask(h, "192.0.2.2:1").Code, "instances count together")
		})
	}
}

func TestRequestsComeBackEvenly(t *testing.T) {
	t.Parallel()
	for name, client := range servers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := ratelimit.RateLimit{Client: client, Timeout: patience, Rate: 5, Period: 10 * time.Second, Burst: 1}.Wrap(http.HandlerFunc(ok))
			require.Equal(t, 204, ask(h, "192.0.2.1:1").Code)
			require.Equal(t, 429, ask(h, "192.0.2.1:1").Code)
			require.Eventually(t, func() bool { return ask(h, "192.0.2.1:1").Code == 204 }, patience, 5*time.Millisecond)
		})
	}
}

func TestWhoIsCounted(t *testing.T) {
	for name, c := range map[string]struct{ a, b, want string }{
		"one address is one client":                 {"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1"},
		"one IPv6 network is one client":            {"[2001:db8::1]:1", "[2001:db8::ffff:1]:1", "2001:db8::/64"},
		"a mapped address is the address":           {"[::ffff:192.0.2.1]:1", "192.0.2.1:1", "192.0.2.1"},
		"nobody knows the address of a unix socket": {"@", "@", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, addr := range []string{c.a, c.b} {
				r := httptest.NewRequest("GET", "/", nil)
				r.RemoteAddr = addr
				require.Equal(t, c.want, ratelimit.ClientKey(r))
			}
		})
	}
	t.Run("a free request and one without a key pass", func(t *testing.T) {
		client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
		defer client.Close()
		h := ratelimit.RateLimit{Client: client, Timeout: patience, Rate: 1, Cost: func(*http.Request) int { return 0 }}.Wrap(http.HandlerFunc(ok))
		for range 3 {
			require.Equal(t, 204, ask(h, "192.0.2.1:1").Code)
		}
		h = ratelimit.RateLimit{Client: client, Timeout: patience, Rate: 1, Cost: func(*http.Request) int { return 2 }}.Wrap(http.HandlerFunc(ok))
		w := ask(h, "192.0.2.1:1")
		require.Equal(t, 429, w.Code, "one that costs more than there is")
		require.Empty(t, w.Header().Get("Retry-After"), "waiting does not help")
	})
}

func TestLimitsCountApart(t *testing.T) {
	for name, client := range servers(t) {
		t.Run(name, func(t *testing.T) {
			minute := ratelimit.RateLimit{Client: client, Timeout: patience, Rate: 2}
			hour := ratelimit.RateLimit{Client: client, Timeout: patience, Rate: 2, Period: time.Hour}
			login := ratelimit.RateLimit{Client: client, Timeout: patience, Rate: 2, Name: "login"}
			both := hour.Wrap(minute.Wrap(http.HandlerFunc(ok)))
			for i := range 2 {
				w := ask(both, "192.0.2.1:1")
				require.Equal(t, 204, w.Code)
				require.Equal(t, []string{`"2/3600s";q=2;w=3600, "2/60s";q=2;w=60`}, w.Header().Values("RateLimit-Policy"))
				require.Regexp(t, `^"2/3600s";r=`+strconv.Itoa(1-i)+`;t=\d+, "2/60s";r=`+strconv.Itoa(1-i)+`;t=\d+$`, w.Header().Get("RateLimit"))
			}
			require.Equal(t, 429, ask(minute.Wrap(http.HandlerFunc(ok)), "192.0.2.1:1").Code)
			w := ask(login.Wrap(http.HandlerFunc(ok)), "192.0.2.1:1")
			require.Equal(t, 204, w.Code, "a limit with a name of its own")
			require.Equal(t, `"login";q=2;w=60`, w.Header().Get("RateLimit-Policy"))
		})
	}
}

// The remaining number is never negative, whatever value Redis holds.
func TestABucketThatIsFullerThanItCanBe(t *testing.T) {
	for name, client := range servers(t) {
		t.Run(name, func(t *testing.T) {
			later := time.Now().Add(time.Hour).UnixMicro()
			require.NoError(t, client.Set(t.Context(), "zeug:rate:/5/60s:192.0.2.1", later, time.Hour).Err())
			w := ask(ratelimit.RateLimit{Client: client, Timeout: patience, Rate: 5}.Wrap(http.HandlerFunc(ok)), "192.0.2.1:1")
			require.Equal(t, 429, w.Code)
			require.Contains(t, w.Header().Get("RateLimit"), ";r=0;")
		})
	}
}

// A clock that is set back must not keep a visitor out until it is where it was.
func TestAClockOfRedisThatJumps(t *testing.T) {
	t.Parallel()
	server, jump := redistest.StartWithClock(t)
	h := ratelimit.RateLimit{Client: server.Client, Timeout: patience, Closed: true, Rate: 3, Period: 3 * time.Second}.Wrap(http.HandlerFunc(ok))
	exhaust := func(name string) {
		t.Helper()
		require.Eventually(t, func() bool { return ask(h, "192.0.2.1:1").Code == 429 }, patience, time.Millisecond, name)
	}
	passes := func(name string) {
		t.Helper()
		require.Eventually(t, func() bool { return ask(h, "192.0.2.1:1").Code == 204 }, patience, 50*time.Millisecond, name)
	}
	exhaust("before")
	jump(-24 * time.Hour)
	passes("a day back")
	exhaust("a day back")
	jump(24 * time.Hour)
	passes("a day forward")
	exhaust("a day forward")
}

// A dead node does not answer, so the client of go-redis would keep asking it for a minute.
func TestAReplicaOfTheClusterTakesOver(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for an election")
	}
	nodes := redistest.StartCluster(t, true)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: redistest.Addrs(nodes)})
	defer client.Close()
	h := ratelimit.RateLimit{
		Client: client, Timeout: time.Second, Closed: true, Rate: 1_000_000, Logger: slog.New(slog.DiscardHandler),
	}.Wrap(http.HandlerFunc(ok))
	visitor := func(n int) string { return fmt.Sprintf("192.0.2.%d:1", n) }
	for n := range 30 { // enough that each node counts some of them
		require.Eventually(t, func() bool { return ask(h, visitor(n)).Code == 204 }, patience, 20*time.Millisecond)
	}
	nodes[1].FailOver(t)
	end := time.Now().Add(40 * time.Second) // the table is read each minute
	for n := range 30 {
		require.Eventually(t, func() bool { return ask(h, visitor(n)).Code == 204 }, time.Until(end), 20*time.Millisecond, "visitor %d", n)
	}
}

// A Redis that was stopped, or whose machine is gone, answers nothing.
func TestTimeoutIsKept(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })
	for name, options := range map[string]*redis.Options{
		"the client's defaults":               {},
		"a client that heeds the context":     {ContextTimeoutEnabled: true},
		"a client with fewer connections":     {PoolSize: 1},
		"a client that waits for connections": {PoolSize: 1, PoolTimeout: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options.Addr = silent.Addr().String()
			client := redis.NewClient(options)
			defer client.Close()
			h := ratelimit.RateLimit{Client: client, Timeout: 2 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)}.Wrap(http.HandlerFunc(ok))
			var took time.Duration
			for range 300 { // more calls than may wait at once
				start := time.Now()
				require.Equal(t, 204, ask(h, "192.0.2.1:1").Code)
				if took += time.Since(start); took > 2*time.Second {
					break
				}
			}
			start := time.Now()
			require.Equal(t, 204, ask(h, "192.0.2.1:1").Code)
			require.Less(t, time.Since(start), 2*time.Second)
		})
	}
}

// immediate answers every command without a network: each request passes, and four are left.
type immediate struct{}

func (immediate) DialHook(next redis.DialHook) redis.DialHook { return next }

func (immediate) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		cmd.(*redis.Cmd).SetVal([]any{int64(1), int64(4), int64(0), int64(0)})
		return nil
	}
}

func (immediate) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// A result that arrives before the request waits for it counts as much as any other.
func TestAnImmediateResultCounts(t *testing.T) {
	client := redis.NewClient(&redis.Options{})
	client.AddHook(immediate{})
	defer client.Close()
	h := ratelimit.RateLimit{Client: client, Timeout: patience, Rate: 5, Closed: true}.Wrap(http.HandlerFunc(ok))
	var refused atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range rounds(2_000, 10_000) {
				if ask(h, "192.0.2.1:1").Code != http.StatusNoContent {
					refused.Add(1)
				}
			}
		})
	}
	clients.Wait()
	require.Zero(t, refused.Load())
}

func TestRedisAway(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
	defer client.Close()
	quiet := slog.New(slog.DiscardHandler)
	server.Close()
	open := ratelimit.RateLimit{Client: client, Logger: quiet}.Wrap(http.HandlerFunc(ok))
	require.Equal(t, 204, ask(open, "192.0.2.1:1").Code)
	closed := ratelimit.RateLimit{Client: client, Closed: true, Logger: quiet}.Wrap(http.HandlerFunc(ok))
	w := ask(closed, "192.0.2.1:1")
	require.Equal(t, 503, w.Code)
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	require.NoError(t, server.Restart())
	require.Equal(t, 204, ask(closed, "192.0.2.1:1").Code, "back again")
}

func TestSettingsThatCannotBe(t *testing.T) {
	client := redis.NewClient(&redis.Options{})
	defer client.Close()
	for field, l := range map[string]ratelimit.RateLimit{
		"Client":    {},
		"Rate":      {Client: client, Rate: math.MaxInt, Period: math.MaxInt64},
		"Period":    {Client: client, Rate: 10_000_000, Period: time.Second},
		"Period is": {Client: client, Period: -1},
		"Burst":     {Client: client, Burst: -1},
		"Burst ":    {Client: client, Burst: math.MaxInt},
		"Name":      {Client: client, Name: "a\"b"},
	} {
		t.Run(field, func(t *testing.T) {
			defer func() { require.Contains(t, fmt.Sprint(recover()), "ratelimit.RateLimit: "+field) }()
			l.Wrap(http.NotFoundHandler())
		})
	}
	unlimited := ratelimit.RateLimit{Client: client, Rate: -1}.Wrap(http.HandlerFunc(ok))
	require.Equal(t, 204, ask(unlimited, "192.0.2.1:1").Code)
}
