package certs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/certs"
)

// leaf returns the certificate that source shows to a client.
func leaf(t *testing.T, config *tls.Config) *x509.Certificate {
	t.Helper()
	pair := &tls.Certificate{}
	if len(config.Certificates) > 0 {
		pair = &config.Certificates[0]
	} else {
		var err error
		pair, err = config.GetCertificate(&tls.ClientHelloInfo{ServerName: "localhost"})
		require.NoError(t, err)
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	require.NoError(t, err)
	return cert
}

func TestASelfSignedCertificateIsForLoopbackAndTheHostsNamed(t *testing.T) {
	config, err := certs.SelfSigned("app.test", "192.0.2.7")()
	require.NoError(t, err)
	cert := leaf(t, config)
	for _, host := range []string{"localhost", "shop.localhost", "127.0.0.1", "::1", "app.test", "192.0.2.7"} {
		require.NoError(t, cert.VerifyHostname(host), host)
	}
	require.Error(t, cert.VerifyHostname("example.org"))
	require.False(t, cert.IsCA)
	require.WithinDuration(t, time.Now().Add(365*24*time.Hour), cert.NotAfter, time.Minute)
}

func TestADevelopmentCertificateIsKept(t *testing.T) {
	base := filepath.Join(t.TempDir(), "dev", "app")
	first, err := certs.Development(base)()
	require.NoError(t, err)
	again, err := certs.Development(base)()
	require.NoError(t, err)
	require.Equal(t, leaf(t, first), leaf(t, again))
	info, err := os.Stat(base + ".key")
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	other, err := certs.Development(base, "app.test")()
	require.NoError(t, err)
	require.NoError(t, leaf(t, other).VerifyHostname("app.test"), "made again for a host it did not name")
}

func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	_, err := certs.Development(one)()
	require.NoError(t, err)
	second, err := certs.Development(two)()
	require.NoError(t, err)
	config, err := certs.Files(one+".crt", one+".key")()
	require.NoError(t, err)
	was := leaf(t, config)

	copyFile := func(from, to string) {
		b, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(to, b, 0o600))
		require.NoError(t, os.Chtimes(to, time.Time{}, time.Now().Add(time.Minute)))
	}
	copyFile(two+".crt", one+".crt")
	looked := time.Now().Add(1100 * time.Millisecond)
	require.Never(t, func() bool { return time.Now().Before(looked) && !leaf(t, config).Equal(was) }, 1200*time.Millisecond, 50*time.Millisecond,
		"a certificate without its key leaves the old pair")
	copyFile(two+".key", one+".key")
	require.Eventually(t, func() bool { return leaf(t, config).Equal(leaf(t, second)) }, 5*time.Second, 20*time.Millisecond)
}

func TestFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		_, err := certs.Development(filepath.Join(dir, name))()
		require.NoError(t, err)
	}
	_, err := certs.Files(filepath.Join(dir, "a.crt"), filepath.Join(dir, "b.key"))()
	require.ErrorContains(t, err, "belong together")
}

func TestDevelopmentLeavesForeignFilesAlone(t *testing.T) {
	made, err := certs.Development(filepath.Join(t.TempDir(), "own"))()
	require.NoError(t, err)
	require.NotNil(t, made)
	for name, c := range map[string]struct{ file, says string }{
		"a certificate without its key": {"app.crt", "app.crt and no "},
		"a key without its certificate": {"app.key", "app.key and no "},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, c.file), []byte("precious"), 0o644))
			_, err := certs.Development(filepath.Join(dir, "app"))()
			require.ErrorContains(t, err, c.says)
			left, err := os.ReadFile(filepath.Join(dir, c.file))
			require.NoError(t, err)
			require.Equal(t, "precious", string(left))
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, files, 1)
		})
	}
	t.Run("a pair of another authority that does not name the host", func(t *testing.T) {
		base := filepath.Join(t.TempDir(), "app")
		cert, key := foreign(t)
		require.NoError(t, os.WriteFile(base+".crt", cert, 0o644))
		require.NoError(t, os.WriteFile(base+".key", key, 0o600))
		_, err := certs.Development(base, "example.org")()
		require.NoError(t, err)
		_, err = certs.Development(base, "other.test")()
		require.ErrorContains(t, err, "was not made by certs.Development")
		left, err := os.ReadFile(base + ".key")
		require.NoError(t, err)
		require.Equal(t, key, left)
	})
}

func TestAKeyOfOursIsPrivate(t *testing.T) {
	base := filepath.Join(t.TempDir(), "app")
	for _, hosts := range [][]string{nil, nil, {"app.test"}} { // made, kept, replaced
		_, err := certs.Development(base, hosts...)()
		require.NoError(t, err)
		info, err := os.Stat(base + ".key")
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		require.NoError(t, os.Chmod(base+".key", 0o644))
	}
}

// foreign makes a certificate for example.org like an authority.
func foreign(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(48 * time.Hour), DNSNames: []string{"example.org"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

func TestACertificateThatCannotBeReadAgainIsLogged(t *testing.T) {
	base := filepath.Join(t.TempDir(), "app")
	cert, key := foreign(t)
	require.NoError(t, os.WriteFile(base+".crt", cert, 0o600))
	require.NoError(t, os.WriteFile(base+".key", key, 0o600))
	log := &records{}
	s, err := serving.New(http.NotFoundHandler(), serving.Options{TLS: certs.Files(base+".crt", base+".key"), Logger: slog.New(slog.NewJSONHandler(log, nil)), NoAccessLog: true})
	require.NoError(t, err)
	require.NoError(t, s.Listen("127.0.0.1:0"))
	go s.Serve()
	t.Cleanup(func() { s.Close() })
	require.NoError(t, os.WriteFile(base+".crt", []byte("half of a"), 0o600))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	ask := func() {
		resp, err := client.Get("https://" + s.Addrs()[0].String())
		require.NoError(t, err, "the last certificate stays in use")
		resp.Body.Close()
	}
	require.Eventually(t, func() bool {
		ask()
		return log.count("the changed certificate cannot be read") > 0
	}, 20*time.Second, 50*time.Millisecond)
	looked := time.Now()
	for time.Since(looked) < 1500*time.Millisecond { // the files are checked again meanwhile
		ask()
	}
	require.Equal(t, 1, log.count("the changed certificate cannot be read"))
	require.Equal(t, 1, log.count(base+".crt"))
}

// records is a log.
type records struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *records) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *records) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}
