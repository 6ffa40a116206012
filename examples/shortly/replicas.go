package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// errUnreplicated is the error of a link that too few replicas have.
var errUnreplicated = errors.New("too few replicas have the new link")

// replicated returns when l.replicas replicas have each of the keys. The 503 of its
// error does not mean that the link is not there, only that a failover could lose it.
func (l *Links) replicated(ctx context.Context, keys ...string) error {
	if l.replicas == 0 {
		return nil
	}
	for _, key := range keys {
		node, err := l.node(ctx, key)
		if err != nil {
			return l.away(ctx, err)
		}
		// WAIT is about the writes up to the last command of its own connection. A read moves that
		// mark past the write, which was made on another connection.
		pipe := node.Pipeline()
		pipe.Get(ctx, key)
		have := pipe.Do(ctx, "WAIT", l.replicas, (cmp.Or(l.patience, patience) / 2).Milliseconds())
		if _, err := pipe.Exec(ctx); err != nil {
			return l.away(ctx, err)
		}
		if n, err := have.Int(); err != nil || n < l.replicas {
			return l.away(ctx, cmp.Or(err, errUnreplicated))
		}
	}
	return nil
}

// node returns the client of the Redis that holds key.
func (l *Links) node(ctx context.Context, key string) (redis.UniversalClient, error) {
	if cluster, ok := l.redis.(*redis.ClusterClient); ok {
		return cluster.MasterForKey(ctx, key)
	}
	return l.redis, nil
}
