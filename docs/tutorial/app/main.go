// Command shortly is a URL shortener.
package main

import (
	"embed"
	"log"
	"os"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/templates"
)

//go:embed static templates
var files embed.FS

// Shortly is the application.
type Shortly struct{ redis *redis.Client }

func main() {
	address := os.Getenv("REDIS_URL")
	if address == "" {
		embedded := miniredis.NewMiniRedis()
		if err := embedded.Start(); err != nil {
			log.Fatal(err)
		}
		address = "redis://" + embedded.Addr()
	}
	options, err := redis.ParseURL(address)
	if err != nil {
		log.Fatal(err)
	}
	s := &Shortly{redis.NewClient(options)}
	serving.Main("127.0.0.1:5000", s.app())
}

// app returns the application as a handler.
func (s *Shortly) app() *zeug.App {
	return zeug.New(
		zeug.Static("/static", files, "static"),
		zeug.Templates(templates.MustNew(files, templates.Options{
			Dir: "templates", Globals: templates.Context{"hostname": hostname},
		})),
		zeug.Route("/", s.newURL, "GET", "POST").Endpoint("new_url"),
		zeug.Get("/<short_id>", s.followShortLink).Endpoint("follow_short_link"),
		zeug.Get("/<short_id>+", s.shortLinkDetails).Endpoint("short_link_details"),
	)
}
