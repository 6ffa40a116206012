// Step 4 of the tutorial: rules find the view for a request.
package main

import (
	"embed"
	"io/fs"
	"log"
	"net/http"
	"os"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

//go:embed static templates
var files embed.FS

// view is what a rule leads to.
type view func(*wrappers.Request, routing.Args) (*wrappers.Response, error)

// Shortly is the application.
type Shortly struct {
	redis *redis.Client
	pages *templates.Environment
	urls  *routing.Map[view]
}

func newShortly(address string) (*Shortly, error) {
	s := new(Shortly)
	options, err := redis.ParseURL(address)
	if err != nil {
		return nil, err
	}
	s.redis = redis.NewClient(options)
	s.urls = routing.MustMap(
		routing.Rule[view]{Path: "/", Endpoint: "new_url", Target: s.newURL},
		routing.Rule[view]{Path: "/<short_id>", Endpoint: "follow_short_link", Target: s.followShortLink},
		routing.Rule[view]{Path: "/<short_id>+", Endpoint: "short_link_details", Target: s.shortLinkDetails},
	)
	folder, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, err
	}
	s.pages, err = templates.New(folder, templates.Options{
		URLs: func(req *wrappers.Request) routing.Builder { return s.urls.Bind(req.Request) },
	})
	return s, err
}

func (s *Shortly) dispatch(req *wrappers.Request) (*wrappers.Response, error) {
	match, err := s.urls.Bind(req.Request).Match()
	if err != nil {
		return nil, err
	}
	return match.Target(req, match.Args)
}

func (s *Shortly) newURL(req *wrappers.Request, args routing.Args) (*wrappers.Response, error) {
	return wrappers.Text("the form"), nil
}

func (s *Shortly) followShortLink(req *wrappers.Request, args routing.Args) (*wrappers.Response, error) {
	return wrappers.Text("follow " + args.String("short_id")), nil
}

func (s *Shortly) shortLinkDetails(req *wrappers.Request, args routing.Args) (*wrappers.Response, error) {
	return wrappers.Text("details of " + args.String("short_id")), nil
}

func newApp(s *Shortly) http.Handler {
	static := staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/static", FS: files, Dir: "static"},
	}}
	return static.Wrap(wrappers.View(s.dispatch))
}

func main() {
	address := os.Getenv("REDIS_URL")
	if address == "" {
		embedded := miniredis.NewMiniRedis()
		if err := embedded.Start(); err != nil {
			log.Fatal(err)
		}
		address = "redis://" + embedded.Addr()
	}
	s, err := newShortly(address)
	if err != nil {
		log.Fatal(err)
	}
	serving.Main("127.0.0.1:5000", newApp(s), serving.Options{Debug: true, Reload: true})
}
