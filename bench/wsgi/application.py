"""What the servers are asked for: bare is WSGI alone, app is Flask."""

import os
import tempfile

LARGE = b"x" * 1000000


def bare(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"hello\n"]


try:
    from flask import Flask, request, send_file
except ImportError:
    app = None
else:
    app = Flask(__name__)
    file = os.path.join(tempfile.gettempdir(), "wsgi-large-%d" % os.getuid())
    with open(file, "wb") as f:
        f.write(LARGE)

    @app.get("/")
    def hello():
        return "hello\n"

    @app.post("/json")
    def echo():
        return request.get_json()

    @app.get("/file")
    def large_file():
        return send_file(file, mimetype="application/octet-stream")

    @app.get("/memory")
    def large_answer():
        return LARGE

    @app.post("/upload")
    def upload():
        size = 0
        while True:
            part = request.stream.read(65536)
            if not part:
                return str(size)
            size += len(part)


def both(environ, start_response):
    """Flask, with the bare one at a path of its own."""
    if environ["PATH_INFO"] == "/bare":
        return bare(environ, start_response)
    return app.wsgi_app(environ, start_response)


if __name__ == "__main__":
    import sys
    from werkzeug.serving import run_simple, WSGIRequestHandler
    host, port = sys.argv[1].split(":")
    WSGIRequestHandler.log_request = lambda *a, **k: None
    run_simple(host, int(port), both, threaded=True)
