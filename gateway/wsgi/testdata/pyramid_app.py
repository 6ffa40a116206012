import os
import shutil
import threading

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden, HTTPFound, HTTPNotFound, HTTPSeeOther
from pyramid.response import FileResponse, Response
from pyramid.session import SignedCookieSessionFactory
from pyramid.view import notfound_view_config, view_config

released = threading.Event()


@view_config(route_name="index")
def index(request):
    return Response("index of %s at %s" % (request.script_name or "the root", request.route_url("index")))


@view_config(route_name="post")
def post(request):
    name, number = request.matchdict["name"], int(request.matchdict["number"])
    return Response("post %d of %s at %s" % (number, name, request.route_url("post", name=name, number=number)))


@view_config(route_name="search")
def search(request):
    return Response("%s: %s" % (request.GET["q"], ",".join(request.GET.getall("tag"))))


@view_config(route_name="form", request_method="POST")
def form(request):
    return Response("%s, %s" % (request.POST["name"], ",".join(request.POST.getall("colour"))))


@view_config(route_name="upload", request_method="POST")
def upload(request):
    file = request.POST["file"]
    with open(os.path.join(os.environ["UPLOADS"], file.filename), "wb") as saved:
        shutil.copyfileobj(file.file, saved)
    return Response("%s, %s" % (file.filename, request.POST["title"]))


@view_config(route_name="json", request_method="POST", renderer="json")
def json(request):
    return request.json_body


@view_config(route_name="stream", request_method="GET")
def stream(request):
    return Response(app_iter=(b"%d\n" % i for i in range(5)), content_type="text/plain")


@view_config(route_name="drip")
def drip(request):
    def lines():
        released.clear()
        yield b"first\n"
        released.wait(10)
        yield b"second\n"
    return Response(app_iter=lines(), content_type="text/plain")


@view_config(route_name="release")
def release(request):
    released.set()
    return Response("released")


@view_config(route_name="file")
def file(request):
    return FileResponse(__file__, request, content_type="text/x-python")


@view_config(route_name="count")
def count(request):
    request.session["count"] = request.session.get("count", 0) + 1
    return Response(str(request.session["count"]))


@view_config(route_name="login", request_method="POST")
def login(request):
    request.session["user"] = request.POST["user"]
    return HTTPSeeOther(request.route_url("me"))


@view_config(route_name="me")
def me(request):
    if "user" not in request.session:
        raise HTTPForbidden()
    return Response(request.session["user"])


@view_config(route_name="logout", request_method="POST")
def logout(request):
    request.session.invalidate()
    return HTTPSeeOther(request.route_url("index"))


@view_config(route_name="missing")
def missing(request):
    raise HTTPNotFound()


@notfound_view_config()
def nothing(request):
    return Response("nothing at %s" % request.path_info, status=404)


@view_config(route_name="away")
def away(request):
    return HTTPFound(request.route_url("index"))


@view_config(route_name="raise")
def raises(request):
    raise LookupError("in Pyramid")


with Configurator(session_factory=SignedCookieSessionFactory("x")) as config:
    config.add_route("index", "/")
    config.add_route("post", r"/users/{name}/posts/{number:\d+}")
    for name in ("search", "form", "upload", "json", "stream", "drip", "release", "file", "count", "login", "me", "logout", "missing", "away", "raise"):
        config.add_route(name, "/" + name)
    config.scan()
    app = config.make_wsgi_app()
