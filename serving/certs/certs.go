// Package certs holds the sources of a server's certificates: files that are read again when they
// change, a self-signed certificate, a certificate that is kept so that a browser can be told to
// trust it, or the program's own [tls.Config]. Package serving/acme fetches certificates from an
// authority.
package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/internal/serverlog"
)

// Source makes the TLS settings of a server. Its error has one line and says
// what to do. HTTP/2 is negotiated even if NextProtos of the settings does not
// list it.
type Source func() (*tls.Config, error)

// Config is the program's own settings.
func Config(c *tls.Config) Source {
	return func() (*tls.Config, error) {
		if c == nil || len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
			return nil, errors.New("serving: the TLS settings hold no certificate: set Certificates or GetCertificate")
		}
		return c, nil
	}
}

// Files reads the certificate with its chain, and the key, from two PEM files.
// When a client connects, they are checked at most once a second, and read
// again if they have changed. If the new pair cannot be read, the last good one
// stays in use; the server's log says so, at most once a minute.
func Files(cert, key string) Source {
	return func() (*tls.Config, error) {
		f := &files{cert: cert, key: key}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, explain(cert, key, err)
		}
		f.current.Store(&loaded{pair: &pair, at: time.Now(), stamp: f.stamp()})
		return &tls.Config{GetCertificate: f.get}, nil
	}
}

type files struct {
	cert, key string
	current   atomic.Pointer[loaded]
	seldom    serverlog.Seldom
}

// loaded is a pair, the time of the last check of its files, and their state at that time.
type loaded struct {
	pair  *tls.Certificate
	at    time.Time
	stamp [2]stamp
}

type stamp struct {
	changed time.Time
	size    int64
}

func (f *files) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	now := f.current.Load()
	if time.Since(now.at) < time.Second {
		return now.pair, nil
	}
	next := &loaded{pair: now.pair, at: time.Now(), stamp: now.stamp}
	if !f.current.CompareAndSwap(now, next) {
		return now.pair, nil // another handshake looks
	}
	seen := f.stamp()
	if seen == now.stamp {
		return now.pair, nil
	}
	// Certificate and key are replaced one after the other: if only one is new,
	// the pair does not load, and is checked again in a second.
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		f.seldom.Warn(serverlog.From(hello.Context()), "the changed certificate cannot be read, and the last one stays in use",
			"valid_until", now.pair.Leaf.NotAfter, "err", explain(f.cert, f.key, err))
		return now.pair, nil
	}
	f.current.Store(&loaded{pair: &pair, at: next.at, stamp: seen})
	return &pair, nil
}

func (f *files) stamp() (s [2]stamp) {
	for i, name := range []string{f.cert, f.key} {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

func explain(cert, key string, err error) error {
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist) && errors.As(err, &path):
		return fmt.Errorf("serving: there is no certificate file %s: give the path of a PEM file, or use certs.SelfSigned while developing: %w", path.Path, err)
	case errors.Is(err, fs.ErrPermission) && errors.As(err, &path):
		return fmt.Errorf("serving: this user may not read %s: change its owner or mode: %w", path.Path, err)
	}
	return fmt.Errorf("serving: the certificate %s and the key %s cannot be used: both must be PEM, the leaf certificate first, and belong together: %w", cert, key, err)
}
