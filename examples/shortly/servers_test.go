package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
	"github.com/zeugkit/zeug/internal/redistest"
)

// deployment is a way to run Redis that shortly must work with.
type deployment struct {
	name  string
	open  func(t *testing.T) *redis.UniversalOptions
	heavy bool // takes seconds to start
}

var deployments = []deployment{
	{name: "embedded", open: startEmbedded},
	{name: "single", open: startSingle},
	{name: "unix socket", open: startUnix},
	{name: "TLS", open: startTLS},
	{name: "cluster", open: startCluster, heavy: true},
	{name: "sentinel", open: startSentinel, heavy: true},
}

// longPatience is for requests that a busy machine may let wait for longer than a client should.
const longPatience = time.Minute

// start starts a Redis of this kind, for clients that wait for it for long.
func (d deployment) start(t *testing.T) *redis.UniversalOptions {
	t.Helper()
	o := d.open(t)
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = longPatience, longPatience, longPatience, longPatience
	return o
}

// onEach runs a test on a fresh Redis of each kind.
func onEach(t *testing.T, test func(t *testing.T, client redis.UniversalClient)) {
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
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
	return parse(t, "redis://"+redistest.Start(t).Addr)
}

func startUnix(t *testing.T) *redis.UniversalOptions {
	// A socket's path is limited to some 100 bytes, which t.TempDir may exceed.
	dir, err := os.MkdirTemp("", "redis")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "redis.sock")
	redistest.Start(t, "--unixsocket", socket)
	return parse(t, "unix://"+socket)
}

func startTLS(t *testing.T) *redis.UniversalOptions {
	dir := t.TempDir()
	roots := certify(t, dir)
	port := freeport.Port(t)
	redistest.Start(t, "--tls-port", port, "--tls-auth-clients", "no",
		"--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"), "--tls-ca-cert-file", filepath.Join(dir, "cert.pem"))
	o := parse(t, "rediss://localhost:"+port)
	o.TLSConfig.RootCAs = roots
	return o
}

func startCluster(t *testing.T) *redis.UniversalOptions {
	o, _ := startClusterNodes(t)
	return o
}

func startClusterNodes(t *testing.T) (o *redis.UniversalOptions, nodes []*redistest.Server) {
	nodes = redistest.StartCluster(t, false)
	return parse(t, "redis://"+strings.Join(redistest.Addrs(nodes), ",")), nodes
}

func startSentinel(t *testing.T) *redis.UniversalOptions {
	_, _, sentinel := redistest.StartSentinels(t, "links")
	return parse(t, "redis+sentinel://"+sentinel.Addr+"/links")
}

func parse(t *testing.T, address string) *redis.UniversalOptions {
	t.Helper()
	o, err := parseRedis(address)
	require.NoError(t, err)
	return o
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
