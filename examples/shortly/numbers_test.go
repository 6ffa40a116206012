//go:build unix

package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/redistest"
)

func TestIDsInBlocks(t *testing.T) {
	o := startEmbedded(t)
	var mu sync.Mutex
	ids := map[string]string{}
	var all sync.WaitGroup
	commands := make([]func() int64, 4)
	for process := range commands {
		links := &Links{redis: connect(t, o), block: 50}
		commands[process] = watch(links.redis, "incrby", nil).Load
		for worker := range 5 {
			all.Go(func() {
				for n := range 20 {
					url := fmt.Sprintf("https://example.org/%d/%d/%d", process, worker, n)
					id, err := links.Add(t.Context(), url)
					mu.Lock()
					if err != nil || ids[id] != "" {
						t.Errorf("%s got the id %q of %s: %v", url, id, ids[id], err)
					}
					ids[id] = url
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	require.Len(t, ids, 400)
	require.Equal(t, ids, targets(t, connect(t, o)))
	for _, sent := range commands {
		require.EqualValues(t, 2, sent(), "a command for 50 ids")
	}
}

// TestABlockThatWasHandedOutBefore is the state after a failover that lost the newest value of the
// counter.
func TestABlockThatWasHandedOutBefore(t *testing.T) {
	client := connect(t, startEmbedded(t))
	taken := map[string]string{"last-url-id": "0"}
	for n := range 500 {
		taken["url-target:"+base36(n+1)] = "https://taken"
	}
	require.NoError(t, client.MSet(t.Context(), taken).Err())
	links := &Links{redis: client, block: 10}
	for n := range 25 {
		url := fmt.Sprintf("https://example.org/%d", n)
		id, err := links.Add(t.Context(), url)
		require.NoError(t, err)
		require.Equal(t, url, client.Get(t.Context(), "url-target:"+id).Val())
	}
	for key, target := range taken {
		if key != "last-url-id" {
			require.Equal(t, target, client.Get(t.Context(), key).Val())
		}
	}
}

func TestACounterThatCannotBeRead(t *testing.T) {
	links := &Links{redis: connect(t, startEmbedded(t)), block: 10}
	watch(links.redis, "incrby", func(_ context.Context, command redis.Cmder) { command.SetErr(errCrash) })
	_, err := links.Add(t.Context(), "https://example.org/")
	require.ErrorIs(t, err, httperror.ServiceUnavailable)
	require.ErrorIs(t, err, errCrash)
}

func TestALinkIsToldOfWhenAReplicaHasIt(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts several servers")
	}
	master, replica, sentinel := redistest.StartSentinels(t, "links")
	for name, address := range map[string]string{
		"by its address": "redis://" + master.Addr,
		"by Sentinel":    "redis+sentinel://" + sentinel.Addr + "/links",
	} {
		t.Run(name, func(t *testing.T) {
			links := &Links{redis: connect(t, parse(t, address)), replicas: 1, patience: longPatience}
			for n := range 20 {
				url := fmt.Sprintf("https://example.org/%s/%d", name, n)
				id, err := links.Add(t.Context(), url)
				require.NoError(t, err)
				require.Equal(t, url, replica.Client.Get(t.Context(), "url-target:"+id).Val(), "the replica has it already")
				require.Equal(t, id, replica.Client.Get(t.Context(), "reverse-url:"+url).Val())
			}
		})
	}
	// One more replica than there are: the client does not get the link, though it exists.
	o := parse(t, "redis://"+master.Addr)
	o.ReadTimeout = longPatience // the wait for replicas takes half of the patience
	links := &Links{redis: connect(t, o), replicas: 2, patience: 3 * time.Second}
	require.ErrorIs(t, within(t, 20*time.Second, func() error {
		_, err := links.Add(t.Context(), "https://example.org/new")
		return err
	}), errUnreplicated)
}
