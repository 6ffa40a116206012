//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
	"github.com/zeugkit/zeug/internal/redistest"
)

// clicks returns the count of an id in Redis.
func clicks(t *testing.T, client redis.UniversalClient, id string) int {
	t.Helper()
	text, err := client.Get(t.Context(), "click-count:"+id).Result()
	require.NoError(t, ignoreNil(err))
	n, _ := strconv.Atoi(text)
	return n
}

func TestClicksOnEveryRedis(t *testing.T) {
	t.Parallel()
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			if d.heavy && testing.Short() {
				t.Skip("starts several servers")
			}
			o := d.start(t)
			c := NewClickCounter(o)
			var seen pipelines
			c.redis.AddHook(&seen)
			began := time.Now()
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for n := range 1000 {
						c.Add(fmt.Sprint(n % 10))
					}
				})
			}
			all.Wait()
			require.NoError(t, c.Close())
			client := connect(t, o)
			for id := range 10 {
				require.Equal(t, 800, clicks(t, client, fmt.Sprint(id)))
			}
			require.LessOrEqual(t, seen.sent.Load(), 2+int64(time.Since(began)/flushInterval), "8,000 clicks, and a pipeline for each interval")
			require.NoError(t, c.Close(), "a second Close does nothing")
			c.Flush(t.Context()) // and so does a late Flush
		})
	}
}

func TestManyIDsAreSentInSeveralPipelines(t *testing.T) {
	o := startEmbedded(t)
	c := NewClickCounter(o)
	for n := range 2*maxPipeline + 1 {
		c.Add(fmt.Sprint(n))
	}
	require.NoError(t, c.Close())
	keys, err := connect(t, o).DBSize(t.Context()).Result()
	require.NoError(t, err)
	require.EqualValues(t, 2*maxPipeline+1, keys)
}

func TestClicksWaitForRedisAndTheirMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
	s := redistest.Start(t)
	c := NewClickCounter(parse(t, "redis://"+s.Addr))
	s.Stop()
	for n := range maxPending + 500 {
		c.Add(fmt.Sprint(n))
	}
	c.Flush(t.Context()) // the clicks of a flush under way are pending again after this one
	s.Start(t)
	c.Flush(t.Context())
	require.NoError(t, c.Close())
	require.EqualValues(t, maxPending, s.Client.DBSize(t.Context()).Val(), "the clicks of 500 ids were dropped, with a line in the log")
}

func TestCloseSaysWhatWasNotCounted(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Stop()
	// Close tries for seconds. The time is that of package synctest; connections are refused as ever.
	synctest.Test(t, func(t *testing.T) {
		c := NewClickCounter(parse(t, "redis://"+s.Addr))
		for n := range 30 {
			c.Add(fmt.Sprint(n % 7))
		}
		began := time.Now()
		require.ErrorContains(t, c.Close(), "30 clicks were not counted")
		require.GreaterOrEqual(t, time.Since(began), flushPatience)
		time.Sleep(2 * time.Second) // the client's goroutine that tries to connect sees that it is closed
	})
}

func TestAKeyThatIsNotANumberDoesNotStopTheOthers(t *testing.T) {
	o := startEmbedded(t)
	client := connect(t, o)
	require.NoError(t, client.Set(t.Context(), "click-count:bad", "many", 0).Err())
	require.NoError(t, client.LPush(t.Context(), "click-count:list", "x").Err())
	c := NewClickCounter(o)
	for _, id := range []string{"bad", "good", "list", "good"} {
		c.Add(id)
	}
	require.NoError(t, c.Close())
	require.Equal(t, 2, clicks(t, client, "good"))
	require.Equal(t, "many", client.Get(t.Context(), "click-count:bad").Val())
}

// TestAPipelineWhoseAnswerIsLost is the only case in which a click is counted twice.
func TestAPipelineWhoseAnswerIsLost(t *testing.T) {
	o := startEmbedded(t)
	c := NewClickCounter(o)
	lose := true
	c.redis.AddHook(&pipelines{decide: func(ctx context.Context, commands []redis.Cmder, next redis.ProcessPipelineHook) error {
		err := next(ctx, commands)
		if lose { // only the flushing goroutine gets here
			lose = false
			for _, command := range commands {
				command.SetErr(errCrash)
			}
			return errCrash
		}
		return err
	}})
	for range 5 {
		c.Add("1")
	}
	c.Flush(t.Context()) // this one fails, unless the ticker's flush was before it
	require.NoError(t, c.Close())
	n := clicks(t, connect(t, o), "1")
	require.True(t, n > 5 && n <= 10, "5 clicks are counted, those of one pipeline twice: %d", n)
}

// serve runs the program and returns its URL when it serves.
func serve(t *testing.T, redis string, args ...string) (base string, stop func(syscall.Signal) error) {
	t.Helper()
	addr := "127.0.0.1:" + freeport.Port(t)
	command := program(t, nil, append(args, "-redis", redis, "-addr", addr)...)
	stderr, err := command.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	drained := make(chan bool)
	go func() {
		defer close(drained)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			t.Log(lines.Text())
		}
	}()
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + addr + readyPath)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	}, 30*time.Second, 10*time.Millisecond, "the program is ready")
	return "http://" + addr, func(sig syscall.Signal) error {
		command.Process.Signal(sig)
		<-drained
		return command.Wait()
	}
}

// click follows a link and fails the test if it does not redirect.
func click(t *testing.T, address string) {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(address)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusFound, resp.StatusCode)
}

func TestStoppingTheProgramLosesNoClick(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	require.NoError(t, s.Client.Set(t.Context(), "url-target:1", "https://example.org/", 0).Err())
	for name, c := range map[string]struct {
		args []string
		sig  syscall.Signal
	}{
		"batches, told to stop": {nil, syscall.SIGTERM},
		"exact, killed":         {[]string{"-clicks", "exact"}, syscall.SIGKILL},
		"no cache, killed":      {[]string{"-cache", "0"}, syscall.SIGKILL},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, s.Client.Del(t.Context(), "click-count:1").Err())
			base, stop := serve(t, "redis://"+s.Addr, c.args...)
			for range 25 {
				click(t, base+"/1")
			}
			err := stop(c.sig)
			if c.sig == syscall.SIGTERM {
				require.NoError(t, err)
			}
			require.Equal(t, 25, clicks(t, s.Client, "1"))
		})
	}
}
