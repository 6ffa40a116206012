package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/ratelimit"
	"github.com/zeugkit/zeug/serving"
)

// settings are the flags of the program. The zero value is shortly as the tutorial
// writes it: every request asks Redis.
type settings struct {
	redis, dir string
	proxies    int
	quiet      bool

	cacheMiB   int           // how much memory links may take; 0: no cache
	clicks     string        // "batch" or "exact"
	block      int64         // how many numbers of ids a process takes at once
	replicas   int           // how many replicas must have a link
	perMinute  int           // how many links one client may create in a minute; 0: any number
	drainDelay time.Duration // how long the load balancer has to send its requests elsewhere
	pidFile    string
}

// register adds the flags to a set.
func register(f *flag.FlagSet) *settings {
	s := &settings{}
	f.StringVar(&s.redis, "redis", "", redisHelp+"; the variable REDIS_URL sets it too")
	f.StringVar(&s.dir, "dev", "", "work on the pages: read templates and static files from this directory, again for each request,\nexamples/shortly")
	f.IntVar(&s.proxies, "proxies", 0, "how many proxies of ours are in front: their X-Forwarded-For, -Proto, -Host and -Prefix are believed")
	f.BoolVar(&s.quiet, "quiet", false, "write no access log")
	f.IntVar(&s.cacheMiB, "cache", 64, "how many MiB of links are kept in memory, so that hot ones redirect without Redis; 0 keeps none,\nand counts each click at once")
	f.StringVar(&s.clicks, "clicks", "batch", "batch: count clicks in memory, and send them four times a second. If the process is killed,\nthe clicks of the last quarter of a second, and of a flush under way, are lost;\nexact: count each click in Redis before its redirect")
	f.Int64Var(&s.block, "ids", 1, "how many ids a process takes from the counter at once: with more than 1 the counter is\nno hot spot of a Cluster, and ids are not consecutive")
	f.IntVar(&s.replicas, "replicas", 0, "how many replicas must have a new link before its id is returned")
	f.IntVar(&s.perMinute, "rate", 0, "how many links one client may create in a minute, counted by all processes together; 0: any number")
	f.DurationVar(&s.drainDelay, "drain-delay", 0, "how long to serve on after SIGTERM while "+readyPath+" answers 503, so that a load balancer looks elsewhere")
	f.StringVar(&s.pidFile, "pid-file", "", "a file that has the number of the process while it serves, also after a hand-over by SIGHUP")
	return s
}

// check returns an error for flags that are not valid.
func (s *settings) check() error {
	switch {
	case s.proxies < 0:
		return fmt.Errorf("-proxies %d: it must be 0 or more", s.proxies)
	case s.cacheMiB < 0 || s.cacheMiB > 1<<20:
		return fmt.Errorf("-cache %d: it must be from 0 to 1048576 MiB", s.cacheMiB)
	case s.clicks != "" && s.clicks != "batch" && s.clicks != "exact":
		return fmt.Errorf("-clicks %q: it must be batch or exact", s.clicks)
	case s.block < 0 || s.block > 1_000_000:
		return fmt.Errorf("-ids %d: it must be from 1 to 1000000", s.block)
	case s.replicas < 0:
		return fmt.Errorf("-replicas %d: it must be 0 or more", s.replicas)
	case s.perMinute < 0:
		return fmt.Errorf("-rate %d: it must be 0 or more", s.perMinute)
	case s.drainDelay < 0:
		return fmt.Errorf("-drain-delay %v: it cannot be negative", s.drainDelay)
	}
	return nil
}

// healthPath and readyPath tell a load balancer about this process. No id has a slash.
const (
	healthPath = "/-/health"
	readyPath  = "/-/ready"
)

// options are the options of the server.
func (s *settings) options(service *service) serving.Options {
	return serving.Options{
		NoAccessLog: true,
		Health:      healthPath, Ready: readyPath, Check: service.reached, DrainDelay: s.drainDelay, PIDFile: s.pidFile,
	}
}

// service is the application with everything that has to be closed after it.
type service struct {
	http.Handler
	client redis.UniversalClient
	links  *CachedLinks // nil without a cache
	seen   atomic.Bool  // Redis answered this process at least once
}

// open puts the application together and says where its links are.
func (s *settings) open() (*service, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	options, err := findRedis(s.redis)
	if err != nil {
		return nil, err
	}
	v := &service{client: redis.NewUniversalClient(options)}
	v.client.AddHook(marks{})
	links := &Links{redis: v.client, block: s.block, replicas: s.replicas}
	// The script works only if one Redis has all keys, and this process does not take numbers in blocks.
	_, cluster := v.client.(*redis.ClusterClient)
	links.script = !cluster && s.block <= 1
	var store Store = links
	if s.cacheMiB > 0 {
		var clicks *ClickCounter
		if s.clicks != "exact" {
			clicks = NewClickCounter(options)
		}
		if v.links, err = NewCachedLinks(links, int64(s.cacheMiB)<<20, clicks); err != nil {
			return nil, err
		}
		store = v.links
	}
	app, err := NewApp(store, s.dir)
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	v.Handler = s.wrap(app, v.client)
	return v, nil
}

// wrap puts the middlewares around the application.
func (s *settings) wrap(app http.Handler, client redis.UniversalClient) http.Handler {
	if s.perMinute > 0 {
		app = ratelimit.RateLimit{Client: client, Name: "new-links", Rate: s.perMinute, Period: time.Minute, Cost: costOfCreating}.Wrap(app)
	}
	// The access log is inside the proxy fix, where the client is known.
	if !s.quiet {
		app = middleware.AccessLog{Logger: serving.DefaultLogger()}.Wrap(app)
	}
	return middleware.ProxyFix{For: s.proxies, Proto: s.proxies, Host: s.proxies, Prefix: s.proxies}.Wrap(app)
}

// costOfCreating lets redirects pass without asking Redis.
func costOfCreating(r *http.Request) int {
	if r.Method == http.MethodPost {
		return 1
	}
	return 0
}

// reached returns an error until Redis has answered this process once: an address may be wrong, or
// a network closed, for this process alone. Afterwards it returns nil. If Redis is away, it is away
// for every process, so none of them could take over. Instances that stay ready still answer from
// their caches.
func (v *service) reached(ctx context.Context) error {
	if v.seen.Load() {
		return nil
	}
	if err := v.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("Redis did not answer: %w", err)
	}
	v.seen.Store(true)
	return nil
}

// Close sends the clicks that are left, and closes the connections to Redis.
func (v *service) Close() error {
	var err error
	if v.links != nil {
		err = v.links.Close()
	}
	return errors.Join(err, v.client.Close())
}
