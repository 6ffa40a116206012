package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseRedis(t *testing.T) {
	for address, c := range map[string]struct {
		addrs                          []string
		db                             int
		user, password, master         string
		cluster, tls                   bool
		serverName, described, network string
	}{
		"redis://":                           {addrs: []string{"localhost:6379"}},
		"redis://h":                          {addrs: []string{"h:6379"}, described: "the Redis at h:6379"},
		"redis://h:1/2":                      {addrs: []string{"h:1"}, db: 2, described: "the Redis at h:1, database 2"},
		"redis://u:p%40ss@h:1":               {addrs: []string{"h:1"}, user: "u", password: "p@ss"},
		"redis://:p@h":                       {addrs: []string{"h:6379"}, password: "p"},
		"redis://[::1]:7":                    {addrs: []string{"[::1]:7"}},
		"redis://[::1]":                      {addrs: []string{"[::1]:6379"}},
		"rediss://h":                         {addrs: []string{"h:6379"}, tls: true, serverName: "h"},
		"unix:///run/redis.sock":             {addrs: []string{"/run/redis.sock"}},
		"unix://:p@/run/redis.sock?db=3":     {addrs: []string{"/run/redis.sock"}, db: 3, password: "p"},
		"redis://u:p@a:1,b,[::1]:3":          {addrs: []string{"a:1", "b:6379", "[::1]:3"}, user: "u", password: "p", described: "the Redis Cluster of a:1, b:6379, [::1]:3"},
		"rediss://a,b":                       {addrs: []string{"a:6379", "b:6379"}, tls: true},
		"redis://a?cluster=true":             {addrs: []string{"a:6379"}, cluster: true, described: "the Redis Cluster of a:6379"},
		"redis+sentinel://a,b:7/m":           {addrs: []string{"a:26379", "b:7"}, master: "m", described: `the Redis that the Sentinels at a:26379, b:7 call "m"`},
		"redis+sentinel://u:p@a/m/4":         {addrs: []string{"a:26379"}, master: "m", db: 4, user: "u", password: "p"},
		"rediss+sentinel://a/m":              {addrs: []string{"a:26379"}, master: "m", tls: true, serverName: "a"},
		"redis+sentinel://a/m?pool_size=3":   {addrs: []string{"a:26379"}, master: "m"},
		"redis://a,b?pool_size=3&protocol=2": {addrs: []string{"a:6379", "b:6379"}},
	} {
		t.Run(address, func(t *testing.T) {
			o, err := parseRedis(address)
			require.NoError(t, err)
			require.Equal(t, c.addrs, o.Addrs)
			require.Equal(t, c.db, o.DB)
			require.Equal(t, c.user, o.Username)
			require.Equal(t, c.password, o.Password)
			require.Equal(t, c.master, o.MasterName)
			require.Equal(t, c.cluster, o.IsClusterMode)
			require.Equal(t, c.tls, o.TLSConfig != nil)
			if c.tls {
				require.Equal(t, c.serverName, o.TLSConfig.ServerName)
			}
			if c.described != "" {
				require.Equal(t, c.described, describe(o))
			}
			require.NotContains(t, describe(o), "p%40ss")
			require.True(t, o.ContextTimeoutEnabled)
		})
	}
	o := parse(t, "redis+sentinel://a/m?sentinel_username=s&sentinel_password=t")
	require.Equal(t, "s", o.SentinelUsername)
	require.Equal(t, "t", o.SentinelPassword)

	for _, address := range []string{
		"", "localhost:6379", "http://h", "redis://h/x", "redis://h/1/2", "redis://h:port", "redis://a,b/1", "redis://a/1?cluster=true",
		"redis+sentinel://a", "redis+sentinel://a/", "redis+sentinel://a/m/x", "unix://", "unix+sentinel://a/m", "redis://h?nonsense=1", "redis://h?%zz",
		"redis://user:secret@h:port", "redis://user:secret@h/x", "redis://user:secret%zz@h", "redis://a b", "redis://user:sec ret@h:1,c:x",
	} {
		t.Run("refused "+address, func(t *testing.T) {
			_, err := parseRedis(address)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "secret")
			require.NotContains(t, err.Error(), "sec ret")
		})
	}
}

func FuzzParseRedis(f *testing.F) {
	for _, seed := range []string{"redis://h", "redis://u:p@a:1,b/2?x=y", "redis+sentinel://a,b/m/1", "unix:///x", "redis://[::1", "://", "redis://,,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if o, err := parseRedis(address); err == nil {
			require.NotEmpty(t, o.Addrs)
		}
	})
}
