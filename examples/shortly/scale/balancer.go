//go:build unix

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/zeugkit/zeug/internal/freeport"
)

// balancer is an HAProxy in front of a fleet.
type balancer struct {
	base    string // its URL
	process *process
}

// haproxyConfig is a configuration that may send each request of a client to another instance. The
// file docs/scaling.md explains each line.
const haproxyConfig = `
global
  maxconn 4000
  nbthread 1
defaults
  mode http
  timeout connect 500ms
  timeout client 30s
  timeout server 1500ms
  timeout queue 3s
  timeout http-keep-alive 30s
  retries 3
  option redispatch 1
  option http-buffer-request
  retry-on conn-failure empty-response response-timeout
  http-reuse safe
frontend front
  bind %s
  http-request set-header X-Forwarded-For %%[src]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %%[req.hdr(host)]
  http-request del-header X-Forwarded-Prefix
  default_backend shortly
backend shortly
  balance roundrobin
  option httpchk GET /-/ready
  default-server check inter 200ms fall 2 rise 2
  http-response set-header X-Instance %%s
`

// startBalancer starts HAProxy on a free port of loopback.
func startBalancer(ctx context.Context, dir string, f *fleet) (*balancer, error) {
	ports, err := freeport.Choose(1)
	if err != nil {
		return nil, err
	}
	addr := "127.0.0.1:" + ports[0]
	var config strings.Builder
	fmt.Fprintf(&config, haproxyConfig, addr)
	for _, in := range f.instances {
		fmt.Fprintf(&config, "  server %s %s\n", in.name, in.addr)
	}
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		return nil, err
	}
	program, err := exec.LookPath("haproxy")
	if err != nil {
		program = "/usr/sbin/haproxy" // its folder is not on every user's PATH
	}
	b := &balancer{base: "http://" + addr}
	if b.process, err = start(dir, program, "-db", "-f", file); err != nil {
		return nil, err
	}
	err = eventually(ctx, "HAProxy", func(ctx context.Context) error {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err
	})
	if err != nil {
		b.process.kill()
		return nil, fmt.Errorf("%w: %s", err, b.process.output.String())
	}
	return b, nil
}
