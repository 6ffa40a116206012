// Package acme has certificates made and renewed by an authority that speaks
// ACME (RFC 8555), Let's Encrypt unless another one is named.
//
//	serving.MainWith(":443", app, serving.Options{TLS: acme.Certificates(acme.Config{
//		Domains: []string{"example.org", "www.example.org"}, Cache: "/var/lib/app/acme",
//	})})
//
// The authority proves that the domains are ours over port 443 itself (TLS-ALPN-01, RFC 8737),
// which must therefore reach this server; nothing listens on port 80. The package
// golang.org/x/crypto/acme/autocert speaks the protocol.
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

// Config says which certificates to get, and where to keep them.
type Config struct {
	// Domains are the names to serve, without wildcards. A client that asks for
	// any other one is refused.
	Domains []string
	// Cache is a folder for certificates and keys, made with mode 0700 if it is missing. Without a
	// cache each start asks the authority for certificates, and it issues only a few a week.
	Cache string
	// Email is the address that the authority warns of trouble, if not empty.
	Email string
	// Directory is the authority's URL; empty, Let's Encrypt's. Its staging
	// area, https://acme-staging-v02.api.letsencrypt.org/directory, is for trying.
	Directory string
	// Client connects to the authority in place of the client made from Directory, if not nil: for
	// one with an account, or with roots of its own.
	Client *acme.Client
}

// Certificates returns the source of certificates for serving.Options.TLS. To
// use it is to agree to the authority's terms of service.
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
