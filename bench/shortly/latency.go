//go:build linux

package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"path/filepath"
	"sort"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/bench/shortly/load"
)

// latency measures how late the redirects of shortly are at fixed rates. Links are followed by Zipf's law: the
// second one half as often as the first, the third one a third as often.
type latency struct {
	dir         string
	rounds      int
	slice, rest time.Duration
	connections int
	links       int
}

// shares are the rates, as shares of the highest load.
var shares = []float64{0.2, 0.5, 0.8, 0.9}

func (l latency) measure() error {
	p := &peer{name: "shortly", command: []string{filepath.Join(l.dir, "shortly"), "-quiet", "-addr", "ADDR", "-redis", "redis://REDIS"}}
	defer p.stop()
	if err := p.start(l.dir, ""); err != nil {
		return err
	}
	if err := l.fill(p); err != nil {
		return err
	}
	requests := l.popular(p)
	send := func(rate float64) (Figure, *load.Result, error) {
		defer time.Sleep(l.rest)
		return p.send(load.Load{Addr: p.addr, Connections: l.connections, Rate: rate, Duration: l.slice, Request: requests}, false)
	}
	var highest []Figure
	for range 2 * l.rounds {
		f, _, err := send(0)
		if err != nil {
			return err
		}
		highest = append(highest, f)
	}
	most := median(highest[l.rounds:]) // the first half fills the cache
	figures, results := make([][]Figure, len(shares)), make([]load.Result, len(shares))
	for range l.rounds {
		for i, share := range shares {
			f, result, err := send(share * most.PerSecond)
			if err != nil {
				return err
			}
			figures[i] = append(figures[i], f)
			results[i].Add(result)
		}
	}
	fmt.Printf("| of the highest load | requests a second | 50 %% within, ms | 99 %% within, ms | 99.9 %% within, ms | processor time, µs | commands of Redis |\n|---|---|---|---|---|---|---|\n")
	for i, share := range shares {
		f, r := median(figures[i]), &results[i]
		fmt.Printf("| %.0f %% | %.0f | %.2f | %.2f | %.2f | %.1f | %.2f |\n", 100*share, f.PerSecond,
			milliseconds(r.Within(0.5)), milliseconds(r.Within(0.99)), milliseconds(r.Within(0.999)), f.CPU, f.Commands)
	}
	fmt.Printf("| 100 %%, a closed loop | %.0f | – | – | – | %.1f | %.2f |\n", most.PerSecond, most.CPU, most.Commands)
	return nil
}

// fill makes the links in Redis.
func (l latency) fill(p *peer) error {
	client := redis.NewClient(&redis.Options{Addr: p.redisAddr})
	defer client.Close()
	ctx := context.Background()
	const batch = 10_000
	for first := 0; first < l.links; first += batch {
		_, err := client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for n := first; n < min(first+batch, l.links); n++ {
				pipe.Set(ctx, "url-target:"+popularID(n), fmt.Sprintf("https://example.org/%d", n), 0)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("fill Redis: %w", err)
		}
	}
	log.Printf("Redis has %d links", l.links)
	return nil
}

// popularID is the id of the link at a place in the order of popularity. No id that shortly made is as long.
func popularID(n int) string { return "zipf" + strconv.Itoa(n) }

// popular returns requests that follow links by Zipf's law.
func (l latency) popular(p *peer) func(int) []byte {
	sums := make([]float64, l.links)
	sum := 0.0
	for n := range sums {
		sum += 1 / float64(n+1)
		sums[n] = sum
	}
	random := rand.New(rand.NewPCG(1, 2))
	places := make([]int32, 1<<21)
	for i := range places {
		places[i] = int32(min(sort.SearchFloat64s(sums, random.Float64()*sum), l.links-1))
	}
	var request []byte
	next := 0 // goes on from one run to the next
	return func(int) []byte {
		place := places[next%len(places)]
		next++
		request = append(request[:0], "GET /zipf"...)
		request = strconv.AppendInt(request, int64(place), 10)
		request = append(request, " HTTP/1.1\r\nHost: "...)
		request = append(request, p.addr...)
		return append(request, "\r\n\r\n"...)
	}
}
