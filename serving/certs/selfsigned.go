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
	"slices"
	"time"

	"github.com/zeugkit/zeug/internal/supervise"
)

// The lifetime of a certificate made here: the longest that browsers accept if the user has told
// them to trust the certificate.
const life = 365 * 24 * time.Hour

// organization marks certificates that are made here.
const organization = "Zeug development certificate"

// SelfSigned makes a certificate for these hosts and for the names of this
// machine's loopback. No authority has signed it, so browsers warn about it. It
// lasts as long as the process, or its supervisor. It corresponds to Werkzeug's
// ssl_context="adhoc".
func SelfSigned(hosts ...string) Source {
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

// Development is like [SelfSigned] with a certificate that is kept as base.crt and base.key, so you
// have to tell a browser only once to trust it. A new certificate is made if both files are missing, or
// if the old one ends within a day. Files of other programs are never overwritten: the error says
// which. The key's file is readable by its owner alone. It corresponds to Werkzeug's
// make_ssl_devcert.
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
	if err == nil {
		usable := time.Until(pair.Leaf.NotAfter) > 24*time.Hour && covers(pair.Leaf, hosts)
		switch {
		case !usable && !isOurs(pair.Leaf):
			return fmt.Errorf("serving: the certificate %s.crt was not made by certs.Development, and ends or does not name each of these hosts: renew it, or choose another base", base)
		case usable && isOurs(pair.Leaf):
			return private(base + ".key")
		case usable:
			return nil
		}
	} else if err := vacant(base, err); err != nil {
		return err
	}
	cert, key, err := generate(hosts)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(base), 0o700); err != nil {
		return fmt.Errorf("serving: keep the development certificate: %w", err)
	}
	if err := replace(base+".key", key, 0o600); err != nil {
		return fmt.Errorf("serving: keep the development certificate: %w", err)
	}
	if err := replace(base+".crt", cert, 0o644); err != nil {
		return fmt.Errorf("serving: keep the development certificate: %w", err)
	}
	return nil
}

// vacant returns an error if one of the files exists: without the other one, it must be somebody
// else's.
func vacant(base string, cause error) error {
	if !errors.Is(cause, fs.ErrNotExist) {
		return explain(base+".crt", base+".key", cause)
	}
	for name, other := range map[string]string{base + ".crt": base + ".key", base + ".key": base + ".crt"} {
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("serving: there is a file %s and no %s: certs.Development overwrites neither: remove it, or choose another base: %w", name, other, cause)
		}
	}
	return nil
}

// replace writes a file atomically and with this mode, even if the file exists.
func replace(name string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// private removes the rights of other users to a key.
func private(key string) error {
	info, err := os.Stat(key)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(key, 0o600)
	}
	if err != nil {
		return fmt.Errorf("serving: keep the key of the development certificate to its owner: %w", err)
	}
	return nil
}

// isOurs reports whether generate made the certificate.
func isOurs(cert *x509.Certificate) bool {
	return slices.Contains(cert.Subject.Organization, organization)
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
		Subject:   pkix.Name{Organization: []string{organization}, CommonName: "localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(life),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		// The certificate is not an authority: clients that trust it must not trust other
		// certificates because of it.
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
