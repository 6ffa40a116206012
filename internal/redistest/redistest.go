// Package redistest runs real Redis servers for tests: one, a Cluster, or a master with a
// replica and a Sentinel. They listen on 127.0.0.1, write only the necessary files to disk, and end
// with the test. A test is skipped if redis-server is not installed.
package redistest

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
)

// patience is how long a server, a Cluster or a Sentinel may take until it is ready.
const patience = 90 * time.Second

// Server is a redis-server.
type Server struct {
	// Addr is the host and port that it listens on.
	Addr string
	// Client sends commands to this server alone.
	Client *redis.Client

	args    []string
	env     []string  // beside that of the test
	command *exec.Cmd // nil while it is stopped
	// watch makes the Sentinel, or the other nodes of the Cluster, notice soon that this server has ended.
	watch func(ctx context.Context) error
}

// Start starts a server that keeps its data in memory. The arguments are those of redis-server: a
// configuration file, if there is one, and options.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, nil, args)
}

//go:embed testdata/clock.c
var clock []byte

// StartWithClock starts a server whose clock can be set: it shows the real time and what jump was last called
// with, in whole seconds. The test is skipped on systems other than Linux and without gcc.
func StartWithClock(t testing.TB, args ...string) (s *Server, jump func(time.Duration)) {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil || runtime.GOOS != "linux" {
		t.Skip("the clock is shifted by a library for Linux that gcc builds")
	}
	dir := t.TempDir()
	source, library, file := filepath.Join(dir, "clock.c"), filepath.Join(dir, "clock.so"), filepath.Join(dir, "clock")
	require.NoError(t, os.WriteFile(source, clock, 0o600))
	out, err := exec.Command("gcc", "-shared", "-fPIC", "-O1", "-o", library, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	set := func(d time.Duration) {
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o600)
		require.NoError(t, err)
		_, err = f.Write(binary.NativeEndian.AppendUint64(nil, uint64(d/time.Second)))
		require.NoError(t, errors.Join(err, f.Close()))
	}
	set(0)
	s = start(t, []string{"LD_PRELOAD=" + library, "CLOCK=" + file}, args)
	return s, func(d time.Duration) {
		t.Helper()
		set(d)
		require.Eventually(t, func() bool {
			now, err := s.Client.Time(t.Context()).Result()
			return err == nil && now.Sub(time.Now().Add(d)).Abs() < time.Minute
		}, patience, 5*time.Millisecond, "the clock of redis-server jumps")
	}
}

func start(t testing.TB, env, args []string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	port := freeport.Port(t)
	s := &Server{Addr: "127.0.0.1:" + port, env: env}
	if len(args) > 0 && !strings.HasPrefix(args[0], "--") { // a configuration file stands first
		s.args, args = args[:1:1], args[1:]
	}
	s.args = append(s.args, "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--appendonly", "no")
	s.args = append(s.args, args...)
	s.Client = redis.NewClient(&redis.Options{Addr: s.Addr})
	t.Cleanup(func() {
		_ = s.Client.Close()
		s.Stop()
	})
	s.Start(t)
	return s
}

// Start starts a stopped server again. It has no data, unless its arguments let it write them.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.command = exec.Command("redis-server", s.args...)
	s.command.Env = append(os.Environ(), s.env...)
	require.NoError(t, s.command.Start())
	require.Eventually(t, func() bool {
		return s.Client.Ping(context.Background()).Err() == nil
	}, patience, 5*time.Millisecond, "redis-server %v answers", s.args)
}

// Stop kills the server.
func (s *Server) Stop() {
	if s.command != nil {
		_ = s.command.Process.Kill()
		_ = s.command.Wait()
		s.command = nil
	}
}

// FailOver kills a master of a Cluster with replicas, or the master that StartSentinels returned. Its
// replica takes over some seconds later. Until this call nothing takes a server for dead: on a busy machine one
// that waits for the processor may not answer for longer than that.
func (s *Server) FailOver(t testing.TB) {
	t.Helper()
	require.NoError(t, s.watch(t.Context()))
	s.Stop()
}

// Signal sends a signal to the process: SIGSTOP for a server that hangs.
func (s *Server) Signal(sig os.Signal) error { return s.command.Process.Signal(sig) }

// clusterPort is the port by which the nodes of a Cluster reach this one.
func (s *Server) clusterPort() string {
	for i, arg := range s.args {
		if arg == "--cluster-port" {
			return s.args[i+1]
		}
	}
	return ""
}

// StartCluster starts a Cluster of three nodes, each with a third of the slots. If replicas is
// true, each node has a replica: node i+3 is the replica of node i.
func StartCluster(t testing.TB, replicas bool) (nodes []*Server) {
	t.Helper()
	count := 3
	if replicas {
		count = 6
	}
	for range count {
		nodes = append(nodes, Start(t, "--cluster-enabled", "yes", "--cluster-port", freeport.Port(t),
			"--cluster-node-timeout", strconv.FormatInt(patience.Milliseconds(), 10), "--repl-diskless-sync-delay", "0"))
	}
	for _, node := range nodes {
		node.watch = func(ctx context.Context) (err error) {
			for _, each := range nodes {
				err = cmp.Or(err, each.Client.ConfigSet(ctx, "cluster-node-timeout", "2000").Err())
			}
			return err
		}
	}
	ctx := t.Context()
	for i, node := range nodes {
		// Nodes that begin with one epoch agree on others by and by. A replica whose master ends before that may
		// ask for votes with an old epoch, and never gets them.
		require.NoError(t, node.Client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
		if i < 3 {
			require.NoError(t, node.Client.ClusterAddSlotsRange(ctx, i*16384/3, (i+1)*16384/3-1).Err())
		}
		for _, other := range nodes[:i] {
			host, port, _ := net.SplitHostPort(other.Addr)
			require.NoError(t, node.Client.Do(ctx, "CLUSTER", "MEET", host, port, other.clusterPort()).Err())
		}
	}
	known := fmt.Sprintf("cluster_known_nodes:%d", count)
	everyNode := func(field, want string) {
		for _, node := range nodes {
			require.Eventually(t, func() bool {
				info, err := node.Client.ClusterInfo(ctx).Result()
				return err == nil && strings.Contains(info, want) && strings.Contains(info, known)
			}, patience, 20*time.Millisecond, "%s is %s", field, want)
		}
	}
	everyNode("the state", "cluster_state:ok")
	for i, replica := range nodes[3:] {
		id, err := nodes[i].Client.ClusterMyID(ctx).Result()
		require.NoError(t, err)
		require.NoError(t, replica.Client.ClusterReplicate(ctx, id).Err())
	}
	for i, replica := range nodes[3:] {
		follows(t, nodes[i], replica)
	}
	return nodes
}

// follows waits until a replica has copied its master.
func follows(t testing.TB, master, replica *Server) {
	t.Helper()
	require.Eventually(t, func() bool {
		m, err1 := master.Client.Info(t.Context(), "replication").Result()
		r, err2 := replica.Client.Info(t.Context(), "replication").Result()
		return err1 == nil && err2 == nil && strings.Contains(m, "state=online") && strings.Contains(r, "master_link_status:up")
	}, patience, 10*time.Millisecond, "%s follows %s", replica.Addr, master.Addr)
	// A master counts a replica as online a second before it sends it the first change.
	conn := master.Client.Conn()
	defer conn.Close()
	require.Eventually(t, func() bool {
		for n := range 100 { // until a key is one of this node of a Cluster
			key := fmt.Sprintf("follows-%d", n)
			if conn.Set(t.Context(), key, "", 0).Err() != nil {
				continue
			}
			got, err := conn.Wait(t.Context(), 1, time.Second).Result()
			return err == nil && got == 1 && conn.Del(t.Context(), key).Err() == nil
		}
		return false
	}, patience, 10*time.Millisecond, "%s sends its changes to %s", master.Addr, replica.Addr)
}

// StartSentinels starts a master, a replica of it, and a Sentinel that watches both under a name.
// See [Server.FailOver].
func StartSentinels(t testing.TB, name string) (master, replica, sentinel *Server) {
	t.Helper()
	// A master waits five seconds for more replicas before it sends its data, unless it is told not to.
	master = Start(t, "--repl-diskless-sync-delay", "0")
	host, port, _ := net.SplitHostPort(master.Addr)
	replica = Start(t, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	// If a Sentinel sees no replica, or a replica that is still copying, it looks again after ten
	// seconds.
	follows(t, master, replica)
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil,
		"sentinel monitor %[1]s %[2]s %[3]s 1\nsentinel down-after-milliseconds %[1]s %[4]d\nsentinel failover-timeout %[1]s 4000\n",
		name, host, port, patience.Milliseconds()), 0o600))
	sentinel = Start(t, conf, "--sentinel")
	// A Sentinel that had to wait for the processor for two seconds does nothing for half a minute, and it
	// chooses no replica that it has not heard of for five seconds. Before Redis 7 neither can be set.
	sentinel.Client.Do(t.Context(), "SENTINEL", "DEBUG", "TILT-TRIGGER", patience.Milliseconds(), "INFO-PERIOD", 500)
	s := redis.NewSentinelClient(&redis.Options{Addr: sentinel.Addr})
	defer s.Close()
	require.Eventually(t, func() bool {
		replicas, err := s.Replicas(t.Context(), name).Result()
		return err == nil && len(replicas) == 1 && replicas[0]["flags"] == "slave" && replicas[0]["master-link-status"] == "ok"
	}, patience, 50*time.Millisecond, "the Sentinel sees the replica")
	master.watch = func(ctx context.Context) error {
		return sentinel.Client.Do(ctx, "SENTINEL", "SET", name, "down-after-milliseconds", 500).Err()
	}
	return master, replica, sentinel
}

// Addrs returns the addresses of servers.
func Addrs(servers []*Server) (addrs []string) {
	for _, s := range servers {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}
