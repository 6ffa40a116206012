package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// redisHelp describes the addresses that [parseRedis] reads.
const redisHelp = `where links are kept:
  redis://[user:password@]host[:port][/db]   one Redis; rediss:// speaks TLS
  unix:///path/to/redis.sock[?db=1]          the same, through a socket
  redis://host:port,host:port,…              Redis Cluster, some of its nodes;
                                             of one node: redis://host:port?cluster=true
  redis+sentinel://host,host,…/master[/db]   whichever Redis the Sentinels call that master;
                                             [?sentinel_username=…&sentinel_password=…]
Without one they are kept in memory, until the program ends`

// parseRedis reads the address of a Redis, of a Cluster or of Sentinels. Its
// errors never show the address itself, which may hold a password.
func parseRedis(address string) (*redis.UniversalOptions, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return nil, errors.New("the address of Redis has no scheme: write redis://host:port")
	}
	scheme, sentinel := strings.CutSuffix(scheme, "+sentinel")
	port := "6379"
	if sentinel {
		port = "26379"
	}
	hosts, err := splitHosts(scheme, &rest, port)
	if err != nil {
		return nil, err
	}
	query, err := takeQuery(&rest, "cluster", "sentinel_username", "sentinel_password")
	if err != nil {
		return nil, err
	}
	master := ""
	if sentinel {
		if master, rest, err = takeMaster(rest); err != nil {
			return nil, err
		}
	}
	one, err := redis.ParseURL(scheme + "://" + rest)
	if err != nil {
		if syntax, ok := errors.AsType[*url.Error](err); ok {
			err = syntax.Err
		}
		return nil, fmt.Errorf("the address of Redis: %w", err)
	}
	if hosts == nil {
		hosts = []string{one.Addr}
	}
	o := universal(one, hosts)
	o.MasterName = master
	o.SentinelUsername, o.SentinelPassword = query.Get("sentinel_username"), query.Get("sentinel_password")
	o.IsClusterMode = query.Get("cluster") == "true"
	if (len(hosts) > 1 || o.IsClusterMode) && !sentinel && o.DB != 0 {
		return nil, errors.New("the address of Redis: a Cluster has no database but 0")
	}
	if len(hosts) > 1 && o.TLSConfig != nil {
		o.TLSConfig.ServerName = "" // each node is asked for its own name
	}
	return o, nil
}

// splitHosts cuts "user:password@a:1,b,c/…" to its first host, which a URL may have, and returns
// all hosts, each with a port. A socket has none.
func splitHosts(scheme string, rest *string, port string) ([]string, error) {
	if scheme == "unix" {
		return nil, nil
	}
	end := strings.IndexAny(*rest, "/?#")
	if end < 0 {
		end = len(*rest)
	}
	authority, tail := (*rest)[:end], (*rest)[end:]
	user := authority[:strings.LastIndexByte(authority, '@')+1]
	var hosts []string
	for host := range strings.SplitSeq(authority[len(user):], ",") {
		u, err := url.Parse("redis://" + strings.TrimSpace(host))
		if err != nil {
			return nil, fmt.Errorf("the address of Redis: %q is not a host and a port", host)
		}
		name := u.Hostname()
		if name == "" {
			name = "localhost"
		}
		if p := u.Port(); p != "" {
			hosts = append(hosts, net.JoinHostPort(name, p))
		} else {
			hosts = append(hosts, net.JoinHostPort(name, port))
		}
	}
	*rest = user + hosts[0] + tail
	return hosts, nil
}

// takeQuery removes the parameters that are for shortly and not for go-redis.
func takeQuery(rest *string, names ...string) (url.Values, error) {
	before, query, ok := strings.Cut(*rest, "?")
	if !ok {
		return nil, nil
	}
	all, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("the address of Redis: the part after \"?\" cannot be read")
	}
	ours := url.Values{}
	for _, name := range names {
		if all.Has(name) {
			ours[name] = all[name]
			all.Del(name)
		}
	}
	*rest = before
	if len(all) > 0 {
		*rest += "?" + all.Encode()
	}
	return ours, nil
}

// takeMaster removes the name of the master, the first segment of the path.
func takeMaster(rest string) (master, without string, err error) {
	host, path, _ := strings.Cut(rest, "/")
	path, query, hasQuery := strings.Cut(path, "?")
	master, db, hasDB := strings.Cut(path, "/")
	if master, err = url.PathUnescape(master); err != nil || master == "" {
		return "", "", errors.New("the address of the Sentinels lacks the master's name: redis+sentinel://host,host/NAME")
	}
	if hasDB {
		host += "/" + db
	}
	if hasQuery {
		host += "?" + query
	}
	return master, host, nil
}

// universal turns the options of one kind of client into those of any kind, with timeouts short
// enough for a Redis that is away.
func universal(o *redis.Options, hosts []string) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs: hosts, DB: o.DB, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
		Protocol: o.Protocol, ClientName: o.ClientName,
		PoolSize: o.PoolSize, PoolTimeout: o.PoolTimeout, PoolFIFO: o.PoolFIFO,
		MinIdleConns: o.MinIdleConns, MaxIdleConns: o.MaxIdleConns, MaxActiveConns: o.MaxActiveConns,
		ConnMaxIdleTime: o.ConnMaxIdleTime, ConnMaxLifetime: o.ConnMaxLifetime,
		MaxRetries: o.MaxRetries, MinRetryBackoff: o.MinRetryBackoff, MaxRetryBackoff: o.MaxRetryBackoff,
		DialTimeout:  cmp.Or(o.DialTimeout, time.Second),
		ReadTimeout:  cmp.Or(o.ReadTimeout, time.Second),
		WriteTimeout: cmp.Or(o.WriteTimeout, time.Second),
		// One dial is enough: the next command dials again.
		DialerRetries: 1,
		// The deadline of a request limits everything that is done for it.
		ContextTimeoutEnabled: true,
		// Notices of a managed Redis; other servers answer the command for them with errors.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// quietly passes on the Redis client's messages about broken connections if details are wanted: the
// errors that it returns say the same.
type quietly struct{}

func (quietly) Printf(ctx context.Context, format string, values ...any) {
	slog.DebugContext(ctx, fmt.Sprintf(format, values...))
}

func init() { redis.SetLogger(quietly{}) }

// describe says where links are kept, without the password.
func describe(o *redis.UniversalOptions) string {
	hosts := strings.Join(o.Addrs, ", ")
	switch {
	case o.MasterName != "":
		return fmt.Sprintf("the Redis that the Sentinels at %s call %q", hosts, o.MasterName)
	case len(o.Addrs) > 1 || o.IsClusterMode:
		return "the Redis Cluster of " + hosts
	case o.DB != 0:
		return fmt.Sprintf("the Redis at %s, database %d", hosts, o.DB)
	}
	return "the Redis at " + hosts
}

// embedRedis starts a Redis within this process, so that no other program must
// be installed. It listens on loopback, behind a password that only this
// process knows, and forgets everything when the process ends.
func embedRedis() (*redis.UniversalOptions, error) {
	server := miniredis.NewMiniRedis()
	password := rand.Text()
	server.RequireAuth(password)
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("embedded Redis: %w", err)
	}
	return universal(&redis.Options{Password: password}, []string{server.Addr()}), nil
}
