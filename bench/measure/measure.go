// Package measure times things side by side, so that their ratios hold on a busy machine:
// processor time of the process rather than the clock, one processor, the subjects in turn in each
// round, the median of the rounds.
package measure

import (
	"flag"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Subject is one thing that is timed.
type Subject struct {
	// Case is the task, and Peer is the library: the row and the column of the table.
	Case, Peer string
	// Run does it n times.
	Run func(n int) `json:"-"`
}

// Result is what a Subject took.
type Result struct {
	Subject
	// Time is the median of the rounds, for doing it once.
	Time time.Duration
	// Nanoseconds is the same, with the fraction.
	Nanoseconds float64
	// Allocations is the number of allocations for doing it once.
	Allocations float64
	// Instructions is the number of instructions for doing it once, if they were counted.
	Instructions float64
}

// Settings say how thoroughly to measure.
type Settings struct {
	// Rounds is how often each subject is timed; 0 is 15.
	Rounds int
	// Slice is about how long one timing takes; 0 is 4 ms.
	Slice time.Duration
	// Peer is the one column that is measured; "" is all of them.
	Peer string
	// Exactly is how often each subject runs, without being timed, for a program that
	// counts instructions. 0 times the subjects.
	Exactly int
	// Marked is how often each subject runs for [Instructions], which counts. 0 times the subjects.
	Marked int
	// JSON makes [Settings.Report] write the results as lines of JSON instead of a table.
	JSON bool
}

// Flags returns Settings that the command line sets, once it is parsed.
func Flags() *Settings {
	s := new(Settings)
	flag.IntVar(&s.Rounds, "rounds", 15, "how often each subject is timed")
	flag.DurationVar(&s.Slice, "slice", 4*time.Millisecond, "about how long one timing takes")
	flag.StringVar(&s.Peer, "peer", "", "the one column that is measured")
	flag.IntVar(&s.Exactly, "exactly", 0, "run each subject this often without timing it, to count instructions")
	flag.BoolVar(&s.JSON, "json", false, "write the results as lines of JSON instead of a table")
	flag.IntVar(&s.Marked, "marked", 0, "run each subject with a goal for its instructions this often, between marks that callgrind sees")
	return s
}

// busy bounds the time of a timing on the clock, as a multiple of its processor time: above it,
// other programs used the processor and its caches, and the timing is repeated.
const busy = 1.25

// Run times the subjects in turn.
func (s Settings) Run(subjects []Subject) []Result {
	if s.Rounds == 0 {
		s.Rounds = 15
	}
	if s.Slice == 0 {
		s.Slice = 4 * time.Millisecond
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if s.Peer != "" {
		subjects = slices.DeleteFunc(slices.Clone(subjects), func(subject Subject) bool { return subject.Peer != s.Peer })
	}
	if s.Exactly > 0 {
		for _, subject := range subjects {
			subject.Run(s.Exactly)
		}
		return nil
	}
	results := make([]Result, len(subjects))
	counts := make([]int, len(subjects))
	for i, subject := range subjects {
		results[i].Subject = subject
		results[i].Allocations = testing.AllocsPerRun(20, func() { subject.Run(1) })
		counts[i] = calibrate(subject, s.Slice)
	}
	timings := make([][]float64, len(subjects))
	for round := range s.Rounds {
		runtime.GC()
		for turn := range subjects {
			// Each round begins with another subject, because the first one pays for the garbage of
			// the last round.
			i := (turn + round) % len(subjects)
			subject := subjects[i]
			timings[i] = append(timings[i], timing(subject, counts[i]))
		}
	}
	for i := range results {
		results[i].Nanoseconds = median(timings[i])
		results[i].Time = time.Duration(results[i].Nanoseconds)
	}
	return results
}

// timing returns the processor time of one of n runs, taken from the quietest of up to three
// attempts.
func timing(subject Subject, n int) float64 {
	best, quietest := 0.0, math.Inf(1)
	for range 3 {
		clock, start := time.Now(), ProcessorTime()
		subject.Run(n)
		took, passed := ProcessorTime()-start, time.Since(clock)
		unrest := float64(passed) / float64(max(took, 1))
		if unrest < quietest {
			best, quietest = float64(took)/float64(n), unrest
		}
		if unrest < busy {
			break
		}
	}
	return best
}

// calibrate returns how many runs fill the slice.
func calibrate(subject Subject, slice time.Duration) int {
	for n := 1; ; n *= 2 {
		start := ProcessorTime()
		subject.Run(n)
		if took := ProcessorTime() - start; took >= slice/2 || n >= 1<<30 {
			return max(1, int(float64(n)*float64(slice)/float64(max(took, 1))))
		}
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}

// LastRelease is the peer whose results are those of Zeug at its last release. It is not compared.
const LastRelease = "last release"

// row is a row of a table.
type row struct {
	name  string
	cells map[string]Result // by peer
	ratio float64           // the value of the first peer divided by the least of the others; 0: no others
}

// rows returns the rows in the order in which their cases come.
func (u Unit) rows(results []Result) (list []row) {
	for _, r := range results {
		i := slices.IndexFunc(list, func(have row) bool { return have.name == r.Case })
		if i < 0 {
			i = len(list)
			list = append(list, row{name: r.Case, cells: map[string]Result{}})
		}
		list[i].cells[r.Peer] = r
	}
	for i, r := range list {
		own, least := u.value(r.cells[results[0].Peer]), math.Inf(1)
		for peer, cell := range r.cells {
			if peer != results[0].Peer && peer != LastRelease {
				least = min(least, u.value(cell))
			}
		}
		list[i].ratio = own / least
	}
	return list
}

// Medians returns one result for each case and peer: the median of those that come with it.
func Medians(results []Result) (list []Result) {
	type key struct{ name, peer string }
	times, counts := map[key][]float64{}, map[key][]float64{}
	for _, r := range results {
		k := key{r.Case, r.Peer}
		if times[k] == nil {
			list = append(list, r)
		}
		times[k], counts[k] = append(times[k], r.Nanoseconds), append(counts[k], r.Instructions)
	}
	for i, r := range list {
		k := key{r.Case, r.Peer}
		list[i].Nanoseconds, list[i].Instructions = median(times[k]), median(counts[k])
		list[i].Time = time.Duration(list[i].Nanoseconds)
	}
	return list
}

// Table writes the results as a Markdown table: one row for each case and one
// column for each peer, in the order in which they come. The last column is the
// value of the first peer divided by the least of the others.
func (u Unit) Table(w io.Writer, results []Result) {
	var peers []string
	for _, r := range results {
		if !slices.Contains(peers, r.Peer) {
			peers = append(peers, r.Peer)
		}
	}
	fmt.Fprintf(w, "| | %s | ratio |\n|---|%s\n", strings.Join(peers, " | "), strings.Repeat("---|", len(peers)+1))
	for _, r := range u.rows(results) {
		line := []string{r.name}
		for _, peer := range peers {
			if cell, ok := r.cells[peer]; ok {
				line = append(line, u.cell(cell))
			} else {
				line = append(line, "–")
			}
		}
		if r.ratio > 0 {
			line = append(line, fmt.Sprintf("%.2f", r.ratio))
		} else {
			line = append(line, "–")
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | "))
	}
}

// nanoseconds writes a time with three digits and its unit.
func nanoseconds(ns float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if ns >= 10*unit.size {
			return strconv.FormatFloat(ns/unit.size, 'f', 1, 64) + " " + unit.name
		}
	}
	return strconv.FormatFloat(ns, 'f', 0, 64)
}
