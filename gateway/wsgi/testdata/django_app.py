from django.conf import settings

settings.configure(
    SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], DEBUG=False,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    INSTALLED_APPS=["django.contrib.sessions"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)

import django
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path, reverse

django.setup()


def index(request):
    return HttpResponse("index of %s at %s" % (request.META["SCRIPT_NAME"] or "the root", request.build_absolute_uri(reverse("index"))))


def form(request):
    return HttpResponse("%s, %s" % (request.POST["name"], ",".join(request.POST.getlist("colour"))))


def upload(request):
    file = request.FILES["file"]
    return HttpResponse("%s of %d bytes, %s" % (file.name, file.size, request.POST["title"]))


def json(request):
    import json
    return JsonResponse(json.loads(request.body))


def stream(request):
    return StreamingHttpResponse(("%d\n" % i for i in range(5)), content_type="text/plain")


def file(request):
    return FileResponse(open(__file__, "rb"), content_type="text/x-python")


def count(request):
    request.session["count"] = request.session.get("count", 0) + 1
    return HttpResponse(str(request.session["count"]))


def missing(request):
    return HttpResponse("no", status=404)


def away(request):
    return HttpResponse(status=302, headers={"Location": reverse("index")})


def raises(request):
    raise LookupError("in Django")


urlpatterns = [
    path("", index, name="index"), path("form", form), path("upload", upload), path("json", json),
    path("stream", stream), path("file", file), path("count", count), path("missing", missing),
    path("away", away), path("raise", raises),
]

application = get_wsgi_application()
