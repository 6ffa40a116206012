// Command model computes the needs of a number of redirects a second from the figures that
// ./shortly has measured, and compares its predictions with measurements.
//
//	GOWORK=off go run ./shortly -werkzeug … -json figures.json
//	GOWORK=off go run ./shortly/model -figures figures.json
//
// runs in the folder bench. docs/scaling.md has the outcome, and the model in words.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"text/tabwriter"
)

// figure is what ./shortly writes.
type figure struct{ PerSecond, P99, CPU, Redis, Commands, Bytes, Link float64 }

// settings are the assumptions of the model.
type settings struct {
	links       float64 // that exist
	popular     float64 // exponent of Zipf's law
	cache       float64 // MiB of each process
	cores       float64 // of a process
	utilisation float64 // share of the highest load
	create      float64 // links made, for each redirect
	flushes     float64 // of clicks, by each process, a second
	pipelined   float64 // µs of Redis for a command in a pipeline
	cluster     float64 // µs of a process for a command in a pipeline to a Cluster, in addition
}

func main() {
	log.SetFlags(0)
	name := flag.String("figures", "figures.json", "the file that ./shortly -json has written")
	s := settings{flushes: 4}
	flag.Float64Var(&s.links, "links", 10e6, "how many links exist")
	flag.Float64Var(&s.popular, "zipf", 1, "the exponent of Zipf's law: how unequal links are")
	flag.Float64Var(&s.cache, "cache", 64, "MiB of the cache of a process")
	flag.Float64Var(&s.cores, "cores", 2, "cores of a process")
	flag.Float64Var(&s.utilisation, "utilisation", 0.6, "what share of its highest load a process gets")
	flag.Float64Var(&s.create, "create", 0.01, "links that are made, for each redirect")
	flag.Float64Var(&s.pipelined, "pipelined", 0.8, "microseconds of Redis for a command in a pipeline, which ./shortly -cluster measures")
	flag.Float64Var(&s.cluster, "cluster", 0.8, "how many microseconds more a process needs to send that command to a Cluster than to one Redis")
	flag.Parse()
	text, err := os.ReadFile(*name)
	if err != nil {
		log.Fatal(err)
	}
	var all map[string]map[string]figure
	if err := json.Unmarshal(text, &all); err != nil {
		log.Fatal(err)
	}
	check(all)
	s.tell(all)
}

// row prints a prediction beside what was measured.
func row(t *tabwriter.Writer, what string, predicted, measured float64) {
	fmt.Fprintf(t, "%s\t%.3g\t%.3g\t%+.0f %%\n", what, predicted, measured, 100*(predicted/measured-1))
}

// check makes two kinds of predictions. The case "mix" (90 % redirects, 8 % forms, 2 % new links)
// comes from the other cases. The commands of a cache come from the requests a second.
func check(all map[string]map[string]figure) {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintln(t, "\tpredicted\tmeasured\tdifference")
	for _, name := range []string{"shortly", "shortly, exact clicks", "shortly, no cache", "chi and go-redis", "HAProxy before shortly"} {
		of := all[name]
		if of["mix"].CPU == 0 {
			continue
		}
		mix := func(value func(figure) float64) float64 {
			return 0.90*value(of["redirect, 1,000 ids"]) + 0.08*value(of["form"]) + 0.02*value(of["create"])
		}
		row(t, name+": processor time of a request in the mix, µs", mix(func(f figure) float64 { return f.CPU }), of["mix"].CPU)
	}
	hot := all["shortly"]["redirect, 1,000 ids"]
	row(t, "shortly: commands of a redirect, 1,000 ids", 4*distinct(uniform(1000), hot.PerSecond/4)/hot.PerSecond, hot.Commands)
	one := all["shortly"]["redirect, one hot id"]
	row(t, "shortly, exact clicks: commands of a redirect", 1, all["shortly, exact clicks"]["redirect, one hot id"].Commands)
	row(t, "shortly, no cache: commands of a redirect", 2, all["shortly, no cache"]["redirect, one hot id"].Commands)
	if program, hop := one.CPU, all["HAProxy before shortly"]["redirect, one hot id"].CPU; hop > 0 {
		fmt.Fprintf(t, "HAProxy takes, of the processor time of shortly's redirect\t\t%.0f %%\t\n", 100*hop/program)
	}
}

// uniform returns the probabilities of n links that are equally popular.
func uniform(n int) func(yield func(p, count float64) bool) {
	return func(yield func(p, count float64) bool) { yield(1/float64(n), float64(n)) }
}

// zipf returns the probabilities of n links by Zipf's law, in groups of links that are
// about as popular.
func zipf(n, exponent float64) func(yield func(p, count float64) bool) {
	groups := func(yield func(weight, count float64) bool) {
		for at := 1.0; at <= n; {
			next := math.Min(n+1, math.Floor(at*1.02)+1)
			if !yield(math.Pow((at+next-1)/2, -exponent), next-at) {
				return
			}
			at = next
		}
	}
	total := 0.0
	groups(func(weight, count float64) bool { total += weight * count; return true })
	return func(yield func(p, count float64) bool) {
		groups(func(weight, count float64) bool { return yield(weight/total, count) })
	}
}

// distinct returns how many different links n requests ask for.
func distinct(popularity func(func(p, count float64) bool), n float64) (sum float64) {
	popularity(func(p, count float64) bool {
		sum += count * -math.Expm1(n*math.Log1p(-math.Min(p, 1-1e-12)))
		return true
	})
	return sum
}

// hits returns the share of requests that a cache of the most popular links answers.
func hits(popularity func(func(p, count float64) bool), links float64) (sum float64) {
	popularity(func(p, count float64) bool {
		held := math.Min(count, links)
		links -= held
		sum += p * held
		return links > 0
	})
	return sum
}

// tell prints what a number of redirects a second needs.
func (s settings) tell(all map[string]map[string]figure) {
	redirect, create, cold := all["shortly"]["redirect, one hot id"], all["shortly"]["create"], all["shortly, no cache"]["redirect, 1,000 ids"]
	hop := all["HAProxy before shortly"]["redirect, one hot id"]
	command := cold.Redis / math.Max(1, cold.Commands)
	popularity := zipf(s.links, s.popular)
	const entry = 230 // bytes of a link in the cache: cache.go
	hit := hits(popularity, s.cache*(1<<20)/entry)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintf(t, "\n%.0f links, Zipf %.2g, a cache of %.0f MiB answers %.0f %% of the redirects\n\n", s.links, s.popular, s.cache, 100*hit)
	fmt.Fprintf(t, "redirects/s\tprocesses of %.0f cores\tcores\tcores of HAProxy\tcommands/s\tRedis primaries\tGiB of Redis, with replicas\tMbit/s\n", s.cores)
	for _, rate := range []float64{1000, 10_000, 100_000, 1_000_000} {
		busy := rate * (redirect.CPU + (1-hit)*math.Max(0, cold.CPU-redirect.CPU) + s.create*create.CPU) / 1e6
		processes := math.Max(2, math.Ceil(busy/s.utilisation/s.cores))
		clicks := processes * s.flushes * distinct(popularity, rate/processes/s.flushes)
		single := rate*(1-hit) + rate*s.create*create.Commands
		primaries := math.Max(1, math.Ceil((single*command+clicks*s.pipelined)/1e6/s.utilisation))
		if primaries > 1 {
			busy += clicks * s.cluster / 1e6
			processes = math.Max(2, math.Ceil(busy/s.utilisation/s.cores))
		}
		commands := single + clicks
		memory := s.links * math.Max(create.Link, 200) * 2 / (1 << 30)
		fmt.Fprintf(t, "%.0f\t%.0f\t%.1f\t%.1f\t%.0f\t%.0f\t%.1f\t%.0f\n",
			rate, processes, busy/s.utilisation, rate*hop.CPU/1e6/s.utilisation, commands, primaries, memory, rate*redirect.Bytes*8/1e6)
	}
}
