// Package acme gets and renews certificates from an authority that speaks ACME
// (RFC 8555). The default authority is Let's Encrypt.
//
//	serving.MainWith(":443", app, serving.Options{TLS: acme.Certificates(acme.Config{
//		Domains: []string{"example.org", "www.example.org"}, Cache: "/var/lib/app/acme",
//	})})
//
// The authority validates the domains over port 443 (TLS-ALPN-01, RFC 8737), so this port must
// reach the server. Nothing listens on port 80. The package golang.org/x/crypto/acme/autocert
// speaks the protocol.
package acme

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/zeugkit/zeug/serving/certs"
)

// Config says which certificates to get, and where to store them.
type Config struct {
	// Domains are the names to serve, without wildcards. A client that asks for
	// any other name is refused.
	Domains []string
	// Cache is a folder for certificates and keys, made with mode 0700 if it is missing. Without a
	// cache, each start requests new certificates, and the authority issues only a few each week.
	Cache string
	// Email is the address to which the authority sends warnings, if not empty.
	Email string
	// Directory is the authority's URL; if empty, it is Let's Encrypt's. Let's
	// Encrypt's staging area,
	// https://acme-staging-v02.api.letsencrypt.org/directory, is for tests.
	Directory string
	// Client, if not nil, connects to the authority instead of the client made from Directory: for
	// example if it has an account, or its own root certificates.
	Client *acme.Client
}

// Certificates returns the source of certificates for serving.Options.TLS. By
// using it you agree to the authority's terms of service.
func Certificates(c Config) certs.Source {
	return func() (*tls.Config, error) {
		if len(c.Domains) == 0 {
			return nil, errors.New("serving: acme.Config.Domains is empty: name the domains that lead to this server")
		}
		for _, domain := range c.Domains {
			if !strings.Contains(domain, ".") || strings.ContainsAny(domain, "*:/ ") {
				return nil, fmt.Errorf("serving: no authority certifies %q for a server: name domains as example.org, without wildcard, port or path", domain)
			}
		}
		if c.Cache == "" {
			return nil, errors.New("serving: acme.Config.Cache is empty: name a folder, or each start asks for new certificates until the authority refuses them")
		}
		if err := os.MkdirAll(c.Cache, 0o700); err != nil {
			return nil, fmt.Errorf("serving: the folder for certificates cannot be made: choose one this user may write to: %w", err)
		}
		client := c.Client
		if client == nil && c.Directory != "" {
			client = &acme.Client{DirectoryURL: c.Directory}
		}
		manager := &autocert.Manager{
			Prompt:     autocert.AcceptTOS,
			HostPolicy: autocert.HostWhitelist(c.Domains...),
			Cache:      autocert.DirCache(c.Cache),
			Email:      c.Email,
			Client:     client,
		}
		return manager.TLSConfig(), nil
	}
}
