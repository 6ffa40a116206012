# One worker process: it imports the application and calls it for requests that
# come as frames over inherited sockets, in several threads. The frames are
# described in channel.go. Python 3.8 and later, the standard library only.

import ast
import faulthandler
import importlib
import importlib.machinery
import inspect
import io
import json
import mmap
import os
import re
import select
import signal
import socket
import stat
import struct
import sys
import threading
import time
import traceback

WORD = struct.Struct(">I")
WORDS = struct.Struct(">II")
WANTED = struct.Struct(">III")
REQUEST = struct.Struct(">IIBHI")
HEAD = struct.Struct(">HI")
FILE = struct.Struct(">QQ")
SHARE = struct.Struct(">III")

LAST = 0x20  # makes a frame the last one of an answer
LARGEST = 1 << 23  # payload of a frame; longer ones are split
SHARED = 1 << 16  # from here on an answer of one part goes through shared memory,
REGION = 1 << 22  # up to here, and beyond as a file in memory
MAPPED = REGION + 4096  # with a last byte that says whether it is in use
REGIONS = 4  # of a thread
PULL = 1 << 18  # of a body at once
HEADER = 1 << 20  # of an answer
PACKET = 1 << 15  # of a request, that comes at once
IDLE = b"I\0\0\0"
ASK = b"i\0\0\0"

try:
    import fcntl
    CAN_SHARE = hasattr(os, "memfd_create") and hasattr(fcntl, "F_ADD_SEALS") and "ZEUG_NO_SHARED_MEMORY" not in os.environ
except ImportError:
    CAN_SHARE = False

FILES = (io.BufferedReader, io.BufferedRandom, io.FileIO)
COMPLETE, WITHOUT_BODY = 1, 2

CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f]").search  # and line feeds, which are counted
TOKEN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
STATUS = re.compile(r"[2-9]\d\d( |\Z)").match


CODES = {}  # of the status lines that were seen, and were right
NAMES = set()  # of header fields that were checked
KEPT = 1000  # of either, since an application may make them up


def code_of(status):
    if not isinstance(status, str) or not STATUS(status):
        raise ValueError("the status %r cannot be the status of a response" % (status,))
    if len(CODES) < KEPT:
        CODES[status] = int(status[:3])
    return int(status[:3])


def check_name(name):
    if not TOKEN(name):
        raise ValueError("the header name %r is not valid" % (name,))
    if len(NAMES) < KEPT:
        NAMES.add(name)


class ClientGone(OSError):
    """The client left while the application was reading or writing."""


class Output(io.FileIO):
    """Standard output or error. What cannot be written is dropped: a full disk, or a
    pipe that nobody reads any more, is not the fault of the request that prints."""

    def write(self, data):
        with memoryview(data) as view:
            written = 0
            while written < len(view):
                try:
                    written += super().write(view[written:]) or len(view)
                except OSError:
                    break
            return len(view)


def guard_output():
    """Has writes to standard output and error never fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            continue
        stream.flush()
        guarded = io.TextIOWrapper(Output(stream.fileno(), "w", closefd=False), encoding=stream.encoding,
                                   errors="backslashreplace", line_buffering=True, write_through=True)
        guarded.mode = "w"
        setattr(sys, name, guarded)
        setattr(sys, "__%s__" % name, guarded)


def log(text):
    """Writes to standard error, which the application may have replaced by anything."""
    try:
        sys.stderr.write(text)
    except Exception:
        pass


class FileWrapper:
    """wsgi.file_wrapper: a real file's descriptor is handed over as a whole."""

    def __init__(self, filelike, blksize=65536):
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self):
        return iter(lambda: self.filelike.read(self.blksize), b"")


class Body(io.RawIOBase):
    """The rest of a request's body, asked for only when the application reads."""

    def __init__(self, channel, start):
        self.channel = channel
        self.start = start
        self.ended = False

    def readable(self):
        return True

    def readinto(self, b):
        if self.start:
            n = min(len(b), len(self.start))
            b[:n] = self.start[:n]
            self.start = self.start[n:]
            return n
        if self.ended or not len(b):
            return 0
        if self.channel is None:
            raise ValueError("wsgi.input is read after the end of the request")
        n = self.channel.pull(b)
        self.ended = n == 0
        return n


def shared_memory(name, size):
    """Returns the descriptor of a file in memory, and the memory; None, None where the
    system gives none."""
    fd = None
    try:
        fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, size)
        # What is mapped must not shrink: to read beyond the end is a bus error.
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        return fd, mmap.mmap(fd, size)
    except (OSError, ValueError):
        if fd is not None:
            os.close(fd)
        return None, None


class Channel:
    """Three sockets of a thread: one that requests come from, which all threads share, one for
    what a request needs later, and one that answers go to."""

    def __init__(self, requests, reading, more, sock, app, environ):
        self.requests = requests
        self.reading = reading  # a lock, where one read may return a part of a request
        self.more = more
        self.sock = sock
        self.app = app
        self.environ = environ
        self.request = 0  # the number of the current one
        self.answers = b""  # says so, before the answer
        self.asks = False  # the gateway whether to go on, after the answer
        self.gone = False
        self.regions = [None] * REGIONS  # memory that is shared with the gateway
        self.intake = None  # the same, for bodies of requests

    def serve(self):
        try:
            while True:
                payload = self.receive()
                if not payload:
                    return  # told to leave, by the end of the stream
                Exchange(self, payload).run()
                if self.asks and not self.wait_to_go():
                    return
        finally:
            self.sock.close()  # the gateway must not wait for a thread that has ended

    def receive(self):
        """Returns the next request, or nothing at the end of the stream."""
        if self.reading is None:
            read = self.requests.recv(PACKET)
        else:
            with self.reading:
                read = self.receive_stream()
        if len(read) < REQUEST.size:
            return b""
        word, self.request = WORDS.unpack_from(read)
        self.answers = WORDS.pack(b"R"[0] << 24 | 4, self.request)
        self.gone = self.asks = False
        size = 4 + (word & 0xFFFFFF)
        if len(read) == size:
            return read
        self.send_with(b"", None)  # so that the gateway knows to whom it sends the rest
        whole = bytearray(size)
        with memoryview(whole) as view:
            view[:len(read)] = read
            if self.take(view[len(read):]) != size - len(read):
                return b""
        return bytes(whole)

    def receive_stream(self):
        """Returns the next request where the system has no packets."""
        read = self.requests.recv(4, socket.MSG_WAITALL)
        if len(read) < 4:
            return b""
        left = min(4 + (WORD.unpack(read)[0] & 0xFFFFFF), PACKET) - 4
        while left:
            more = self.requests.recv(left, socket.MSG_WAITALL)
            if not more:
                return b""
            left -= len(more)
            read += more
        return read

    def wait_to_go(self):
        """Waits until the gateway has read the answer; False at the end of the stream.
        If its client is slow, that may take long: no other request may be answered on
        the same stream meanwhile."""
        while True:
            head = self.more.recv(8, socket.MSG_WAITALL)
            if len(head) < 8:
                return False
            word, request = WORDS.unpack(head)
            if request == self.request and word >> 24 == b"G"[0]:
                return True
            self.skip(word)

    def take(self, b):
        """Reads what is sent later for the current request into b; None once its client
        has left."""
        while True:
            head = self.more.recv(8, socket.MSG_WAITALL)
            if len(head) < 8:
                raise ClientGone("the gateway has left")
            word, request = WORDS.unpack(head)
            if request != self.request:
                self.skip(word)
            elif word >> 24 == b"X"[0]:
                return None
            elif word >> 24 == b"S"[0]:
                size = word & 0xFFFFFF
                with memoryview(self.intake) as view:
                    b[:size] = view[:size]
                return size
            else:
                got, size = 0, (word & 0xFFFFFF) - 4
                while got < size:
                    n = self.more.recv_into(b[got:size])
                    if not n:
                        raise ClientGone("the gateway has left")
                    got += n
                return got

    def skip(self, word):
        """Drops what was meant for a request that is over."""
        size = 0 if word >> 24 == b"S"[0] else (word & 0xFFFFFF) - 4
        while size > 0:
            size -= len(self.more.recv(min(size, PULL))) or size

    def pull(self, b):
        """Asks for more of the body, which goes into b."""
        if self.gone:
            raise ClientGone("the client has left")
        fd, size = None, 0
        if self.intake is None and CAN_SHARE:
            fd, self.intake = shared_memory("body", PULL)
            size = 0 if fd is None else PULL
        try:
            self.send_with(WANTED.pack(b"W"[0] << 24 | 8, min(len(b), PULL), size), fd)
        finally:
            if fd is not None:
                os.close(fd)
        with memoryview(b) as view:
            n = self.take(view)
        if n is None:
            self.gone = True
            raise ClientGone("the client has left")
        return n

    def check_client(self):
        """Raises ClientGone once the gateway has said so."""
        while not self.gone:
            try:
                head = self.more.recv(8, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            if len(head) == 8:
                word, request = WORDS.unpack(head)
                if request != self.request:
                    self.skip(word)
                    continue
            self.gone = True
        raise ClientGone("the client has left")

    def idle(self):
        """The last word about a request."""
        return ASK if self.asks else IDLE

    def send(self, kind, prefix, data, idle=False):
        size = len(prefix) + len(data)
        if len(data) > SHARED:
            self.asks = True
        after = self.idle() if idle else b""
        if size > LARGEST:
            view, last = memoryview(data), kind & LAST
            self.send(kind & ~LAST, prefix, view[: LARGEST - len(prefix)])
            view = view[LARGEST - len(prefix):]
            while len(view) > LARGEST:
                self.send(b"B"[0], b"", view[:LARGEST])
                view = view[LARGEST:]
            self.send(b"B"[0] | last, b"", view, idle)
        elif size < 65536:
            self.sock.sendall(b"".join((self.answers, WORD.pack(kind << 24 | size), prefix, data, after)))
            self.answers = b""
        else:
            self.sock.sendall(self.answers + WORD.pack(kind << 24 | size) + prefix)
            self.answers = b""
            self.sock.sendall(data)
            if after:
                self.sock.sendall(after)

    def send_beside(self, head, frame, fd, idle):
        """Sends the head and the last frame, with a descriptor beside them."""
        self.send_with(WORD.pack(b"H"[0] << 24 | len(head)) + head + frame + (self.idle() if idle else b""), fd)

    def send_with(self, text, fd):
        text, self.answers = self.answers + text, b""
        if fd is None:
            return self.sock.sendall(text)
        sent = self.sock.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", fd))])
        if sent < len(text):
            self.sock.sendall(text[sent:])

    def send_file(self, head, fd, position, size, idle, kind=b"f"):
        self.send_beside(head, WORD.pack(kind[0] << 24 | FILE.size) + FILE.pack(position, size), fd, idle)

    def send_shared(self, head, data, idle):
        """Puts an answer into memory that the gateway reads too, which says when it
        is free again."""
        fd = None
        for free, region in enumerate(self.regions):
            if region is None or not region[-1]:
                break
        else:
            return self.send_memory(head, data, idle)
        if region is None:
            fd, region = shared_memory("answers", MAPPED)
            if region is None:
                return self.send(b"h"[0], head, data, idle)
            self.regions[free] = region
        try:
            region[: len(data)] = data
            region[-1] = 1
            frame = WORD.pack(b"m"[0] << 24 | SHARE.size) + SHARE.pack(len(data), free, 0 if fd is None else MAPPED)
            self.send_beside(head, frame, fd, idle)
        finally:
            if fd is not None:
                os.close(fd)

    def send_memory(self, head, data, idle):
        """Puts a very large answer into a file of its own in memory, where the system
        gives one."""
        fd = None
        self.asks = True
        try:
            try:
                fd = os.memfd_create("answer")
                view = memoryview(data)
                while len(view):
                    view = view[os.write(fd, view):]
            except OSError:
                return self.send(b"h"[0], head, data, idle)
            self.send_file(head, fd, 0, len(data), idle, b"n")
        finally:
            if fd is not None:
                os.close(fd)


class Exchange:
    """One request and its answer."""

    body = None  # what is not read of it yet
    head = None  # packed
    length = None  # by Content-Length
    begun = False  # the head is sent
    done = False  # the last frame is sent
    sent = 0  # of the body
    simple = False  # the result is a list
    idle = False  # said with the last frame, since nothing remains to do

    def __init__(self, channel, payload):
        self.channel = channel
        _, _, flags, pairs, size = REQUEST.unpack_from(payload)
        start = REQUEST.size + size
        parts = payload[REQUEST.size:start].decode("latin-1").split("\0", 2 * pairs - 1)
        environ = channel.environ.copy()
        environ.update(zip(parts[::2], parts[1::2]))
        self.environ = environ
        if flags & COMPLETE:
            environ["wsgi.input"] = io.BytesIO(payload[start:])
        else:
            self.body = Body(channel, payload[start:])
            environ["wsgi.input"] = io.BufferedReader(self.body, PULL)
        self.without_body = flags & WITHOUT_BODY

    def start_response(self, status, headers, exc_info=None):
        if exc_info:
            try:
                if self.begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # a cycle with this frame otherwise
        elif self.head is not None:
            raise AssertionError("start_response was called again without exc_info")
        code = CODES.get(status) or code_of(status)
        flat, length = [], None
        for name, value in headers:
            if name not in NAMES:
                check_name(name)
            flat.append(name)
            flat.append(value)
            if len(name) == 14 and name.lower() == "content-length":
                if not value.isdigit():
                    raise ValueError("the Content-Length %r is not a number" % (value,))
                length = int(value)
        text = "\n".join(flat)
        if CONTROL(text) or text.count("\n") != max(len(flat) - 1, 0):
            raise ValueError("a control character, such as a line break, in the header %r" % (headers,))
        text = text.encode("latin-1")
        if len(text) > HEADER:
            raise ValueError("a header of %d bytes: no more than %d are sent" % (len(text), HEADER))
        self.head = HEAD.pack(code, len(text)) + text
        self.length = None if code in (204, 304) else length
        return self.write

    def write(self, data, last=False):
        if not isinstance(data, bytes):
            raise TypeError("a WSGI application yields bytes, not %s" % type(data).__name__)
        if self.head is None:
            raise AssertionError("start_response was not called before the body")
        if self.done:
            return
        if self.begun:
            self.channel.check_client()
        elif not data and not last:
            return
        excess = 0
        if self.without_body:
            data, last = b"", True
        elif self.length is not None:
            excess = self.sent + len(data) - self.length
            if excess > 0:
                data = data[: len(data) - excess]
            elif excess < 0 and last:
                raise AssertionError("%d bytes of the Content-Length of %d" % (self.sent + len(data), self.length))
            last = last or excess >= 0
        self.sent += len(data)
        first, self.begun, self.done = not self.begun, True, last
        # A list has nothing to close: the thread is free with its last frame.
        self.idle = last and self.simple and excess <= 0
        if not first:
            self.channel.asks = True
        if first and last and len(data) >= SHARED and CAN_SHARE:
            send = self.channel.send_shared if len(data) <= REGION else self.channel.send_memory
            send(self.head, data, self.idle)
        else:
            kind = (b"H" if first else b"B")[0] | (LAST if last else 0)
            self.channel.send(kind, self.head if first else b"", data, self.idle)
        if excess > 0:
            raise AssertionError("more data than the Content-Length of %d" % self.length)

    def send_file(self, wrapper):
        """Hands over the descriptor of a real file; False where there is none."""
        filelike = wrapper.filelike
        if type(filelike) is getattr(sys.modules.get("tempfile"), "_TemporaryFileWrapper", None):
            filelike = filelike.file
        if type(filelike) not in FILES or type(getattr(filelike, "raw", filelike)) is not io.FileIO:
            return False  # others may change what they read, as gzip does
        try:
            fd = filelike.fileno()
            info = os.fstat(fd)
            if not stat.S_ISREG(info.st_mode) or not info.st_blocks:
                return False  # in /proc and /sys files are as long as reading says
            position = filelike.tell()
            left = info.st_size - position
            os.lseek(fd, 0, os.SEEK_CUR)  # a pipe has no size
        except (AttributeError, OSError, ValueError):
            return False
        if self.length is not None:
            if self.length > left:
                return False  # it says more than there is: the loop complains
            left = self.length
        if left < 0:
            return False
        # What remains is to close a file of the system: nobody need wait for it.
        self.begun = self.done = self.idle = True
        self.channel.send_file(self.head, fd, position, left, True)
        return True

    def answer(self, result):
        if (isinstance(result, FileWrapper) and self.head is not None
                and not self.begun and not self.without_body and self.length != 0
                and self.send_file(result)):
            return
        self.simple = type(result) in (list, tuple)
        one = self.simple and len(result) == 1
        for data in result:
            self.write(data, one)
            if self.done:
                return
        if not self.done:
            self.write(b"", True)

    def run(self):
        result = None
        try:
            try:
                result = self.channel.app(self.environ, self.start_response)
                self.answer(result)
            finally:
                if self.body is not None:
                    self.body.channel = None
                if hasattr(result, "close"):
                    result.close()
        except ClientGone:
            if not self.done:
                self.channel.send(b"A"[0], b"", b"")
        except BaseException:
            text = formatted()
            log(text)
            if not self.begun:
                self.channel.send(b"T"[0], b"", text.encode("utf-8", "replace")[-65536:])
            elif not self.done:
                self.channel.send(b"A"[0], b"", b"")
        if not self.idle:
            self.channel.send_with(self.channel.idle(), None)


def formatted():
    """The traceback of what is being handled, without frames of this program."""
    try:
        text = traceback.format_exc()
    except Exception:  # raised while the exception is printed
        text = "%s\n" % sys.exc_info()[0].__name__
    return re.sub(r'  File "<zeug>".*\n(?:    .*\n)*', "", text)


def load(text):
    """Finds module, module:name.name or module:factory("literal", key=1)."""
    name, _, expression = text.partition(":")
    found = module = importlib.import_module(name)
    if not expression:
        expression = next((n for n in ("application", "app") if hasattr(module, n)), None)
        if expression is None:
            raise AttributeError("module %r has neither application nor app: name it, as in %s:wsgi_app" % (name, name))
    try:
        node = ast.parse(expression, mode="eval").body
    except SyntaxError:
        node = None
    call = None
    if isinstance(node, ast.Call):
        call, node = node, node.func
    path = []
    while isinstance(node, ast.Attribute):
        path.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise ValueError("%r names no application: write module:name, or module:factory()" % text)
    for attribute in [node.id] + path[::-1]:
        found = getattr(found, attribute)
    if call:
        found = found(*[ast.literal_eval(a) for a in call.args],
                      **{k.arg: ast.literal_eval(k.value) for k in call.keywords})
    if not callable(found):
        raise TypeError("%s is not a WSGI application: it is a %s, which cannot be called" % (text, type(found).__name__))
    if is_asgi(found):
        raise TypeError("%s is an ASGI application, and this is a server for WSGI: serve it by an ASGI server, or wrap it with a2wsgi.ASGIMiddleware" % text)
    check_arguments(text, found)
    return found


def check_arguments(text, app):
    """Raises TypeError if app cannot be called as a WSGI application is: with environ
    and start_response. Most often app is a factory then."""
    try:
        # A decorator may change the arguments, and leaves those of the function it wraps.
        signature = inspect.signature(app, follow_wrapped=False)
    except (TypeError, ValueError):
        return  # of C, which has none
    hint = "it is not a WSGI application, which takes environ and start_response; if it makes one, call it: write '%s()'" % text
    try:
        signature.bind({}, None)
    except TypeError as error:
        raise TypeError("%s cannot be called with two arguments (%s): %s" % (text, error, hint)) from None
    positional = [p for p in signature.parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    variable = any(p.kind == p.VAR_POSITIONAL for p in signature.parameters.values())
    if not variable and all(p.default is not p.empty for p in positional):
        raise TypeError("%s can be called without arguments: %s" % (text, hint))


def doubt_new_sources():
    """Lets a module's bytecode be kept only once its source has rested for a
    second. Python knows a source by its size and the second of its change: what is
    changed again in that second, to the same size, would run as it was before."""
    loader = importlib.machinery.SourceFileLoader
    keep = loader.set_data

    def set_data(self, path, data, **mode):
        # A header of 16 bytes: a magic number, flags, of a source known by its time
        # that time, of one known by its hash the hash.
        if path.endswith(".pyc") and data[4:8] == b"\0\0\0\0" and int.from_bytes(data[8:12], "little") >= int(time.time()) - 1:
            return
        keep(self, path, data, **mode)

    loader.set_data = set_data


def is_asgi(app):
    """Coroutine functions of (scope, receive, send), and what has one as its call."""
    if inspect.iscoroutinefunction(app):
        return True
    if inspect.isclass(app) or inspect.isfunction(app):
        return False
    return inspect.iscoroutinefunction(getattr(app, "__call__", None))


class Worker:
    def __init__(self, config, app):
        self.config = config
        self.app = app

    def serve(self, control, socks):
        """Serves until every socket has ended."""
        threads = self.config["threads"]
        environ = {
            "wsgi.version": (1, 0), "wsgi.errors": sys.stderr, "wsgi.run_once": False,
            "wsgi.multithread": threads > 1, "wsgi.multiprocess": self.config["workers"] > 1,
            "wsgi.input_terminated": True, "wsgi.file_wrapper": FileWrapper,
            "SERVER_SOFTWARE": "Zeug", "SCRIPT_NAME": "", "QUERY_STRING": "",
        }
        requests = socks[0]
        reading = None if requests.type == getattr(socket, "SOCK_SEQPACKET", None) else threading.Lock()
        channels = [Channel(requests, reading, *two, self.app, environ) for two in zip(socks[1::2], socks[2::2])]
        threading.Thread(target=self.watch, args=(control,), daemon=True).start()
        others = [threading.Thread(target=c.serve, daemon=True) for c in channels[1:]]
        for thread in others:
            thread.start()
        control.sendall(b"Y\0\0\0")
        channels[0].serve()  # in the main thread, where signals and some libraries want to be
        for thread in others:
            thread.join()

    def watch(self, control):
        """The end of the control stream is that of the gateway: what runs may
        finish, within the time to drain."""
        while control.recv(64):
            pass
        time.sleep(self.config["drain"])
        os._exit(1)


def prepare(config):
    """Imports the application; what goes wrong is said on the control socket."""
    guard_output()
    faulthandler.enable()
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR2, all_threads=True, chain=False)  # before a timeout's kill
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # The gateway decides when to leave, also where a signal went to the whole
        # group. A handler, unlike SIG_IGN, is not inherited by children.
        signal.signal(number, lambda *_: None)
    sys.argv = ["zeug", config["app"]]
    sys.path.insert(0, config["dir"])
    doubt_new_sources()
    app = load(config["app"])
    if config["validate"]:
        from wsgiref.validate import validator
        app = validator(app)
    return app


def keep(socks):
    """Keeps sockets from children of the application, which would keep us alive."""
    for sock in socks:
        sock.setblocking(True)
        os.set_inheritable(sock.fileno(), False)
    os.register_at_fork(after_in_child=lambda: [sock.close() for sock in socks])


def watch_import(control, imported):
    """Ends the process with the gateway, also while it imports the application."""
    select.select([control, imported], [], [])
    if not select.select([imported], [], [], 0)[0]:
        os._exit(1)


def sockets(config):
    """How many a worker has: one for control, one for requests, and two for each thread."""
    return 2 + 2 * config["threads"]


def main():
    config = json.loads(CONFIG)
    count = 1 if config["preload"] else sockets(config)
    control, *slots = [socket.socket(fileno=4 + i) for i in range(count)]
    if config["preload"]:
        os.set_inheritable(4, False)
    else:
        keep([control] + slots)
    imported, done = os.pipe()
    watcher = threading.Thread(target=watch_import, args=(control, imported), daemon=True)
    watcher.start()
    try:
        worker = Worker(config, prepare(config))
    except BaseException:
        text = formatted().encode("utf-8", "replace")[-1000000:]
        control.sendall(WORD.pack(b"Z"[0] << 24 | len(text)) + text)
        os._exit(3)
    os.close(done)
    watcher.join()
    os.close(imported)
    if config["preload"]:
        Parent(worker, control).serve()
    else:
        worker.serve(control, slots)


class Parent:
    """A process that has imported the application and forks workers on request."""

    def __init__(self, worker, control):
        self.worker = worker
        self.control = control
        self.children = set()
        self.lock = threading.Lock()

    def serve(self):
        wake, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        self.control.sendall(b"Y\0\0\0")
        while True:
            ready, _, _ = select.select([self.control, wake], [], [])
            if wake in ready:
                os.read(wake, 512)
                self.reap()
            if self.control in ready and not self.command():
                return

    def reap(self):
        for pid in list(self.children):
            gone, status = os.waitpid(pid, os.WNOHANG)
            if gone:
                self.children.discard(pid)
                self.control.sendall(WORD.pack(b"E"[0] << 24 | 8) + struct.pack(">Ii", pid, status))

    def take(self, size, fds):
        """Receives some bytes, and appends the descriptors that come along."""
        text, ancillary, _, _ = self.control.recvmsg(size, socket.CMSG_SPACE(4 * 256))
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds += struct.unpack("%di" % (len(data) // 4), data)
        return text

    def command(self):
        """N with descriptors: fork a worker; K with a number: send it a signal."""
        fds = []
        text = self.take(12, fds)
        while len(text) < 12:
            more = self.take(12 - len(text), fds)
            if not more:
                return False
            text += more
        kind, number, which = text[0], *struct.unpack(">II", text[4:])
        if kind == b"K"[0]:
            if number in self.children:
                os.kill(number, which)
            return True
        while len(fds) < sockets(self.worker.config):
            if not self.take(1, fds):  # a message holds no more of them than some
                return False
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self.children.add(pid)
            for fd in fds:
                os.close(fd)
            self.control.sendall(WORD.pack(b"P"[0] << 24 | 8) + struct.pack(">Ii", pid, 0))
            return True
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.control.close()
        control, *slots = [socket.socket(fileno=fd) for fd in fds]
        keep([control] + slots)
        self.worker.serve(control, slots)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


main()
