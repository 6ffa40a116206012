import os
import threading
from urllib.parse import urljoin

import bottle
from bottle import abort, redirect, request, response, static_file

app = bottle.Bottle()
released = threading.Event()


def external(route, **values):
    return urljoin(request.url, app.get_url(route, **values))


@app.get("/", name="index")
def index():
    return "index of %s at %s" % (request.script_name.rstrip("/") or "the root", external("index"))


@app.get("/users/<name>/posts/<number:int>", name="post")
def post(name, number):
    return "post %d of %s at %s" % (number, name, external("post", name=name, number=number))


@app.get("/search")
def search():
    return "%s: %s" % (request.query.q, ",".join(request.query.getall("tag")))


@app.post("/form")
def form():
    multipart = request.content_type.startswith("multipart/")  # Bottle 0.12 has decoded such fields already
    name = request.forms["name"] if multipart else request.forms.name
    return "%s, %s" % (name, ",".join(request.forms.getall("colour")))


@app.post("/upload")
def upload():
    file = request.files["file"]
    file.save(os.path.join(os.environ["UPLOADS"], file.filename), overwrite=True)
    return "%s, %s" % (file.filename, request.forms.title)


@app.post("/json")
def json():
    return request.json


@app.get("/stream")
def stream():
    response.content_type = "text/plain"
    for i in range(5):
        yield "%d\n" % i


@app.get("/drip")
def drip():
    response.content_type = "text/plain"
    released.clear()
    yield "first\n"
    released.wait(10)
    yield "second\n"


@app.get("/release")
def release():
    released.set()
    return "released"


@app.get("/file")
def file():
    return static_file(os.path.basename(__file__), os.path.dirname(__file__), mimetype="text/x-python")


@app.get("/count")
def count():
    n = request.get_cookie("count", 0, secret="x") + 1
    response.set_cookie("count", n, secret="x")
    return str(n)


@app.post("/login")
def login():
    response.set_cookie("user", request.forms.user, secret="x", path="/")
    redirect(app.get_url("me"), 303)


@app.get("/me", name="me")
def me():
    user = request.get_cookie("user", secret="x")
    if not user:
        abort(403)
    return user


@app.post("/logout")
def logout():
    response.delete_cookie("user", path="/")
    redirect(app.get_url("index"), 303)


@app.get("/missing")
def missing():
    abort(404)


@app.error(404)
def nothing(error):
    return "nothing at %s" % request.path


@app.get("/away")
def away():
    redirect(app.get_url("index"))


@app.get("/raise")
def raises():
    raise LookupError("in Bottle")
