// Package ratelimit is a middleware that limits how often each client may send
// requests. It counts in Redis, so the limit applies to all instances of an
// application together.
//
//	limit := ratelimit.RateLimit{Client: redisClient, Rate: 100, Period: time.Minute}
//	app := limit.Wrap(app)
//
// It is a leaky bucket (the generic cell rate algorithm): a client may use Burst requests at once,
// and gets this allowance back evenly over Period. There are no windows, so a client cannot send
// twice as many at the edge of two windows. One atomic script decides, on one key for each client,
// so that it works on Redis Cluster too. It uses the clock of Redis.
//
// It is a separate package, so that only programs that use it link go-redis.
package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/rediscluster"
)

// RateLimit is the settings of the middleware. Client is needed.
//
// Limits with the same Prefix, Name, Rate, Period and Burst count together, in one
// process and in several. All other limits count separately, even around the
// same handler.
type RateLimit struct {
	// Client is the Redis that counts: a *redis.Client, a *redis.ClusterClient,
	// or any redis.UniversalClient.
	Client redis.Scripter
	// Name distinguishes limits that have the same Rate, Period and Burst, and names the policy in
	// the response. Default: made of those three, "100/60s".
	Name string
	// Rate is how many requests a client may send in Period. 0 means 100, a
	// negative number no limit.
	Rate int
	// Period is the time for which Rate counts. 0 means a minute. Each request must get at least
	// one microsecond of Period.
	Period time.Duration
	// Burst is how many requests may come at once. 0 means Rate.
	Burst int
	// Key identifies the client; "" is not limited. Default: [ClientKey].
	Key func(*http.Request) string
	// Cost is how many requests this one counts for; 0 is free. A request that
	// costs more than Burst never passes and gets a 429 without Retry-After.
	// Default: 1.
	Cost func(*http.Request) int
	// Prefix is in front of every key in Redis. Default: "zeug:rate:".
	Prefix string
	// Closed answers with 503 if Redis does not answer. Without it, requests then pass: a limit
	// that does not work should not stop the application.
	Closed bool
	// Timeout is how long Redis may take, whatever the timeouts of the client
	// are. 0 means 200 ms, a negative duration no limit.
	Timeout time.Duration
	// Logger gets a record if Redis does not answer. Default: [slog.Default].
	Logger *slog.Logger
}

// ClientKey names a client by its address, after a proxy fix has corrected it. For an IPv6 address
// it uses the first 64 bits, the network of one subscriber.
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

// take decides about a request. KEYS[1] holds the time, in microseconds, at
// which the bucket will be empty again. It returns four values: whether the
// request passes, how many more could pass now, the microseconds until the next request can pass,
// and those until all can.
var take = redis.NewScript(`
local now = redis.call("TIME")
now = now[1] * 1000000 + now[2]
local interval, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local room = interval * burst
local empty = tonumber(redis.call("GET", KEYS[1]) or now)
if empty < now then empty = now end
if empty > now + room then -- the clock of Redis was set back
	empty = now + room
	redis.call("SET", KEYS[1], string.format("%.0f", empty), "PX", math.ceil(room / 1000))
end
local after = empty + interval * cost
local passes = after - now <= room
if passes then
	empty = after
	if empty > now then
		redis.call("SET", KEYS[1], string.format("%.0f", empty), "PX", math.ceil((empty - now) / 1000))
	end
end
local left = math.max(0, math.floor((room - (empty - now)) / interval))
local wait = 0
if not passes then wait = after - now - room end
return {passes and 1 or 0, left, math.ceil(wait), math.ceil(empty - now)}
`)

// maxCalls bounds how many calls of a limit wait for Redis at once. go-redis obeys the context only
// if the client is configured to, so calls may outlive their requests.
const maxCalls = 256

// limiter is a RateLimit that is ready for use.
type limiter struct {
	RateLimit
	prefix   string // of the keys
	interval int64  // microseconds between two requests
	policy   string // the field RateLimit-Policy
	calls    chan struct{}
}

// Wrap returns next with the limit. A request that is refused gets 429 with Retry-After. Every
// response has the fields RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers),
// one member for each limit that it passed. Wrap panics without a client, and if a setting is out
// of range.
func (l RateLimit) Wrap(next http.Handler) http.Handler {
	if l.Client == nil {
		panic("ratelimit.RateLimit: Client is needed: the Redis that counts")
	}
	if l.Rate < 0 {
		return next
	}
	t, err := newLimiter(l)
	if err != nil {
		panic(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		passes, err := t.admit(w, r)
		switch {
		case err != nil:
			httperror.Respond(w, r, err)
		case passes:
			next.ServeHTTP(w, r)
		}
	})
}

func newLimiter(l RateLimit) (*limiter, error) {
	if l.Rate == 0 {
		l.Rate = 100
	}
	if l.Period == 0 {
		l.Period = time.Minute
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
	if l.Logger == nil {
		l.Logger = slog.Default()
	}
	l.Timeout = limits.Duration(l.Timeout, 200*time.Millisecond)
	kind := fmt.Sprintf("%d/%ss", l.Rate, strconv.FormatFloat(l.Period.Seconds(), 'f', -1, 64))
	if l.Burst != l.Rate {
		kind += "/" + strconv.Itoa(l.Burst)
	}
	t := &limiter{RateLimit: l, prefix: l.Prefix + l.Name + "/" + kind + ":", calls: make(chan struct{}, maxCalls)}
	if t.Name == "" {
		t.Name = kind
	}
	t.interval = l.Period.Microseconds() / int64(l.Rate)
	// Numbers in Lua have 53 bits, and the time of day must also fit into them.
	longest := int64(100*365*24*time.Hour/time.Microsecond) / max(1, t.interval)
	err := errors.Join(
		limits.Within(l.Rate, "ratelimit.RateLimit: Rate", 1, 1_000_000_000),
		limits.Within(l.Period, "ratelimit.RateLimit: Period", time.Duration(l.Rate)*time.Microsecond, limits.Forever),
		limits.Within(int64(l.Burst), "ratelimit.RateLimit: Burst", 1, longest),
	)
	if strings.ContainsFunc(t.Name, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
		err = errors.Join(err, fmt.Errorf("ratelimit.RateLimit: Name is %q: use ASCII letters, digits and punctuation without quotes and backslashes", t.Name))
	}
	t.policy = fmt.Sprintf(`"%s";q=%d;w=%d`, t.Name, l.Burst, max(1, int64(l.Period/time.Second)))
	return t, err
}

// admit counts a request and sets the fields. It reports whether the request
// passes; the error is the response if it does not.
func (t *limiter) admit(w http.ResponseWriter, r *http.Request) (passes bool, err error) {
	key, cost := t.Key(r), 1
	if t.Cost != nil {
		cost = t.Cost(r)
	}
	if key == "" || cost <= 0 {
		return true, nil
	}
	h := w.Header()
	if cost > t.Burst {
		add(h, "Ratelimit-Policy", t.policy)
		return false, &httperror.Error{
			Code:        httperror.TooManyRequests,
			Description: "This request counts for more than the limit allows at once.",
			Err:         fmt.Errorf("a request costs %d: the limit %q has a burst of %d", cost, t.Name, t.Burst),
		}
	}
	state, err := t.take(r.Context(), key, cost)
	if err != nil {
		if r.Context().Err() == nil {
			t.Logger.WarnContext(r.Context(), "rate limit not counted", "limit", t.Name, "closed", t.Closed, "err", err)
		}
		if !t.Closed {
			return true, nil
		}
		return false, &httperror.Error{
			Code:   httperror.ServiceUnavailable,
			Header: http.Header{"Retry-After": {"1"}},
			Err:    fmt.Errorf("count requests: %w", err),
		}
	}
	add(h, "Ratelimit-Policy", t.policy)
	add(h, "Ratelimit", fmt.Sprintf(`"%s";r=%d;t=%d`, t.Name, state.left, seconds(state.full)))
	if state.passes {
		return true, nil
	}
	return false, &httperror.Error{
		Code:        httperror.TooManyRequests,
		Description: "Too many requests came from your address. Please wait a little.",
		Header:      http.Header{"Retry-After": {strconv.FormatInt(max(1, seconds(state.wait)), 10)}},
	}
}

// add appends a member to a field. Outer limits may have set it.
func add(h http.Header, name, member string) {
	if have := h[name]; len(have) > 0 {
		member = strings.Join(have, ", ") + ", " + member
	}
	h[name] = []string{member}
}

// state is the result of the script; wait and full are in microseconds.
type state struct {
	passes           bool
	left, wait, full int64
}

var errBusy = fmt.Errorf("%d calls wait for Redis already", maxCalls)

// take asks Redis, but waits no longer than Timeout.
func (t *limiter) take(ctx context.Context, key string, cost int) (state, error) {
	select {
	case t.calls <- struct{}{}:
	default:
		return state{}, errBusy
	}
	// The call itself must not cancel ctx when it ends: then both cases below could be ready, and
	// select would take the error in place of the result every other time.
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	type result struct {
		state
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-t.calls }()
		s, err := t.run(ctx, key, cost)
		done <- result{s, err}
	}()
	select {
	case r := <-done:
		return r.state, r.err
	case <-ctx.Done():
		return state{}, fmt.Errorf("Redis did not answer in %s: %w", t.Timeout, ctx.Err())
	}
}

func (t *limiter) run(ctx context.Context, key string, cost int) (state, error) {
	reply, err := take.Run(ctx, t.Client, []string{t.prefix + key}, t.interval, t.Burst, cost).Int64Slice()
	rediscluster.Failed(ctx, t.Client, err)
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
