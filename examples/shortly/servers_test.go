package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// deployment is a way to run Redis that shortly must work with.
type deployment struct {
	name  string
	start func(t *testing.T) *redis.UniversalOptions
	heavy bool // takes seconds to start
}

var deployments = []deployment{
	{name: "embedded", start: startEmbedded},
	{name: "single", start: startSingle},
	{name: "unix socket", start: startUnix},
	{name: "TLS", start: startTLS},
	{name: "cluster", start: startCluster, heavy: true},
	{name: "sentinel", start: startSentinel, heavy: true},
}

// onEach runs a test on a fresh Redis of each kind.
func onEach(t *testing.T, test func(t *testing.T, client redis.UniversalClient)) {
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) {
			if d.heavy && testing.Short() {
				t.Skip("starts several servers")
			}
			test(t, connect(t, d.start(t)))
		})
	}
}

func connect(t *testing.T, o *redis.UniversalOptions) redis.UniversalClient {
	t.Helper()
	client := redis.NewUniversalClient(o)
	t.Cleanup(func() { client.Close() })
	return client
}

func startEmbedded(t *testing.T) *redis.UniversalOptions {
	o, err := embedRedis()
	require.NoError(t, err)
	return o
}

func startSingle(t *testing.T) *redis.UniversalOptions {
	return parse(t, "redis://"+startRedis(t).addr)
}

func startUnix(t *testing.T) *redis.UniversalOptions {
	// A socket's path is limited to some 100 bytes, which t.TempDir may exceed.
	dir, err := os.MkdirTemp("", "redis")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "redis.sock")
	startRedis(t, "--unixsocket", socket)
	return parse(t, "unix://"+socket)
}

func startTLS(t *testing.T) *redis.UniversalOptions {
	dir := t.TempDir()
	roots := certify(t, dir)
	port := freePort(t)
	startRedis(t, "--tls-port", port, "--tls-auth-clients", "no",
		"--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"), "--tls-ca-cert-file", filepath.Join(dir, "cert.pem"))
	o := parse(t, "rediss://localhost:"+port)
	o.TLSConfig.RootCAs = roots
	return o
}

func startCluster(t *testing.T) *redis.UniversalOptions {
	var nodes []*server
	for range 3 {
		nodes = append(nodes, startRedis(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t), "--cluster-node-timeout", "2000"))
	}
	ctx := t.Context()
	var addrs []string
	for i, node := range nodes {
		addrs = append(addrs, node.addr)
		require.NoError(t, node.client.ClusterAddSlotsRange(ctx, i*16384/3, (i+1)*16384/3-1).Err())
		for _, other := range nodes[:i] {
			host, port, _ := net.SplitHostPort(other.addr)
			require.NoError(t, node.client.Do(ctx, "CLUSTER", "MEET", host, port, other.value("cluster-port")).Err())
		}
	}
	for _, node := range nodes {
		require.Eventually(t, func() bool {
			info, err := node.client.ClusterInfo(ctx).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		}, 20*time.Second, 20*time.Millisecond)
	}
	return parse(t, "redis://"+strings.Join(addrs, ","))
}

func startSentinel(t *testing.T) *redis.UniversalOptions {
	_, _, sentinel := startSentinels(t)
	return parse(t, "redis+sentinel://"+sentinel.addr+"/links")
}

// startSentinels starts a master, a replica and a Sentinel that knows both.
func startSentinels(t *testing.T) (master, replica, sentinel *server) {
	master = startRedis(t)
	host, port, _ := net.SplitHostPort(master.addr)
	replica = startRedis(t, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil,
		"sentinel monitor links %s %s 1\nsentinel down-after-milliseconds links 500\nsentinel failover-timeout links 4000\n", host, port), 0o600))
	sentinel = startRedis(t, conf, "--sentinel")
	ctx := t.Context()
	require.Eventually(t, func() bool {
		s := redis.NewSentinelClient(&redis.Options{Addr: sentinel.addr})
		defer s.Close()
		replicas, err := s.Replicas(ctx, "links").Result()
		return err == nil && len(replicas) == 1 && replicas[0]["flags"] == "slave" && replicas[0]["master-link-status"] == "ok"
	}, 30*time.Second, 50*time.Millisecond, "the Sentinel sees the replica")
	return master, replica, sentinel
}

func parse(t *testing.T, address string) *redis.UniversalOptions {
	t.Helper()
	o, err := parseRedis(address)
	require.NoError(t, err)
	return o
}

// server is a running redis-server.
type server struct {
	addr    string
	args    []string
	command *exec.Cmd
	client  *redis.Client
}

// startRedis starts a redis-server on a free port of loopback that writes
// nothing but to a temporary folder, and waits until it answers.
func startRedis(t *testing.T, args ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: only the embedded Redis is tested")
	}
	port := freePort(t)
	s := &server{addr: "127.0.0.1:" + port}
	s.args = append(args, "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--appendonly", "no")
	s.client = redis.NewClient(&redis.Options{Addr: s.addr})
	t.Cleanup(func() {
		s.client.Close()
		s.stop()
	})
	s.start(t)
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.command = exec.Command("redis-server", s.args...)
	require.NoError(t, s.command.Start())
	require.Eventually(t, func() bool {
		return s.client.Ping(context.Background()).Err() == nil
	}, 20*time.Second, 10*time.Millisecond, "redis-server %v answers", s.args)
}

func (s *server) stop() {
	if s.command != nil {
		s.command.Process.Kill()
		s.command.Wait()
		s.command = nil
	}
}

// value returns the argument that follows --name.
func (s *server) value(name string) string {
	for i, arg := range s.args {
		if arg == "--"+name {
			return s.args[i+1]
		}
	}
	return ""
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// certify writes a certificate for localhost and its key into dir.
func certify(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cert.pem"), cert, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	return roots
}
