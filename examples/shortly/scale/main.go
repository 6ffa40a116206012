//go:build unix

// Scale runs shortly on many processes: HAProxy in front of them, a Redis Cluster of six nodes
// behind them, all on loopback. It asks for links by Zipf's law, and meanwhile kills a process,
// pauses another one, kills a Redis primary and rolls out a new binary. Then it prints the costs.
//
//	go run ./examples/shortly/scale
//
// needs Linux and Debian's packages haproxy and redis-server. docs/scaling.md explains the table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config is how large a run is.
type Config struct {
	Processes int
	Rate      int           // requests a second
	Links     int           // links that exist before the load
	Warm      time.Duration // how long the load runs before each fault
	Longest   time.Duration // when the load ends in any case
	Log       func(format string, args ...any)
}

// perMinute is how many links one client may create.
const perMinute = 120

func main() {
	var c Config
	flag.IntVar(&c.Processes, "processes", 4, "how many processes of shortly run, at least 2")
	flag.IntVar(&c.Rate, "rate", 1000, "how many requests are sent a second, at most 10000")
	flag.IntVar(&c.Links, "links", 500, "how many links exist before the load, at most 900")
	flag.DurationVar(&c.Warm, "warm", 3*time.Second, "how long the load runs before each fault")
	flag.DurationVar(&c.Longest, "longest", time.Minute, "when the load ends in any case, at most 10m")
	flag.Parse()
	c.Log = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	report, err := Run(ctx, c)
	if report != nil {
		report.write(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func (c Config) check() error {
	if c.Processes < 2 || c.Processes > 64 || c.Rate < 1 || c.Rate > 10_000 || c.Links < 10 || c.Links > 900 ||
		c.Warm < 0 || c.Warm > time.Minute || c.Longest < time.Second || c.Longest > 10*time.Minute {
		return errors.New("a setting is out of range: see -help")
	}
	return nil
}

// Run starts everything, runs the load and the faults, and stops everything.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "scale")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	c.Log("start a Redis Cluster of six nodes")
	nodes, err := startCluster(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer nodes.stop()
	c.Log("start %d processes of shortly", c.Processes)
	f, err := startFleet(ctx, dir, c.Processes,
		"-redis", nodes.address(), "-proxies", "1", "-quiet", "-ids", "100", "-replicas", "1",
		"-rate", strconv.Itoa(perMinute), "-drain-delay", "500ms")
	if err != nil {
		return nil, err
	}
	defer f.stop(context.WithoutCancel(ctx))
	c.Log("start HAProxy")
	b, err := startBalancer(ctx, dir, f)
	if err != nil {
		return nil, err
	}
	defer b.process.kill()
	l := newLoad(b.base, c.Rate, 8)
	if err := l.seed(ctx, c.Links); err != nil {
		return nil, err
	}
	seeds, err := counts(ctx, nodes, l.targets)
	if err != nil {
		return nil, err
	}
	events, err := trouble(ctx, c, l, nodes, f)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	if r.Limited, err = limited(ctx, b.base); err != nil {
		return nil, err
	}
	r.Links, r.LinksLost = len(l.targets), l.lost(ctx)
	// The clicks of this check of the links count as well.
	looked := r.Links
	if err := f.stop(ctx); err != nil {
		return nil, err
	}
	counted, err := counts(ctx, nodes, l.targets)
	if err != nil {
		return nil, err
	}
	for id := range counted {
		counted[id] -= seeds[id] + min(looked, 1)
	}
	r.summarize(l.seen, events, counted)
	return r, r.check()
}

// check returns the faults of a run.
func (r *Report) check() error {
	switch {
	case r.LinksLost > 0:
		return fmt.Errorf("%d links are lost", r.LinksLost)
	case r.Wrong > 0:
		return fmt.Errorf("%d redirects lead to another URL", r.Wrong)
	case r.ClicksLost > r.Bound || r.ClicksTwice > r.Bound:
		return fmt.Errorf("%d clicks are lost and %d counted twice, at most %d each can be", r.ClicksLost, r.ClicksTwice, r.Bound)
	}
	return nil
}

// trouble runs the load, and one fault after the other. The load ends with the last.
func trouble(ctx context.Context, c Config, l *load, nodes *cluster, f *fleet) ([]event, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Longest)
	defer cancel()
	ended := make(chan bool)
	l.began = time.Now()
	go func() {
		defer close(ended)
		l.run(ctx, int(c.Longest.Seconds()*float64(c.Rate)))
	}()
	var events []event
	for _, fault := range []struct {
		event
		do func() error
	}{
		{event{what: "kill a process, which a supervisor starts again", instance: f.instances[0].name, lossy: true}, func() error { return f.instances[0].kill(ctx) }},
		{event{what: "pause a process for two seconds", lossy: true}, func() error { return f.instances[1].pause(ctx, 2*time.Second) }},
		{event{what: "kill a Redis primary, whose replica takes over", lossy: true}, func() error { _, err := nodes.killPrimary(ctx); return err }},
		{event{what: "roll out a new binary by SIGHUP"}, func() error { return f.rollOut(ctx) }},
	} {
		wanted := l.answered() + int(c.Warm.Seconds()*float64(c.Rate))
		err := eventually(ctx, "requests before the next fault", func(context.Context) error {
			if n := l.answered(); n < wanted {
				return fmt.Errorf("%d of %d have an outcome", n, wanted)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		c.Log("%s", fault.what)
		began := time.Now()
		fault.at = began.Sub(l.began)
		if err := fault.do(); err != nil {
			return nil, fmt.Errorf("%s: %w", fault.what, err)
		}
		fault.took = time.Since(began)
		events = append(events, fault.event)
	}
	cancel()
	<-ended
	return events, nil
}

// lost requests each link that a client got once, and returns how many do not lead to their URL.
func (l *load) lost(ctx context.Context) (n int) {
	for id := range l.targets {
		if o := l.get(ctx, l.clients[0], "follow", id, http.StatusFound); o.outcome != "ok" {
			n++
		}
	}
	return n
}

// counts returns how often each id was followed, from Redis.
func counts(ctx context.Context, nodes *cluster, ids map[string]string) (map[string]int, error) {
	client := nodes.client()
	defer client.Close()
	all := map[string]int{}
	for id := range ids {
		n, err := client.Get(ctx, "click-count:"+id).Int()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		all[id] = n
	}
	return all, nil
}

// limited creates more links than one client may, and returns how many were created: the limit is
// one for all instances together.
func limited(ctx context.Context, base string) (string, error) {
	client := newClient("127.0.1.99")
	began, passed, refused := time.Now(), 0, 0
	for n := range perMinute + 30 {
		form := url.Values{"url": {fmt.Sprintf("https://example.org/limit/%d", n)}}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/", strings.NewReader(form.Encode()))
		if err != nil {
			return "", err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := client.Do(r)
		if err != nil {
			return "", err
		}
		resp.Body.Close()
		switch resp.StatusCode {
		case http.StatusSeeOther:
			passed++
		case http.StatusTooManyRequests:
			refused++
		default:
			return "", fmt.Errorf("create a link: %s", resp.Status)
		}
	}
	may := perMinute + int(time.Since(began).Minutes()*perMinute) + 1
	text := fmt.Sprintf("%d of %d passed, %d may", passed, passed+refused, may)
	if passed > may || passed < perMinute {
		return "", errors.New("the rate limit is not shared: " + text)
	}
	return text, nil
}
