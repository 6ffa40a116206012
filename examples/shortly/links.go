package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/httperror"
)

// Links keeps short links in Redis, under the keys that Werkzeug's tutorial
// uses, so that its shortly and this one can serve the same Redis:
//
//	last-url-id         the number of the newest id
//	url-target:<id>     the URL that an id leads to
//	reverse-url:<url>   the id of a URL
//	click-count:<id>    how often an id was followed
//
// Every command uses one key. On a Redis Cluster the four keys are on different nodes, so neither
// a transaction nor a script can use all of them. The order of the commands ensures this instead;
// see [Links.Add]. On a single Redis a script does the same in one round trip; see [addScript].
//
// A failure of Redis is an [httperror.Error] that is answered with 503.
type Links struct {
	redis redis.UniversalClient
	// block is how many numbers are taken from last-url-id at once. 0 means 1: ids are consecutive
	// then. With more of them the key is not a hot spot.
	block int64
	// script says that a new link is made by [addScript], which only a single Redis can run.
	script bool
	// replicas is how many replicas must have a link before Add returns its id.
	replicas int
	// patience is how long one request may wait for Redis, all its commands taken together. 0 means [patience].
	patience time.Duration
	// numbers are the numbers of the block that are left.
	numbers numbers
}

// Link is a short link.
type Link struct {
	ID, Target string
	// Clicks is how often it was followed.
	Clicks int64
}

// patience is how long one request waits for Redis by default, and clickPatience is how long a click may take
// to be counted.
const (
	patience      = 1200 * time.Millisecond
	clickPatience = 300 * time.Millisecond
)

// retryAfter is after how many seconds a client that got a 503 should try again.
const retryAfter = 5

// maxAttempts is how many numbers Add tries. Each step is twice as wide as the
// one before, so it finds a free number however far the counter fell behind.
const maxAttempts = 40

// Add returns the id of url, a new one if it has none.
//
// The order of the commands ensures this:
//
//	GET    reverse-url:<url>    the id it has already, if any
//	INCRBY last-url-id          a number that nobody else gets
//	SETNX  url-target:<id>      the id answers, though nobody knows it yet
//	SETNX  reverse-url:<url>    the id is the URL's, unless somebody was first
//
// After a crash between any two of them there is at most a number without a link, or an id that
// leads to this URL and was not returned to a client. If two people submit one URL at once, one of
// them wins the last command, and the other reads the winner's id from the key. The loser's id
// stays, because it leads to the same URL and removing it would gain nothing.
//
// A target is never overwritten. So if a failover lost the newest value of the counter and a
// number comes a second time, the id keeps its URL, and the next number is tried. If only the key
// reverse-url: of a link is left, the key url-target: is written again. A key reverse-url: with the
// id of another URL is replaced.
//
// The id is not returned before [Links.replicas] replicas have both keys, so that a failover does
// not lose a link that a client got.
func (l *Links) Add(ctx context.Context, url string) (id string, err error) {
	ctx, cancel := l.limit(ctx)
	defer cancel()
	add := l.add
	if l.script {
		add = l.addByScript
	}
	if id, err = add(ctx, url); err != nil {
		return "", err
	}
	return id, l.replicated(ctx, "url-target:"+id, "reverse-url:"+url)
}

// limit returns the context of one request.
func (l *Links) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(l.patience, patience))
}

func (l *Links) add(ctx context.Context, url string) (id string, err error) {
	known, err := l.get(ctx, "reverse-url:"+url)
	if err != nil {
		return "", err
	}
	if known != "" {
		if ok, err := l.claim(ctx, known, url); ok || err != nil {
			return known, err
		}
	}
	if id, err = l.number(ctx, url); err != nil {
		return "", err
	}
	if known != "" {
		return id, l.away(ctx, l.redis.Set(ctx, "reverse-url:"+url, id, 0).Err())
	}
	first, err := l.redis.SetNX(ctx, "reverse-url:"+url, id, 0).Result()
	if err != nil || first {
		return id, l.away(ctx, err)
	}
	winner, err := l.get(ctx, "reverse-url:"+url)
	if winner != "" {
		id = winner
	}
	return id, err
}

// number takes the next number for url, and returns its id.
func (l *Links) number(ctx context.Context, url string) (id string, err error) {
	step := max(1, l.block)
	for range maxAttempts {
		n, err := l.numbers.next(ctx, l.redis, step)
		if err != nil {
			return "", l.away(ctx, err)
		}
		id := strconv.FormatInt(n, 36)
		if n > 0 {
			if ok, err := l.claim(ctx, id, url); ok || err != nil {
				return id, err
			}
		}
		l.numbers.discard(n)
		step *= 2
	}
	return "", fmt.Errorf("no free id after %d attempts: last-url-id is far behind the ids in use", maxAttempts)
}

// claim makes id lead to url, and reports false if it leads to another one.
func (l *Links) claim(ctx context.Context, id, url string) (bool, error) {
	ok, err := l.redis.SetNX(ctx, "url-target:"+id, url, 0).Result()
	if err != nil || ok {
		return ok, l.away(ctx, err)
	}
	// The URL may be there because of us: the client repeats a command if its answer was lost.
	held, err := l.get(ctx, "url-target:"+id)
	return held == url, err
}

// Follow returns the URL that id leads to and counts the click. A click that
// cannot be counted is logged. Its error is [httperror.NotFound] for an id that
// leads nowhere.
func (l *Links) Follow(ctx context.Context, id string) (target string, err error) {
	if target, err = l.Target(ctx, id); err != nil {
		return "", err
	}
	l.count(ctx, id)
	return target, nil
}

// count counts a click without delay.
func (l *Links) count(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, clickPatience)
	defer cancel()
	if err := l.redis.Incr(ctx, "click-count:"+id).Err(); err != nil {
		slog.Warn("a click was not counted", "id", id, "err", err)
	}
}

// Target returns the URL that id leads to, and counts nothing. Its error is
// [httperror.NotFound] for an id that leads nowhere.
func (l *Links) Target(ctx context.Context, id string) (string, error) {
	ctx, cancel := l.limit(ctx)
	defer cancel()
	return l.target(ctx, id)
}

// Get returns the link of id. Its error is [httperror.NotFound] for an id that
// leads nowhere.
func (l *Links) Get(ctx context.Context, id string) (link Link, err error) {
	ctx, cancel := l.limit(ctx)
	defer cancel()
	link.ID = id
	if link.Target, err = l.target(ctx, id); err != nil {
		return link, err
	}
	clicks, err := l.get(ctx, "click-count:"+id)
	if err != nil || clicks == "" {
		return link, err
	}
	if link.Clicks, err = strconv.ParseInt(clicks, 10, 64); err != nil {
		return link, fmt.Errorf("click-count:%s: %w", id, err)
	}
	return link, nil
}

func (l *Links) target(ctx context.Context, id string) (string, error) {
	target, err := l.get(ctx, "url-target:"+id)
	if err == nil && target == "" {
		err = fmt.Errorf("id %q: %w", id, httperror.NotFound)
	}
	return target, err
}

// get returns the value of key, "" if there is none.
func (l *Links) get(ctx context.Context, key string) (string, error) {
	value, err := l.redis.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return value, l.away(ctx, err)
}

// away makes a Cluster's client look up again which node has which keys, since the node that did
// not answer may be dead. It turns the failure into a 503. nil stays nil.
func (l *Links) away(ctx context.Context, err error) error {
	var answer redis.Error
	if cluster, ok := l.redis.(*redis.ClusterClient); ok && err != nil && !errors.As(err, &answer) {
		cluster.ReloadState(ctx)
	}
	return away(err)
}

// away turns a failure of Redis into a 503; nil stays nil.
func away(err error) error {
	if err == nil {
		return nil
	}
	if strings.HasPrefix(err.Error(), "MOVED ") {
		err = fmt.Errorf("this Redis belongs to a Cluster, add ?cluster=true to its address: %w", err)
	}
	return &httperror.Error{
		Code:        httperror.ServiceUnavailable,
		Description: "The links cannot be read right now.",
		Header:      http.Header{"Retry-After": {strconv.Itoa(retryAfter)}},
		Err:         err,
	}
}
