import os
import threading

from django.conf import settings

settings.configure(
    SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], DEBUG=False,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware"],
    INSTALLED_APPS=["django.contrib.sessions"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    LOGGING={
        "version": 1, "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "loggers": {"django": {"handlers": ["console"]}},
    },
)

import django
from django.core.exceptions import PermissionDenied
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

django.setup()
released = threading.Event()


def index(request):
    return HttpResponse("index of %s at %s" % (request.META["SCRIPT_NAME"] or "the root", request.build_absolute_uri(reverse("index"))))


def post(request, name, number):
    url = reverse("post", kwargs={"name": name, "number": number})
    return HttpResponse("post %d of %s at %s" % (number, name, request.build_absolute_uri(url)))


def search(request):
    return HttpResponse("%s: %s" % (request.GET["q"], ",".join(request.GET.getlist("tag"))))


@require_POST
def form(request):
    return HttpResponse("%s, %s" % (request.POST["name"], ",".join(request.POST.getlist("colour"))))


@require_POST
def upload(request):
    file = request.FILES["file"]
    with open(os.path.join(os.environ["UPLOADS"], file.name), "wb") as saved:
        for chunk in file.chunks():
            saved.write(chunk)
    return HttpResponse("%s, %s" % (file.name, request.POST["title"]))


@require_POST
def json(request):
    import json
    return JsonResponse(json.loads(request.body))


@require_safe
def stream(request):
    return StreamingHttpResponse(("%d\n" % i for i in range(5)), content_type="text/plain")


def drip(request):
    def lines():
        released.clear()
        yield "first\n"
        released.wait(10)
        yield "second\n"
    return StreamingHttpResponse(lines(), content_type="text/plain")


def release(request):
    released.set()
    return HttpResponse("released")


def file(request):
    return FileResponse(open(__file__, "rb"), content_type="text/x-python")


def count(request):
    request.session["count"] = request.session.get("count", 0) + 1
    return HttpResponse(str(request.session["count"]))


@require_POST
def login(request):
    request.session["user"] = request.POST["user"]
    response = HttpResponseRedirect(reverse("me"))
    response.status_code = 303
    return response


def me(request):
    if "user" not in request.session:
        raise PermissionDenied
    return HttpResponse(request.session["user"])


@require_POST
def logout(request):
    request.session.flush()
    return redirect("index")


def missing(request):
    raise Http404


def nothing(request, exception):
    return HttpResponse("nothing at %s" % request.path_info, status=404)


def away(request):
    return redirect("index")


def raises(request):
    raise LookupError("in Django")


handler404 = nothing
urlpatterns = [
    path("", index, name="index"), path("users/<name>/posts/<int:number>", post, name="post"), path("search", search),
    path("form", form), path("upload", upload), path("json", json),
    path("stream", stream), path("drip", drip), path("release", release), path("file", file),
    path("count", count), path("login", login), path("me", me, name="me"), path("logout", logout),
    path("missing", missing), path("away", away), path("raise", raises),
]

application = get_wsgi_application()
