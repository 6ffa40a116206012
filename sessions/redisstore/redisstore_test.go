//go:build unix

package redisstore_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/redistest"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/sessions/redisstore"
)

// storeOf keeps sessions in one server.
func storeOf(t testing.TB, s *redistest.Server, o redisstore.Options) *redisstore.Store {
	return storeIn(t, redis.NewClient(&redis.Options{Addr: s.Addr, ContextTimeoutEnabled: true, DialTimeout: time.Second, MaxRetries: -1}), o)
}

// storeIn keeps sessions with this client, which is closed with the test.
func storeIn(t testing.TB, client redis.UniversalClient, o redisstore.Options) *redisstore.Store {
	t.Cleanup(func() { client.Close() })
	store, err := redisstore.New(client, o)
	require.NoError(t, err)
	return store
}

func clusterClient(nodes []*redistest.Server) redis.UniversalClient {
	return redis.NewClusterClient(&redis.ClusterOptions{Addrs: redistest.Addrs(nodes), ContextTimeoutEnabled: true, DialTimeout: time.Second})
}

func sentinelClient(sentinel *redistest.Server) redis.UniversalClient {
	return redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: "sessions", SentinelAddrs: []string{sentinel.Addr}, ContextTimeoutEnabled: true, DialTimeout: time.Second,
	})
}

// TestMain leaves the log out, which many requests that fail would fill.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	// The parallel tests wait for servers, so that more of them may run than there are processors.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// stores runs a test on a fresh store of each kind, side by side.
func stores(t *testing.T, test func(t *testing.T, store sessions.Store)) {
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, &sessions.Memory{})
	})
	t.Run("Redis", func(t *testing.T) {
		t.Parallel()
		test(t, storeOf(t, redistest.Start(t), redisstore.Options{}))
	})
	t.Run("Redis Cluster", func(t *testing.T) {
		t.Parallel()
		if testing.Short() {
			t.Skip("starts several servers")
		}
		test(t, storeIn(t, clusterClient(redistest.StartCluster(t, false)), redisstore.Options{}))
	})
	t.Run("Sentinel", func(t *testing.T) {
		t.Parallel()
		if testing.Short() {
			t.Skip("starts several servers")
		}
		_, _, sentinel := redistest.StartSentinels(t, "sessions")
		test(t, storeIn(t, sentinelClient(sentinel), redisstore.Options{}))
	})
}

func TestStoresKeepTheContract(t *testing.T) {
	stores(t, func(t *testing.T, store sessions.Store) {
		ctx := t.Context()
		fields, err := store.Load(ctx, "a")
		require.NoError(t, err)
		require.Nil(t, fields)
		_, err = store.Save(ctx, "a", sessions.Change{Set: map[string][]byte{"x": {'1'}}, TTL: time.Hour})
		require.ErrorIs(t, err, sessions.ErrNoSession)
		all := map[string][]byte{"x": {'1'}, "y": []byte("\x00\xff"), "": {}}
		removed, err := store.Save(ctx, "a", sessions.Change{Create: true, Set: all, TTL: time.Hour})
		require.NoError(t, err)
		require.Empty(t, removed)
		fields, err = store.Load(ctx, "a")
		require.NoError(t, err)
		require.Equal(t, all, fields)
		fields["x"] = []byte("changed by the caller")
		removed, err = store.Save(ctx, "a", sessions.Change{Remove: []string{"y", "none"}, Set: map[string][]byte{"z": {'3'}}})
		require.NoError(t, err)
		require.Equal(t, map[string][]byte{"y": []byte("\x00\xff")}, removed)
		fields, err = store.Load(ctx, "a")
		require.NoError(t, err)
		require.Equal(t, map[string][]byte{"x": {'1'}, "z": {'3'}, "": {}}, fields)
		removed, err = store.Save(ctx, "a", sessions.Change{Clear: true, Set: map[string][]byte{"moved": {}}, TTL: time.Second})
		require.NoError(t, err)
		require.Equal(t, fields, removed)
		_, err = store.Save(ctx, "a", sessions.Change{Set: map[string][]byte{"b": {}}})
		require.NoError(t, err, "the time to live stays as it is")
		require.Eventually(t, func() bool {
			fields, err := store.Load(ctx, "a")
			return err == nil && fields == nil
		}, 10*time.Second, 10*time.Millisecond, "it expires")
		_, err = store.Save(ctx, "b", sessions.Change{Create: true, Set: all, TTL: time.Hour})
		require.NoError(t, err)
		_, err = store.Save(ctx, "b", sessions.Change{Clear: true})
		require.NoError(t, err)
		_, err = store.Save(ctx, "b", sessions.Change{Set: all})
		require.ErrorIs(t, err, sessions.ErrNoSession, "a session without fields does not exist")
	})
}

// visit sends a request through a Manager. It returns the response, and the cookie that
// the client has afterwards.
func visit(h http.Handler, path, cookie string) (*httptest.ResponseRecorder, string) {
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if set := w.Header().Get("Set-Cookie"); set != "" {
		cookie, _, _ = strings.Cut(set, ";")
	}
	return w, cookie
}

func TestConcurrentRequestsLoseNoMessage(t *testing.T) {
	requests := 10_000
	switch {
	case testing.Short():
		requests = 1_000
	case os.Getenv("CI") == "":
		requests = 2_500
	}
	var load sync.Mutex // the requests of one store have the processors for themselves
	stores(t, func(t *testing.T, store sessions.Store) {
		load.Lock()
		defer load.Unlock()
		var seen sync.Map
		var shown atomic.Int64
		show := func(s *sessions.Session) {
			for _, m := range s.Flashes() {
				if _, twice := seen.LoadOrStore(m.Text, true); twice {
					t.Errorf("%q is shown twice", m.Text)
				}
				shown.Add(1)
			}
		}
		h := sessions.Manager{Store: store, Timeout: time.Minute}.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s := sessions.Get(r)
			if text := r.URL.Query().Get("text"); text != "" {
				s.Flash(text, "info")
				s.Set("value "+text[len(text)-1:], text)
				return
			}
			show(s)
		}))
		_, cookie := visit(h, "/?text=first0", "")
		var all sync.WaitGroup
		next := atomic.Int64{}
		for range 100 {
			all.Go(func() {
				for i := next.Add(1); i < int64(requests); i = next.Add(1) {
					w, _ := visit(h, fmt.Sprintf("/?text=%d", i), cookie)
					if w.Code != 200 {
						t.Errorf("status %d", w.Code)
					}
					if i%5 == 0 {
						visit(h, "/", cookie)
					}
				}
			})
		}
		all.Wait()
		visit(h, "/", cookie)
		require.EqualValues(t, requests, shown.Load(), "each message is shown, and once")
	})
}

// acknowledged runs visitors who begin sessions until stop, and returns the cookies of
// those whose response said that the session is kept. It counts them in kept.
func acknowledged(h http.Handler, kept *atomic.Int64, stop <-chan struct{}) (cookies map[string]string, failed int64) {
	cookies = map[string]string{}
	var mu sync.Mutex
	var all sync.WaitGroup
	var failures atomic.Int64
	for i := range 16 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				user := fmt.Sprintf("%d-%d", i, n)
				w, cookie := visit(h, "/?user="+user, "")
				if w.Code == 200 {
					kept.Add(1)
					mu.Lock()
					cookies[cookie] = user
					mu.Unlock()
				} else {
					failures.Add(1)
				}
			}
		})
	}
	all.Wait()
	return cookies, failures.Load()
}

// underLoad runs visitors who begin sessions while act runs, and returns what acknowledged does. Act gets
// a function that waits for more sessions.
func underLoad(t *testing.T, h http.Handler, act func(wait func(more int64))) (cookies map[string]string, failed int64) {
	stop, ended := make(chan struct{}), make(chan struct{})
	var kept atomic.Int64
	go func() {
		cookies, failed = acknowledged(h, &kept, stop)
		close(ended)
	}()
	act(func(more int64) {
		want := kept.Load() + more
		require.Eventually(t, func() bool { return kept.Load() >= want }, time.Minute, time.Millisecond, "%d more sessions", more)
	})
	close(stop)
	<-ended
	return cookies, failed
}

// users keeps the user of a query in the session, and responds with the user.
func users(store sessions.Store) http.Handler {
	return sessions.Manager{Store: store}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user := r.URL.Query().Get("user"); user != "" {
			sessions.Get(r).Set("user", user)
			sessions.Get(r).Renew()
		}
		io.WriteString(w, sessions.Get(r).String("user"))
	}))
}

func TestAKilledRedisLosesNoAcknowledgedSession(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	h := users(storeOf(t, s, redisstore.Options{}))
	cookies, failed := underLoad(t, h, func(wait func(int64)) {
		for range 3 {
			wait(100)
			s.Stop()
			s.Start(t)
		}
	})
	require.NotEmpty(t, cookies)
	require.Positive(t, failed, "the kills were noticed")
	for cookie, user := range cookies {
		w, _ := visit(h, "/", cookie)
		require.Equal(t, user, w.Body.String())
	}
	t.Logf("%d sessions, %d requests refused", len(cookies), failed)
}

func TestAFailoverLosesNoAcknowledgedSession(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for elections")
	}
	for name, c := range map[string]struct {
		// start returns the client of a Redis, and the server that the test kills later.
		start func(t *testing.T) (redis.UniversalClient, *redistest.Server)
	}{
		"of a master that Sentinels watch": {func(t *testing.T) (redis.UniversalClient, *redistest.Server) {
			master, _, sentinel := redistest.StartSentinels(t, "sessions")
			return sentinelClient(sentinel), master
		}},
		"of a node of a Cluster": {func(t *testing.T) (redis.UniversalClient, *redistest.Server) {
			nodes := redistest.StartCluster(t, true)
			return clusterClient(nodes), nodes[0]
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, master := c.start(t)
			cookies, _ := underLoad(t, users(storeIn(t, client, redisstore.Options{Replicas: 1})), func(wait func(int64)) {
				wait(1000)
				master.FailOver(t)
			})
			require.NotEmpty(t, cookies)
			// The replica that took over has no replica of its own.
			h := users(storeIn(t, client, redisstore.Options{}))
			for cookie, user := range cookies {
				var w *httptest.ResponseRecorder
				require.Eventually(t, func() bool {
					w, _ = visit(h, "/", cookie)
					return w.Code == 200
				}, patience, 20*time.Millisecond, "the replica takes over")
				require.Equal(t, user, w.Body.String())
			}
			t.Logf("%d sessions", len(cookies))
		})
	}
}

// patience is how long the tests wait for a replica on a busy machine.
const patience = time.Minute

func TestASavedSessionIsInTheReplica(t *testing.T) {
	master := redistest.Start(t, "--repl-diskless-sync-delay", "0")
	host, port, _ := strings.Cut(master.Addr, ":")
	replica := redistest.Start(t, "--replicaof", host+" "+port)
	store := storeIn(t, redis.NewClient(&redis.Options{Addr: master.Addr, ContextTimeoutEnabled: true, ReadTimeout: patience}), redisstore.Options{Replicas: 1})
	for n := range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, err := store.Save(ctx, strconv.Itoa(n), sessions.Change{Create: true, Set: map[string][]byte{"n": {'1'}}, TTL: time.Hour})
		cancel()
		require.NoError(t, err)
		keys, err := replica.Client.DBSize(t.Context()).Result()
		require.NoError(t, err)
		require.EqualValues(t, n+1, keys, "session %d is in the replica when Save returns", n)
	}
}

func TestASessionIsRefusedWhereNoReplicaIsLeft(t *testing.T) {
	s := redistest.Start(t)
	w, _ := visit(users(storeOf(t, s, redisstore.Options{Replicas: 1})), "/?user=alone", "")
	require.Equal(t, 503, w.Code)
}

func TestARedisThatHangsHoldsNobody(t *testing.T) {
	s := redistest.Start(t)
	store := storeOf(t, s, redisstore.Options{})
	_, cookie := visit(users(store), "/?user=ada", "")
	require.NoError(t, s.Signal(syscall.SIGSTOP))
	for _, optional := range []bool{false, true} {
		h := sessions.Manager{Store: store, Timeout: 100 * time.Millisecond, Optional: optional}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "hello "+sessions.Get(r).String("user"))
		}))
		began := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				w, _ := visit(h, "/", cookie)
				if optional && w.Body.String() != "hello " || !optional && w.Code != 503 {
					t.Errorf("%d %q", w.Code, w.Body)
				}
			})
		}
		all.Wait()
		require.Less(t, time.Since(began), 5*time.Second)
	}
	require.NoError(t, s.Signal(syscall.SIGCONT))
	require.Eventually(t, func() bool {
		w, _ := visit(users(store), "/", cookie)
		return w.Body.String() == "ada"
	}, 20*time.Second, 20*time.Millisecond, "the session is still there")
}

func TestAnOperationIsOneRoundTrip(t *testing.T) {
	s := redistest.Start(t)
	store := storeOf(t, s, redisstore.Options{})
	h := users(store)
	_, cookie := visit(h, "/?user=ada", "") // loads the script
	inspect := s.Client
	require.NoError(t, inspect.ConfigResetStat(t.Context()).Err())
	visit(h, "/", cookie)
	calls, err := inspect.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	require.Contains(t, calls, "cmdstat_hgetall:calls=1,")
	require.NotContains(t, calls, "evalsha")
	require.NoError(t, inspect.ConfigResetStat(t.Context()).Err())
	_, err = store.Save(t.Context(), "new", sessions.Change{Create: true, Set: map[string][]byte{"a": {}, "b": {}}, TTL: time.Hour})
	require.NoError(t, err)
	calls, err = inspect.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	require.Contains(t, calls, "cmdstat_evalsha:calls=1,")
	require.NotContains(t, calls, "cmdstat_eval:")
	ttl, err := inspect.PTTL(t.Context(), "session:new").Result()
	require.NoError(t, err)
	require.InDelta(t, time.Hour.Seconds(), ttl.Seconds(), 60)
}

func TestClientsThatIgnoreDeadlinesAreRefused(t *testing.T) {
	for name, client := range map[string]redis.UniversalClient{
		"one server": redis.NewClient(&redis.Options{}), "cluster": redis.NewClusterClient(&redis.ClusterOptions{}),
		"Sentinel": redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m"}), "ring": redis.NewRing(&redis.RingOptions{}),
	} {
		_, err := redisstore.New(client, redisstore.Options{})
		require.ErrorContains(t, err, "set ContextTimeoutEnabled", name)
		require.NoError(t, client.Close())
	}
	_, err := redisstore.New(nil, redisstore.Options{})
	require.ErrorContains(t, err, "nil")
	good := redis.NewClient(&redis.Options{ContextTimeoutEnabled: true})
	defer good.Close()
	_, err = redisstore.New(good, redisstore.Options{Replicas: -1})
	require.ErrorContains(t, err, "Options.Replicas")
	store, err := redisstore.New(good, redisstore.Options{})
	require.NoError(t, err)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = store.Load(ended, "x")
	require.True(t, errors.Is(err, context.Canceled), err)
}
