// Package ratelimit is a middleware that bounds how often one client may ask,
// counted in Redis and so for all instances of an application together.
//
//	limit := ratelimit.RateLimit{Client: redisClient, Rate: 100, Per: time.Minute}
//	app := limit.Wrap(app)
//
// It is a leaky bucket (the generic cell rate algorithm): a client may use Burst
// requests at once, and gets them back evenly over Per. There are no windows at
// whose edge twice as many would pass. One atomic script decides, on one key for
// each client, so that it works on Redis Cluster too; the clock is Redis's.
//
// It is a package of its own so that only who uses it links go-redis.
package ratelimit

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
)

// RateLimit is the settings of the middleware. Client is needed.
type RateLimit struct {
	// Client is the Redis that counts: a *redis.Client, a *redis.ClusterClient,
	// or any redis.UniversalClient.
	Client redis.Scripter
	// Rate is how many requests a client has in Per. 0 means 100.
	Rate int
	// Per is the time in which they come back. 0 means a minute.
	Per time.Duration
	// Burst is how many may come at once. 0 means Rate.
	Burst int
	// Key names who asks; "" is not limited. Default: [ClientKey].
	Key func(*http.Request) string
	// Cost is how many requests this one counts for; 0 is free, and one that
	// costs more than Burst never passes. Default: 1.
	Cost func(*http.Request) int
	// Prefix stands before every key in Redis. Default: "zeug:rate:".
	Prefix string
	// Closed answers 503 where Redis does not answer. Otherwise requests pass
	// then: a limit that is away should not take the application with it.
	Closed bool
	// Timeout is how long Redis may take. 0 means 200 ms.
	Timeout time.Duration
	// Logger is told when Redis does not answer. Default: [slog.Default].
	Logger *slog.Logger
}

// ClientKey names a client by its address, as a proxy fix has found it. Of an
// IPv6 address it takes the first 64 bits, the network that one subscriber has.
func ClientKey(r *http.Request) string {
	addr := gateway.OriginOf(r).Client.Addr().Unmap()
	if !addr.IsValid() {
		return ""
	}
	if addr.Is6() {
		if network, err := addr.WithZone("").Prefix(64); err == nil {
			return network.Masked().String()
		}
	}
	return addr.String()
}

// take is the decision. KEYS[1] holds the time, in microseconds, at which the
// bucket will be empty again. It returns: whether the request passes, how many
// more could now, and the microseconds until one can, and until all can.
var take = redis.NewScript(`
local now = redis.call("TIME")
now = now[1] * 1000000 + now[2]
local interval, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local room = interval * burst
local empty = tonumber(redis.call("GET", KEYS[1]) or now)
if empty < now then empty = now end
local after = empty + interval * cost
local passes = after - now <= room
if passes then
	empty = after
	if empty > now then
		redis.call("SET", KEYS[1], string.format("%.0f", empty), "PX", math.ceil((empty - now) / 1000))
	end
end
local left = math.floor((room - (empty - now)) / interval)
local wait = 0
if not passes then wait = after - now - room end
return {passes and 1 or 0, left, math.ceil(wait), math.ceil(empty - now)}
`)

// Wrap returns next behind the limit. What is refused is answered by 429 with
// Retry-After; every answer has the fields RateLimit and RateLimit-Policy
// (draft-ietf-httpapi-ratelimit-headers). It panics without a client, and where
// a setting is negative.
func (l RateLimit) Wrap(next http.Handler) http.Handler {
	if l.Client == nil {
		panic("ratelimit.RateLimit: Client is needed: the Redis that counts")
	}
	if l.Rate < 0 || l.Per < 0 || l.Burst < 0 || l.Timeout < 0 {
		panic("ratelimit.RateLimit: a setting is negative")
	}
	l = l.defaulted()
	interval := l.Per.Microseconds() / int64(l.Rate)
	if interval == 0 {
		panic(fmt.Sprintf("ratelimit.RateLimit: %d requests in %s is more than one in a microsecond", l.Rate, l.Per))
	}
	policy := []string{fmt.Sprintf(`"default";q=%d;w=%d`, l.Burst, max(1, int(l.Per/time.Second)))}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, cost := l.Key(r), 1
		if l.Cost != nil {
			cost = l.Cost(r)
		}
		if key == "" || cost <= 0 {
			next.ServeHTTP(w, r)
			return
		}
		state, err := l.take(r.Context(), key, interval, cost)
		if err != nil {
			if r.Context().Err() == nil {
				l.Logger.WarnContext(r.Context(), "rate limit not counted", "closed", l.Closed, "err", err)
			}
			if l.Closed {
				httperror.Respond(w, r, &httperror.Error{
					Code:   httperror.ServiceUnavailable,
					Header: http.Header{"Retry-After": {"1"}},
					Err:    fmt.Errorf("count requests: %w", err),
				})
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h["Ratelimit-Policy"] = policy
		h["Ratelimit"] = []string{fmt.Sprintf(`"default";r=%d;t=%d`, state.left, seconds(state.full))}
		if !state.passes {
			httperror.Respond(w, r, &httperror.Error{
				Code:        httperror.TooManyRequests,
				Description: "Too many requests came from your address. Please wait a little.",
				Header:      http.Header{"Retry-After": {strconv.FormatInt(max(1, seconds(state.wait)), 10)}},
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (l RateLimit) defaulted() RateLimit {
	if l.Rate == 0 {
		l.Rate = 100
	}
	if l.Per == 0 {
		l.Per = time.Minute
	}
	if l.Burst == 0 {
		l.Burst = l.Rate
	}
	if l.Key == nil {
		l.Key = ClientKey
	}
	if l.Prefix == "" {
		l.Prefix = "zeug:rate:"
	}
	if l.Timeout == 0 {
		l.Timeout = 200 * time.Millisecond
	}
	if l.Logger == nil {
		l.Logger = slog.Default()
	}
	return l
}

// state is what the script returns; wait and full are microseconds.
type state struct {
	passes           bool
	left, wait, full int64
}

func (l RateLimit) take(ctx context.Context, key string, interval int64, cost int) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	reply, err := take.Run(ctx, l.Client, []string{l.Prefix + key}, interval, l.Burst, cost).Int64Slice()
	if err != nil {
		return state{}, err
	}
	if len(reply) != 4 {
		return state{}, fmt.Errorf("script answered %v", reply)
	}
	return state{reply[0] == 1, reply[1], reply[2], reply[3]}, nil
}

// seconds rounds microseconds up to whole seconds.
func seconds(us int64) int64 { return (us + 999_999) / 1_000_000 }
