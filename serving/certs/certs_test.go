package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/serving/certs"
)

// leaf returns the certificate that a client of source is shown.
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

func TestAdhocIsForLoopbackAndTheHostsNamed(t *testing.T) {
	config, err := certs.Adhoc("app.test", "192.0.2.7")()
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
	require.NoError(t, leaf(t, other).VerifyHostname("app.test"), "made anew for a host it did not name")
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
