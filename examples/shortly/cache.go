package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/zeugkit/zeug/httperror"
)

// How long CachedLinks relies on answers of Redis.
const (
	// refreshAfter is the age at which a link is read again while it is still served: it may have
	// been deleted by hand.
	refreshAfter = time.Minute
	// retryRefresh is when a refresh that failed is tried again.
	retryRefresh = 5 * time.Second
	// forgetAfter is how long a link is served that cannot be read again.
	forgetAfter = 10 * time.Minute
	// absentFor is how long an id that does not exist is remembered as such. Another process may
	// create it in this time.
	absentFor = time.Second
)

// entryOverhead is roughly how many bytes an entry of the cache takes besides
// its two strings: a node of the policy, its timers, a slot of the table.
const entryOverhead = 200

// CachedLinks are like [Links], but with a cache in front of them: hot ids redirect without
// Redis. A link never changes, so an entry can only be older than a deletion.
//
//	GET /7  known here              no command
//	GET /7  asked for by many       one command, whose result all of them get
//	GET /7  there is no such link   no command for a second
//
// The cache is bounded in bytes. It prefers ids that are requested often, so that a scan over many
// ids does not displace them.
//
// While Redis is away the ids in the cache go on redirecting, for some minutes.
type CachedLinks struct {
	*Links
	targets *otter.Cache[string, string]
	// clicks is nil if each click is counted before its redirect.
	clicks *ClickCounter
}

// NewCachedLinks returns links with a cache of at most size bytes. A nil counter
// counts each click before its redirect.
func NewCachedLinks(links *Links, size int64, clicks *ClickCounter) (*CachedLinks, error) {
	targets, err := otter.New(&otter.Options[string, string]{
		MaximumWeight:     uint64(size),
		Weigher:           func(id, target string) uint32 { return uint32(len(id) + len(target) + entryOverhead) },
		ExpiryCalculator:  otter.ExpiryWritingFunc(lifetime),
		RefreshCalculator: refresh{},
		Clock:             newMonotonicClock(),
		Logger:            quietCache{},
	})
	if err != nil {
		return nil, fmt.Errorf("the cache of links: %w", err)
	}
	return &CachedLinks{Links: links, targets: targets, clicks: clicks}, nil
}

// lifetime is how long an entry stays. An empty target means that the id does not exist.
func lifetime(e otter.Entry[string, string]) time.Duration {
	if e.Value == "" {
		return absentFor
	}
	return forgetAfter
}

// Target returns the URL that id leads to, and counts nothing. Its error is
// [httperror.NotFound] for an id that leads nowhere.
func (c *CachedLinks) Target(ctx context.Context, id string) (string, error) {
	// id is a part of the request's first line. A copy does not keep the whole line.
	target, err := c.targets.Get(ctx, strings.Clone(id), loader{c.Links})
	switch {
	case err != nil:
		if _, ok := httperror.From(err); !ok {
			err = away(err) // this request was cancelled while it waited
		}
		return "", err
	case target == "":
		return "", fmt.Errorf("id %q: %w", id, httperror.NotFound)
	}
	return target, nil
}

// Follow returns the URL that id leads to and counts the click. Its error is
// [httperror.NotFound] for an id that leads nowhere.
func (c *CachedLinks) Follow(ctx context.Context, id string) (string, error) {
	target, err := c.Target(ctx, id)
	if err != nil {
		return "", err
	}
	if c.clicks == nil {
		c.count(ctx, id)
	} else {
		c.clicks.Add(id)
	}
	return target, nil
}

// Add returns the id of url, a new one if it has none.
func (c *CachedLinks) Add(ctx context.Context, url string) (id string, err error) {
	if id, err = c.Links.Add(ctx, url); err == nil {
		c.targets.Set(id, strings.Clone(url))
	}
	return id, err
}

// Get returns the link of id from Redis, since its clicks change. It sends the
// clicks of this process first, so that people see their own.
func (c *CachedLinks) Get(ctx context.Context, id string) (Link, error) {
	if c.clicks != nil {
		ctx, cancel := context.WithTimeout(ctx, clickPatience)
		c.clicks.Flush(ctx)
		cancel()
	}
	link, err := c.Links.Get(ctx, id)
	if err == nil {
		c.targets.Set(strings.Clone(id), link.Target)
	}
	return link, err
}

// Close stops the cache and sends the clicks that are left.
func (c *CachedLinks) Close() error {
	c.targets.StopAllGoroutines()
	if c.clicks == nil {
		return nil
	}
	return c.clicks.Close()
}

// loader reads from Redis what the cache lacks.
type loader struct{ links *Links }

// Load looks up an id for all requests that wait for it. It does not end when the first of them
// leaves.
func (l loader) Load(ctx context.Context, id string) (string, error) {
	target, err := l.links.Target(context.WithoutCancel(ctx), id)
	if errors.Is(err, httperror.NotFound) {
		return "", nil
	}
	return target, err
}

// Reload looks up an id again.
func (l loader) Reload(ctx context.Context, id, _ string) (string, error) { return l.Load(ctx, id) }

// refresh is when an entry is read again.
type refresh struct{}

func (refresh) RefreshAfterCreate(e otter.Entry[string, string]) time.Duration {
	if e.Value == "" {
		return forgetAfter // it expires before
	}
	return refreshAfter
}

func (r refresh) RefreshAfterUpdate(e otter.Entry[string, string], _ string) time.Duration {
	return r.RefreshAfterCreate(e)
}

func (r refresh) RefreshAfterReload(e otter.Entry[string, string], _ string) time.Duration {
	return r.RefreshAfterCreate(e)
}

func (refresh) RefreshAfterReloadFailure(otter.Entry[string, string], error) time.Duration {
	return retryRefresh
}

// monotonicClock is the time since the start of the process. The cache's own clock is the time of
// day. If that were set back by an hour, entries would stay for an hour longer.
type monotonicClock struct{ start time.Time }

func newMonotonicClock() monotonicClock { return monotonicClock{time.Now()} }

func (c monotonicClock) NowNano() int64 { return int64(time.Since(c.start)) }

func (c monotonicClock) Tick(interval time.Duration) <-chan time.Time { return time.Tick(interval) }

// quietCache logs refreshes that failed. The entry is still used, so this is only logged in
// detail.
type quietCache struct{}

func (quietCache) Warn(ctx context.Context, message string, err error) {
	slog.DebugContext(ctx, message, "err", err)
}

func (quietCache) Error(ctx context.Context, message string, err error) {
	slog.DebugContext(ctx, message, "err", err)
}
