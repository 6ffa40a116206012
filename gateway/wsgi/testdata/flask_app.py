import os
import threading

from flask import Flask, Response, abort, jsonify, redirect, request, send_file, session, stream_with_context, url_for

app = Flask(__name__)
app.secret_key = "secret of both sides"
released = threading.Event()


@app.get("/")
def index():
    return "index of %s at %s" % (request.script_root or "the root", url_for("index", _external=True))


@app.get("/users/<name>/posts/<int:number>")
def post(name, number):
    return "post %d of %s at %s" % (number, name, url_for("post", name=name, number=number, _external=True))


@app.get("/search")
def search():
    return "%s: %s" % (request.args["q"], ",".join(request.args.getlist("tag")))


@app.post("/form")
def form():
    return "%s, %s" % (request.form["name"], ",".join(request.form.getlist("colour")))


@app.post("/upload")
def upload():
    file = request.files["file"]
    file.save(os.path.join(os.environ["UPLOADS"], file.filename))
    return "%s, %s" % (file.filename, request.form["title"])


@app.post("/json")
def json():
    return jsonify(request.get_json())


@app.get("/stream")
def stream():
    return Response(stream_with_context("%d\n" % i for i in range(5)), mimetype="text/plain")


@app.get("/drip")
def drip():
    def lines():
        released.clear()
        yield "first\n"
        released.wait(10)
        yield "second\n"
    return Response(lines(), mimetype="text/plain")


@app.get("/release")
def release():
    released.set()
    return "released"


@app.get("/file")
def file():
    return send_file(__file__, mimetype="text/x-python", conditional=True)


@app.get("/count")
def count():
    session["count"] = session.get("count", 0) + 1
    return str(session["count"])


@app.post("/login")
def login():
    session["user"] = request.form["user"]
    return redirect(url_for("me"), 303)


@app.get("/me")
def me():
    if "user" not in session:
        abort(403)
    return session["user"]


@app.post("/logout")
def logout():
    session.clear()
    return redirect(url_for("index"), 303)


@app.get("/missing")
def missing():
    abort(404)


@app.errorhandler(404)
def nothing(error):
    return "nothing at %s" % request.path, 404


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
