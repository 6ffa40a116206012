// Package acmetest lets a real certificate authority certify a real server. The
// authority is Pebble, a test authority of Let's Encrypt, with its DNS server.
// They are tools of a separate module, so that nobody else downloads them.
package acmetest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	goacme "golang.org/x/crypto/acme"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/freeport"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/acme"
	"github.com/zeugkit/zeug/serving/certs"
)

const domain = "shop.example.org"

// The authority proves at the server's own port that the domain is ours, the
// certificate that it issues is served and kept, and a server that starts while
// the authority cannot be reached uses the certificate that was kept.
func TestAnAuthorityCertifiesTheServer(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := gateway.OriginOf(r)
		fmt.Fprint(w, o.Scheme, "://", o.Host, r.URL.Path)
	})
	cache := filepath.Join(t.TempDir(), "acme")

	port := freeport.Port(t)
	authority := startAuthority(t, port)
	server := start(t, app, port, acme.Config{
		Domains: []string{domain}, Cache: cache, Email: "shop@example.org", Client: authority.client,
	})
	chain := ask(t, port, domain, authority.issuers(t))
	require.Equal(t, []string{domain}, chain[0].DNSNames)
	require.Contains(t, chain[0].Issuer.CommonName, "Pebble")

	_, err := tls.Dial("tcp", server.Addrs()[0].String(), &tls.Config{ServerName: "other.example.org", InsecureSkipVerify: true})
	require.Error(t, err, "a name that is not ours")
	kept, err := os.Stat(filepath.Join(cache, domain))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), kept.Mode().Perm())

	roots := authority.issuers(t)
	require.NoError(t, server.Close())
	authority.stop()
	start(t, app, port, acme.Config{Domains: []string{domain}, Cache: cache, Client: authority.client})
	again := ask(t, port, domain, roots)
	require.Equal(t, chain[0].SerialNumber, again[0].SerialNumber, "what was kept")
}

func start(t *testing.T, app http.Handler, port string, c acme.Config) *serving.Server {
	server, err := serving.New(app, serving.Options{TLS: acme.Certificates(c)})
	require.NoError(t, err)
	require.NoError(t, server.Listen("127.0.0.1:"+port))
	go server.Serve()
	t.Cleanup(func() { server.Close() })
	return server
}

// ask requests a page by the name of a host, and returns the verified chain.
func ask(t *testing.T, port string, name string, roots *x509.CertPool) []*x509.Certificate {
	var d net.Dialer
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", "127.0.0.1:"+port)
		},
	}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("https://" + name + "/")
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "https://"+name+"/", string(body))
	require.Equal(t, 2, resp.ProtoMajor)
	return resp.TLS.VerifiedChains[0]
}

// authority is Pebble with a DNS server that resolves every name to this
// machine.
type authority struct {
	client     *goacme.Client
	web        *http.Client
	management string
	stop       func()
}

// startAuthority starts an authority that validates domains at a port of this
// machine.
func startAuthority(t *testing.T, port string) *authority {
	folder := t.TempDir()
	build := exec.Command("go", "build", "-o", folder,
		"github.com/letsencrypt/pebble/v2/cmd/pebble", "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	names := "127.0.0.1:" + freeport.Port(t)
	run(t, nil, filepath.Join(folder, "pebble-challtestsrv"), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
		"-dnsserver", names, "-http01", "", "-https01", "", "-doh", "", "-tlsalpn01", "",
		"-management", "127.0.0.1:"+freeport.Port(t))

	await(t, "the server of names", func() error {
		c, err := net.Dial("tcp", names)
		if err == nil {
			c.Close()
		}
		return err
	})
	own := filepath.Join(folder, "authority")
	_, err = certs.Development(own)()
	require.NoError(t, err)
	listen, management := "127.0.0.1:"+freeport.Port(t), "127.0.0.1:"+freeport.Port(t)
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": management,
		"certificate": own + ".crt", "privateKey": own + ".key",
		"tlsPort": json.Number(port), "httpPort": 1,
		"profiles": map[string]any{"default": map[string]any{"description": "ninety days", "validityPeriod": 90 * 24 * 60 * 60}},
	}})
	require.NoError(t, err)
	file := filepath.Join(folder, "pebble.json")
	require.NoError(t, os.WriteFile(file, settings, 0o600))
	stop := run(t, []string{"PEBBLE_VA_NOSLEEP=1"}, filepath.Join(folder, "pebble"), "-config", file, "-dnsserver", names)

	roots := x509.NewCertPool()
	content, err := os.ReadFile(own + ".crt")
	require.NoError(t, err)
	require.True(t, roots.AppendCertsFromPEM(content))
	web := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	directory := "https://" + listen + "/dir"
	await(t, "the authority", func() error {
		resp, err := web.Get(directory)
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
	return &authority{
		client: &goacme.Client{DirectoryURL: directory, HTTPClient: web},
		web:    web, management: "https://" + management, stop: stop,
	}
}

// issuers returns the root certificate, whose key the authority made when it
// started.
func (a *authority) issuers(t *testing.T) *x509.CertPool {
	resp, err := a.web.Get(a.management + "/roots/0")
	require.NoError(t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	block, _ := pem.Decode(content)
	require.NotNil(t, block, "%s", content)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(content))
	return pool
}

// run starts a program that ends with the test. A failure shows its output.
func run(t *testing.T, environment []string, program string, arguments ...string) (stop func()) {
	var output strings.Builder
	c := exec.Command(program, arguments...)
	c.Env = append(os.Environ(), environment...)
	c.Stdout, c.Stderr = &output, &output
	require.NoError(t, c.Start())
	ended := false
	stop = func() {
		if !ended {
			ended = true
			c.Process.Kill()
			c.Wait()
		}
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program), output.String())
		}
	})
	return stop
}

// await waits until a program that was started answers.
func await(t *testing.T, what string, answers func() error) {
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		require.NoError(c, answers())
	}, time.Minute, 50*time.Millisecond, "%s does not answer", what)
}
