//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/redistest"
)

func TestLinksOnEveryRedis(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		links(t, client, &Links{redis: client, patience: longPatience})
		if _, cluster := client.(*redis.ClusterClient); cluster {
			return
		}
		t.Run("by the script", func(t *testing.T) {
			require.NoError(t, client.FlushAll(t.Context()).Err())
			links(t, client, &Links{redis: client, script: true, patience: longPatience})
		})
	})
}

func links(t *testing.T, client redis.UniversalClient, links *Links) {
	ctx := t.Context()

	id, err := links.Add(ctx, "https://example.org/a")
	require.NoError(t, err)
	require.Equal(t, "1", id)
	id, err = links.Add(ctx, "https://example.org/b")
	require.NoError(t, err)
	require.Equal(t, "2", id)
	id, err = links.Add(ctx, "https://example.org/a")
	require.NoError(t, err)
	require.Equal(t, "1", id, "a URL keeps its id")

	for range 3 {
		target, err := links.Follow(ctx, "1")
		require.NoError(t, err)
		require.Equal(t, "https://example.org/a", target)
	}
	link, err := links.Get(ctx, "1")
	require.NoError(t, err)
	require.Equal(t, Link{ID: "1", Target: "https://example.org/a", Clicks: 3}, link)
	link, err = links.Get(ctx, "2")
	require.NoError(t, err)
	require.Equal(t, Link{ID: "2", Target: "https://example.org/b"}, link)

	for _, id := range []string{"3", "", "last-url-id", "1\r\nDEL x", "*"} {
		_, err = links.Follow(ctx, id)
		require.ErrorIs(t, err, httperror.NotFound)
		_, err = links.Get(ctx, id)
		require.ErrorIs(t, err, httperror.NotFound)
		require.Zero(t, client.Exists(ctx, "click-count:"+id).Val(), "no clicks are counted for what is not there")
	}

	t.Run("many people submit one URL at once", func(t *testing.T) {
		for round := range 20 {
			url := fmt.Sprintf("https://example.org/at-once/%d", round)
			ids := make([]string, 8)
			var all sync.WaitGroup
			for i := range ids {
				all.Go(func() {
					id, err := (&Links{redis: client, script: links.script, patience: longPatience}).Add(ctx, url)
					if err != nil {
						t.Errorf("add: %v", err)
					}
					ids[i] = id
				})
			}
			all.Wait()
			require.Len(t, slices.Compact(slices.Sorted(slices.Values(ids))), 1, "one id for %s", url)
			target, err := links.Follow(ctx, ids[0])
			require.NoError(t, err)
			require.Equal(t, url, target)
		}
	})
}

func TestIDsAreInBase36(t *testing.T) {
	client := connect(t, startEmbedded(t))
	links, ctx := &Links{redis: client}, t.Context()
	scripted := &Links{redis: client, script: true}
	for last, want := range map[string]string{"9": "a", "34": "z", "35": "10", "1295": "100", "2176782335": "1000000"} {
		require.NoError(t, client.Set(ctx, "last-url-id", last, 0).Err())
		id, err := links.Add(ctx, "https://example.org/"+last)
		require.NoError(t, err)
		require.Equal(t, want, id)

		require.NoError(t, client.Set(ctx, "last-url-id", last, 0).Err())
		require.NoError(t, client.Del(ctx, "url-target:"+want).Err())
		id, err = scripted.Add(ctx, "https://example.org/script/"+last)
		require.NoError(t, err)
		require.Equal(t, want, id)
	}
	t.Run("beyond the numbers that Lua holds exactly", func(t *testing.T) {
		require.NoError(t, client.Set(ctx, "last-url-id", 1<<60, 0).Err())
		id, err := scripted.Add(ctx, "https://example.org/large")
		require.NoError(t, err)
		require.Equal(t, strconv.FormatInt(1<<60+2, 36), id, "the script took one, and left it")
	})
}

func TestAUserWhoMayRunNoScriptsGetsLinksByCommands(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	links := &Links{redis: connect(t, parse(t, "redis://"+s.Addr)), script: true, patience: longPatience}
	require.NoError(t, s.Client.Do(t.Context(), "ACL", "SETUSER", "default", "-@scripting").Err())
	id, err := links.Add(t.Context(), "https://example.org/")
	require.NoError(t, err)
	require.Equal(t, "1", id)
}

// step is a hook that asks before each command whether it may be sent. It
// stands for a process that dies, or for one that is slower than another.
type step func(ctx context.Context, command redis.Cmder) error

func (s step) DialHook(next redis.DialHook) redis.DialHook { return next }
func (s step) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (s step) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		if err := s(ctx, command); err != nil {
			command.SetErr(err)
			return err
		}
		return next(ctx, command)
	}
}

var errCrash = errors.New("the process is gone")

// targets returns the response for each id.
func targets(t *testing.T, client redis.UniversalClient) map[string]string {
	t.Helper()
	all := map[string]string{}
	keys := client.Scan(t.Context(), 0, "url-target:*", 1000).Iterator()
	for keys.Next(t.Context()) {
		all[strings.TrimPrefix(keys.Val(), "url-target:")] = client.Get(t.Context(), keys.Val()).Val()
	}
	require.NoError(t, keys.Err())
	return all
}

// TestACrashBetweenTwoCommands lets a process die after each number of commands that it sent, and
// checks the state in Redis.
func TestACrashBetweenTwoCommands(t *testing.T) {
	states := map[string][]any{
		"an empty Redis":                       nil,
		"the URL has a link":                   {"last-url-id", "5", "url-target:5", "https://new", "reverse-url:https://new", "5"},
		"the counter fell behind":              {"last-url-id", "1", "url-target:2", "https://two", "url-target:3", "https://three"},
		"the id of the URL lost its target":    {"last-url-id", "5", "reverse-url:https://new", "5"},
		"the id of the URL answers another":    {"last-url-id", "5", "reverse-url:https://new", "5", "url-target:5", "https://five"},
		"the counter is not there, links are":  {"url-target:1", "https://one", "reverse-url:https://one", "1"},
		"the counter was set below zero":       {"last-url-id", "-3"},
		"the URL's id was told, not yet known": {"last-url-id", "7", "url-target:7", "https://new"},
	}
	for name, state := range states {
		for way, script := range map[string]bool{"by commands": false, "by the script": true} {
			t.Run(name+", "+way, func(t *testing.T) { crash(t, state, script) })
		}
	}
}

// crash tests one state that a Redis may be in.
func crash(t *testing.T, state []any, script bool) {
	for after := 0; ; after++ {
		o := startEmbedded(t)
		client, dying := connect(t, o), connect(t, o)
		ctx := t.Context()
		if state != nil {
			require.NoError(t, client.MSet(ctx, state...).Err())
		}
		before := targets(t, client)
		sent := 0
		dying.AddHook(step(func(context.Context, redis.Cmder) error {
			if sent == after {
				return errCrash
			}
			sent++
			return nil
		}))
		told, err := (&Links{redis: dying, script: script}).Add(ctx, "https://new")
		finished := err == nil

		left := targets(t, client)
		for id, target := range before {
			require.Equal(t, target, left[id], "after %d commands: id %s answers what it did", after, id)
		}
		for id, target := range left {
			if before[id] == "" {
				require.Equal(t, "https://new", target, "after %d commands: id %s", after, id)
			}
		}
		// The next person who submits the URL gets a link that works and stays.
		id, err := (&Links{redis: client, script: script}).Add(ctx, "https://new")
		require.NoError(t, err)
		if finished {
			require.Equal(t, told, id)
		}
		again, err := (&Links{redis: client, script: script}).Add(ctx, "https://new")
		require.NoError(t, err)
		require.Equal(t, id, again)
		target, err := (&Links{redis: client}).Follow(ctx, id)
		require.NoError(t, err)
		require.Equal(t, "https://new", target)
		other, err := (&Links{redis: client, script: script}).Add(ctx, "https://other")
		require.NoError(t, err)
		require.NotEqual(t, id, other)
		if finished {
			return
		}
	}
}

// writer submits a URL and returns the id that it got.
type writer func(ctx context.Context, client redis.UniversalClient, url string) (string, error)

func ours(ctx context.Context, client redis.UniversalClient, url string) (string, error) {
	return (&Links{redis: client, patience: longPatience}).Add(ctx, url)
}

func scripted(ctx context.Context, client redis.UniversalClient, url string) (string, error) {
	return (&Links{redis: client, script: true, patience: longPatience}).Add(ctx, url)
}

// theirs sends the commands of the shortly that comes with Werkzeug.
func theirs(ctx context.Context, client redis.UniversalClient, url string) (string, error) {
	if id, err := client.Get(ctx, "reverse-url:"+url).Result(); err == nil || !errors.Is(err, redis.Nil) {
		return id, err
	}
	n, err := client.Incr(ctx, "last-url-id").Result()
	if err != nil {
		return "", err
	}
	id := fmt.Sprint(n) // numbers below ten are the same in base 36 and base 10
	if err := client.Set(ctx, "url-target:"+id, url, 0).Err(); err != nil {
		return "", err
	}
	return id, client.Set(ctx, "reverse-url:"+url, id, 0).Err()
}

// TestEveryInterleavingOfTwoSubmissions lets two processes submit one URL and
// runs their commands in every possible order.
func TestEveryInterleavingOfTwoSubmissions(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for name, c := range map[string]struct {
		first, second writer
		one           bool // both must get the same id
	}{
		"two of ours":                  {ours, ours, true},
		"two scripts":                  {scripted, scripted, true},
		"ours and a script":            {ours, scripted, true},
		"a script, and ours":           {scripted, ours, true},
		"a script and Werkzeug's":      {scripted, theirs, false},
		"Werkzeug's, and a script":     {theirs, scripted, false},
		"ours and Werkzeug's shortly":  {ours, theirs, false},
		"Werkzeug's shortly, and ours": {theirs, ours, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := 0
			o := startEmbedded(t)
			o.ReadTimeout, o.WriteTimeout = time.Minute, time.Minute // the order is tested, not the time
			look := connect(t, o)
			processes := []*process{newProcess(t, o, c.first), newProcess(t, o, c.second)}
			for order := range interleavings(5, 5) {
				orders++
				require.NoError(t, look.FlushAll(t.Context()).Err())
				require.NoError(t, look.ScriptFlush(t.Context()).Err())
				ids := interleave(t, order, processes)
				if c.one {
					require.Equal(t, ids[0], ids[1], "order %v", order)
				}
				for _, id := range ids {
					target, err := look.Get(t.Context(), "url-target:"+id).Result()
					require.NoError(t, err, "order %v: id %q of %q", order, id, ids)
					require.Equal(t, "https://new", target, "order %v: id %q", order, id)
				}
				id := look.Get(t.Context(), "reverse-url:https://new").Val()
				require.Contains(t, ids, id, "order %v", order)
			}
			require.Equal(t, 252, orders)
		})
	}
}

// interleavings yields every sequence of a zeros and b ones.
func interleavings(a, b int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		var extend func(prefix []int, a, b int) bool
		extend = func(prefix []int, a, b int) bool {
			if a == 0 && b == 0 {
				return yield(slices.Clone(prefix))
			}
			return (a == 0 || extend(append(prefix, 0), a-1, b)) && (b == 0 || extend(append(prefix, 1), a, b-1))
		}
		extend(nil, a, b)
	}
}

// process is a writer whose client asks before each command, and waits until it may go on.
type process struct {
	write      writer
	client     redis.UniversalClient
	asks, goes chan bool
}

func newProcess(t *testing.T, o *redis.UniversalOptions, write writer) *process {
	p := &process{write, connect(t, o), make(chan bool), make(chan bool)}
	p.client.AddHook(step(func(context.Context, redis.Cmder) error {
		p.asks <- true
		<-p.goes
		return nil
	}))
	return p
}

// interleave lets each process write, and lets their commands through in this order.
// Turns of a process that has finished are skipped.
func interleave(t *testing.T, order []int, processes []*process) []string {
	t.Helper()
	ids, done := make([]string, len(processes)), make([]chan bool, len(processes))
	for i, p := range processes {
		done[i] = make(chan bool)
		go func() {
			defer close(done[i])
			id, err := p.write(context.Background(), p.client, "https://new")
			if err != nil {
				t.Errorf("process %d: %v", i, err)
			}
			ids[i] = id
		}()
	}
	// A process continues when told to, and reports again when its command was answered.
	waiting := make([]bool, len(processes))
	hear := func(i int) {
		select {
		case <-processes[i].asks:
			waiting[i] = true
		case <-done[i]:
			waiting[i] = false
		}
	}
	for i := range processes {
		hear(i)
	}
	for _, i := range append(order, 0, 0, 0, 1, 1, 1) {
		if waiting[i] {
			processes[i].goes <- true
			hear(i)
		}
	}
	for i := range processes {
		<-done[i]
	}
	return ids
}

// TestAnAnswerThatWasLost sends every command twice, as the client does when a connection breaks
// after the command and before its response.
func TestAnAnswerThatWasLost(t *testing.T) {
	o := startEmbedded(t)
	twice, raw := connect(t, o), connect(t, o)
	twice.AddHook(step(func(ctx context.Context, command redis.Cmder) error {
		return ignoreNil(raw.Do(ctx, command.Args()...).Err())
	}))
	want := map[string]string{}
	for url, script := range map[string]bool{"https://example.org/": false, "https://example.org/script": true} {
		links := &Links{redis: twice, script: script}
		id, err := links.Add(t.Context(), url)
		require.NoError(t, err)
		again, err := links.Add(t.Context(), url)
		require.NoError(t, err)
		require.Equal(t, id, again)
		want[id] = url
	}
	require.Equal(t, want, targets(t, raw))
}

func ignoreNil(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

func TestACounterFarBehindTheIDsInUse(t *testing.T) {
	client := connect(t, startEmbedded(t))
	ctx := t.Context()
	taken := map[string]string{}
	for n := range 2000 {
		taken["url-target:"+base36(n+1)] = "https://taken"
	}
	require.NoError(t, client.MSet(ctx, taken).Err())
	for url, script := range map[string]bool{"https://new": false, "https://new/script": true} {
		require.NoError(t, client.Set(ctx, "last-url-id", 0, 0).Err())
		id, err := (&Links{redis: client, script: script}).Add(ctx, url)
		require.NoError(t, err)
		require.NotContains(t, slices.Collect(maps.Keys(taken)), "url-target:"+id)
		require.Equal(t, url, client.Get(ctx, "url-target:"+id).Val())
	}
}

func base36(n int) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	if n < 36 {
		return digits[n : n+1]
	}
	return base36(n/36) + digits[n%36:n%36+1]
}

// within fails the test when f takes longer than a person should wait.
func within(t *testing.T, limit time.Duration, f func() error) error {
	t.Helper()
	began := time.Now()
	err := f()
	require.Less(t, time.Since(began), limit)
	return err
}

// everyCall calls each method that needs Redis, all at once, and expects a 503 within the limit.
func everyCall(t *testing.T, links *Links, limit time.Duration) {
	t.Helper()
	type outcome struct {
		name string
		took time.Duration
		err  error
	}
	calls := map[string]func() error{
		"add":    func() error { _, err := links.Add(t.Context(), "https://example.org/new"); return err },
		"follow": func() error { _, err := links.Follow(t.Context(), "1"); return err },
		"get":    func() error { _, err := links.Get(t.Context(), "1"); return err },
	}
	outcomes := make(chan outcome, len(calls))
	for name, call := range calls {
		go func() {
			began := time.Now()
			err := call()
			outcomes <- outcome{name, time.Since(began), err}
		}()
	}
	for range calls {
		got := <-outcomes
		require.Less(t, got.took, limit, got.name)
		var answer *httperror.Error
		require.ErrorAs(t, got.err, &answer, got.name)
		require.Equal(t, httperror.ServiceUnavailable, answer.Code)
		require.Equal(t, "5", answer.Header.Get("Retry-After"))
		require.Error(t, answer.Err)
	}
}

// listen returns an address at which nobody accepts connections.
func listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestRedisAway(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for what does not come")
	}
	const awayLimit = 2 * time.Second
	for name, c := range map[string]struct {
		leave, back func(t *testing.T, s *redistest.Server)
	}{
		"stopped": {
			func(t *testing.T, s *redistest.Server) { s.Stop() },
			func(t *testing.T, s *redistest.Server) {
				s.Start(t)
				require.NoError(t, s.Client.Set(t.Context(), "url-target:1", "https://example.org/", 0).Err())
			},
		},
		"hanging": {
			func(t *testing.T, s *redistest.Server) { require.NoError(t, s.Signal(syscall.SIGSTOP)) },
			func(t *testing.T, s *redistest.Server) { require.NoError(t, s.Signal(syscall.SIGCONT)) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t)
			links := &Links{redis: connect(t, parse(t, "redis://"+s.Addr))}
			_, err := links.Add(t.Context(), "https://example.org/")
			require.NoError(t, err)
			c.leave(t, s)
			everyCall(t, links, awayLimit)
			c.back(t, s)
			require.Eventually(t, func() bool {
				target, err := links.Follow(t.Context(), "1")
				return err == nil && target == "https://example.org/"
			}, time.Minute, 20*time.Millisecond, "it is back without a restart")
		})
	}
	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()
		// The kernel accepts connections to these, and no program answers them.
		mute, other := listen(t), listen(t)
		for _, address := range []string{
			"redis://" + mute, "redis://" + mute + "," + other, "rediss://" + mute,
			"redis+sentinel://" + mute + "," + other + "/links", "unix:///nonexistent.sock", "redis://no-such-host.invalid",
		} {
			t.Run(address, func(t *testing.T) {
				t.Parallel()
				everyCall(t, &Links{redis: connect(t, parse(t, address))}, awayLimit)
			})
		}
		t.Run("packets get lost", func(t *testing.T) {
			t.Parallel()
			o := parse(t, "redis://"+mute)
			o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			everyCall(t, &Links{redis: connect(t, o)}, awayLimit)
		})
	})
	t.Run("a shared Redis", func(t *testing.T) {
		t.Parallel()
		s := redistest.Start(t)
		require.NoError(t, s.Client.ConfigSet(t.Context(), "requirepass", "secret").Err())
		everyCall(t, &Links{redis: connect(t, parse(t, "redis://"+s.Addr))}, awayLimit)
	})
}

// TestManyWaitForARedisThatHangs tests the pool: a request that waits for a connection fails as
// soon as one that has a connection. If they waited in turn, 50 requests would take half a minute.
func TestManyWaitForARedisThatHangs(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	links := &Links{redis: connect(t, parse(t, "redis://"+s.Addr+"?pool_size=2"))}
	_, err := links.Add(t.Context(), "https://example.org/")
	require.NoError(t, err)
	require.NoError(t, s.Signal(syscall.SIGSTOP))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			began := time.Now()
			_, err := links.Follow(context.Background(), "1")
			if took := time.Since(began); took > 10*time.Second || !errors.Is(err, httperror.ServiceUnavailable) {
				t.Errorf("answered %v after %v", err, took)
			}
		})
	}
	all.Wait()
	require.NoError(t, s.Signal(syscall.SIGCONT))
	require.Eventually(t, func() bool {
		_, err := links.Follow(t.Context(), "1")
		return err == nil
	}, time.Minute, 20*time.Millisecond)
}

func TestAClickThatCannotBeCountedStillRedirects(t *testing.T) {
	client := connect(t, startEmbedded(t))
	links := &Links{redis: client}
	id, err := links.Add(t.Context(), "https://example.org/")
	require.NoError(t, err)
	client.AddHook(step(func(ctx context.Context, command redis.Cmder) error {
		if command.Name() == "incr" {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}))
	require.NoError(t, within(t, time.Second, func() error {
		target, err := links.Follow(t.Context(), id)
		require.Equal(t, "https://example.org/", target)
		return err
	}))

	t.Run("by a replica that may only be read", func(t *testing.T) {
		s := redistest.Start(t)
		links := &Links{redis: connect(t, parse(t, "redis://"+s.Addr))}
		id, err := links.Add(t.Context(), "https://example.org/")
		require.NoError(t, err)
		require.NoError(t, s.Client.ConfigSet(t.Context(), "min-replicas-to-write", "1").Err())
		target, err := links.Follow(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, "https://example.org/", target)
	})
}

func TestFailoverOfTheMaster(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for an election")
	}
	master, _, sentinel := redistest.StartSentinels(t, "links")
	links := &Links{redis: connect(t, parse(t, "redis+sentinel://"+sentinel.Addr+"/links"))}
	patient := &Links{redis: links.redis, patience: longPatience}
	id, err := patient.Add(t.Context(), "https://example.org/before")
	require.NoError(t, err)
	require.NoError(t, master.Client.Wait(t.Context(), 1, longPatience).Err(), "the replica has it")
	master.FailOver(t)
	everyCall(t, links, 10*time.Second) // the test does not run alone
	require.Eventually(t, func() bool {
		other, err := links.Add(t.Context(), "https://example.org/after")
		return err == nil && other != id
	}, time.Minute, 20*time.Millisecond, "the replica takes over")
	target, err := patient.Follow(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "https://example.org/before", target)
}

func TestOneNodeIsNotTheWholeCluster(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts several servers")
	}
	o := startCluster(t)
	one := &Links{redis: connect(t, parse(t, "redis://"+o.Addrs[0])), patience: longPatience}
	// Some of ten URLs have keys that another node holds.
	var err error
	for n := 0; n < 10 && err == nil; n++ {
		_, err = one.Add(t.Context(), fmt.Sprintf("https://example.org/%d", n))
	}
	require.ErrorContains(t, err, "?cluster=true", "the log says how to write the address")
	whole := connect(t, parse(t, "redis://"+o.Addrs[0]+"?cluster=true"))
	_, err = (&Links{redis: whole, patience: longPatience}).Add(t.Context(), "https://example.org/")
	require.NoError(t, err)
}
