package main

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/recording/recordingtest"
)

func TestCommandsAreMarked(t *testing.T) {
	client := connect(t, startEmbedded(t))
	client.AddHook(marks{})
	require.NoError(t, client.Set(t.Context(), "nobody's", 1, 0).Err())
	ctx, recorder := recordingtest.New(t.Context())
	require.NoError(t, client.Set(ctx, "a", "value", 0).Err())
	require.NoError(t, client.Eval(ctx, "return 1", []string{"a"}).Err())
	require.NoError(t, client.Ping(ctx).Err())
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Get(ctx, "a")
		p.Incr(ctx, "b")
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, client.Do(ctx, "echo", "a").Err())
	require.Error(t, client.Do(ctx, "auth", "hidden").Err())
	seen := recorder.Marks()
	require.Subset(t, seen, []string{"redis set a", "redis eval a", "redis ping", "redis get a; incr b", "redis echo a", "redis auth"})
	require.NotContains(t, strings.Join(seen, " "), "hidden")
}
