// Package redisstore keeps sessions in Redis: one server, Redis Cluster, or a master
// that Sentinels elect. Programs that do not import it do not link go-redis.
//
//	client := redis.NewUniversalClient(&redis.UniversalOptions{
//		Addrs:                 []string{"127.0.0.1:6379"},
//		ContextTimeoutEnabled: true,
//	})
//	store, err := redisstore.New(client, redisstore.Options{})
//	...
//	handler := sessions.Manager{Store: store}.Wrap(app)
//
// A session is one hash, which expires by itself. Loading a session is one command and saving it is
// one script, so each takes one round trip and is atomic. Redis 4 or later is needed.
package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/rediscluster"
	"github.com/zeugkit/zeug/sessions"
)

// Options are the settings of a [Store]. The zero value is usable.
type Options struct {
	// Prefix is put before the id of a session to make its key: "session:" by default.
	Prefix string
	// Replicas is how many replicas must have a change before it counts as saved; 0 by
	// default. A master acknowledges a change before its replicas have it. So a failover loses the
	// latest changes, unless Replicas is at least 1. If too few replicas answer in time, saving
	// fails. It is at most 1000.
	Replicas int
}

// Store is a [sessions.Store] in Redis. It is safe for concurrent use.
type Store struct {
	client  redis.UniversalClient
	options Options
}

// New returns a Store in the Redis of a client. It returns an error if the client ignores the
// deadline of a context: a Redis that hangs would then delay requests for longer than
// Manager.Timeout. New sends nothing to Redis, so a program can start while Redis is away.
func New(client redis.UniversalClient, o Options) (*Store, error) {
	heeds := true
	switch c := client.(type) {
	case nil:
		return nil, errors.New("redisstore: the client is nil")
	case *redis.Client:
		heeds = c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		heeds = c.Options().ContextTimeoutEnabled
	case *redis.Ring:
		heeds = c.Options().ContextTimeoutEnabled
	}
	if !heeds {
		return nil, errors.New("redisstore: set ContextTimeoutEnabled in the options of the Redis client: without it a Redis that hangs holds requests")
	}
	if err := limits.Within(o.Replicas, "redisstore: Options.Replicas", 0, 1000); err != nil {
		return nil, err
	}
	if o.Prefix == "" {
		o.Prefix = "session:"
	}
	return &Store{client, o}, nil
}

// Load returns the fields of a session.
func (s *Store) Load(ctx context.Context, id string) (map[string][]byte, error) {
	read, err := s.client.HGetAll(ctx, s.options.Prefix+id).Result()
	rediscluster.Failed(ctx, s.client, err)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	if len(read) == 0 {
		return nil, nil
	}
	fields := make(map[string][]byte, len(read))
	for name, value := range read {
		fields[name] = []byte(value)
	}
	return fields, nil
}

// save applies a change to one session. Its arguments are whether to create and to clear it, the
// time to live in milliseconds (0 to keep it), how many fields to remove, their names, and the
// fields to set, as names and values. It returns the fields that it removed, also as names and
// values, or nil if there is no session.
var save = redis.NewScript(`
local key, ttl, count = KEYS[1], tonumber(ARGV[3]), tonumber(ARGV[4])
if ARGV[1] == '0' and redis.call('EXISTS', key) == 0 then
	return false
end
if ttl == 0 then
	ttl = redis.call('PTTL', key)
end
local removed = {}
if ARGV[2] == '1' then
	removed = redis.call('HGETALL', key)
	redis.call('DEL', key)
end
for i = 5, 4 + count do
	local value = redis.call('HGET', key, ARGV[i])
	if value then
		removed[#removed + 1] = ARGV[i]
		removed[#removed + 1] = value
		redis.call('HDEL', key, ARGV[i])
	end
end
for i = 5 + count, #ARGV, 2 do
	redis.call('HSET', key, ARGV[i], ARGV[i + 1])
end
if ttl > 0 then
	redis.call('PEXPIRE', key, ttl)
end
return removed
`)

// Save changes a session.
func (s *Store) Save(ctx context.Context, id string, change sessions.Change) (map[string][]byte, error) {
	arguments := []any{flag(change.Create), flag(change.Clear), max(0, (change.TTL + time.Millisecond - 1).Milliseconds()), len(change.Remove)}
	for _, name := range change.Remove {
		arguments = append(arguments, name)
	}
	for name, value := range change.Set {
		arguments = append(arguments, name, value)
	}
	run := s.run
	if s.options.Replicas > 0 {
		run = s.runReplicated
	}
	list, err := run(ctx, s.options.Prefix+id, arguments)
	rediscluster.Failed(ctx, s.client, err)
	switch {
	case errors.Is(err, redis.Nil):
		return nil, sessions.ErrNoSession
	case err != nil:
		return nil, fmt.Errorf("redis: %w", err)
	}
	removed := make(map[string][]byte, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		removed[list[i]] = []byte(list[i+1])
	}
	return removed, nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *Store) run(ctx context.Context, key string, arguments []any) ([]string, error) {
	return save.Run(ctx, s.client, []string{key}, arguments...).StringSlice()
}

// runReplicated sends the script and WAIT to one master, in one round trip.
func (s *Store) runReplicated(ctx context.Context, key string, arguments []any) ([]string, error) {
	list, err := s.runAndWait(ctx, key, func(p redis.Pipeliner) *redis.Cmd { return save.EvalSha(ctx, p, []string{key}, arguments...) })
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		list, err = s.runAndWait(ctx, key, func(p redis.Pipeliner) *redis.Cmd { return save.Eval(ctx, p, []string{key}, arguments...) })
	}
	return list, err
}

func (s *Store) runAndWait(ctx context.Context, key string, script func(redis.Pipeliner) *redis.Cmd) ([]string, error) {
	var node redis.UniversalClient = s.client
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		master, err := cluster.MasterForKey(ctx, key)
		if err != nil {
			return nil, err
		}
		node = master
	}
	patience := time.Duration(0)
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(time.Millisecond, time.Until(deadline)*9/10)
	}
	p := node.Pipeline()
	done := script(p)
	copies := p.Do(ctx, "WAIT", s.options.Replicas, patience.Milliseconds())
	_, _ = p.Exec(ctx) // each command has its own error
	list, err := done.StringSlice()
	if err != nil {
		if cluster, ok := s.client.(*redis.ClusterClient); ok && strings.HasPrefix(err.Error(), "MOVED") {
			cluster.ReloadState(ctx) // for the next call
		}
		return nil, err
	}
	n, err := copies.Int64()
	if err != nil {
		return nil, err
	}
	if n < int64(s.options.Replicas) {
		return nil, fmt.Errorf("%d of %d replicas have the change", n, s.options.Replicas)
	}
	return list, nil
}
