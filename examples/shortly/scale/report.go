//go:build unix

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// window is the time before a fault in which a click may come too late to survive it: the process
// that counted the click has failed, or the Redis that got it. The application sends clicks four
// times a second; the rest is the time that a flush may take on a busy machine.
const window = time.Second

// event is what was done to the system while the load ran.
type event struct {
	at, took time.Duration
	what     string
	instance string // the instance whose clicks can be lost; "": every instance
	lossy    bool   // clicks can be lost or counted twice
}

// Report is the outcome of a run.
type Report struct {
	Requests    int
	Lasted      time.Duration
	Failures    map[string]int // by the request and its response
	Slowest     time.Duration  // the slowest response
	SlowSecond  int            // the second with the worst mean, and that mean
	SlowMean    time.Duration
	Balance     map[string]int // responses by instance
	Links       int            // that a client got
	LinksLost   int            // of those
	Wrong       int            // redirects to another URL
	Followed    int            // redirects
	ClicksLost  int            // redirects without a click
	ClicksTwice int            // clicks without a redirect
	Bound       int            // how many clicks may be lost; as many may be counted twice
	Limited     string         // how many links the shared limit let through
	events      []event
}

// summarize computes the other fields from the observations.
func (r *Report) summarize(seen []observation, events []event, counted map[string]int) {
	r.events = events
	r.Failures, r.Balance = map[string]int{}, map[string]int{}
	type second struct {
		n     int
		total time.Duration
	}
	seconds := map[int]*second{}
	followed := map[string]int{}
	for _, o := range seen {
		r.Requests++
		r.Lasted = max(r.Lasted, o.at+o.took)
		r.Slowest = max(r.Slowest, o.took)
		if o.outcome != "ok" {
			r.Failures[o.kind+": "+o.outcome]++
		}
		if o.outcome == "wrong redirect" || o.outcome == "one id for two URLs" {
			r.Wrong++
		}
		if o.instance != "" {
			r.Balance[o.instance]++
		}
		s := seconds[int(o.at.Seconds())]
		if s == nil {
			s = &second{}
			seconds[int(o.at.Seconds())] = s
		}
		s.n++
		s.total += o.took
		if o.kind == "follow" && o.outcome == "ok" {
			r.Followed++
			followed[o.id]++
		}
	}
	for n, s := range seconds {
		if mean := s.total / time.Duration(s.n); mean > r.SlowMean {
			r.SlowSecond, r.SlowMean = n, mean
		}
	}
	for id, n := range followed {
		switch have := counted[id]; {
		case have < n:
			r.ClicksLost += n - have
		case have > n:
			r.ClicksTwice += have - n
		}
	}
	r.Bound = bound(seen, events)
}

// bound returns how many clicks the events may have cost.
func bound(seen []observation, events []event) int {
	n := 0
	for _, o := range seen {
		for _, e := range events {
			// Clicks wait while Redis is away, so the window begins before the fault and
			// ends with it.
			if e.lossy && o.kind == "follow" && (e.instance == "" || e.instance == o.instance || o.instance == "") &&
				o.at+o.took > e.at-window && o.at < e.at+window {
				n++
				break
			}
		}
	}
	return n
}

// write prints the table.
func (r *Report) write(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintf(t, "what was done\tat\ttook\n")
	for _, e := range r.events {
		fmt.Fprintf(t, "%s\t%.1f s\t%.1f s\n", e.what, e.at.Seconds(), e.took.Seconds())
	}
	fmt.Fprintf(t, "\nrequests\t%d in %.1f s\n", r.Requests, r.Lasted.Seconds())
	fmt.Fprintf(t, "failures\t%s\n", list(r.Failures))
	fmt.Fprintf(t, "slowest second\tnumber %d, %.1f ms a request\n", r.SlowSecond, milliseconds(r.SlowMean))
	fmt.Fprintf(t, "slowest request\t%.0f ms\n", milliseconds(r.Slowest))
	fmt.Fprintf(t, "links lost\t%d of %d\n", r.LinksLost, r.Links)
	fmt.Fprintf(t, "wrong redirects\t%d of %d\n", r.Wrong, r.Followed)
	fmt.Fprintf(t, "clicks lost\t%d of %d (at most %d)\n", r.ClicksLost, r.Followed, r.Bound)
	fmt.Fprintf(t, "clicks counted twice\t%d (at most %d)\n", r.ClicksTwice, r.Bound)
	fmt.Fprintf(t, "balance\t%s\n", list(r.Balance))
	fmt.Fprintf(t, "shared rate limit\t%s\n", r.Limited)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// list writes counts in the order of their names.
func list(counts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[name]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
