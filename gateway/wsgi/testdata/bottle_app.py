import bottle
from bottle import HTTPResponse, abort, redirect, request, response, static_file

app = bottle.Bottle()


@app.get("/")
def index():
    return "index of %s at %s" % (request.script_name.rstrip("/") or "the root", request.url)


@app.post("/form")
def form():
    return "%s, %s" % (request.forms.name, ",".join(request.forms.getall("colour")))


@app.post("/upload")
def upload():
    file = request.files["file"]
    return "%s of %d bytes, %s" % (file.raw_filename, len(file.file.read()), request.forms.title)


@app.post("/json")
def json():
    return request.json


@app.get("/stream")
def stream():
    response.content_type = "text/plain"
    for i in range(5):
        yield "%d\n" % i


@app.get("/file")
def file():
    import os
    return static_file(os.path.basename(__file__), os.path.dirname(__file__), mimetype="text/x-python")


@app.get("/count")
def count():
    n = request.get_cookie("count", 0, secret="x") + 1
    response.set_cookie("count", n, secret="x")
    return str(n)


@app.get("/missing")
def missing():
    abort(404)


@app.get("/away")
def away():
    redirect(app.get_url("/") if False else request.script_name)


@app.get("/raise")
def raises():
    raise LookupError("in Bottle")
