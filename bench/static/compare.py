#!/usr/bin/env python3
"""Compares the static layers of Zeug and its peers: requests per second and
processor time per request, each server on one core.

    bench/static/compare.py [--seconds 2] [--rounds 5] [--case NAME] [--peer NAME] [--sendfile]

All servers run at once and are asked in turn, round by round, so that a busy
machine slows all of them; figures are medians of the rounds. The processor
time is that of the server's processes, user and system. Needs wrk, and
whichever of nginx, caddy, and gunicorn with werkzeug are to be compared.
"""
import argparse, os, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = {  # name: (path, header fields)
    "1 KB": ("/s/1k.css", {}),
    "304": ("/s/1k.css", {"If-None-Match": "ETAG", "If-Modified-Since": "DATE"}),
    "range": ("/s/1k.css", {"Range": "bytes=100-299"}),
    "precompressed": ("/s/8k.js", {"Accept-Encoding": "gzip"}),
    "100 KB": ("/s/100k.bin", {}),
    "10 MB": ("/s/10m.bin", {}),
}


def files(root):
    os.makedirs(root)
    line = b".name%d { margin: 0 auto; color: #%06x }\n"
    text = b"".join(line % (i, i * 7919 % 0xFFFFFF) for i in range(400))
    open(f"{root}/1k.css", "wb").write(text[:1024])
    open(f"{root}/8k.js", "wb").write(text[:8192])
    subprocess.run(["gzip", "-k", "-9", f"{root}/8k.js"], check=True)
    # fiber and caddy take their own names or settings for the same file.
    shutil.copy(f"{root}/8k.js.gz", f"{root}/8k.js.fiber.gz")
    open(f"{root}/100k.bin", "wb").write(os.urandom(100 << 10))
    open(f"{root}/10m.bin", "wb").write(os.urandom(10 << 20))
    hour = time.time() - 3600
    for name in os.listdir(root):
        os.utime(f"{root}/{name}", (hour, hour))


NGINX = """
worker_processes 1; daemon off; pid {tmp}/nginx.pid; error_log {tmp}/error.log; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; gzip_static on;
  types {{ text/css css; text/javascript js; }}
  {cache}
  server {{ listen 127.0.0.1:{port}; location /s/ {{ alias {root}/; }} }}
}}
"""
CADDY = """
{{
	admin off
	auto_https off
}}
http://127.0.0.1:{port} {{
	handle_path /s/* {{
		root * {root}
		file_server {{
			precompressed gzip
		}}
	}}
}}
"""
WERKZEUG = """
from werkzeug.middleware.shared_data import SharedDataMiddleware
def missing(environ, start):
    start("404 Not Found", [("Content-Length", "0")])
    return [b""]
application = SharedDataMiddleware(missing, {{"/s": {root!r}}})
"""


def peers(tmp, root, args):
    """Yields the name, the command line and the environment of each peer."""
    binary = f"{tmp}/serve"
    subprocess.run(["go", "build", "-o", binary, "./static/serve"], check=True,
                   cwd=os.path.dirname(HERE), env=dict(os.environ, GOWORK="off"))
    port = 18100
    for kind in ("bare", "zeug", "fileserver", "fiber"):
        port += 1
        yield kind, port, [binary, "-kind", kind, "-dir", root, "-addr", f"127.0.0.1:{port}"], {"GOMAXPROCS": "1"}
    if args.sendfile:
        port += 1
        yield "zeug, sendfile", port, [binary, "-kind", "zeug", "-maxfile", "4096", "-dir", root, "-addr", f"127.0.0.1:{port}"], {"GOMAXPROCS": "1"}
    user = "user root;" if os.geteuid() == 0 else ""
    if shutil.which("nginx"):
        cache = "open_file_cache max=1000; open_file_cache_valid 60s;"
        for name, cache in (("nginx", ""), ("nginx, open_file_cache", cache)):
            port += 1
            own = f"{tmp}/nginx{port}"
            os.makedirs(own)
            open(f"{own}/nginx.conf", "w").write(NGINX.format(tmp=own, port=port, root=root, cache=cache, user=user))
            yield name, port, ["nginx", "-c", f"{own}/nginx.conf"], {}
    if shutil.which("caddy"):
        port += 1
        open(f"{tmp}/Caddyfile", "w").write(CADDY.format(port=port, root=root))
        yield "caddy", port, ["caddy", "run", "--adapter", "caddyfile", "--config", f"{tmp}/Caddyfile"], {"GOMAXPROCS": "1", "HOME": tmp}
    if shutil.which("gunicorn"):
        port += 1
        open(f"{tmp}/shared.py", "w").write(WERKZEUG.format(root=root))
        yield "Werkzeug, gunicorn", port, ["gunicorn", "-k", "gthread", "--threads", "8", "-b", f"127.0.0.1:{port}", "--keep-alive", "60", "shared"], {"PYTHONPATH": tmp}


def family(pid):
    """Returns pid and its descendants."""
    found = [pid]
    for p in found:
        try:
            for task in os.listdir(f"/proc/{p}/task"):
                found += [int(c) for c in open(f"/proc/{p}/task/{task}/children").read().split()]
        except FileNotFoundError:
            pass
    return found


def cpu(pid):
    ticks = 0
    for p in family(pid):
        try:
            fields = open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        except FileNotFoundError:
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def get(port, path, fields):
    s = socket.create_connection(("127.0.0.1", port))
    lines = "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n".encode())
    data = b""
    while chunk := s.recv(1 << 16):
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin1").split("\r\n")
    return int(lines[0].split()[1]), {k.lower(): v for k, v in (l.split(": ", 1) for l in lines[1:])}, body


def wait(port):
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nothing listens on {port}")


def ask(port, case, args, pid):
    path, fields = CASES[case]
    if fields.get("If-None-Match"):
        _, have, _ = get(port, path, {})
        fields = {k: v for k, v in (("If-None-Match", have.get("etag")), ("If-Modified-Since", have.get("last-modified"))) if v}
        fields = fields or CASES[case][1]
    options = [o for k, v in fields.items() for o in ("-H", f"{k}: {v}")]
    before = cpu(pid)
    out = subprocess.run(["taskset", "-c", args.client, "wrk", "-t1", "-c", str(args.connections), "-d", f"{args.seconds}s", *options,
                          f"http://127.0.0.1:{port}{path}"], check=True, capture_output=True, text=True).stdout
    spent = cpu(pid) - before
    requests = int(next(l for l in out.splitlines() if "requests in" in l).split()[0])
    seconds = float(next(l for l in out.splitlines() if "requests in" in l).split()[3].rstrip("s,"))
    return requests / seconds, spent / max(requests, 1) * 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--core", default="0", help="the core of the servers")
    parser.add_argument("--client", default="1", help="the core of wrk")
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--peer", action="append")
    parser.add_argument("--sendfile", action="store_true", help="also zeug with all but tiny files from the disk")
    args = parser.parse_args()
    tmp = tempfile.mkdtemp()
    os.chmod(tmp, 0o755)
    root = f"{tmp}/files"
    files(root)
    running = {}
    try:
        for name, port, command, environment in peers(tmp, root, args):
            if args.peer and name not in args.peer:
                continue
            p = subprocess.Popen(["taskset", "-c", args.core, *command], env={**os.environ, **environment},
                                 stdout=subprocess.DEVNULL, stderr=open(f"{tmp}/{port}.log", "w"))
            running[name] = (port, p)
            wait(port)
        cases = args.case or list(CASES)
        results = {(n, c): [] for n in running for c in cases}
        for name, (port, p) in running.items():
            for case in cases:
                path, fields = CASES[case]
                status, have, body = get(port, path, {k: v for k, v in fields.items() if v not in ("ETAG", "DATE")})
                print(f"# {name}: {case}: {status}, {len(body)} bytes {have.get('content-encoding', '')}", file=sys.stderr)
        for _ in range(args.rounds):
            for case in cases:
                for name, (port, p) in running.items():
                    if name == "bare" and case in ("precompressed", "100 KB", "10 MB"):
                        continue
                    results[name, case].append(ask(port, case, args, p.pid))
        for what, index, form in (("Requests per second", 0, "{:,.0f}"), ("Processor time per request, µs", 1, "{:,.1f}")):
            print(f"\n{what}\n\n| | " + " | ".join(running) + " |\n|---|" + "---|" * len(running))
            for case in cases:
                cells = []
                for name in running:
                    values = [r[index] for r in results[name, case]]
                    cells.append(form.format(statistics.median(values)) if values else "–")
                print(f"| {case} | " + " | ".join(cells) + " |")
    finally:
        for _, p in running.values():
            p.send_signal(signal.SIGTERM)
        for _, p in running.values():
            p.wait()
        shutil.rmtree(tmp)


main()
