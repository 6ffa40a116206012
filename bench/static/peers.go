package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/zeugkit/zeug/bench/load"
)

var tools = []load.Tool{
	{Package: "nginx", Check: []string{"nginx"}, Peer: "nginx"},
	{Package: "caddy", Check: []string{"caddy"}, Peer: "caddy"},
	{Package: "gunicorn", Check: []string{"gunicorn"}, Peer: "Werkzeug"},
	{Package: "python3-werkzeug", Check: []string{"/usr/bin/python3", "-c", "import werkzeug"}, Peer: "Werkzeug"},
}

// peers returns the servers, Zeug first.
func peers(root string) ([]*load.Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ours := func(name, kind string, more ...string) *load.Server {
		return &load.Server{
			Name: name, Command: append([]string{self, "-serve", kind, "-dir", root, "-addr", "ADDR"}, more...),
			Env: []string{"GOMAXPROCS=1"},
		}
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;"
	}
	nginx := func(name, cache string) *load.Server {
		text := strings.NewReplacer("USER", user, "ROOT", root, "CACHE", cache).Replace(nginxConf)
		return &load.Server{Name: name, Command: []string{"nginx", "-c", "DIR/nginx.conf"}, Files: map[string]string{"nginx.conf": text}}
	}
	list := []*load.Server{
		ours("zeug", "zeug"),
		ours("bare", "bare"),
		ours("bare, all fields", "bare-fields"),
		ours("http.FileServer", "fileserver"),
		ours("fiber", "fiber"),
		nginx("nginx", ""),
		nginx("nginx, open_file_cache", "open_file_cache max=1000; open_file_cache_valid 60s;"),
		{
			Name: "caddy", Command: []string{"caddy", "run", "--adapter", "caddyfile", "--config", "DIR/Caddyfile"},
			Files: map[string]string{"Caddyfile": strings.ReplaceAll(caddyfile, "ROOT", root)}, Env: []string{"GOMAXPROCS=1", "HOME=DIR"},
		},
		{
			Name:    "Werkzeug, gunicorn",
			Command: []string{"gunicorn", "-k", "gthread", "--threads", "8", "--keep-alive", "60", "--log-level", "error", "-b", "ADDR", "shared"},
			Files:   map[string]string{"shared.py": fmt.Sprintf(werkzeug, root)},
		},
		ours("zeug, nothing in memory", "zeug", "-memory", "1"),
	}
	for _, s := range list {
		s.Core = "0"
	}
	return list, nil
}

const nginxConf = `
worker_processes 1; daemon off; pid DIR/pid; error_log /dev/null; USER
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; gzip_static on;
  client_body_temp_path DIR/b; proxy_temp_path DIR/p; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
  types { text/css css; text/javascript js; }
  CACHE
  server { listen ADDR; location /s/ { alias ROOT/; } }
}
`

const caddyfile = `
{
	admin off
	auto_https off
}
http://ADDR {
	handle_path /s/* {
		root * ROOT
		file_server {
			precompressed gzip
		}
	}
}
`

const werkzeug = `
from werkzeug.middleware.shared_data import SharedDataMiddleware
def missing(environ, start):
    start("404 Not Found", [("Content-Length", "0")])
    return [b""]
application = SharedDataMiddleware(missing, {"/s": %q})
`
