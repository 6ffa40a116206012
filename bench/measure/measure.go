// Package measure times things side by side, so that their ratios hold on a busy machine:
// processor time of the process rather than the clock, one processor, the subjects in turn in each
// round, the median of the rounds. Rounds in which other programs disturbed a timing do not count.
//
// Each round gives a ratio of Zeug's time to a peer's, for example in five rounds:
//
//	zeug    100  104  busy  101  103
//	chi     200  201   199  busy  206
//	ratio   0.5  0.52    –     –  0.5     0.50 (0.50–0.52), busy 2/5
package measure

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
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
	// Attempt times it once instead of Run, for a subject that is another process.
	Attempt func() (Timing, error) `json:"-"`
	// Form is how a table shows its figures.
	Form Form
}

// Form is how a table shows the figures of a Subject.
type Form string

// The forms. Without one a table shows the time and the allocations.
const (
	PerSecond Form = "per second" // and the processor time
	Clock     Form = "clock"      // the time alone
	Bytes     Form = "bytes"      // the Nanoseconds are bytes
)

// Timing is what a Subject took in one round. It is zero if the subject failed.
type Timing struct {
	// Nanoseconds is the time of doing it once.
	Nanoseconds float64
	// Processor is the processor time of doing it once, in nanoseconds, if Nanoseconds is by the
	// clock.
	Processor float64
	// Busy is set if other programs used the processor meanwhile. Then the timing does not count.
	Busy bool
}

// Result is what a Subject took.
type Result struct {
	Subject
	// Rounds are the timings. The same index is the same round for all subjects of a run.
	Rounds []Timing
	// Nanoseconds and Processor are the medians of the rounds that count, and of all rounds if none
	// counts.
	Nanoseconds, Processor float64
	// Allocations is the number of allocations for doing it once.
	Allocations float64
	// Instructions is the number of instructions for doing it once, if they were counted.
	Instructions float64
}

// Settings say how thoroughly to measure.
type Settings struct {
	// Rounds is how often each subject is timed; 0 is 15. A subject with an Attempt, which takes
	// seconds, is timed a third as often.
	Rounds int
	// Slice is about how long one timing takes; 0 is 4 ms.
	Slice time.Duration
	// Peers are the columns that are measured; none is all of them.
	Peers []string
	// Only is a part of the names of the cases that are measured.
	Only string
	// Exactly is how often each subject runs, without being timed, for a program that
	// counts instructions. 0 times the subjects.
	Exactly int
	// Marked is how often each subject runs for [Instructions], which counts. 0 times the subjects.
	Marked int
	// Check makes [Settings.Report] do nothing, for a program that checks its tools before.
	Check bool
	// JSON makes [Settings.Report] write the results as lines of JSON instead of a table.
	JSON bool
}

// Flags returns Settings that the command line sets, once it is parsed.
func Flags() *Settings {
	s := new(Settings)
	flag.IntVar(&s.Rounds, "rounds", 15, "how often each subject is timed; whole servers a third as often")
	flag.DurationVar(&s.Slice, "slice", 4*time.Millisecond, "about how long one timing takes")
	flag.Func("peer", "a column that is measured; repeat it for several, and leave it out for all", func(name string) error {
		if name != "" {
			s.Peers = append(s.Peers, name)
		}
		return nil
	})
	flag.StringVar(&s.Only, "only", "", "the case, or the cases that hold this text")
	flag.IntVar(&s.Exactly, "exactly", 0, "run each subject this often without timing it, to count instructions")
	flag.BoolVar(&s.Check, "check", false, "only check that the tools are there which this needs")
	flag.BoolVar(&s.JSON, "json", false, "write the results as lines of JSON instead of a table")
	flag.IntVar(&s.Marked, "marked", 0, "run each subject with a goal for its instructions this often, between marks that callgrind sees")
	return s
}

// attempts is how often a timing is made until it is not busy.
const attempts = 3

// busy bounds the time of a timing on the clock, as a multiple of its processor time: above it,
// other programs used the processor and its caches.
const busy = 1.25

// chosen returns the subjects that the settings name.
func (s Settings) chosen(subjects []Subject) []Subject {
	return slices.DeleteFunc(slices.Clone(subjects), func(subject Subject) bool {
		return !strings.Contains(subject.Case, s.Only) || len(s.Peers) > 0 && !slices.Contains(s.Peers, subject.Peer)
	})
}

// Run times the chosen subjects in turn.
func (s Settings) Run(subjects []Subject) []Result {
	if s.Rounds == 0 {
		s.Rounds = 15
	}
	if s.Slice == 0 {
		s.Slice = 4 * time.Millisecond
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	subjects = s.chosen(subjects)
	if s.Exactly > 0 {
		for _, subject := range subjects {
			if subject.Run != nil {
				subject.Run(s.Exactly)
			}
		}
		return nil
	}
	results := make([]Result, len(subjects))
	for i, subject := range subjects {
		results[i].Subject = subject
		if subject.Attempt != nil {
			continue
		}
		results[i].Allocations = testing.AllocsPerRun(20, func() { subject.Run(1) })
		n := calibrate(subject, s.Slice)
		subjects[i].Attempt = func() (Timing, error) { return run(subject, n), nil }
	}
	for round := range s.Rounds {
		runtime.GC()
		for turn := range subjects {
			// Each round begins with another subject, because the first one pays for the garbage of
			// the last round.
			i := (turn + round) % len(subjects)
			if subjects[i].Run == nil && round >= (s.Rounds+2)/3 {
				continue
			}
			results[i].Rounds = append(results[i].Rounds, quiet(subjects[i]))
		}
	}
	for i := range results {
		results[i].summarize()
	}
	return results
}

// quiet returns the first attempt during which the machine was not busy, or the last one.
func quiet(subject Subject) (t Timing) {
	for range attempts {
		var err error
		if t, err = subject.Attempt(); err != nil {
			fmt.Fprintf(os.Stderr, "%s, %s: %v\n", subject.Case, subject.Peer, err)
			return Timing{}
		}
		if !t.Busy {
			return t
		}
	}
	return t
}

// run returns the processor time of one of n runs.
func run(subject Subject, n int) Timing {
	clock, start := time.Now(), ProcessorTime()
	subject.Run(n)
	took, passed := ProcessorTime()-start, time.Since(clock)
	return Timing{Nanoseconds: float64(took) / float64(n), Busy: float64(passed) > busy*float64(took)}
}

// summarize sets the medians of the rounds.
func (r *Result) summarize() {
	list := slices.DeleteFunc(slices.Clone(r.Rounds), func(t Timing) bool { return t.Busy || t.Nanoseconds == 0 })
	if len(list) == 0 {
		list = slices.DeleteFunc(slices.Clone(r.Rounds), func(t Timing) bool { return t.Nanoseconds == 0 })
	}
	var times, processor []float64
	for _, t := range list {
		times, processor = append(times, t.Nanoseconds), append(processor, t.Processor)
	}
	r.Nanoseconds, r.Processor = median(times), median(processor)
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

// median returns 0 if there are no values.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}

// LastRelease is the peer whose results are those of Zeug at its last release. It is not compared.
const LastRelease = "last release"

// Medians returns one result for each case and peer, with the rounds of all results that have it.
func Medians(results []Result) (list []Result) {
	type key struct{ name, peer string }
	at, counts := map[key]int{}, map[key][]float64{}
	for _, r := range results {
		k := key{r.Case, r.Peer}
		if r.Rounds == nil { // from a release that printed the median alone
			r.Rounds = []Timing{{Nanoseconds: r.Nanoseconds}}
		}
		counts[k] = append(counts[k], r.Instructions)
		i, found := at[k]
		if !found {
			at[k] = len(list)
			list = append(list, r)
			continue
		}
		list[i].Rounds = append(list[i].Rounds, r.Rounds...)
	}
	for i, r := range list {
		list[i].summarize()
		list[i].Instructions = median(counts[key{r.Case, r.Peer}])
	}
	return list
}
