// Command mailpit has rules of Zeug for Mailpit's API, which was written for patterns of net/http.
package main

import (
	"net/http"

	"github.com/axllent/mailpit/server/apiv1"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/serving"
)

func main() {
	serving.Main("127.0.0.1:8025", zeug.New(
		zeug.Get("/", index),
		zeug.Get("/view/<id>", view),
		zeug.Group("/api/v1", api()...),
	))
}

func api() []zeug.Part {
	parts := []zeug.Part{
		handle("messages", "/messages", apiv1.GetMessages),
		handle("search", "/search", apiv1.Search),
		handle("tags", "/tags", apiv1.GetAllTags),
		handle("tag", "/tags/<tag>", apiv1.RenameTag),
	}
	return append(parts, zeug.Group("/message/<id>",
		zeug.EndpointPrefix("message."),
		handle("show", "", apiv1.GetMessage),
		handle("headers", "/headers", apiv1.GetHeaders),
		handle("raw", "/raw", apiv1.DownloadRaw),
		handle("part", "/part/<partID>", apiv1.DownloadAttachment),
		handle("thumb", "/part/<partID>/thumb", apiv1.Thumbnail),
	))
}

// handle returns the rule of a handler that reads its variables by PathValue.
func handle(endpoint, path string, h http.HandlerFunc) zeug.Part {
	return zeug.Handle(path, routing.PathValues(h)).Endpoint(endpoint)
}

func index(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Redirect(req.URL("message.show", "id", "latest")), nil
}

func view(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Redirect(req.URL("message.part", "id", req.Params.String("id"), "partID", "1")), nil
}
