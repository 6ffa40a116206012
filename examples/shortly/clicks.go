package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// How ClickCounter sends clicks.
const (
	// flushInterval is how often clicks are sent.
	flushInterval = 250 * time.Millisecond
	// flushPatience is how long one flush may take.
	flushPatience = 5 * time.Second
	// maxPending is the maximum number of ids with clicks that wait to be sent.
	maxPending = 100_000
	// maxPipeline is how many ids one pipeline has, so that Redis and this process serve others in
	// between.
	maxPipeline = 100
)

// ClickCounter is a write-behind counter: it counts clicks in memory and adds them to
// Redis four times a second.
//
//	Add "7", Add "7", Add "b"   →   INCRBY click-count:7 2
//	                                INCRBY click-count:b 1
//
// What can be lost, or counted twice:
//
//   - If the process is killed: the clicks since the last flush that succeeded, that is a quarter
//     of a second and the flush under way, which takes an eighth if there are many ids. [ClickCounter.Close] loses nothing while
//     Redis is there.
//   - While Redis is away, clicks of at most 100,000 ids wait, and clicks of as many other ids
//     during a flush. Clicks of further ids are dropped. The log says how many.
//   - If a connection breaks between a pipeline and its response, it is unknown whether Redis
//     counted. The clicks of that pipeline are sent again, and may count twice.
type ClickCounter struct {
	redis redis.UniversalClient

	mu      sync.Mutex
	pending map[string]int64
	dropped int64

	early  chan struct{}      // the map is half full
	hurry  chan struct{}      // the flush under way must not pause
	asked  chan chan struct{} // a caller waits for a flush
	stop   chan struct{}
	ended  chan struct{}
	closed sync.Once
	// waiting says that the last flush failed. Only the flushing goroutine uses it.
	waiting bool
}

// NewClickCounter returns a counter that sends to the Redis with these options, by
// connections of its own. Close ends it.
func NewClickCounter(o *redis.UniversalOptions) *ClickCounter {
	own := *o
	// The next flush sends again what failed. Repeating each command as well could count a click
	// once for each attempt.
	own.MaxRetries, own.MaxRedirects = -1, -1
	own.ReadTimeout = flushPatience
	c := &ClickCounter{
		redis: redis.NewUniversalClient(&own), pending: map[string]int64{},
		early: make(chan struct{}, 1), hurry: make(chan struct{}, 1), asked: make(chan chan struct{}),
		stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go c.run()
	return c
}

// Add counts a click on id. It never waits for Redis.
func (c *ClickCounter) Add(id string) {
	c.mu.Lock()
	if n, ok := c.pending[id]; ok {
		c.pending[id] = n + 1
	} else if len(c.pending) < maxPending {
		c.pending[strings.Clone(id)] = 1
	} else {
		c.dropped++
	}
	full := len(c.pending) >= maxPending/2
	c.mu.Unlock()
	if full {
		select {
		case c.early <- struct{}{}:
		default:
		}
	}
}

// Flush sends the clicks that were counted so far, and returns when Redis has them,
// when that failed, or when ctx ends.
func (c *ClickCounter) Flush(ctx context.Context) {
	done := make(chan struct{})
	c.hasten()
	select {
	case c.asked <- done:
	case <-c.ended:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Close sends the clicks that are left. Its error says how many could not be sent.
func (c *ClickCounter) Close() error {
	c.closed.Do(func() {
		close(c.stop)
		c.hasten()
		<-c.ended
		c.redis.Close()
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	lost := c.dropped
	for _, n := range c.pending {
		lost += n
	}
	if lost > 0 {
		return fmt.Errorf("%d clicks were not counted: Redis is away", lost)
	}
	return nil
}

// hasten ends the pauses of a flush under way. If none is under way, the next one does not pause.
func (c *ClickCounter) hasten() {
	select {
	case c.hurry <- struct{}{}:
	default:
	}
}

func (c *ClickCounter) run() {
	defer close(c.ended)
	ticker := time.NewTicker(flushInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			c.flush(context.Background())
		case <-c.early:
			// A flush that failed filled the map again: the ticker starts the next attempt.
			if !c.waiting {
				c.flush(context.Background())
			}
		case done := <-c.asked:
			c.flush(context.Background())
			close(done)
		case <-c.stop:
			c.flushAtLast()
			return
		}
	}
}

// flushAtLast flushes until every click is sent, for at most the time that one flush may take.
// After Redis has come back, its client does not ask it for up to a second after its last failure.
func (c *ClickCounter) flushAtLast() {
	ctx, cancel := context.WithTimeout(context.Background(), flushPatience)
	defer cancel()
	for {
		c.flush(ctx)
		if !c.waiting {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(flushInterval):
		}
	}
}

// flush sends the pending clicks. Clicks that could not be sent are pending again afterwards.
func (c *ClickCounter) flush(ctx context.Context) {
	c.mu.Lock()
	batch := c.pending
	c.pending = make(map[string]int64, len(batch))
	dropped := c.dropped
	c.dropped = 0
	c.mu.Unlock()
	if dropped > 0 {
		slog.Warn("clicks were dropped: too many ids have clicks that could not be sent", "clicks", dropped)
	}
	ctx, cancel := context.WithTimeout(ctx, flushPatience)
	defer cancel()
	var failed error
	chunk := make(map[string]int64, min(len(batch), maxPipeline))
	// Thousands of ids at once would delay the requests of that moment. They are spread over half of
	// the interval.
	pause := flushInterval / 2 / time.Duration(len(batch)/maxPipeline+1)
	for id, n := range batch {
		chunk[id] = n
		if len(chunk) == maxPipeline {
			failed = cmp.Or(failed, c.send(ctx, chunk))
			select {
			case <-time.After(pause):
			case <-c.hurry:
				pause = 0
			}
		}
	}
	c.report(cmp.Or(failed, c.send(ctx, chunk)))
}

// send adds the counts of chunk in one pipeline, and empties it. Clicks that Redis did not count
// are pending again. It returns the first error.
func (c *ClickCounter) send(ctx context.Context, chunk map[string]int64) (failed error) {
	if len(chunk) == 0 {
		return nil
	}
	ids := make([]string, 0, len(chunk))
	commands, _ := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for id, n := range chunk {
			ids = append(ids, id)
			p.IncrBy(ctx, "click-count:"+id, n)
		}
		return nil
	})
	for i, command := range commands {
		err := command.Err()
		if err != nil && !permanent(err) {
			failed = cmp.Or(failed, err)
			continue
		}
		if err != nil {
			slog.Warn("clicks were not counted", "id", ids[i], "clicks", chunk[ids[i]], "err", err)
		}
		delete(chunk, ids[i])
	}
	c.putBack(chunk)
	clear(chunk)
	return failed
}

// permanent reports whether a count can never be added: the key does not hold a number.
// HasErrorPrefix does not look at "ERR ".
func permanent(err error) bool {
	for _, prefix := range []string{"WRONGTYPE", "value is not an integer", "increment or decrement would overflow"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// putBack makes counts pending again.
func (c *ClickCounter) putBack(chunk map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, n := range chunk {
		if _, ok := c.pending[id]; ok || len(c.pending) < maxPending {
			c.pending[id] += n
		} else {
			c.dropped += n
		}
	}
}

// report logs when clicks begin to wait and when they have all been sent, and makes a Cluster's
// client look up again which node holds which keys.
func (c *ClickCounter) report(err error) {
	switch {
	case err != nil && !c.waiting:
		slog.Warn("clicks wait in memory: Redis is away", "err", err)
	case err == nil && c.waiting:
		slog.Info("the clicks that waited are counted")
	}
	c.waiting = err != nil
	if cluster, ok := c.redis.(*redis.ClusterClient); ok && err != nil {
		cluster.ReloadState(context.Background())
	}
}
