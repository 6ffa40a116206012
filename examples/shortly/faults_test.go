//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/redistest"
)

// faulty is a cache in front of a Redis that the test makes fail.
type faulty struct {
	links    *CachedLinks
	raw      redis.UniversalClient // a Redis that does not fail
	hot      string
	followed int
}

// newFaulty returns links; one of them is hot.
func newFaulty(t *testing.T, o *redis.UniversalOptions, raw redis.UniversalClient) *faulty {
	t.Helper()
	f := &faulty{links: cached(t, o), raw: raw}
	var err error
	f.hot, err = f.links.Add(t.Context(), "https://example.org/hot")
	require.NoError(t, err)
	return f
}

// follow follows the hot link n times, which needs no Redis.
func (f *faulty) follow(t *testing.T, n int) {
	t.Helper()
	for range n {
		target, err := f.links.Follow(t.Context(), f.hot)
		require.NoError(t, err)
		require.Equal(t, "https://example.org/hot", target)
		f.followed++
	}
}

// hasty returns the same links with the default patience.
func (f *faulty) hasty() *CachedLinks {
	return &CachedLinks{Links: &Links{redis: f.links.redis}, targets: f.links.targets, clicks: f.links.clicks}
}

// refused calls what needs Redis, all at once, and expects a 503 in time.
func (f *faulty) refused(t *testing.T) {
	t.Helper()
	links := f.hasty()
	calls := map[string]func() error{
		"add":    func() error { _, err := links.Add(t.Context(), "https://example.org/new"); return err },
		"follow": func() error { _, err := links.Follow(t.Context(), "cold"); return err },
		"get":    func() error { _, err := links.Get(t.Context(), f.hot); return err },
	}
	began := time.Now()
	errs := make(chan error, len(calls))
	for name, call := range calls {
		go func() {
			err := call()
			if took := time.Since(began); took > 10*time.Second || !errors.Is(err, httperror.ServiceUnavailable) {
				errs <- fmt.Errorf("%s: %v after %v", name, err, took)
				return
			}
			errs <- nil
		}()
	}
	for range calls {
		require.NoError(t, <-errs)
	}
}

// counted waits until Redis has the clicks; at most twice of them may be counted twice.
func (f *faulty) counted(t *testing.T, twice int) {
	t.Helper()
	require.Eventually(t, func() bool {
		n, _ := f.raw.Get(t.Context(), "click-count:"+f.hot).Int()
		return n >= f.followed && n <= f.followed+twice
	}, 60*time.Second, 20*time.Millisecond, "of %d clicks none is lost", f.followed)
}

// works waits until new links can be made, and checks them and the hot one.
func (f *faulty) works(t *testing.T) {
	t.Helper()
	var id string
	require.Eventually(t, func() bool {
		var err error
		id, err = f.links.Add(t.Context(), "https://example.org/after")
		return err == nil
	}, 60*time.Second, 20*time.Millisecond, "links can be made again")
	require.NotEqual(t, f.hot, id)
	require.Equal(t, "https://example.org/after", f.raw.Get(t.Context(), "url-target:"+id).Val())
	require.Equal(t, "https://example.org/hot", f.raw.Get(t.Context(), "url-target:"+f.hot).Val())
	again, err := f.links.Add(t.Context(), "https://example.org/hot")
	require.NoError(t, err)
	require.Equal(t, f.hot, again, "one id for a URL")
	f.follow(t, 1)
}

func TestARedisThatHangs(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	f := newFaulty(t, parse(t, "redis://"+s.Addr), s.Client)
	f.follow(t, 10)
	f.counted(t, 0)
	require.NoError(t, s.Signal(syscall.SIGSTOP))
	f.follow(t, 10)
	f.refused(t)
	f.follow(t, 10)
	require.NoError(t, s.Signal(syscall.SIGCONT))
	f.works(t)
	// Commands that a pipeline sent before the pause ended may be sent again.
	f.counted(t, f.followed)
}

func TestAFullRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	f := newFaulty(t, parse(t, "redis://"+s.Addr), s.Client)
	ctx := t.Context()
	require.NoError(t, s.Client.Set(ctx, "url-target:cold", "https://example.org/cold", 0).Err())
	require.NoError(t, s.Client.ConfigSet(ctx, "maxmemory", "1").Err())
	require.NoError(t, s.Client.ConfigSet(ctx, "maxmemory-policy", "noeviction").Err())

	f.follow(t, 10)
	target, err := f.links.Follow(ctx, "cold")
	require.NoError(t, err, "what is there can be read")
	require.Equal(t, "https://example.org/cold", target)
	_, err = f.links.Add(ctx, "https://example.org/new")
	require.ErrorIs(t, err, httperror.ServiceUnavailable)
	require.ErrorContains(t, err.(*httperror.Error).Err, "OOM")
	require.Zero(t, s.Client.Exists(ctx, "reverse-url:https://example.org/new").Val())

	require.NoError(t, s.Client.ConfigSet(ctx, "maxmemory", "0").Err())
	f.works(t)
	f.counted(t, 0)
	require.Equal(t, 1, clicks(t, s.Client, "cold"))
}

func TestANodeOfTheClusterIsAway(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts several servers")
	}
	o, nodes := startClusterNodes(t)
	raw := connect(t, o)
	links := cached(t, o)
	ctx := t.Context()
	for _, node := range nodes {
		require.NoError(t, node.Client.ConfigSet(ctx, "cluster-require-full-coverage", "no").Err())
	}
	// There are enough links that each node holds some of their keys.
	var ids []string
	for n := range 30 {
		id, err := links.Add(ctx, fmt.Sprintf("https://example.org/%d", n))
		require.NoError(t, err)
		ids = append(ids, id)
	}
	lost := nodes[1]
	onLost := map[string]bool{}
	for _, id := range ids {
		slot, err := nodes[0].Client.ClusterKeySlot(ctx, "click-count:"+id).Result()
		require.NoError(t, err)
		onLost[id] = slot >= 16384/3 && slot < 2*16384/3
	}
	lost.Stop()
	for n, id := range ids {
		for range 5 {
			target, err := links.Follow(ctx, id)
			require.NoError(t, err, "hot ids redirect")
			require.Equal(t, fmt.Sprintf("https://example.org/%d", n), target)
		}
	}
	counted := func(id string) bool {
		return raw.Get(ctx, "click-count:"+id).Val() == "5"
	}
	for _, id := range ids {
		if !onLost[id] {
			require.Eventually(t, func() bool { return counted(id) }, 60*time.Second, 20*time.Millisecond, "the nodes that are there count")
		}
	}
	lost.Start(t)
	for _, id := range ids {
		require.Eventually(t, func() bool { return counted(id) }, 60*time.Second, 20*time.Millisecond, "what waited is counted once, id %s", id)
	}
}

// A dead node does not answer, so the client of go-redis would keep asking it for a minute.
func TestAReplicaOfTheClusterTakesOver(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for an election")
	}
	nodes := redistest.StartCluster(t, true)
	o := parse(t, "redis://"+strings.Join(redistest.Addrs(nodes), ","))
	links := &Links{redis: connect(t, o), replicas: 1, patience: longPatience}
	told := map[string]string{}
	for n := range 30 { // enough that each node has some of them
		url := fmt.Sprintf("https://example.org/%d", n)
		id, err := links.Add(t.Context(), url)
		require.NoError(t, err)
		told[id] = url
	}
	hasty := &Links{redis: links.redis}
	nodes[1].FailOver(t)
	end := time.Now().Add(40 * time.Second) // the table is read each minute
	for id, url := range told {
		require.Eventually(t, func() bool {
			target, err := hasty.Target(t.Context(), id)
			return err == nil && target == url
		}, time.Until(end), 20*time.Millisecond, "link %s", id)
	}
}

func TestAClockOfRedisThatJumps(t *testing.T) {
	t.Parallel()
	server, jump := redistest.StartWithClock(t)
	f := newFaulty(t, parse(t, "redis://"+server.Addr), server.Client)
	ids := map[string]bool{f.hot: true}
	for i, d := range []time.Duration{24 * time.Hour, -48 * time.Hour, time.Hour} {
		jump(d)
		f.follow(t, 10)
		f.counted(t, 0)
		url := fmt.Sprintf("https://example.org/%d", i)
		id, err := f.links.Add(t.Context(), url)
		require.NoError(t, err)
		require.False(t, ids[id], "each link has an id of its own")
		ids[id] = true
		target, err := f.links.Links.Target(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, url, target)
		f.works(t)
	}
}

func TestFailoverBehindTheCache(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for an election")
	}
	master, replica, sentinel := redistest.StartSentinels(t, "links")
	f := newFaulty(t, parse(t, "redis+sentinel://"+sentinel.Addr+"/links"), replica.Client)
	f.links.replicas = 1
	told := map[string]string{}
	for n := range 10 {
		url := fmt.Sprintf("https://example.org/told/%d", n)
		id, err := f.links.Add(t.Context(), url)
		require.NoError(t, err)
		told[id] = url
	}
	f.links.replicas = 0 // no pause is left after the failover
	f.follow(t, 10)
	f.counted(t, 0) // on the replica
	master.FailOver(t)
	f.follow(t, 10)
	f.refused(t)
	f.works(t)
	f.counted(t, f.followed)
	for id, url := range told {
		target, err := f.links.Links.Target(t.Context(), id)
		require.NoError(t, err, "no link is lost that somebody has seen")
		require.Equal(t, url, target)
	}
}

// wire is a TCP proxy in front of a Redis, whose packets may be late or lost.
type wire struct {
	addr  string
	delay atomic.Int64 // of each packet, both ways
	cut   atomic.Bool  // nothing passes, and neither end hears that a connection has ended
	ended chan struct{}
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{addr: l.Addr().String(), ended: make(chan struct{})}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); close(w.ended); all.Wait() })
	all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				near.Close()
				continue
			}
			w.carry(&all, near, far)
			w.carry(&all, far, near)
			all.Go(func() { <-w.ended; near.Close(); far.Close() })
		}
	})
	return w
}

// packet is what one read found, and when it arrives. Without data it is the end of the connection.
type packet struct {
	data []byte
	due  time.Time
}

// carry copies packets, each after the delay. Packets that are under way do not hold up later ones. While
// the wire is cut they are lost, and so is the connection afterwards.
func (w *wire) carry(all *sync.WaitGroup, from, to net.Conn) {
	under := make(chan packet, 10_000)
	all.Go(func() {
		defer close(under)
		buffer := make([]byte, 64<<10)
		for {
			n, err := from.Read(buffer)
			if w.cut.Load() {
				<-w.ended
				return
			}
			select {
			case under <- packet{bytes.Clone(buffer[:n]), time.Now().Add(time.Duration(w.delay.Load()))}:
			case <-w.ended:
				return
			}
			if err != nil {
				return
			}
		}
	})
	all.Go(func() {
		for p := range under {
			if d := time.Until(p.due); d > 0 {
				select {
				case <-time.After(d):
				case <-w.ended:
					return
				}
			}
			if _, err := to.Write(p.data); err != nil || len(p.data) == 0 {
				to.Close()
				return
			}
		}
	})
}

// TestASlowRedis delays each packet by 50 ms in each direction, so that a command takes 100 ms.
//
// It stands in for "tc qdisc add dev lo root netem delay 50ms", which not every kernel has. A proxy delays bytes, not
// packets: connections open at once, nothing is lost or sent again, and TCP's windows do not limit what is under way.
func TestASlowRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	w := newWire(t, s.Addr)
	f := newFaulty(t, parse(t, "redis://"+w.addr+"?pool_size=20"), s.Client)
	w.delay.Store(int64(50 * time.Millisecond))
	links := f.hasty()
	told := sync.Map{} // the URL of each id that was returned
	for name, workers := range map[string]int{"without load": 1, "with load": 20} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, s.Client.Set(t.Context(), "url-target:cold"+name, "https://example.org/cold", 0).Err())
			var all sync.WaitGroup
			for i := range workers {
				all.Go(func() {
					for range 100 {
						if target, err := links.Follow(t.Context(), f.hot); err != nil || target != "https://example.org/hot" {
							t.Errorf("hot: %q, %v", target, err)
						}
					}
					began := time.Now()
					// A machine that is busy as well may make Redis too slow.
					target, err := links.Follow(t.Context(), "cold"+name)
					if err == nil && target != "https://example.org/cold" {
						t.Errorf("cold: %q", target)
					}
					url := fmt.Sprintf("https://example.org/%s/%d", name, i)
					if id, err := links.Add(t.Context(), url); err == nil {
						if other, again := told.LoadOrStore(id, url); again {
							t.Errorf("one id for %s and %s", other, url)
						}
					}
					if took := time.Since(began); took > 20*time.Second {
						t.Errorf("two requests waited for %v", took)
					}
				})
			}
			all.Wait()
			f.followed += 100 * workers
		})
	}
	// An instance that starts now is ready as soon as Redis has answered it.
	fresh := &service{client: connect(t, parse(t, "redis://"+w.addr))}
	require.Eventually(t, func() bool { return fresh.reached(t.Context()) == nil }, 60*time.Second, 20*time.Millisecond, "slow is not away")
	f.works(t)
	f.counted(t, 0)
	for id, url := range told.Range {
		require.Equal(t, url, s.Client.Get(t.Context(), "url-target:"+id.(string)).Val(), "a link that was returned is there")
	}
}

// TestAPartition loses every packet between an instance and its Redis, while another
// instance goes on. Neither of them makes a second id for a URL, or a wrong redirect.
func TestAPartition(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	w := newWire(t, s.Addr)
	partition(t, "redis://"+w.addr, "redis://"+s.Addr, s.Client, func(apart bool) { w.cut.Store(apart) })
}

// partition runs an instance that is apart from its Redis for a while, and one that never
// is.
func partition(t *testing.T, divided, direct string, raw redis.UniversalClient, apart func(bool)) {
	t.Helper()
	f := newFaulty(t, parse(t, divided), raw)
	other := cached(t, parse(t, direct))
	f.follow(t, 10)
	f.counted(t, 0)
	apart(true)
	f.follow(t, 10)
	f.refused(t)
	id, err := other.Add(t.Context(), "https://example.org/after")
	require.NoError(t, err)
	apart(false)
	f.works(t)
	mine, err := f.links.Add(t.Context(), "https://example.org/after")
	require.NoError(t, err)
	require.Equal(t, id, mine, "one id for a URL that both took")
	f.counted(t, f.followed)
}

// TestAPartitionOfNetworkNamespaces is the same with a Redis in a network of its own,
// whose cable is pulled. Only root can make such a network; for other users TestAPartition does the
// test.
func TestAPartitionOfNetworkNamespaces(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a network")
	}
	name := fmt.Sprintf("sh%d", os.Getpid()%100000)
	ip := func(args ...string) error {
		out, err := exec.CommandContext(context.Background(), "ip", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
		}
		return nil
	}
	if err := ip("netns", "add", name); err != nil {
		t.Skip(err) // a container may not let even root do it
	}
	t.Cleanup(func() { ip("netns", "del", name) })
	for _, args := range [][]string{
		{"link", "add", name + "a", "type", "veth", "peer", "name", name + "b", "netns", name},
		{"addr", "add", "198.18.77.1/30", "dev", name + "a"},
		{"link", "set", name + "a", "up"},
		{"-n", name, "addr", "add", "198.18.77.2/30", "dev", name + "b"},
		{"-n", name, "link", "set", name + "b", "up"},
	} {
		require.NoError(t, ip(args...))
	}
	t.Cleanup(func() { ip("link", "del", name+"a") })
	server := exec.Command("ip", "netns", "exec", name, "redis-server", "--port", "6379", "--bind", "198.18.77.2", "--protected-mode", "no",
		"--dir", t.TempDir(), "--save", "", "--appendonly", "no")
	// The instance that stays beside Redis uses a socket, which no network divides.
	dir, err := os.MkdirTemp("", "redis")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	server.Args = append(server.Args, "--unixsocket", dir+"/redis.sock")
	require.NoError(t, server.Start())
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	raw := connect(t, parse(t, "unix://"+dir+"/redis.sock"))
	require.Eventually(t, func() bool { return raw.Ping(t.Context()).Err() == nil }, 30*time.Second, 20*time.Millisecond)
	partition(t, "redis://198.18.77.2:6379", "unix://"+dir+"/redis.sock", raw, func(apart bool) {
		require.NoError(t, ip("-n", name, "link", "set", name+"b", map[bool]string{true: "down", false: "up"}[apart]))
	})
}
