package main

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// numbers hands out the numbers of new ids. It takes them from last-url-id in
// blocks, with one command for each block:
//
//	INCRBY last-url-id 100   → 700   the numbers 601 to 700 are ours
//
// Blocks never overlap, so no two processes hand out one number. The rest of a block is never used
// if the process ends.
type numbers struct {
	mu         sync.Mutex
	left, last int64 // last is the last number of the block
}

// next returns a number that no other caller gets.
func (b *numbers) next(ctx context.Context, client redis.UniversalClient, block int64) (int64, error) {
	if block == 1 {
		return client.IncrBy(ctx, "last-url-id", 1).Result()
	}
	// Requests that come while a block is fetched wait for that block.
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 {
		last, err := client.IncrBy(ctx, "last-url-id", block).Result()
		if err != nil {
			return 0, err
		}
		b.left, b.last = block, last
	}
	b.left--
	return b.last - b.left, nil
}

// discard drops the block that holds n, which was not free: the numbers after it
// are probably not free either.
func (b *numbers) discard(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last-b.left == n {
		b.left = 0
	}
}
