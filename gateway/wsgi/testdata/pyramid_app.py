from pyramid.config import Configurator
from pyramid.response import Response

with Configurator() as config:
    config.add_route("index", "/")
    config.add_view(lambda request: Response("index of %s at %s" % (request.script_name or "the root", request.route_url("index"))), route_name="index")
    app = config.make_wsgi_app()
