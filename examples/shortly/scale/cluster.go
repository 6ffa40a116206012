//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/internal/freeport"
)

// node is a redis-server of the cluster.
type node struct {
	addr, dir string
	args      []string
	process   *process
	client    *redis.Client
}

// cluster is a Redis Cluster of three primaries, each with a replica.
type cluster struct {
	nodes []*node // the first three begin as primaries; node i+3 is the replica of node i
}

// startCluster starts six nodes on free ports of loopback. They write nothing but
// their table of nodes, below dir.
func startCluster(ctx context.Context, dir string) (*cluster, error) {
	c := &cluster{}
	ports, err := freeport.Choose(12)
	if err != nil {
		return nil, err
	}
	for i := range 6 {
		n := &node{addr: "127.0.0.1:" + ports[i], dir: filepath.Join(dir, "redis-"+ports[i])}
		n.args = []string{
			"--port", ports[i], "--bind", "127.0.0.1", "--dir", n.dir, "--save", "", "--appendonly", "no",
			"--cluster-enabled", "yes", "--cluster-port", ports[6+i], "--cluster-node-timeout", "1500",
			// The other primaries go on while one is away.
			"--cluster-require-full-coverage", "no", "--cluster-allow-replica-migration", "no",
			"--repl-diskless-sync-delay", "0",
		}
		if err := os.Mkdir(n.dir, 0o700); err != nil {
			return nil, err
		}
		n.client = redis.NewClient(&redis.Options{Addr: n.addr})
		c.nodes = append(c.nodes, n)
		if err := n.start(ctx); err != nil {
			c.stop()
			return nil, err
		}
	}
	if err := c.join(ctx, ports[6:]); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (n *node) start(ctx context.Context) (err error) {
	if n.process, err = start(n.dir, "redis-server", n.args...); err != nil {
		return err
	}
	return eventually(ctx, "redis-server at "+n.addr, func(ctx context.Context) error { return n.client.Ping(ctx).Err() })
}

// join makes the nodes a cluster.
func (c *cluster) join(ctx context.Context, busPorts []string) error {
	for i, n := range c.nodes {
		// Nodes that begin with one epoch agree on others by and by. Until then a replica may not be elected.
		if err := n.client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			return err
		}
		if i < 3 {
			if err := n.client.ClusterAddSlotsRange(ctx, i*16384/3, (i+1)*16384/3-1).Err(); err != nil {
				return err
			}
		}
		host, port, _ := net.SplitHostPort(c.nodes[0].addr)
		if err := n.client.Do(ctx, "CLUSTER", "MEET", host, port, busPorts[0]).Err(); err != nil {
			return err
		}
	}
	for i, n := range c.nodes[3:] {
		id, err := c.nodes[i].client.ClusterMyID(ctx).Result()
		if err != nil {
			return err
		}
		err = eventually(ctx, n.addr+" to become a replica", func(ctx context.Context) error { return n.client.ClusterReplicate(ctx, id).Err() })
		if err != nil {
			return err
		}
	}
	return c.whole(ctx, 6)
}

// whole waits until every one of the nodes sees n nodes and a server for every slot, and each
// replica is in step.
func (c *cluster) whole(ctx context.Context, n int) error {
	return eventually(ctx, "the cluster to be whole", func(ctx context.Context) error {
		replicas := 0
		for _, each := range c.nodes {
			info, err := each.client.ClusterInfo(ctx).Result()
			if err != nil {
				return err
			}
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", n)) ||
				!strings.Contains(info, "cluster_slots_ok:16384") {
				return fmt.Errorf("%s sees %q", each.addr, info)
			}
			role, err := each.client.Info(ctx, "replication").Result()
			if err != nil {
				return err
			}
			if strings.Contains(role, "role:slave") {
				if !strings.Contains(role, "master_link_status:up") {
					return errors.New(each.addr + " is not in step yet")
				}
				replicas++
			}
		}
		if replicas != n/2 {
			return fmt.Errorf("there are %d replicas", replicas)
		}
		return nil
	})
}

// killPrimary kills a primary, waits until its replica has taken over, and starts it again, now as
// a replica. If an empty node came back before that, it would be a primary without keys.
func (c *cluster) killPrimary(ctx context.Context) (away time.Duration, err error) {
	primary, replica := c.nodes[0], c.nodes[3]
	began := time.Now()
	primary.process.kill()
	err = eventually(ctx, "the replica to take over", func(ctx context.Context) error {
		role, err := replica.client.Info(ctx, "replication").Result()
		if err == nil && !strings.Contains(role, "role:master") {
			err = errors.New(replica.addr + " is a replica still")
		}
		return err
	})
	away = time.Since(began)
	if err != nil {
		return away, err
	}
	if err := primary.start(ctx); err != nil {
		return away, err
	}
	return away, c.whole(ctx, 6)
}

// address is the value of shortly's flag -redis.
func (c *cluster) address() string {
	var addrs []string
	for _, n := range c.nodes {
		addrs = append(addrs, n.addr)
	}
	return "redis://" + strings.Join(addrs, ",")
}

// client returns a client of the whole cluster.
func (c *cluster) client() *redis.ClusterClient {
	return redis.NewClusterClient(&redis.ClusterOptions{Addrs: strings.Split(strings.TrimPrefix(c.address(), "redis://"), ",")})
}

// stop kills the nodes.
func (c *cluster) stop() {
	for _, n := range c.nodes {
		n.client.Close()
		if n.process != nil {
			n.process.kill()
		}
	}
}
