"""An application without a framework: each path is one thing that WSGI allows."""

import os
import signal
import sys
import threading
import time

TEXT = [("Content-Type", "text/plain; charset=utf-8")]


def app(environ, start_response):
    name = environ.get("HTTP_X_VIEW") or environ["PATH_INFO"].strip("/").split("/")[0].replace("-", "_") or "hello"
    view = globals().get("view_" + name)
    if view is None:
        start_response("404 Not Found", TEXT)
        return [b"no such view"]
    return view(environ, start_response)


def view_hello(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"hello"]


def view_sold_out(environ, start_response):
    start_response("404 Sold Out", TEXT)
    return [b"sold out"]


def view_environ(environ, start_response):
    start_response("200 OK", TEXT)
    lines = ["%s=%r" % (k, v) for k, v in sorted(environ.items()) if isinstance(v, (str, bool, tuple))]
    return ["\n".join(lines).encode("utf-8")]


def view_pid(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"%d" % os.getpid()]


def view_echo(environ, start_response):
    data = environ["wsgi.input"].read(-1)
    start_response("200 OK", TEXT + [("X-Length", environ.get("CONTENT_LENGTH", "none"))])
    return [data]


def view_lines(environ, start_response):
    lines = [environ["wsgi.input"].readline() for _ in range(2)] + environ["wsgi.input"].readlines()
    start_response("200 OK", TEXT)
    return [b"|".join(lines)]


def view_iterate(environ, start_response):
    lines = list(environ["wsgi.input"])
    start_response("200 OK", TEXT)
    return [b"|".join(lines)]


def view_unread(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"unread"]


def view_one_part(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"x" * 1000000]


def view_parts(environ, start_response):
    start_response("200 OK", TEXT)
    return (b"%06d\n" % i for i in range(20000))


def view_large_parts(environ, start_response):
    start_response("200 OK", TEXT)
    return iter([b"x" * 10000000, b"y" * 10000000])


def view_empty_parts(environ, start_response):
    start_response("200 OK", TEXT)
    return iter([b"", b"", b"a", b"", b"b", b""])


def view_nothing(environ, start_response):
    start_response("200 OK", TEXT)
    return []


def view_no_content(environ, start_response):
    start_response("204 No Content", [("Content-Length", "0")])
    return []


def view_not_modified(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"a"')])
    return []


def view_write(environ, start_response):
    write = start_response("200 OK", TEXT)
    write(b"written, ")
    write(b"twice, ")
    return [b"returned"]


def view_with_length(environ, start_response):
    start_response("200 OK", TEXT + [("Content-Length", "5")])
    return iter([b"he", b"llo"])


def view_too_long(environ, start_response):
    start_response("200 OK", TEXT + [("Content-Length", "5")])
    return iter([b"hello", b" and more"])


def view_too_short(environ, start_response):
    start_response("200 OK", TEXT + [("Content-Length", "50")])
    return iter([b"hello"])


def view_late_start(environ, start_response):
    def body():
        start_response("201 Created", TEXT)
        yield b"late"
    return body()


def view_cookies(environ, start_response):
    start_response("200 OK", TEXT + [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-A", "1"), ("X-A", "2")])
    return [environ.get("HTTP_COOKIE", "none").encode()]


def view_untyped(environ, start_response):
    start_response("200 OK", [])
    return [b"<html>"]


def view_hop_by_hop(environ, start_response):
    start_response("200 OK", TEXT + [("Connection", "close"), ("Transfer-Encoding", "chunked"), ("Keep-Alive", "5")])
    return [b"ok"]


def view_named_hops(environ, start_response):
    start_response("200 OK", TEXT + [("X-Hop", "1"), ("Connection", "close, x-hop"), ("X-End", "2")])
    return [b"ok"]


def view_latin(environ, start_response):
    start_response("200 OK", TEXT + [("X-Latin", "caf\xe9")])
    return [environ["QUERY_STRING"].encode("latin-1")]


def view_recovers(environ, start_response):
    start_response("200 OK", TEXT)
    try:
        raise ValueError("before anything was sent")
    except ValueError:
        start_response("500 Oops", TEXT, sys.exc_info())
    return [b"recovered"]


def view_recovers_late(environ, start_response):
    def body():
        start_response("200 OK", TEXT)
        yield b"begun"
        try:
            raise ValueError("too late")
        except ValueError:
            start_response("500 Oops", TEXT, sys.exc_info())
        yield b"never"
    return body()


def view_raises(environ, start_response):
    raise LookupError("ümlaut <b>")


def view_raises_late(environ, start_response):
    def body():
        start_response("200 OK", TEXT)
        yield b"begun"
        raise LookupError("late")
    return body()


def view_exits(environ, start_response):
    sys.exit(3)


def view_starts_twice(environ, start_response):
    start_response("200 OK", TEXT)
    start_response("200 OK", TEXT)
    return []


def view_never_starts(environ, start_response):
    return [b"x"]


def view_returns_text(environ, start_response):
    start_response("200 OK", TEXT)
    return ["text"]


def view_returns_none(environ, start_response):
    start_response("200 OK", TEXT)


def view_bad_status(environ, start_response):
    start_response("100 Continue", TEXT)
    return []


def view_bad_header(environ, start_response):
    start_response("200 OK", [("X-A", "a\r\nX-B: b")])
    return []


closed = []


class Closing:
    def __init__(self, parts):
        self.parts = iter(parts)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.parts)

    def close(self):
        closed.append(1)


def view_closing(environ, start_response):
    start_response("200 OK", TEXT)
    return Closing([b"a", b"b"])


def view_closing_slowly(environ, start_response):
    class Slow(Closing):
        def close(self):
            time.sleep(1)
    start_response("200 OK", TEXT + [("Content-Length", "1")])
    return Slow([b"a"])


def view_closed(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"%d" % len(closed)]


def view_file(environ, start_response):
    f = open(__file__, "rb")
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](f)


def view_part_of_a_file(environ, start_response):
    f = open(__file__, "rb")
    f.seek(3)
    start_response("200 OK", TEXT + [("Content-Length", "14")])
    return environ["wsgi.file_wrapper"](f)


def view_no_real_file(environ, start_response):
    import io
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](io.BytesIO(b"x" * 200000))


def view_stream(environ, start_response):
    def body():
        yield b"first"
        gate.wait(10)
        gate.clear()
        yield b"second"
    start_response("200 OK", TEXT)
    return body()


gate = threading.Event()


def view_open_gate(environ, start_response):
    gate.set()
    start_response("200 OK", TEXT)
    return [b"open"]


def view_endless(environ, start_response):
    def body():
        try:
            while True:
                yield b"x" * 1000
                time.sleep(0.001)
        finally:
            closed.append(1)
    start_response("200 OK", TEXT)
    return body()


def view_talk(environ, start_response):
    """Answers each line before it reads the next one."""
    def body():
        for line in iter(environ["wsgi.input"].readline, b""):
            yield b"got " + line
    start_response("200 OK", TEXT)
    return body()


def view_sleep(environ, start_response):
    time.sleep(float(environ["QUERY_STRING"] or 0.1))
    start_response("200 OK", TEXT)
    return [b"slept"]


def view_hold(environ, start_response):
    """Holds the interpreter's lock forever, in a call that takes no processor time and no signal interrupts."""
    import ctypes
    system, mutex = ctypes.PyDLL(None), ctypes.create_string_buffer(64)
    system.pthread_mutex_init(mutex, None)
    system.pthread_mutex_lock(mutex)
    system.pthread_mutex_lock(mutex)


def view_die(environ, start_response):
    os.kill(os.getpid(), signal.SIGKILL)


def view_die_late(environ, start_response):
    def body():
        start_response("200 OK", TEXT)
        yield b"begun"
        os.kill(os.getpid(), signal.SIGKILL)
    return body()


hoard = []


def view_hoard(environ, start_response):
    hoard.append(b"x" * (100 << 20))
    start_response("200 OK", TEXT)
    return [b"%d" % os.getpid()]


def view_errors(environ, start_response):
    environ["wsgi.errors"].write("something to log\n")
    environ["wsgi.errors"].flush()
    start_response("200 OK", TEXT)
    return [b"logged"]


def view_prints(environ, start_response):
    print("x" * 100000)
    sys.stderr.write("caf\xe9 \ud800\n")
    start_response("200 OK", TEXT)
    return [b"printed"]


def view_huge(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"x" * 8000000]


def view_proc_file(environ, start_response):
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](open("/proc/self/status", "rb"))


def view_child(environ, start_response):
    """Leaves a process behind that holds what it has inherited."""
    import subprocess
    child = subprocess.Popen(["sleep", "5"], close_fds=False)
    start_response("200 OK", TEXT)
    return [b"%d" % child.pid]


def factory(greeting, name="nobody"):
    def made(environ, start_response):
        start_response("200 OK", TEXT)
        return [("%s, %s" % (greeting, name)).encode()]
    return made


def without_arguments():
    return view_hello


def with_defaults(config=None, debug=False):
    return view_hello


class Called:
    def __init__(self, environ, start_response):
        start_response("200 OK", TEXT)

    def __iter__(self):
        return iter([b"a class"])


class OfOne:
    def __call__(self, request):
        return view_hello


def decorated(f):
    import functools

    @functools.wraps(f)
    def application(*args):
        return f(args[-2])(*args[-2:])
    return application


@decorated
def of_a_request(request):
    return view_hello


async def asgi(scope, receive, send):
    pass


class Objects:
    class inner:
        app = staticmethod(view_hello)


not_callable = 7


def view_uri(environ, start_response):
    """Reconstructs the URL as the specification says."""
    from wsgiref.util import request_uri
    start_response("200 OK", TEXT)
    return [request_uri(environ).encode("latin-1")]


def view_types(environ, start_response):
    """What is not of the type that the specification wants."""
    wrong = [] if type(environ) is dict else ["environ"]
    for name, value in environ.items():
        if type(name) is not str or name.isupper() and type(value) is not str:
            wrong.append(name)
    for name in ("SERVER_NAME", "SERVER_PORT", "REQUEST_METHOD", "SERVER_PROTOCOL", "wsgi.url_scheme"):
        if not environ.get(name):
            wrong.append(name)
    if environ["wsgi.version"] != (1, 0) or not isinstance(environ["wsgi.version"], tuple):
        wrong.append("wsgi.version")
    for name in ("read", "readline", "readlines", "__iter__"):
        if not hasattr(environ["wsgi.input"], name):
            wrong.append("input." + name)
    for name in ("flush", "write", "writelines"):
        if not hasattr(environ["wsgi.errors"], name):
            wrong.append("errors." + name)
    environ["left.behind"] = True  # is gone with the next request
    start_response("200 OK", TEXT)
    return [("wrong: " + ",".join(wrong)).encode()]


def view_left_behind(environ, start_response):
    start_response("200 OK", TEXT)
    return [str("left.behind" in environ).encode()]


def view_sizes(environ, start_response):
    """Reads by sizes, beyond the end, and after it."""
    read = environ["wsgi.input"]
    parts = [read.read(3), read.readline(2), read.readline(), read.read(1000000), read.read(1)]
    start_response("200 OK", TEXT)
    return [b"|".join(parts)]


def view_hint(environ, start_response):
    lines = environ["wsgi.input"].readlines(1)
    start_response("200 OK", TEXT)
    return [b"|".join(lines)]


def view_changes_its_mind(environ, start_response):
    """An empty part sends nothing, so that the header may still change."""
    def body():
        start_response("200 OK", TEXT)
        yield b""
        try:
            raise ValueError
        except ValueError:
            start_response("503 Later", TEXT + [("Retry-After", "7")], sys.exc_info())
        yield b"later"
    return body()


def view_keeps_its_list(environ, start_response):
    headers = TEXT + [("X-B", "1"), ("x-b", "2"), ("X-A", "3")]
    given = list(headers)
    start_response("200 OK", headers)
    return [b"same" if headers == given else b"changed"]


def view_raises_and_closes(environ, start_response):
    class Raising(Closing):
        def __next__(self):
            raise LookupError("while iterating")
    start_response("200 OK", TEXT)
    return Raising([])


def view_close_raises(environ, start_response):
    class Raising(Closing):
        def close(self):
            raise LookupError("while closing")
    start_response("200 OK", TEXT)
    return Raising([b"all ", b"of it"])


def view_no_content_with_body(environ, start_response):
    start_response(environ["QUERY_STRING"] + " Really", [("Content-Length", "4")])
    return [b"body"]


def view_large_header(environ, start_response):
    start_response("200 OK", TEXT + [("X-Large", "x" * 500000), ("X-Got", str(len(environ.get("HTTP_X_LARGE", ""))))])
    return [b"ok"]


def view_huge_header(environ, start_response):
    start_response("200 OK", TEXT + [("X-Huge", "x" * 2000000)])
    return [b"ok"]


def view_bad_name(environ, start_response):
    start_response("200 OK", [("X A", "b")])
    return [b"ok"]


def view_control(environ, start_response):
    start_response("200 OK", [("X-A", "a\x1bb")])
    return [b"ok"]


def view_not_latin(environ, start_response):
    start_response("200 OK", [("X-A", "\u20ac")])
    return [b"ok"]


def view_bad_length(environ, start_response):
    start_response("200 OK", TEXT + [("Content-Length", "-1")])
    return [b"ok"]


def view_one_part_too_short(environ, start_response):
    start_response("200 OK", TEXT + [("Content-Length", "50")])
    return [b"hello"]


def view_status_line(environ, start_response):
    start_response("200\n", TEXT)
    return [b"ok"]


def view_gzip(environ, start_response):
    """A file that is not what its descriptor says."""
    import gzip
    import tempfile
    packed = tempfile.TemporaryFile()
    packed.write(gzip.compress(b"unpacked " * 20000))
    packed.seek(0)
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](gzip.GzipFile(fileobj=packed))


def view_temporary(environ, start_response):
    import tempfile
    file = tempfile.NamedTemporaryFile()
    file.write(b"gone already, " * 10000)
    file.seek(6)
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](file, 1000)


def view_file_that_closes(environ, start_response):
    class File:
        def __init__(self):
            self.parts = [b"one ", b"two"]

        def read(self, size):
            return self.parts.pop(0) if self.parts else b""

        def close(self):
            closed.append(1)
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](File(), 1)


def view_disconnect(environ, start_response):
    """Reads a body that does not come, and answers all the same."""
    try:
        environ["wsgi.input"].read()
        text = b"read"
    except OSError:
        text = b"not read"
    start_response("200 OK", TEXT)
    return [text]


def view_note(environ, start_response):
    """Writes down who it was called for."""
    environ["wsgi.input"].read()
    with open(os.environ["NOTES"], "a") as f:
        f.write(environ["QUERY_STRING"] + "\n")
    start_response("200 OK", TEXT)
    return [environ["QUERY_STRING"].encode()]


def view_some_parts(environ, start_response):
    start_response("200 OK", TEXT)
    return iter([b"%d" % i * 60000 for i in range(5)])
