package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// peers returns the servers, each with its settings in a folder of its own.
func peers(tmp, root string) []*peer {
	port := 18100
	next := func(name string, command func(addr, own string) []string, environment ...string) *peer {
		port++
		p := &peer{name: name, addr: fmt.Sprintf("127.0.0.1:%d", port), environment: environment}
		own := filepath.Join(tmp, fmt.Sprint(port))
		check(os.MkdirAll(own, 0o755))
		p.command = command(p.addr, own)
		return p
	}
	self, err := os.Executable()
	check(err)
	ours := func(kind string, more ...string) func(addr, own string) []string {
		return func(addr, own string) []string {
			return append([]string{self, "-serve", kind, "-dir", root, "-addr", addr}, more...)
		}
	}
	settings := func(name, text string, command func(path string) []string) func(addr, own string) []string {
		return func(addr, own string) []string {
			path := filepath.Join(own, name)
			user := ""
			if os.Geteuid() == 0 {
				user = "user root;"
			}
			check(os.WriteFile(path, []byte(os.Expand(text, func(key string) string {
				return map[string]string{"addr": addr, "own": own, "root": root, "user": user}[key]
			})), 0o644))
			return command(path)
		}
	}
	nginx := func(path string) []string { return []string{"nginx", "-c", path} }
	return []*peer{
		next("bare", ours("bare"), "GOMAXPROCS=1"),
		next("bare, all fields", ours("bare-fields"), "GOMAXPROCS=1"),
		next("zeug", ours("zeug"), "GOMAXPROCS=1"),
		next("http.FileServer", ours("fileserver"), "GOMAXPROCS=1"),
		next("fiber", ours("fiber"), "GOMAXPROCS=1"),
		next("nginx", settings("nginx.conf", fmt.Sprintf(nginxConf, ""), nginx)),
		next("nginx, open_file_cache", settings("nginx.conf", fmt.Sprintf(nginxConf, "open_file_cache max=1000; open_file_cache_valid 60s;"), nginx)),
		next("caddy", settings("Caddyfile", caddyfile, func(path string) []string {
			return []string{"caddy", "run", "--adapter", "caddyfile", "--config", path}
		}), "GOMAXPROCS=1", "HOME="+tmp),
		next("Werkzeug, gunicorn", func(addr, own string) []string {
			check(os.WriteFile(filepath.Join(own, "shared.py"), fmt.Appendf(nil, werkzeug, root), 0o644))
			return []string{"gunicorn", "-k", "gthread", "--threads", "8", "--keep-alive", "60", "--log-level", "error", "--pythonpath", own, "-b", addr, "shared"}
		}),
		next("zeug, nothing in memory", ours("zeug", "-maxfile", "-1"), "GOMAXPROCS=1"),
	}
}

const nginxConf = `
worker_processes 1; daemon off; pid ${own}/pid; error_log /dev/null; ${user}
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; gzip_static on;
  client_body_temp_path ${own}/b; proxy_temp_path ${own}/p; fastcgi_temp_path ${own}/f; uwsgi_temp_path ${own}/u; scgi_temp_path ${own}/s;
  types { text/css css; text/javascript js; }
  %s
  server { listen ${addr}; location /s/ { alias ${root}/; } }
}
`

const caddyfile = `
{
	admin off
	auto_https off
}
http://${addr} {
	handle_path /s/* {
		root * ${root}
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
