package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/redistest"
)

// cached returns links with a cache of one MiB and a long patience, and clicks counted in batches.
func cached(t *testing.T, o *redis.UniversalOptions) *CachedLinks {
	t.Helper()
	links, err := NewCachedLinks(&Links{redis: connect(t, o), patience: longPatience}, 1<<20, NewClickCounter(o))
	require.NoError(t, err)
	t.Cleanup(func() { links.Close() })
	return links
}

// watch counts the commands of one name that a client sends. answer may answer them instead of
// Redis.
func watch(client redis.UniversalClient, name string, answer func(context.Context, redis.Cmder)) *atomic.Int64 {
	var sent atomic.Int64
	client.AddHook(hook(func(ctx context.Context, command redis.Cmder, next redis.ProcessHook) error {
		if command.Name() != name {
			return next(ctx, command)
		}
		sent.Add(1)
		if answer == nil {
			return next(ctx, command)
		}
		answer(ctx, command)
		return command.Err()
	}))
	return &sent
}

// entry is a cached target.
func entry(target string) otter.Entry[string, string] {
	return otter.Entry[string, string]{Key: "1", Value: target}
}

// hook is called for each command of a client that is not part of a pipeline.
type hook func(ctx context.Context, command redis.Cmder, next redis.ProcessHook) error

func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error { return h(ctx, command, next) }
}

func TestCachedLinksOnEveryRedis(t *testing.T) {
	t.Parallel()
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			if d.heavy && testing.Short() {
				t.Skip("starts several servers")
			}
			o := d.start(t)
			links, other, ctx := cached(t, o), cached(t, o), t.Context()
			gets := watch(links.redis, "get", nil)

			id, err := links.Add(ctx, "https://example.org/a")
			require.NoError(t, err)
			again, err := other.Add(ctx, "https://example.org/a")
			require.NoError(t, err)
			require.Equal(t, id, again, "a URL keeps its id")

			asked := gets.Load()
			for range 50 {
				target, err := links.Follow(ctx, id)
				require.NoError(t, err)
				require.Equal(t, "https://example.org/a", target)
			}
			require.Equal(t, asked, gets.Load(), "a link that was just made is hot")
			target, err := other.Follow(ctx, id)
			require.NoError(t, err)
			require.Equal(t, "https://example.org/a", target)
			other.clicks.Flush(ctx)

			var link Link
			require.Eventually(t, func() bool {
				began := time.Now()
				link, err = links.Get(ctx, id)
				return err == nil && time.Since(began) < clickPatience // otherwise it may not have waited for the clicks
			}, longPatience, time.Millisecond)
			require.Equal(t, Link{ID: id, Target: "https://example.org/a", Clicks: 51}, link, "people see their own clicks")

			for _, absent := range []string{"3", "", "last-url-id", "1\r\nDEL x", "*"} {
				_, err = links.Follow(ctx, absent)
				require.ErrorIs(t, err, httperror.NotFound)
				_, err = links.Get(ctx, absent)
				require.ErrorIs(t, err, httperror.NotFound)
			}
		})
	}
}

func TestManyRequestsForOneColdIDAskRedisOnce(t *testing.T) {
	o := startEmbedded(t)
	links := cached(t, o)
	id, err := cached(t, o).Add(t.Context(), "https://example.org/")
	require.NoError(t, err)
	raw := connect(t, o)
	begun, release := make(chan bool), make(chan bool)
	gets := watch(links.redis, "get", func(ctx context.Context, command redis.Cmder) {
		begun <- true
		<-release
		command.(*redis.StringCmd).SetVal(raw.Get(ctx, "url-target:"+id).Val())
	})

	// The first request asks Redis, and its client leaves before the response.
	first, leave := context.WithCancel(t.Context())
	var all, coming sync.WaitGroup
	all.Go(func() { links.Follow(first, id) })
	<-begun
	for range 50 {
		coming.Add(1)
		all.Go(func() {
			coming.Done()
			target, err := links.Follow(t.Context(), id)
			if err != nil || target != "https://example.org/" {
				t.Errorf("follow: %q, %v", target, err)
			}
		})
	}
	coming.Wait()
	leave()
	close(release)
	all.Wait()
	require.EqualValues(t, 1, gets.Load())
}

func TestAnAbsentIDIsNotLookedUpAgainForASecond(t *testing.T) {
	t.Parallel()
	o := startEmbedded(t)
	links, other := cached(t, o), cached(t, o)
	gets := watch(links.redis, "get", nil)
	began := time.Now()
	for range 200 {
		_, err := links.Follow(t.Context(), "1")
		require.ErrorIs(t, err, httperror.NotFound)
	}
	require.LessOrEqual(t, gets.Load(), 1+int64(time.Since(began)/absentFor), "one lookup a second")

	id, err := other.Add(t.Context(), "https://example.org/by-another-process")
	require.NoError(t, err)
	require.Equal(t, "1", id)
	require.Eventually(t, func() bool {
		_, err := links.Follow(t.Context(), "1")
		return err == nil
	}, 30*time.Second, 20*time.Millisecond, "found soon")

	_, err = links.Follow(t.Context(), "2")
	require.ErrorIs(t, err, httperror.NotFound)
	id, err = links.Add(t.Context(), "https://example.org/by-this-process")
	require.NoError(t, err)
	require.Equal(t, "2", id)
	_, err = links.Follow(t.Context(), "2")
	require.NoError(t, err, "found at once by the process that made it")
}

// rounds returns how many times a test repeats what takes processor time: many times in CI, where CI is set.
func rounds(few, many int) int {
	if os.Getenv("CI") != "" {
		return many
	}
	return few
}

func TestTheMemoryOfTheCacheIsBounded(t *testing.T) {
	links := cached(t, startEmbedded(t))
	watch(links.redis, "get", func(_ context.Context, command redis.Cmder) {
		if id := command.Args()[1].(string); strings.HasSuffix(id, "0") {
			command.SetErr(redis.Nil)
		} else {
			command.(*redis.StringCmd).SetVal("https://example.org/" + strings.Repeat("x", 100))
		}
	})
	heap := func() int64 {
		links.targets.CleanUp()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	// As in net/http, an id is a part of a longer line.
	line := " HTTP/1.1" + strings.Repeat("?", 1000)
	for n := range rounds(20_000, 100_000) {
		id := fmt.Sprint(n, line)
		id = id[:len(id)-len(line)]
		if _, err := links.Target(t.Context(), id); err != nil {
			require.ErrorIs(t, err, httperror.NotFound)
		}
	}
	grown := heap() - before
	require.LessOrEqual(t, links.targets.WeightedSize(), uint64(1<<20))
	// The request lines alone take 20 MB, and 100 MB in CI.
	require.Less(t, grown, int64(8<<20))
}

func TestALinkThatIsRemovedByHandIsForgotten(t *testing.T) {
	links := cached(t, startEmbedded(t))
	id, err := links.Add(t.Context(), "https://example.org/")
	require.NoError(t, err)
	require.NoError(t, links.redis.Del(t.Context(), "url-target:"+id).Err())
	<-links.targets.Refresh(t.Context(), id, loader{links.Links})
	_, err = links.Target(t.Context(), id)
	require.ErrorIs(t, err, httperror.NotFound)
	require.Equal(t, refreshAfter, refresh{}.RefreshAfterCreate(entry("https://example.org/")))
	require.Equal(t, retryRefresh, refresh{}.RefreshAfterReloadFailure(entry("https://example.org/"), nil))
	require.Equal(t, forgetAfter, lifetime(entry("https://example.org/")))
	require.Equal(t, absentFor, lifetime(entry("")))
}

func TestHotIDsRedirectWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	links := cached(t, parse(t, "redis://"+s.Addr))
	hot, err := links.Add(t.Context(), "https://example.org/hot")
	require.NoError(t, err)
	s.Stop()
	for range 20 {
		target, err := links.Follow(t.Context(), hot)
		require.NoError(t, err)
		require.Equal(t, "https://example.org/hot", target)
	}
	_, err = links.Follow(t.Context(), "cold")
	require.ErrorIs(t, err, httperror.ServiceUnavailable)
	s.Start(t)
	require.Eventually(t, func() bool { return s.Client.Get(t.Context(), "click-count:"+hot).Val() == "20" },
		30*time.Second, 20*time.Millisecond, "the clicks that waited are counted")
	require.Eventually(t, func() bool {
		_, err := links.Follow(t.Context(), "cold")
		return err != nil && !strings.Contains(err.Error(), "cannot be read")
	}, 30*time.Second, 20*time.Millisecond)
}

func TestExactClicksAreCountedBeforeTheRedirect(t *testing.T) {
	o := startEmbedded(t)
	links, err := NewCachedLinks(&Links{redis: connect(t, o)}, 1<<20, nil)
	require.NoError(t, err)
	id, err := links.Add(t.Context(), "https://example.org/")
	require.NoError(t, err)
	for n := range 10 {
		_, err := links.Follow(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(n+1), links.redis.Get(t.Context(), "click-count:"+id).Val())
	}
	require.NoError(t, links.Close())
}
