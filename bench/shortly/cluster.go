//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/internal/freeport"
)

// overhead compares commands to a Redis Cluster of three primaries with commands to a single Redis: the processor time of
// the client, which is this process, and of the servers.
type overhead struct {
	dir         string
	rounds      int
	slice, rest time.Duration
	connections int
}

// store is a single Redis or a Cluster.
type store struct {
	name    string
	client  redis.UniversalClient
	servers []*exec.Cmd
	nodes   []*redis.Client // of the servers
	buses   []string        // their cluster ports
}

const overheadKeys = 10_000

func (o overhead) measure() error {
	single, cluster := &store{name: "a single Redis"}, &store{name: "a Cluster of three"}
	stores := []*store{single, cluster}
	defer func() {
		for _, s := range stores {
			s.stop()
		}
	}()
	for i, s := range stores {
		if err := s.start(o.dir, 1+2*i); err != nil {
			return err
		}
	}
	fmt.Printf("| | client, µs a command | servers, µs a command | commands a second |\n|---|---|---|---|\n")
	for _, batch := range []int{1, 100} {
		cost := map[string][]Figure{}
		for range o.rounds {
			for _, s := range stores {
				f, err := o.send(s, batch)
				if err != nil {
					return err
				}
				cost[s.name] = append(cost[s.name], f)
			}
		}
		for _, s := range stores {
			f := median(cost[s.name])
			fmt.Printf("| %s, %d in a pipeline | %.1f | %.1f | %.0f |\n", s.name, batch, f.CPU, f.Redis, f.PerSecond)
		}
	}
	return cluster.move()
}

// send sends INCR commands from several goroutines for a while, batch of them at once.
func (o overhead) send(s *store, batch int) (f Figure, err error) {
	defer time.Sleep(o.rest)
	ctx, cancel := context.WithTimeout(context.Background(), o.slice)
	defer cancel()
	var all sync.WaitGroup
	counts, failures := make([]int, o.connections), make([]error, o.connections)
	own, servers, began := ownTime(), s.spent(), time.Now()
	for i := range o.connections {
		all.Go(func() {
			for n := i * 631; ctx.Err() == nil; n += batch {
				_, err := s.client.Pipelined(context.Background(), func(p redis.Pipeliner) error {
					for k := range batch {
						p.Incr(context.Background(), "click-count:"+strconv.Itoa((n+k)%overheadKeys))
					}
					return nil
				})
				if err != nil {
					failures[i] = err
					return
				}
				counts[i] += batch
			}
		})
	}
	all.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	f.CPU = float64((ownTime() - own).Microseconds()) / float64(total)
	f.Redis = float64((s.spent() - servers).Microseconds()) / float64(total)
	f.PerSecond = float64(total) / time.Since(began).Seconds()
	return f, errors.Join(failures...)
}

// ownTime is the processor time of this process.
func ownTime() time.Duration {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (s *store) spent() time.Duration {
	pids := map[string]bool{}
	for _, server := range s.servers {
		pids[strconv.Itoa(server.Process.Pid)] = true
	}
	return processor(func(pid, _ string) bool { return pids[pid] })
}

// start starts n servers; more than one are a Cluster.
func (s *store) start(dir string, n int) error {
	ports, err := freeport.Choose(2 * n)
	if err != nil {
		return err
	}
	var addrs []string
	for i := range n {
		args := []string{"--port", ports[i], "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no"}
		if n > 1 {
			args = append(args, "--cluster-enabled", "yes", "--cluster-port", ports[n+i], "--cluster-config-file", filepath.Join(dir, "nodes-"+ports[i]))
		}
		server := start(redisPriority, "redis-server", args...)
		if err := server.Start(); err != nil {
			return err
		}
		addrs = append(addrs, "127.0.0.1:"+ports[i])
		s.servers, s.buses = append(s.servers, server), append(s.buses, ports[n+i])
		s.nodes = append(s.nodes, redis.NewClient(&redis.Options{Addr: addrs[i]}))
	}
	s.client = redis.NewUniversalClient(&redis.UniversalOptions{Addrs: addrs, IsClusterMode: n > 1})
	ctx := context.Background()
	if err := until("the servers answer", func() error {
		for _, node := range s.nodes {
			if err := node.Ping(ctx).Err(); err != nil {
				return err
			}
		}
		return nil
	}); err != nil || n == 1 {
		return err
	}
	for i, node := range s.nodes {
		if err := node.ClusterAddSlotsRange(ctx, i*16384/n, (i+1)*16384/n-1).Err(); err != nil {
			return err
		}
		host, port, _ := net.SplitHostPort(addrs[0])
		if err := node.Do(ctx, "CLUSTER", "MEET", host, port, s.buses[0]).Err(); err != nil {
			return err
		}
	}
	return until("the Cluster is whole", func() error {
		for _, node := range s.nodes {
			info, err := node.ClusterInfo(ctx).Result()
			if err != nil {
				return err
			}
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", n)) {
				return errors.New(info)
			}
		}
		return nil
	})
}

func (s *store) stop() {
	if s.client != nil {
		s.client.Close()
	}
	for i, server := range s.servers {
		s.nodes[i].Close()
		server.Process.Kill()
		server.Wait()
	}
}

// move moves the slots of the third node to the first one, and prints how many commands were redirected until the client
// had learnt it.
func (s *store) move() error {
	ctx := context.Background()
	id, err := s.nodes[0].ClusterMyID(ctx).Result()
	if err != nil {
		return err
	}
	if err := s.nodes[2].FlushAll(ctx).Err(); err != nil { // slots without keys move at once
		return err
	}
	before, err := s.redirected()
	if err != nil {
		return err
	}
	for slot := 2 * 16384 / 3; slot < 16384; slot++ {
		for _, node := range s.nodes {
			if err := node.Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", id).Err(); err != nil {
				return err
			}
		}
	}
	began := time.Now()
	for n := range overheadKeys {
		if err := s.client.Incr(ctx, "click-count:"+strconv.Itoa(n)).Err(); err != nil {
			return err
		}
	}
	after, err := s.redirected()
	if err != nil {
		return err
	}
	fmt.Printf("\nOf %d commands after a third of the slots had moved, %d were redirected, in %v.\n", overheadKeys, after-before, time.Since(began).Round(time.Millisecond))
	return nil
}

// redirected returns how many commands the nodes have answered with MOVED.
func (s *store) redirected() (sum int, err error) {
	for _, node := range s.nodes {
		info, err := node.Info(context.Background(), "errorstats").Result()
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(info) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "errorstat_MOVED:count="); ok {
				n, err := strconv.Atoi(value)
				if err != nil {
					return 0, err
				}
				sum += n
			}
		}
	}
	return sum, nil
}

// until waits until done returns nil, for half a minute at most.
func until(what string, done func() error) (err error) {
	for range 300 {
		if err = done(); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%s: %w", what, err)
}
