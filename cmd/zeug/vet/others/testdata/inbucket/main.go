// Command inbucket has rules of Zeug for Inbucket's API, which was written for gorilla/mux, beside its own routes.
package main

import (
	"log"
	"net/http"

	"github.com/inbucket/inbucket/v3/pkg/rest"
	"github.com/inbucket/inbucket/v3/pkg/server/web"
	"github.com/inbucket/inbucket/v3/pkg/webui"

	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/routing/gorillamux"
	"github.com/zeugkit/zeug/serving"
)

var urls *routing.Map[http.Handler]

func init() {
	urls = routing.MustMap(
		routing.Rule[http.Handler]{Path: "/", Endpoint: "home", Target: http.HandlerFunc(home)},
		routing.Submount("/api/v1/mailbox/<name>",
			routing.EndpointPrefix("mailbox.",
				rule("list", "GET", "", rest.MailboxListV1),
				rule("purge", "DELETE", "", rest.MailboxPurgeV1),
				rule("show", "GET", "/<id>", rest.MailboxShowV1),
				rule("remove", "DELETE", "/<id>", rest.MailboxDeleteV1),
				rule("source", "GET", "/<id>/source", rest.MailboxSourceV1),
				rule("attachment", "GET", "/<id>/attach/<int:num>/<file>", webui.MailboxViewAttach),
			)),
	)
}

func rule(endpoint, method, path string, h web.Handler) routing.Rule[http.Handler] {
	return routing.Rule[http.Handler]{Endpoint: endpoint, Path: path, Methods: []string{method}, Target: gorillamux.Vars(h)}
}

func home(w http.ResponseWriter, r *http.Request) {
	target, err := urls.Bind(r).Build("mailbox.attachment", routing.With("name", "swaks"), routing.With("id", "latest"),
		routing.With("num", 0), routing.With("file", "a.txt"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func main() {
	rest.SetupRoutes(web.Router.PathPrefix("/api/").Subrouter())
	old, err := gorillamux.FromRouter(web.Router)
	if err != nil {
		log.Fatal(err)
	}
	serving.Main("127.0.0.1:9000", old.Fallback(urls.Handler()))
}
