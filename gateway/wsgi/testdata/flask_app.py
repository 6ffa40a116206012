from flask import Flask, Response, abort, jsonify, redirect, request, send_file, session, stream_with_context, url_for

app = Flask(__name__)
app.secret_key = "secret of both sides"


@app.get("/")
def index():
    return "index of %s at %s" % (request.script_root or "the root", url_for("index", _external=True))


@app.post("/form")
def form():
    return "%s, %s" % (request.form["name"], ",".join(request.form.getlist("colour")))


@app.post("/upload")
def upload():
    file = request.files["file"]
    return "%s of %d bytes, %s" % (file.filename, len(file.read()), request.form["title"])


@app.post("/json")
def json():
    return jsonify(request.get_json())


@app.get("/stream")
def stream():
    return Response(stream_with_context("%d\n" % i for i in range(5)), mimetype="text/plain")


@app.get("/file")
def file():
    return send_file(__file__, mimetype="text/x-python", conditional=True)


@app.get("/count")
def count():
    session["count"] = session.get("count", 0) + 1
    return str(session["count"])


@app.get("/missing")
def missing():
    abort(404)


@app.get("/away")
def away():
    return redirect(url_for("index"))


@app.get("/raise")
def raises():
    raise LookupError("in Flask")


def create_app(greeting="hello"):
    made = Flask("made")
    made.add_url_rule("/", view_func=lambda: greeting, endpoint="index")
    return made
