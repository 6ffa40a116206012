package ratelimit_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/ratelimit"
)

// servers are the Redis servers that the tests run against: a real one where it
// is installed, and the embedded one.
func servers(t *testing.T) map[string]*redis.Client {
	t.Helper()
	list := map[string]*redis.Client{"embedded": redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})}
	if path, err := exec.LookPath("redis-server"); err == nil {
		list["real"] = real(t, path)
	} else {
		t.Log("redis-server is not installed: the embedded one alone is tested")
	}
	for _, client := range list {
		t.Cleanup(func() { _ = client.Close() })
	}
	return list
}

func real(t *testing.T, path string) *redis.Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	server := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	client := redis.NewClient(&redis.Options{Addr: addr})
	require.Eventually(t, func() bool { return client.Ping(context.Background()).Err() == nil }, 10*time.Second, 10*time.Millisecond)
	return client
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
			limit := ratelimit.RateLimit{Client: client, Rate: 3, Per: time.Hour}
			h := limit.Wrap(http.HandlerFunc(ok))
			for i := range 3 {
				w := ask(h, "192.0.2.1:1")
				require.Equal(t, 204, w.Code)
				require.Equal(t, `"default";q=3;w=3600`, w.Header().Get("RateLimit-Policy"))
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
	for name, client := range servers(t) {
		t.Run(name, func(t *testing.T) {
			h := ratelimit.RateLimit{Client: client, Rate: 20, Per: time.Second, Burst: 1}.Wrap(http.HandlerFunc(ok))
			require.Equal(t, 204, ask(h, "192.0.2.1:1").Code)
			require.Equal(t, 429, ask(h, "192.0.2.1:1").Code)
			require.Eventually(t, func() bool { return ask(h, "192.0.2.1:1").Code == 204 }, 5*time.Second, 5*time.Millisecond)
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
		h := ratelimit.RateLimit{Client: client, Rate: 1, Cost: func(*http.Request) int { return 0 }}.Wrap(http.HandlerFunc(ok))
		for range 3 {
			require.Equal(t, 204, ask(h, "192.0.2.1:1").Code)
		}
		h = ratelimit.RateLimit{Client: client, Rate: 1, Cost: func(*http.Request) int { return 2 }}.Wrap(http.HandlerFunc(ok))
		require.Equal(t, 429, ask(h, "192.0.2.1:1").Code, "one that costs more than there is")
	})
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
	for name, l := range map[string]ratelimit.RateLimit{
		"no client":        {},
		"a negative rate":  {Client: client, Rate: -1},
		"a negative time":  {Client: client, Per: -1},
		"too many at once": {Client: client, Rate: 10_000_000, Per: time.Second},
	} {
		t.Run(name, func(t *testing.T) { require.Panics(t, func() { l.Wrap(http.NotFoundHandler()) }) })
	}
}
