package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/zeugkit/zeug/serving/supervise"
)

// The life of a certificate made here: the longest that browsers still take of
// one they were told to trust.
const life = 365 * 24 * time.Hour

// Adhoc makes a certificate that nobody vouches for, for these hosts and the
// names of this machine's loopback; browsers warn of it, and it is gone with the
// process, or with its supervisor. It is Werkzeug's ssl_context="adhoc".
func Adhoc(hosts ...string) Source {
	return func() (*tls.Config, error) {
		if folder := supervise.Folder(); folder != "" {
			return Development(filepath.Join(folder, "adhoc"), hosts...)()
		}
		cert, key, err := generate(hosts)
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, err
		}
		return &tls.Config{Certificates: []tls.Certificate{pair}}, nil
	}
}

// Development is like [Adhoc] with a certificate that is kept as base.crt and
// base.key, so that a browser needs to be told once to trust it. It is made
// anew when it is missing, or within a day of its end. The key's file is
// readable by its owner alone. It is Werkzeug's make_ssl_devcert.
func Development(base string, hosts ...string) Source {
	return func() (*tls.Config, error) {
		if err := keep(base, hosts); err != nil {
			return nil, err
		}
		return Files(base+".crt", base+".key")()
	}
}

func keep(base string, hosts []string) error {
	pair, err := tls.LoadX509KeyPair(base+".crt", base+".key")
	if err == nil && time.Until(pair.Leaf.NotAfter) > 24*time.Hour && covers(pair.Leaf, hosts) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain(base+".crt", base+".key", err)
	}
	cert, key, err := generate(hosts)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(base), 0o700); err != nil {
		return fmt.Errorf("serving: keep the development certificate: %w", err)
	}
	if err := os.WriteFile(base+".key", key, 0o600); err != nil {
		return fmt.Errorf("serving: keep the development certificate: %w", err)
	}
	if err := os.WriteFile(base+".crt", cert, 0o644); err != nil {
		return fmt.Errorf("serving: keep the development certificate: %w", err)
	}
	return nil
}

func covers(cert *x509.Certificate, hosts []string) bool {
	for _, host := range hosts {
		if cert.VerifyHostname(host) != nil {
			return false
		}
	}
	return true
}

// generate makes a self-signed certificate and its key, as PEM.
func generate(hosts []string) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("serving: make a key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"Zeug development certificate"}, CommonName: "localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(life),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		// No authority: whoever is told to trust this one trusts no other.
		BasicConstraintsValid: true,
	}
	for _, host := range append(hosts, "localhost", "*.localhost", "127.0.0.1", "::1") {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, fmt.Errorf("serving: make a certificate: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("serving: make a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}
