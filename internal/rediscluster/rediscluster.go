// Package rediscluster notices that a node of a Redis Cluster is gone.
//
// A client of go-redis keeps a table that says which node has which keys. It reads the table again
// after a minute, or when a node says that a key has moved. A dead node says nothing, so its keys
// would be unreachable for that minute, although a replica takes over after some seconds.
package rediscluster

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Call Failed with the errors of a client. If the client is one of a Cluster and the error is not
// an answer of Redis, the client reads its table again, in the background and five times a second
// at most.
func Failed(ctx context.Context, client any, err error) {
	var answer redis.Error
	if err == nil || errors.As(err, &answer) || errors.Is(err, context.Canceled) {
		return
	}
	if cluster, ok := client.(*redis.ClusterClient); ok {
		cluster.ReloadState(ctx)
	}
}
