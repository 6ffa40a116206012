package serving

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/internal/devtools"
	"github.com/zeugkit/zeug/internal/listen"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/starterror"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/serving/certs"
)

// Supervised reports whether this process runs under a supervisor, either of
// "zeug run" or because of Options.Reload. It corresponds to Werkzeug's
// is_running_from_reloader.
func Supervised() bool { return supervise.Folder() != "" }

// debugSupervised reports whether a supervised process has the debugger: if Debug asks for it, and
// under "zeug run", which is for development and always links the debugger. A program with
// Options.Reload supervises itself and sends its settings. PassPanics is for another debugger.
func (o *Options) debugSupervised() bool {
	tools := devtools.Linked()
	return o.Debug || !o.Reload && !o.PassPanics && tools != nil && tools.CheckDebugger() == nil
}

// runSupervised serves behind a supervisor: the supervisor holds the sockets
// and speaks TLS, and this process gets requests through a unix socket until it
// is told to end.
func runSupervised(c *supervise.Conn, addrs []string, app http.Handler, o Options) error {
	defer c.Close()
	source := o.TLS
	o.Debug = o.debugSupervised()
	// The supervisor limits its clients, and keeps connections open as it chooses.
	o.TLS, o.HTTP3, o.WrapListener, o.IdleTimeout = nil, nil, nil, -1
	s, err := New(app, o)
	if err != nil {
		return &starterror.Error{Err: err}
	}
	hello := supervise.Hello{Run: supervise.Run(), SocketMode: uint32(o.SocketMode), H2C: o.H2C, Watch: o.Watch, Exclude: o.Exclude}
	hello.Assets = append(hello.Assets, o.Assets...)
	for _, path := range o.StaticFiles {
		hello.Assets = append(hello.Assets, path)
	}
	for _, addr := range addrs {
		if addr == "" {
			addr = listen.Default
		}
		hello.Listen = append(hello.Listen, addr)
	}
	if source != nil {
		if hello.Cert, hello.Key, err = exported(source); err != nil {
			return &starterror.Error{Err: err}
		}
	}
	terms, err := negotiate(c, hello)
	if err != nil {
		return &starterror.Error{Err: err}
	}
	if err := o.start(terms.URLs); err != nil {
		return &starterror.Error{Err: err}
	}
	if err := s.Listen("unix:" + terms.Socket); err != nil {
		return &starterror.Error{Err: err}
	}
	s.terms.Store(&terms)
	if terms.Frames {
		s.keeper.Store(c)
	}
	s.http.Handler = originally(s.http.Handler)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	if terms.Announce {
		announceURLs(&s.options, terms.URLs)
	}
	if err := c.Send(supervise.TypeReady, nil); err != nil {
		return err
	}

	told := make(chan string)
	go hear(c, told)
	for {
		select {
		case err := <-served:
			return err
		case what := <-told:
			if what == supervise.TypeFinish {
				s.endStreams()
				continue
			}
		case <-signals:
		}
		ctx, cancel := context.WithTimeout(context.Background(), supervisedDrain)
		defer cancel()
		return s.Shutdown(ctx)
	}
}

// supervisedDrain is how long a process may take to end: a programmer is
// waiting for it.
const supervisedDrain = 3 * time.Second

func negotiate(c *supervise.Conn, hello supervise.Hello) (terms supervise.Serve, err error) {
	if err := c.Send(supervise.TypeHello, hello); err != nil {
		return terms, err
	}
	m, err := c.Receive()
	switch {
	case err != nil:
		return terms, fmt.Errorf("serving: the supervisor is gone: %w", err)
	case m.Type == supervise.TypeRefuse:
		var refuse supervise.Refuse
		if err := m.Into(&refuse); err != nil {
			return terms, err
		}
		return terms, errors.New(refuse.Error)
	}
	return terms, m.Into(&terms)
}

// hear passes on the messages of the supervisor; when the supervisor has gone, it passes on that
// this process must end.
func hear(c *supervise.Conn, told chan<- string) {
	for {
		m, err := c.Receive()
		if err != nil {
			told <- supervise.TypeDrain
			return
		}
		told <- m.Type
	}
}

// exported returns the certificate and key of source as PEM. A certificate that an authority would
// issue while the server runs is replaced by one for development.
func exported(source certs.Source) (cert, key string, err error) {
	config, err := source()
	if err != nil {
		return "", "", err
	}
	pair, err := anyCertificate(config)
	if err != nil {
		if config, err = certs.SelfSigned()(); err != nil {
			return "", "", err
		}
		if pair, err = anyCertificate(config); err != nil {
			return "", "", err
		}
	}
	var chain strings.Builder
	for _, der := range pair.Certificate {
		pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	secret, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return "", "", fmt.Errorf("serving: the certificate's key cannot be given to the supervisor: use certs.Development while developing: %w", err)
	}
	return chain.String(), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})), nil
}

func anyCertificate(config *tls.Config) (*tls.Certificate, error) {
	if len(config.Certificates) > 0 {
		return &config.Certificates[0], nil
	}
	if config.GetCertificate == nil {
		return nil, errors.New("serving: no certificate")
	}
	return config.GetCertificate(&tls.ClientHelloInfo{
		ServerName:        "localhost",
		CipherSuites:      []uint16{tls.TLS_AES_128_GCM_SHA256},
		SignatureSchemes:  []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PSSWithSHA256},
		SupportedVersions: []uint16{tls.VersionTLS13},
	})
}

// originally restores each request to the form in which the supervisor received it.
func originally(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, rest, _ := strings.Cut(r.Header.Get(supervise.OriginHeader), " ")
		addr, client, _ := strings.Cut(rest, " ")
		r.Header.Del(supervise.OriginHeader)
		r.RemoteAddr = addr
		p := peer.Parse(client)
		p.Supervised = true
		r = r.WithContext(peer.With(r.Context(), p))
		if scheme == "https" {
			r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true}
		}
		app.ServeHTTP(w, r)
	})
}
