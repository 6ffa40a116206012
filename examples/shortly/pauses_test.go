package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// TestPipelinesOfManyIDsAreSpread counts clicks on many ids, and looks when each pipeline is sent. No Redis is there,
// and the time of the test is that of package synctest, so that a pipeline takes no time.
func TestPipelinesOfManyIDsAreSpread(t *testing.T) {
	const count, half = 10, flushInterval / 2
	for name, c := range map[string]struct {
		hasten func(*ClickCounter)
		begin  time.Duration // when the first pipeline is sent
		spread time.Duration // between the first and the last
	}{
		"by a flush of the ticker":         {func(*ClickCounter) {}, flushInterval, half / (count + 1) * (count - 1)},
		"not if a request waits for them":  {func(c *ClickCounter) { c.Flush(context.Background()) }, 0, 0},
		"not when the program ends":        {func(c *ClickCounter) { c.Close() }, 0, 0},
		"until a request waits meanwhile":  {func(c *ClickCounter) { time.Sleep(flushInterval + time.Millisecond); c.Flush(context.Background()) }, flushInterval, time.Millisecond},
		"until the program ends meanwhile": {func(c *ClickCounter) { time.Sleep(flushInterval + time.Millisecond); c.Close() }, flushInterval, time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				counter := NewClickCounter(parse(t, "redis://127.0.0.1:1"))
				var sent []time.Duration
				counter.redis.AddHook(&pipelines{decide: func(_ context.Context, commands []redis.Cmder, _ redis.ProcessPipelineHook) error {
					sent = append(sent, time.Since(began))
					return nil
				}})
				for n := range count * maxPipeline {
					counter.Add(fmt.Sprint(n))
				}
				c.hasten(counter)
				time.Sleep(2 * flushInterval)
				require.NoError(t, counter.Close())
				require.Len(t, sent, count)
				require.Equal(t, c.begin, sent[0])
				require.Equal(t, c.spread, sent[count-1]-sent[0])
				require.True(t, slices.IsSorted(sent))
			})
		})
	}
}

// pipelines is a hook that counts pipelines and decides the fate of each.
type pipelines struct {
	sent   atomic.Int64
	decide func(ctx context.Context, commands []redis.Cmder, next redis.ProcessPipelineHook) error
}

func (p *pipelines) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (p *pipelines) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (p *pipelines) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		if commands[0].Name() != "incrby" { // the beginning of a connection
			return next(ctx, commands)
		}
		p.sent.Add(1)
		if p.decide == nil {
			return next(ctx, commands)
		}
		return p.decide(ctx, commands, next)
	}
}
