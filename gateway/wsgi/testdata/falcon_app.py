import os
import threading

import falcon

released = threading.Event()


class Index:
    def on_get(self, request, response):
        response.text = "index of %s at %s" % (request.root_path or "the root", request.prefix + "/")

    on_head = on_get


class Post:
    def on_get(self, request, response, name, number):
        url = "%s/users/%s/posts/%d" % (request.prefix, falcon.uri.encode_value(name), number)
        response.text = "post %d of %s at %s" % (number, name, url)

    on_head = on_get


class Search:
    def on_get(self, request, response):
        response.text = "%s: %s" % (request.get_param("q"), ",".join(request.get_param_as_list("tag")))


class Form:
    def on_post(self, request, response):
        if request.content_type.startswith(falcon.MEDIA_MULTIPART):
            fields = {}
            for part in request.get_media():
                fields.setdefault(part.name, []).append(part.text)
            name, colours = fields["name"][0], fields["colour"]
        else:
            fields = request.get_media()
            name, colours = fields["name"], fields["colour"]
        response.text = "%s, %s" % (name, ",".join(colours))


class Upload:
    def on_post(self, request, response):
        for part in request.get_media():
            if part.name == "file":
                name = part.secure_filename
                with open(os.path.join(os.environ["UPLOADS"], name), "wb") as saved:
                    part.stream.pipe(saved)
            else:
                title = part.text
        response.text = "%s, %s" % (name, title)


class JSON:
    def on_post(self, request, response):
        response.content_type = falcon.MEDIA_JSON
        response.media = request.get_media()


class Stream:
    def on_get(self, request, response):
        response.stream = (b"%d\n" % i for i in range(5))


class Drip:
    def on_get(self, request, response):
        def lines():
            released.clear()
            yield b"first\n"
            released.wait(10)
            yield b"second\n"
        response.stream = lines()


class Release:
    def on_get(self, request, response):
        released.set()
        response.text = "released"


class File:
    def on_get(self, request, response):
        response.content_type = "text/x-python"
        response.set_stream(open(__file__, "rb"), os.path.getsize(__file__))

    on_head = on_get


class Count:
    def on_get(self, request, response):
        n = int(request.cookies.get("count", 0)) + 1
        response.set_cookie("count", str(n), secure=False)
        response.text = str(n)


class Login:
    def on_post(self, request, response):
        response.set_cookie("user", request.get_media()["user"], secure=False, path="/")
        response.status = falcon.HTTP_303
        response.location = request.prefix + "/me"


class Me:
    def on_get(self, request, response):
        if "user" not in request.cookies:
            raise falcon.HTTPForbidden()
        response.text = request.cookies["user"]


class Logout:
    def on_post(self, request, response):
        response.unset_cookie("user", path="/")
        response.status = falcon.HTTP_303
        response.location = request.prefix + "/"


class Missing:
    def on_get(self, request, response):
        raise falcon.HTTPNotFound()


class Away:
    def on_get(self, request, response):
        raise falcon.HTTPFound(request.prefix + "/")


class Raise:
    def on_get(self, request, response):
        raise LookupError("in Falcon")


def nothing(request, response, error, params):
    response.status = falcon.HTTP_404
    response.text = "nothing at %s" % request.path


app = falcon.App(media_type=falcon.MEDIA_TEXT)
app.add_route("/", Index())
app.add_route("/users/{name}/posts/{number:int}", Post())
for resource in (Search, Form, Upload, JSON, Stream, Drip, Release, File, Count, Login, Me, Logout, Missing, Away, Raise):
    app.add_route("/" + resource.__name__.lower(), resource())
app.add_error_handler(falcon.HTTPNotFound, nothing)
