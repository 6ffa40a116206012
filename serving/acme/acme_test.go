package acme_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/acme"
)

func TestConfigsAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, c := range map[string]struct {
		config acme.Config
		says   string
	}{
		"without domain":       {acme.Config{Cache: t.TempDir()}, "name the domains"},
		"without cache":        {acme.Config{Domains: []string{"example.org"}}, "name a folder"},
		"with a wildcard":      {acme.Config{Domains: []string{"*.example.org"}, Cache: t.TempDir()}, "without wildcard"},
		"with a port":          {acme.Config{Domains: []string{"example.org:443"}, Cache: t.TempDir()}, "without wildcard, port"},
		"with a bare name":     {acme.Config{Domains: []string{"localhost"}, Cache: t.TempDir()}, "no authority certifies"},
		"with no cache to use": {acme.Config{Domains: []string{"example.org"}, Cache: filepath.Join(file, "x")}, "choose one this user may write to"},
	} {
		t.Run(name, func(t *testing.T) {
			err := serving.Run("127.0.0.1:0", http.NotFoundHandler(), serving.Options{TLS: acme.Certificates(c.config)})
			require.ErrorContains(t, err, c.says)
			require.Equal(t, 78, serving.ExitCode(err))
		})
	}
}

// A certificate in the cache that is still valid is served without asking the authority.
func TestACertificateInTheCacheIsUsed(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"example.org"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	secret, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	kept := append(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "example.org"), kept, 0o600))

	s, err := serving.New(http.NotFoundHandler(), serving.Options{
		TLS: acme.Certificates(acme.Config{Domains: []string{"example.org"}, Cache: dir, Directory: "http://127.0.0.1:1/nobody"}),
	})
	require.NoError(t, err)
	require.NoError(t, s.Listen("127.0.0.1:0"))
	go s.Serve()
	defer s.Close()
	c, err := tls.Dial("tcp", s.Addrs()[0].String(), &tls.Config{ServerName: "example.org", InsecureSkipVerify: true})
	require.NoError(t, err)
	require.Equal(t, der, c.ConnectionState().PeerCertificates[0].Raw)
	c.Close()
	_, err = tls.Dial("tcp", s.Addrs()[0].String(), &tls.Config{ServerName: "other.org", InsecureSkipVerify: true})
	require.Error(t, err, "a name that is not ours")
}
