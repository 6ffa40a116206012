import falcon


class Index:
    def on_get(self, request, response):
        response.content_type = "text/plain"
        response.text = "index of %s at %s" % (request.root_path or "the root", request.prefix + "/")


app = falcon.App()
app.add_route("/", Index())
